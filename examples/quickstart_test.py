#!/usr/bin/env python3
"""What the quickstart prints: `quickstart_test.py QUICKSTART`."""

import subprocess
import sys
import unittest

import peer


class QuickstartTest(unittest.TestCase):
    def test_prints_what_happened(self):
        result = subprocess.run([self.binary], capture_output=True, text=True, timeout=peer.PATIENCE)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(
            result.stdout,
            r"\Aecho server on port \d+\n"
            r"100 clients sent 5000 lines, 5000 came back\n"
            r"a client that waited in vain was cancelled after 100 ms\n"
            r"server closed\n\Z",
        )


if __name__ == "__main__":
    QuickstartTest.binary = sys.argv.pop()
    unittest.main()
