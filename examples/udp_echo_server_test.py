#!/usr/bin/env python3
"""Clients of the UDP echo server, python's and nc: `udp_echo_server_test.py SERVER`."""

import os
import socket
import subprocess
import sys
import unittest

import peer


class UdpEchoServerTest(peer.ListeningContract, unittest.TestCase):
    def client(self, server):
        family = socket.AF_INET6 if ":" in server.address[0] else socket.AF_INET
        client = socket.socket(family, socket.SOCK_DGRAM)
        client.settimeout(peer.PATIENCE)
        client.connect(server.address)
        return client

    def test_sends_back_datagrams_whole(self):
        for host in ["127.0.0.1", "::1"]:
            with self.start(f"--host={host}") as server, self.client(server) as client:
                for size in [0, 1, 1400, 9000, 60_000]:
                    sent = os.urandom(size)
                    client.send(sent)
                    self.assertEqual(client.recv(65536), sent)

    def test_answers_whoever_has_asked(self):
        with self.start() as server:
            clients = [self.client(server) for _ in range(100)]
            for round_number in range(10):
                for number, client in enumerate(clients):
                    client.send(f"{round_number} of {number}".encode())
                for number, client in enumerate(clients):
                    self.assertEqual(client.recv(100), f"{round_number} of {number}".encode())
            for client in clients:
                client.close()

    def test_outlives_clients_that_do_not_wait_for_their_answer(self):
        # The patient client has its port before the others have had theirs: what answers them does not
        # reach it.
        with self.start() as server, self.client(server) as patient:
            for _ in range(100):
                with self.client(server) as rude:
                    rude.send(b"hello")
            patient.send(b"still there?")
            self.assertEqual(patient.recv(100), b"still there?")

    def test_serves_nc(self):
        with self.start() as server:
            host, port = server.address
            with subprocess.Popen(
                ["nc", "-u", host, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as nc:
                nc.stdin.write("hello\n")
                nc.stdin.flush()
                self.assertEqual(nc.stdout.readline(), "hello\n")
                nc.terminate()


if __name__ == "__main__":
    UdpEchoServerTest.binary = sys.argv.pop()
    unittest.main()
