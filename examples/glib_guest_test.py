#!/usr/bin/env python3
"""Clients of the server inside GLib's main loop: `glib_guest_test.py SERVER`."""

import socket
import sys
import time
import unittest

import peer

# GLib has nothing to do meanwhile, so that whatever happens is the guest's doing.
QUIET = "--tick=1h"


class Client:
    """Says lines and hears answers."""

    def __init__(self, server):
        self._socket = socket.create_connection(server.address, timeout=peer.PATIENCE)
        self._lines = self._socket.makefile("r", newline="\n")

    def say(self, line):
        self._socket.sendall(line.encode() + b"\n")

    def hear(self):
        return self._lines.readline().rstrip("\n")

    def ask(self, line):
        self.say(line)
        return self.hear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lines.close()
        self._socket.close()


class GlibGuestTest(peer.ServerContract, unittest.TestCase):
    def test_serves_without_any_event_of_glib(self):
        with peer.Server(self.binary, QUIET) as server:
            clients = [Client(server) for _ in range(20)]
            for round in range(20):
                for number, client in enumerate(clients):
                    client.say(f"{number} {round}")
                for number, client in enumerate(clients):
                    self.assertEqual(client.hear(), f"{number} {round}")
            self.assertEqual(clients[0].ask("ticks"), "0")
            for client in clients:
                client.__exit__()

    def test_glib_ticks_on_while_clients_are_served(self):
        with peer.Server(self.binary, "--tick=2ms") as server:
            with Client(server) as busy:
                answers = 0
                while int(busy.ask("ticks")) < 50:
                    answers += 1
                self.assertGreater(answers, 0)

    def test_glib_ticks_on_while_clients_are_silent(self):
        with peer.Server(self.binary, "--tick=2ms") as server:
            with Client(server) as client:
                before = int(client.ask("ticks"))
                time.sleep(0.1)
                self.assertGreater(int(client.ask("ticks")), before)

    def test_a_callback_of_glib_wakes_a_coroutine(self):
        with peer.Server(self.binary, "--tick=2ms") as server:
            with Client(server) as client:
                ticks = [int(client.ask("next tick")) for _ in range(20)]
                self.assertEqual(ticks, sorted(set(ticks)))

    def test_a_timer_of_ours_fires_on_time(self):
        with peer.Server(self.binary, QUIET) as server:
            with Client(server) as client:
                start = time.monotonic()
                self.assertEqual(client.ask("sleep"), "slept")
                self.assertGreaterEqual(time.monotonic() - start, 0.02)

    def test_another_thread_wakes_glib(self):
        with peer.Server(self.binary, QUIET) as server:
            with Client(server) as client:
                for _ in range(20):
                    self.assertEqual(client.ask("thread"), "done")

    def test_ends_by_ctrl_c_although_somebody_waits_for_glib(self):
        with peer.Server(self.binary, QUIET) as server:
            with Client(server) as client:
                client.say("next tick")
                self.assertEqual(Client(server).ask("hello"), "hello")
                self.assertEqual(server.interrupt(), (0, "", ""))


if __name__ == "__main__":
    GlibGuestTest.binary = sys.argv.pop()
    unittest.main()
