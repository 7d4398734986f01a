#!/usr/bin/env python3
"""The README's program, as it stands there, on its port: `echo_test.py ECHO`."""

import signal
import socket
import subprocess
import sys
import time
import unittest

ADDRESS = ("127.0.0.1", 8888)


def connect(process):
    while process.poll() is None:
        try:
            return socket.create_connection(ADDRESS)
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise AssertionError(f"the server ended with status {process.returncode}")


class ReadmeTest(unittest.TestCase):
    def test_echoes_until_ctrl_c(self):
        try:
            socket.create_server(ADDRESS).close()
        except OSError:
            self.skipTest("the README's port is taken here: this test has no network of its own")
        with subprocess.Popen([self.binary]) as process:
            with connect(process) as client:
                client.sendall(b"hello\nworld")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.makefile("rb").read(), b"hello\nworld")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(), 0)


if __name__ == "__main__":
    ReadmeTest.binary = sys.argv.pop()
    unittest.main()
