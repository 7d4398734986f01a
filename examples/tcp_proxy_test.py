#!/usr/bin/env python3
"""The proxy between clients and servers written in Python: `tcp_proxy_test.py PROXY`."""

import os
import socket
import subprocess
import sys
import threading
import unittest

import peer

BLOCK = b"x" * (1 << 20)
MEBIBYTE = 1 << 20

# What sockets of this machine may buffer at most, in four of them, and some.
KERNEL_BUFFERS = 64 * MEBIBYTE


def fill(sender):
    """Sends until nothing is taken any more; how many bytes were."""
    sender.settimeout(1)
    count = 0
    try:
        while count < 10 * KERNEL_BUFFERS:
            count += sender.send(BLOCK)
    except TimeoutError:
        sender.settimeout(peer.PATIENCE)
    return count


def count_to_the_end(receiver):
    count = 0
    while data := receiver.recv(len(BLOCK)):
        count += len(data)
    return count


class TcpProxyTest(peer.ServerContract, unittest.TestCase):
    def setUp(self):
        self.target = socket.create_server(("127.0.0.1", 0))
        self.target.settimeout(peer.PATIENCE)
        self.addCleanup(self.target.close)
        self.arguments = (f"--to_port={self.target.getsockname()[1]}",)

    def join(self, proxy):
        """The two ends of a connection through the proxy."""
        client = socket.create_connection(proxy.address, timeout=peer.PATIENCE)
        server, _ = self.target.accept()
        server.settimeout(peer.PATIENCE)
        self.addCleanup(client.close)
        self.addCleanup(server.close)
        return client, server

    def test_passes_on_everything_and_the_end_of_each_direction(self):
        question, answer = os.urandom(3 * MEBIBYTE), os.urandom(5 * MEBIBYTE)
        with self.start() as proxy:
            client, server = self.join(proxy)

            def serve():
                with server.makefile("rb") as stream:
                    self.received = stream.read()
                server.sendall(answer)
                server.close()

            thread = threading.Thread(target=serve)
            thread.start()
            client.sendall(question)
            client.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as stream:
                self.assertEqual(stream.read(), answer)
            thread.join()
            self.assertEqual(self.received, question)

    def assert_bounded(self, proxy, sender, receiver):
        before = proxy.resident_bytes()
        sent = fill(sender)
        self.assertLess(sent, KERNEL_BUFFERS)
        self.assertLess(proxy.resident_bytes() - before, 4 * MEBIBYTE)
        sender.shutdown(socket.SHUT_WR)
        self.assertEqual(count_to_the_end(receiver), sent)

    def test_holds_little_while_the_client_does_not_read(self):
        with self.start() as proxy:
            client, server = self.join(proxy)
            self.assert_bounded(proxy, server, client)

    def test_holds_little_while_the_server_does_not_read(self):
        with self.start() as proxy:
            client, server = self.join(proxy)
            self.assert_bounded(proxy, client, server)

    def test_goes_on_in_one_direction_while_the_other_is_stuck(self):
        with self.start() as proxy:
            client, server = self.join(proxy)
            fill(server)
            client.sendall(b"are you well?")
            self.assertEqual(server.recv(100), b"are you well?")

    def test_when_one_end_breaks_off_the_other_is_closed(self):
        with self.start() as proxy:
            for number in range(2):
                ends = self.join(proxy)
                ends[0].sendall(b"?")
                self.assertEqual(ends[1].recv(1), b"?")
                ends[number].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                ends[number].close()
                self.assertEqual(ends[1 - number].recv(1), b"")

    def test_says_that_nobody_listens_where_it_should_pass_on_to(self):
        self.target.close()
        with self.start() as proxy:
            with socket.create_connection(proxy.address, timeout=peer.PATIENCE) as client:
                self.assertEqual(client.recv(1), b"")
            status, output, errors = proxy.interrupt()
            self.assertEqual((status, output), (0, ""))
            self.assertIn("Connection refused", errors)

    def test_passes_on_nc(self):
        with self.start() as proxy:
            host, port = proxy.address
            with subprocess.Popen(
                ["nc", "-N", host, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as nc:
                server, _ = self.target.accept()
                with server:
                    server.sendall(b"who is it?\n")
                    self.assertEqual(nc.stdout.readline(), b"who is it?\n")
                    nc.stdin.write(b"me\n")
                    nc.stdin.close()
                    self.assertEqual(server.recv(100), b"me\n")
                    self.assertEqual(server.recv(100), b"")


if __name__ == "__main__":
    TcpProxyTest.binary = sys.argv.pop()
    unittest.main()
