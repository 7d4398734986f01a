#!/usr/bin/env python3
"""Clients of the chat server, python's and nc: `chat_server_test.py SERVER`."""

import select
import socket
import subprocess
import sys
import unittest

import peer


class PythonClient:
    """Someone in the room."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, timeout=peer.PATIENCE)
        self._lines = self._socket.makefile("r", newline="\n")
        assert self._lines.read(len("name? ")) == "name? "

    def fileno(self):
        return self._socket.fileno()

    def say(self, line):
        self._socket.sendall(line.encode() + b"\n")

    def hear(self):
        return self._lines.readline().rstrip("\n")

    def leave(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._socket.close()


class NcClient:
    """The same with nc."""

    def __init__(self, address):
        host, port = address
        self._process = subprocess.Popen(
            ["nc", "-N", host, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout.read(len("name? ")) == "name? "

    def fileno(self):
        return self._process.stdout.fileno()

    def say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self):
        return self._process.stdout.readline().rstrip("\n")

    def leave(self):
        self._process.communicate(timeout=peer.PATIENCE)


class ChatServerTest(peer.ServerContract, unittest.TestCase):
    def join(self, name, client, others):
        """Enters the room; the others hear of it."""
        client.say(name)
        for other in others:
            self.assertEqual(other.hear(), f"* {name} joined")

    def join_first(self, name, client, other_name, other):
        """Two enter an empty room, in either order: who was first hears of the second."""
        client.say(name)
        other.say(other_name)
        ready, _, _ = select.select([client, other], [], [], peer.PATIENCE)
        self.assertEqual(
            ready[0].hear(), f"* {other_name if ready[0] is client else name} joined"
        )

    def test_passes_lines_on(self):
        with peer.Server(self.binary) as server:
            ada = PythonClient(server.address)
            bob = NcClient(server.address)
            self.join_first("ada", ada, "bob", bob)
            eve = PythonClient(server.address)
            self.join("eve", eve, [ada, bob])
            dan = PythonClient(server.address)
            self.join("dan", dan, [ada, bob, eve])

            ada.say("hello, everybody")
            for client in [bob, eve, dan]:
                self.assertEqual(client.hear(), "ada: hello, everybody")
            bob.say("hello, ada")
            for client in [ada, eve, dan]:
                self.assertEqual(client.hear(), "bob: hello, ada")

            bob.leave()
            for client in [ada, eve, dan]:
                self.assertEqual(client.hear(), "* bob left")
            eve.say("is he gone?")
            for client in [ada, dan]:
                self.assertEqual(client.hear(), "eve: is he gone?")
            for client in [ada, eve, dan]:
                client.leave()

    def test_survives_who_leaves_without_a_name(self):
        with peer.Server(self.binary) as server:
            PythonClient(server.address).leave()
            ada = PythonClient(server.address)
            ada.leave()


if __name__ == "__main__":
    ChatServerTest.binary = sys.argv.pop()
    unittest.main()
