#!/usr/bin/env python3
"""Many clients at once against an echo server: `echo_test.py SERVER CLIENTS BYTES_PER_CLIENT`."""

import hashlib
import os
import selectors
import socket
import subprocess
import sys
import unittest

import peer

BLOCK = 256 * 1024


class Client:
    """Sends its payload and hashes what comes back."""

    def __init__(self, address, payload):
        self.socket = socket.create_connection(address, timeout=peer.PATIENCE)
        self.unsent = memoryview(payload)
        self.sent = hashlib.sha256(payload).digest()
        self.received = hashlib.sha256()
        self.count = 0

    def say_hello(self):
        self.socket.sendall(b"h")

    def hear_hello(self):
        return self.socket.recv(1) == b"h"

    def send(self):
        """Whether everything is sent."""
        count = self.socket.send(self.unsent[:BLOCK])
        self.unsent = self.unsent[count:]
        if not self.unsent:
            self.socket.shutdown(socket.SHUT_WR)
        return not self.unsent

    def receive(self, buffer):
        """Whether everything is received."""
        count = self.socket.recv_into(buffer)
        self.received.update(buffer[:count])
        self.count += count
        return count == 0


def run_to_the_end(clients):
    """Lets all clients send and receive at the same time."""
    buffer = memoryview(bytearray(BLOCK))
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.socket.setblocking(False)
            selector.register(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
        left = len(clients)
        while left > 0:
            ready = selector.select(timeout=peer.PATIENCE)
            if not ready:
                raise AssertionError(f"the server is stuck, {left} clients are waiting")
            for key, events in ready:
                if events & selectors.EVENT_WRITE and key.data.send():
                    selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
                if events & selectors.EVENT_READ and key.data.receive(buffer):
                    selector.unregister(key.fileobj)
                    left -= 1


class EchoTest(peer.ServerContract, unittest.TestCase):
    def setUp(self):
        peer.raise_descriptor_limit(2 * self.clients)

    def test_loses_and_reorders_nothing(self):
        step = 1009  # each client sends another part of the noise
        noise = os.urandom(self.size + step * self.clients)
        with peer.Server(self.binary) as server:
            clients = [
                Client(server.address, noise[i * step : i * step + self.size])
                for i in range(self.clients)
            ]
            for client in clients:
                client.say_hello()
            self.assertTrue(all(client.hear_hello() for client in clients))
            run_to_the_end(clients)
            for number, client in enumerate(clients):
                self.assertEqual(client.count, self.size, f"client {number}")
                self.assertEqual(client.received.digest(), client.sent, f"client {number}")
                client.socket.close()

    def test_serves_nc(self):
        text = "one\ntwo\n" * 1000
        with peer.Server(self.binary) as server:
            host, port = server.address
            command = ["nc", "-N", host, str(port)]
            nc = subprocess.run(
                command, input=text, capture_output=True, text=True, timeout=peer.PATIENCE
            )
            self.assertEqual((nc.returncode, nc.stdout), (0, text))

    def test_ends_by_ctrl_c_although_a_client_does_not_read(self):
        with peer.Server(self.binary) as server:
            with socket.create_connection(server.address, timeout=0.5) as client:
                with self.assertRaises(TimeoutError):
                    while True:
                        client.sendall(b"x" * BLOCK)
                status, _, _ = server.interrupt()
                self.assertEqual(status, 0)

    def test_outlives_a_client_that_resets_its_connection(self):
        with peer.Server(self.binary) as server:
            rude = socket.create_connection(server.address)
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            rude.sendall(b"x")
            self.assertEqual(rude.recv(1), b"x")
            rude.close()
            with socket.create_connection(server.address, timeout=peer.PATIENCE) as client:
                client.sendall(b"hello")
                self.assertEqual(client.recv(5), b"hello")
            status, _, _ = server.interrupt()
            self.assertEqual(status, 0)


if __name__ == "__main__":
    EchoTest.size = int(sys.argv.pop())
    EchoTest.clients = int(sys.argv.pop())
    EchoTest.binary = sys.argv.pop()
    unittest.main()
