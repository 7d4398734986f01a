#!/usr/bin/env python3
"""The client against servers written in Python: `tcp_client_test.py TCP_CLIENT`."""

import signal
import socket
import subprocess
import sys
import threading
import unittest

import peer


class TcpClientTest(unittest.TestCase):
    def run_client(self, port, *lines):
        return subprocess.run(
            [self.binary, f"--port={port}", *lines], capture_output=True, text=True, timeout=peer.PATIENCE
        )

    def test_prints_what_the_server_answers(self):
        def shout():
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    connection.sendall(line.upper())
                connection.sendall(b"BYE\n")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = threading.Thread(target=shout)
            server.start()
            client = self.run_client(listener.getsockname()[1], "hello", "two words")
            server.join()
        self.assertEqual(client.returncode, 0, client.stderr)
        self.assertEqual(client.stdout, "HELLO\nTWO WORDS\nBYE\n")

    def test_receives_a_mebibyte(self):
        text = "0123456789abcde\n" * 65536

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(text.encode())
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = threading.Thread(target=answer)
            server.start()
            client = self.run_client(listener.getsockname()[1])
            server.join()
        self.assertEqual(client.returncode, 0, client.stderr)
        self.assertEqual(client.stdout, text)

    def test_says_that_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        client = self.run_client(port)
        self.assertEqual((client.returncode, client.stdout), (1, ""))
        self.assertIn(f"127.0.0.1:{port}", client.stderr)
        self.assertIn("Connection refused", client.stderr)

    def test_says_that_there_is_no_such_host(self):
        client = self.run_client(1, "--host=" + "x" * 300)
        self.assertEqual((client.returncode, client.stdout), (1, ""))
        self.assertIn("cannot resolve 'xxx", client.stderr)

    def test_ends_by_ctrl_c(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            client = subprocess.Popen([self.binary, f"--port={port}", "hello"], stderr=subprocess.PIPE)
            connection, _ = listener.accept()
            with connection:
                self.assertEqual(connection.recv(100), b"hello\n")
                client.send_signal(signal.SIGINT)
                _, errors = client.communicate(timeout=peer.PATIENCE)
                self.assertEqual((client.returncode, errors), (128 + signal.SIGINT, b""))


if __name__ == "__main__":
    TcpClientTest.binary = sys.argv.pop()
    unittest.main()
