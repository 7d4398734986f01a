#!/usr/bin/env python3
"""Callers of the RPC server, python's and nc: `unix_rpc_server_test.py SERVER`."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

import peer


class UnixRpcServerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir="/tmp")  # paths of sockets are short
        self.addCleanup(folder.cleanup)
        self.path = folder.name + "/rpc.sock"

    def start(self):
        server = peer.Program(self.binary, f"--path={self.path}")
        self.assertEqual(server.place, self.path)
        return server

    def caller(self):
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(peer.PATIENCE)
        caller.connect(self.path)
        self.addCleanup(caller.close)
        return caller.makefile("rw")

    def call(self, caller, line):
        caller.write(line + "\n")
        caller.flush()
        return caller.readline().rstrip("\n")

    def test_answers_calls(self):
        with self.start():
            caller = self.caller()
            self.assertEqual(self.call(caller, "add 40 2"), "ok 42")
            self.assertEqual(self.call(caller, "add"), "ok 0")
            self.assertEqual(self.call(caller, "nap 1ms"), "ok slept")

    def test_says_what_is_wrong_with_a_call(self):
        with self.start():
            caller = self.caller()
            self.assertEqual(self.call(caller, "add one"), "error not a number: one")
            self.assertEqual(self.call(caller, f"add {2**63 - 1} 1"), "error too large")
            self.assertEqual(self.call(caller, "nap"), "error how long? nap 1.5s")
            self.assertEqual(self.call(caller, "fly home"), "error no such method: fly")
            self.assertEqual(self.call(caller, ""), "error no such method: ")
            self.assertEqual(self.call(caller, "add 1 2"), "ok 3")

    def test_knows_who_calls(self):
        with self.start():
            me = f"ok process {os.getpid()} user {os.getuid()} group {os.getgid()}"
            self.assertEqual(self.call(self.caller(), "whoami"), me)

    def test_answers_others_while_one_waits(self):
        with self.start():
            sleeper = self.caller()
            sleeper.write("nap 1000h\n")
            sleeper.flush()
            self.assertEqual(self.call(self.caller(), "add 1 1"), "ok 2")

    def test_answers_many_calls_that_came_at_once(self):
        with self.start():
            answers = subprocess.run(
                ["nc", "-N", "-U", self.path],
                input="".join(f"add {number} 1\n" for number in range(1000)),
                capture_output=True,
                text=True,
                timeout=peer.PATIENCE,
            )
            self.assertEqual(answers.stdout, "".join(f"ok {number + 1}\n" for number in range(1000)))

    def test_refuses_an_endless_line(self):
        with self.start():
            self.assertEqual(self.call(self.caller(), "x" * 100_000), "error too long a line")

    def test_lets_nobody_else_in_and_leaves_nothing_behind(self):
        with self.start():
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.assertFalse(os.path.exists(self.path))

    def test_says_why_it_cannot_listen(self):
        path = os.path.dirname(self.path) + "/nowhere/rpc.sock"
        server = subprocess.run(
            [self.binary, f"--path={path}"], capture_output=True, text=True, timeout=peer.PATIENCE
        )
        self.assertEqual((server.returncode, server.stdout), (1, ""))
        self.assertIn(path, server.stderr)
        self.assertIn("No such file or directory", server.stderr)


if __name__ == "__main__":
    UnixRpcServerTest.binary = sys.argv.pop()
    unittest.main()
