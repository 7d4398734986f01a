"""Runs an example as its user does: by its command line, what it prints, and Ctrl-C."""

import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import time

# Long enough for the slowest build on a busy machine; nothing waits for it when all is well.
PATIENCE = 120


def closed_or_pipe(link):
    """Whether a descriptor of another process is a pipe, or has been closed meanwhile."""
    try:
        return os.readlink(link).startswith("pipe:")
    except FileNotFoundError:
        return True


def raise_descriptor_limit(wanted):
    """Lets this process, and those it starts, open `wanted` descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise AssertionError(f"{wanted} descriptors are needed, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def wait_until(condition):
    """Looks again and again until `condition()` holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        time.sleep(0.001)


class Program:
    """An example that runs until Ctrl-C, for the time of a `with`; leaving it presses Ctrl-C."""

    def __init__(self, binary, *arguments):
        self._process = subprocess.Popen(
            [binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        first_line = self._process.stdout.readline()
        match = re.fullmatch(r"listening on (.+)\n", first_line)
        if match is None:
            _, errors = self._process.communicate(timeout=PATIENCE)
            raise AssertionError(f"unexpected first line {first_line!r}; standard error: {errors}")
        self.place = match[1]

    def descriptors(self):
        """How many descriptors the server has open, but for pipes: ThreadSanitizer opens some for its symbolizer."""
        folder = pathlib.Path(f"/proc/{self._process.pid}/fd")
        return sum(not closed_or_pipe(link) for link in folder.iterdir())

    def resident_bytes(self):
        """How much memory the server has."""
        with open(f"/proc/{self._process.pid}/statm") as numbers:
            return int(numbers.read().split()[1]) * resource.getpagesize()

    def interrupt(self):
        """Presses Ctrl-C and waits; the exit status, and what was printed after the first line."""
        self._process.send_signal(signal.SIGINT)
        output, errors = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, output, errors

    def __enter__(self):
        return self

    def __exit__(self, error_type, error, traceback):
        if self._process.poll() is not None and self._process.stdout.closed:
            return
        try:
            status, output, errors = self.interrupt()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        if error is None and (status, output, errors) != (0, "", ""):
            raise AssertionError(f"Ctrl-C: exit status {status}, output {output!r}, errors {errors!r}")


class Server(Program):
    """An example server on a free port."""

    def __init__(self, binary, *arguments):
        super().__init__(binary, "--port=0", *arguments)
        host, _, port = self.place.rpartition(":")
        self.address = (host.strip("[]"), int(port))


class ListeningContract:
    """What everything that listens promises. Mixed into a TestCase that sets `binary`."""

    arguments = ()

    def start(self, *arguments):
        return Server(self.binary, *self.arguments, *arguments)

    def test_tells_a_free_port_and_ends_by_ctrl_c(self):
        with self.start() as server:
            host, port = server.address
            self.assertEqual(host, "127.0.0.1")
            self.assertGreater(port, 0)
            self.assertEqual(server.interrupt(), (0, "", ""))

    def test_listens_on_ipv6(self):
        with self.start("--host=::1") as server:
            self.assertEqual(server.address[0], "::1")

    def test_says_that_the_port_is_in_use(self):
        with self.start() as server:
            host, port = server.address
            second = subprocess.run(
                [self.binary, *self.arguments, f"--port={port}"],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            self.assertEqual(second.returncode, 1)
            self.assertEqual(second.stdout, "")
            self.assertIn(f"{host}:{port}", second.stderr)
            self.assertIn("Address already in use", second.stderr)


class ServerContract(ListeningContract):
    """What every server of streams promises."""

    def test_says_nothing_of_a_client_that_resets(self):
        with self.start() as server:
            idle = server.descriptors()
            with socket.create_connection(server.address) as client:
                wait_until(lambda: server.descriptors() > idle)
                client.sendall(b"half a line")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wait_until(lambda: server.descriptors() == idle)
            self.assertEqual(server.interrupt(), (0, "", ""))

    def test_ends_by_ctrl_c_while_clients_are_idle(self):
        with self.start() as server:
            with socket.create_connection(server.address) as client:
                self.assertEqual(server.interrupt(), (0, "", ""))
                while client.recv(4096):
                    pass
