#!/usr/bin/env python3
"""Clients of the file server, python's and nc: `file_server_test.py SERVER`."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import peer


class FileServerTest(peer.ServerContract, unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.outside = pathlib.Path(folder.name)
        self.root = self.outside / "root"
        self.root.mkdir()
        self.arguments = (f"--root={self.root}",)
        (self.outside / "secret").write_text("secret")

    def client(self, server):
        client = socket.create_connection(server.address, timeout=peer.PATIENCE)
        self.addCleanup(client.close)
        stream = client.makefile("rwb")
        self.addCleanup(stream.close)
        return stream

    def ask(self, client, path):
        client.write(path.encode() + b"\n")
        client.flush()
        return client.readline()

    def fetch(self, client, path):
        size, unit = self.ask(client, path).split()
        self.assertEqual(unit, b"bytes")
        return client.read(int(size))

    def test_sends_files_of_every_size_through_one_connection(self):
        with self.start() as server:
            client = self.client(server)
            for size in [0, 1, 4096, 100_000, 10_000_000]:
                content = os.urandom(size)
                (self.root / f"file {size}").write_bytes(content)
                self.assertEqual(self.fetch(client, f"file {size}"), content)

    def test_answers_requests_that_came_at_once_in_order(self):
        (self.root / "one").write_bytes(b"1" * 300_000)
        (self.root / "two").write_bytes(b"2" * 300_000)
        with self.start() as server:
            host, port = server.address
            answer = subprocess.run(
                ["nc", "-N", host, str(port)],
                input=b"one\nnone\ntwo\n" * 10,
                capture_output=True,
                timeout=peer.PATIENCE,
            )
            expected = b"300000 bytes\n" + b"1" * 300_000 + b"no such file\n"
            expected += b"300000 bytes\n" + b"2" * 300_000
            self.assertTrue(answer.stdout == expected * 10)

    def test_sends_to_many_at_once(self):
        content = os.urandom(1_000_000)
        (self.root / "file").write_bytes(content)
        with self.start() as server:
            equal = []
            threads = [
                threading.Thread(
                    target=lambda: equal.append(self.fetch(self.client(server), "file") == content)
                )
                for _ in range(50)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(equal, [True] * 50)

    def test_sends_nothing_that_is_not_a_file_of_the_folder(self):
        (self.root / "folder").mkdir()
        (self.root / "link").symlink_to("../secret")
        (self.root / "absolute link").symlink_to(self.outside / "secret")
        os.mkfifo(self.root / "pipe")
        with self.start() as server:
            client = self.client(server)
            for path in [
                *["", ".", "..", "folder", "none", "none/none", "../secret", "folder/../../secret"],
                *["/etc/passwd", "link", "absolute link", "pipe", "x" * 1000, "../secret\0", "\0"],
            ]:
                self.assertEqual(self.ask(client, path), b"no such file\n", path)

    def test_follows_links_inside_the_folder(self):
        (self.root / "folder").mkdir()
        (self.root / "file").write_text("text")
        (self.root / "folder" / "link").symlink_to("../file")
        with self.start() as server:
            client = self.client(server)
            self.assertEqual(self.fetch(client, "folder/link"), b"text")
            self.assertEqual(self.fetch(client, "folder/../file"), b"text")

    def test_refuses_an_endless_line(self):
        with self.start() as server:
            self.assertEqual(self.ask(self.client(server), "x" * 100_000), b"too long a line\n")

    def test_ends_by_ctrl_c_in_the_middle_of_a_file(self):
        with open(self.root / "file", "wb") as file:
            file.truncate(1 << 30)
        with self.start() as server:
            client = self.client(server)
            self.assertEqual(self.ask(client, "file"), b"1073741824 bytes\n")
            self.assertEqual(server.interrupt(), (0, "", ""))

    def test_closes_the_files_of_clients_that_go(self):
        with open(self.root / "file", "wb") as file:
            file.truncate(1 << 30)
        with self.start() as server:
            idle = server.descriptors()
            for _ in range(10):
                with socket.create_connection(server.address, timeout=peer.PATIENCE) as client:
                    client.sendall(b"file\n")
                    self.assertEqual(client.recv(10), b"1073741824")
            peer.wait_until(lambda: server.descriptors() == idle)

    def test_says_that_there_is_no_such_folder(self):
        server = subprocess.run(
            [self.binary, f"--root={self.root}/none", "--port=0"],
            capture_output=True,
            text=True,
            timeout=peer.PATIENCE,
        )
        self.assertEqual((server.returncode, server.stdout), (1, ""))
        self.assertIn("root/none", server.stderr)


if __name__ == "__main__":
    FileServerTest.binary = sys.argv.pop()
    unittest.main()
