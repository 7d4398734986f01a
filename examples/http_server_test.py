#!/usr/bin/env python3
"""Clients of the HTTP server, python's and curl: `http_server_test.py SERVER`."""

import asyncio
import email.utils
import http.client
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import peer

# The load: connections at once, and requests on each.
CONNECTIONS = 200
REQUESTS = 40


class HttpServerTest(peer.ServerContract, unittest.TestCase):
    def setUp(self):
        peer.raise_descriptor_limit(2 * CONNECTIONS + 100)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.outside = pathlib.Path(folder.name)
        (self.outside / "secret").write_text("secret")
        self.root = self.outside / "root"
        self.root.mkdir()
        (self.root / "digits.txt").write_text("0123456789")
        (self.root / "index.html").write_text("<p>home")
        self.arguments = (f"--root={self.root}",)

    def connect(self, server):
        connection = http.client.HTTPConnection(*server.address, timeout=peer.PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection, path, method="GET", **fields):
        """Status, body and fields of an answer."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def talk(self, server, text):
        """All that is answered to these bytes until the server closes."""
        with socket.create_connection(server.address, timeout=peer.PATIENCE) as client:
            client.sendall(text)
            with client.makefile("rb") as stream:
                return stream.read()

    def rest(self, client):
        """All that still comes, whether the server closes or breaks off."""
        blocks = []
        try:
            while block := client.recv(1 << 20):
                blocks.append(block)
        except ConnectionResetError:
            pass
        return b"".join(blocks)

    def curl(self, server, path, *arguments):
        host, port = server.address
        command = ["curl", "-sS", "--path-as-is", *arguments, f"http://{host}:{port}{path}"]
        return subprocess.run(command, capture_output=True, timeout=peer.PATIENCE, check=True).stdout

    # What is sent.

    def test_sends_files_of_every_size_over_one_connection(self):
        with self.start() as server:
            connection = self.connect(server)
            for size in [0, 1, 1000, 100_000, 10_000_000]:
                content = os.urandom(size)
                (self.root / "file").write_bytes(content)
                status, body, fields = self.ask(connection, "/file")
                self.assertEqual((status, body == content), (200, True))
                self.assertEqual(fields["Content-Length"], str(size))
                self.assertEqual(fields["Connection"], "keep-alive")

    def test_head_is_get_without_the_body(self):
        with self.start() as server:
            connection = self.connect(server)
            _, _, of_get = self.ask(connection, "/digits.txt")
            status, body, of_head = self.ask(connection, "/digits.txt", "HEAD")
            self.assertEqual((status, body), (200, b""))
            del of_get["Date"], of_head["Date"]
            self.assertEqual(of_get.items(), of_head.items())
            self.assertEqual(self.ask(connection, "/none", "HEAD")[:2], (404, b""))

    def test_a_folder_is_its_index(self):
        (self.root / "empty").mkdir()
        with self.start() as server:
            connection = self.connect(server)
            status, body, fields = self.ask(connection, "/")
            self.assertEqual((status, body), (200, b"<p>home"))
            self.assertEqual(fields["Content-Type"], "text/html; charset=utf-8")
            self.assertEqual(self.ask(connection, "/empty/")[0], 404)
            self.assertEqual(self.ask(connection, "/empty")[0], 404)

    def test_tells_the_type(self):
        types = {"a.css": "text/css; charset=utf-8", "b.PNG": "image/png", "c": "application/octet-stream"}
        with self.start() as server:
            connection = self.connect(server)
            for name, type_name in types.items():
                (self.root / name).touch()
                self.assertEqual(self.ask(connection, "/" + name)[2]["Content-Type"], type_name)

    def test_decodes_paths_and_ignores_queries(self):
        (self.root / "ä b?c").write_text("odd")
        with self.start() as server:
            self.assertEqual(self.ask(self.connect(server), "/%C3%a4%20b%3Fc?d=e")[:2], (200, b"odd"))

    # Ranges and conditions.

    def test_sends_the_range_that_is_wanted(self):
        with self.start() as server:
            connection = self.connect(server)
            for wanted, part in {"2-5": b"2345", "7-": b"789", "-2": b"89", "5-99": b"56789"}.items():
                status, body, fields = self.ask(connection, "/digits.txt", Range="bytes=" + wanted)
                self.assertEqual((status, body), (206, part))
                first = part[0] - ord("0")
                last = first + len(part) - 1
                self.assertEqual(fields["Content-Range"], f"bytes {first}-{last}/10")

    def test_says_how_long_a_file_is_that_has_no_such_range(self):
        with self.start() as server:
            status, _, fields = self.ask(self.connect(server), "/digits.txt", Range="bytes=10-")
            self.assertEqual((status, fields["Content-Range"]), (416, "bytes */10"))

    def test_sends_all_if_the_range_is_not_understood_or_of_another_version(self):
        with self.start() as server:
            connection = self.connect(server)
            for fields in [
                {"Range": "bytes=1-2,4-5"},
                {"Range": "lines=1-2"},
                {"Range": "bytes=1-2", "If_Range": '"another"'},
            ]:
                self.assertEqual(self.ask(connection, "/digits.txt", **fields)[:2], (200, b"0123456789"))

    def test_does_not_send_what_the_client_has(self):
        with self.start() as server:
            connection = self.connect(server)
            _, _, fields = self.ask(connection, "/digits.txt")
            tag, modified = fields["ETag"], fields["Last-Modified"]
            older = email.utils.formatdate(
                email.utils.parsedate_to_datetime(modified).timestamp() - 1, usegmt=True
            )
            for condition, expected in [
                ({"If_None_Match": tag}, 304),
                ({"If_None_Match": f'"x", W/{tag}'}, 304),
                ({"If_None_Match": '"x"', "If_Modified_Since": modified}, 200),
                ({"If_Modified_Since": modified}, 304),
                ({"If_Modified_Since": older}, 200),
                ({"If_Modified_Since": "yesterday"}, 200),
                ({"If_Range": tag, "Range": "bytes=1-1"}, 206),
            ]:
                status, body, _ = self.ask(connection, "/digits.txt", **condition)
                self.assertEqual(status, expected, condition)
                self.assertEqual(body == b"", status == 304)

    # What is refused.

    def test_leads_nobody_out_of_the_folder(self):
        (self.root / "link").symlink_to("../secret")
        (self.root / "folder link").symlink_to("..")
        os.mkfifo(self.root / "pipe")
        with self.start() as server:
            for path in [
                *["/../secret", "/%2e%2e/secret", "/%2E%2E%2Fsecret", "/..%2fsecret", "//../secret"],
                *[f"/{self.outside}/secret", "/link", "/folder%20link/secret", "/pipe", "/%00"],
                *["/digits.txt%00.html", "/..%c0%afsecret", "/digits.txt/", "/" + "x" * 5000],
            ]:
                status = self.curl(server, path, "-o", "/dev/null", "-w", "%{http_code}")
                self.assertEqual(status, b"404", path)

    def test_refuses_other_methods_and_what_is_no_http(self):
        with self.start() as server:
            status, _, fields = self.ask(self.connect(server), "/digits.txt", "DELETE")
            self.assertEqual((status, fields["Allow"]), (405, "GET, HEAD"))
            for text, status_line in {
                b"GET /\r\n\r\n": b"400 Bad Request",
                b"GET / HTTP/1.1\r\n\r\n": b"400 Bad Request",
                b"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n": b"400 Bad Request",
                b"GET / HTTP/3.0\r\nHost: h\r\n\r\n": b"505 HTTP Version Not Supported",
                b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000: b"431 Request Header Fields Too Large",
            }.items():
                answer = self.talk(server, text)
                self.assertTrue(answer.startswith(b"HTTP/1.1 " + status_line), answer)
                self.assertIn(b"\r\nConnection: close\r\n", answer)

    def test_does_not_take_a_body_for_a_request(self):
        smuggled = b"GET /index.html HTTP/1.1\r\nHost: h\r\n\r\n"
        length = f"Content-Length: {len(smuggled)}\r\n\r\n".encode()
        with self.start() as server:
            answer = self.talk(server, b"GET /digits.txt HTTP/1.1\r\nHost: h\r\n" + length + smuggled)
            self.assertTrue(answer.endswith(b"0123456789"), answer)

    # Connections.

    def test_answers_pipelined_requests_in_order(self):
        (self.root / "big").write_bytes(b"x" * 1_000_000)
        with self.start() as server:
            lines = "".join(
                f"GET /{name} HTTP/1.1\r\nHost: h\r\n\r\n" for name in ["digits.txt", "none", "big"] * 10
            )
            last = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            answers = self.talk(server, (lines + last).encode())
            bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers.split(b"HTTP/1.1 ")[1:]]
            expected = [b"0123456789", b"404 Not Found\n", b"x" * 1_000_000] * 10 + [b"<p>home"]
            self.assertTrue(bodies == expected)

    def test_closes_when_the_client_wants_it(self):
        with self.start() as server:
            for request in [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"]:
                self.assertTrue(self.talk(server, request).endswith(b"<p>home"))

    def test_serves_curl(self):
        with self.start() as server:
            self.assertEqual(self.curl(server, "/digits.txt"), b"0123456789")
            self.assertEqual(self.curl(server, "/digits.txt", "-r", "3-4"), b"34")
            self.assertEqual(self.curl(server, "/digits.txt", "-d", "body", "-o", "-")[:3], b"405")
            twice = self.curl(server, "/digits.txt", "-w", "%{num_connects}", f"http://{server.place}/")
            self.assertEqual(twice, b"<p>home101234567890")

    def test_hangs_up_on_who_is_slow_to_ask(self):
        with self.start("--patience=500ms") as server:
            for beginning in [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: h\r\n"]:
                self.assertEqual(self.talk(server, beginning), b"")

    def test_drops_who_takes_nothing(self):
        with open(self.root / "big", "wb") as file:
            file.truncate(1 << 30)
        with self.start("--patience=500ms") as server:
            idle = server.descriptors()
            with socket.create_connection(server.address, timeout=peer.PATIENCE) as client:
                client.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(client.recv(8), b"HTTP/1.1")
                peer.wait_until(lambda: server.descriptors() == idle)

    def test_goes_on_sending_to_who_takes_little_by_little(self):
        size = 64 << 20
        with open(self.root / "big", "wb") as file:
            file.truncate(size)
        with self.start("--patience=1s") as server:
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            client.settimeout(peer.PATIENCE)
            client.connect(server.address)
            with client:
                client.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                count = 0
                deadline = time.monotonic() + 4
                while data := client.recv(1 << 20):
                    count += len(data)
                    if time.monotonic() < deadline:
                        time.sleep(0.05)  # a slow client
                self.assertGreater(count, size)

    def test_hangs_up_when_a_file_becomes_shorter_than_promised(self):
        with open(self.root / "big", "wb") as file:
            file.truncate(1 << 30)
        with self.start() as server:
            with socket.create_connection(server.address, timeout=peer.PATIENCE) as client:
                client.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(client.recv(8), b"HTTP/1.1")
                os.truncate(self.root / "big", 0)
                rest = self.rest(client)
                self.assertLess(len(rest), 1 << 30)
                self.assertNotIn(b"HTTP/1.1", rest)

    def test_answers_many_connections_at_once(self):
        files = {f"/file{number}": os.urandom(3000 * number) for number in range(10)}
        for path, content in files.items():
            (self.root / path[1:]).write_bytes(content)

        async def client(address, number):
            reader, writer = await asyncio.open_connection(*address)
            for step in range(REQUESTS):
                path = f"/file{(number + step) % len(files)}"
                writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                self.assertTrue(head.startswith(b"HTTP/1.1 200 OK\r\n"), head)
                size = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                self.assertTrue(await reader.readexactly(size) == files[path])
            writer.close()

        async def all_clients(address):
            await asyncio.gather(*(client(address, number) for number in range(CONNECTIONS)))

        with self.start() as server:
            idle = server.descriptors()
            began = time.monotonic()
            asyncio.run(all_clients(server.address))
            took = time.monotonic() - began
            print(f"{CONNECTIONS * REQUESTS / took:.0f} requests per second", file=sys.stderr)
            peer.wait_until(lambda: server.descriptors() == idle)


if __name__ == "__main__":
    HttpServerTest.binary = sys.argv.pop()
    unittest.main()
