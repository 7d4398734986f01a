#!/usr/bin/env python3
"""Checks that cases.tsv is complete, and that it and security.md name tests that exist.

A row is: layer, source file of CPython, its class, its case (without `test_`), status, answer. The answer is

    ported   the tests of ours that check the same: `//events:handle_test HandleTest.X, //events:... ...`
    differs  the tests of what we do instead, then `: ` and what differs and why
    n/a      why there can be no such test
"""

import pathlib
import re
import unittest

HEADER = ["layer", "source", "class", "case", "status", "answer"]
STATUSES = ("ported", "differs", "n/a")
REFERENCE = re.compile(r"//([\w/]+):(\w+) (\w+)\.(\w+)")


def missing(reference, read):
    """What is wrong with the name of a test, or None; `read` gives the text of a file, or None."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        return f"no name of a test: {reference}"
    package, target, suite, test = match.groups()
    if f'name = "{target}"' not in (read(f"{package}/BUILD") or ""):
        return f"no target //{package}:{target}"
    source = read(f"{package}/test/{target}.cc") or ""
    if re.search(rf"^(TYPED_)?TEST(_F|_P)?\(\s*{suite},\s*{test}\)", source, re.MULTILINE) is None:
        return f"no test {suite}.{test} in {package}/test/{target}.cc"
    return None


def problems_of_answer(status, answer, read):
    if status == "n/a":
        return ["a test where a reason is due"] if REFERENCE.match(answer) else []
    tests, _, reason = answer.partition(": ")
    problems = [problem for test in tests.split(", ") if (problem := missing(test, read))]
    if status == "differs" and not reason.strip():
        problems.append("no reason")
    if status == "ported" and reason:
        problems.append("a reason where only tests are due")
    return problems


def problems_of(table, read):
    """Everything that is wrong with the table, as `line: words`."""
    problems, seen = [], set()
    for number, line in enumerate(table.splitlines(), start=1):
        cells = line.split("\t")
        if number == 1:
            found = [] if cells == HEADER else ["another header"]
        elif len(cells) != len(HEADER) or not all(cell.strip() for cell in cells):
            found = ["an empty or missing cell"]
        elif cells[4] not in STATUSES:
            found = [f"no status: {cells[4]}"]
        else:
            found = problems_of_answer(*cells[4:], read)
            if tuple(cells[1:4]) in seen:
                found.append("a case that was there before")
            seen.add(tuple(cells[1:4]))
        problems += [f"{number}: {problem}" for problem in found]
    return problems


def read_file(path):
    file = pathlib.Path(path)
    return file.read_text() if file.exists() else None


class Table(unittest.TestCase):

    def test_is_complete_and_true(self):
        problems = problems_of(pathlib.Path("conformance/cases.tsv").read_text(), read_file)
        self.assertEqual(problems, [], "\n" + "\n".join(problems))


class SecurityPage(unittest.TestCase):

    def test_names_tests_that_exist(self):
        page = pathlib.Path("docs/explanation/security.md").read_text()
        references = [match.group() for match in REFERENCE.finditer(page)]
        self.assertEqual([problem for name in references if (problem := missing(name, read_file))], [])
        self.assertEqual(len(references), page.count("//"))


class Checker(unittest.TestCase):

    FILES = {
        "events/BUILD": 'asyncio_test(\n    name = "handle_test",\n)',
        "events/test/handle_test.cc": "TEST_F(HandleTest, Runs) {}\nTEST_P(EveryTest,\n       Waits) {}\n",
    }
    RUNS = "//events:handle_test HandleTest.Runs"

    def problems(self, *rows, header=HEADER):
        table = "\n".join("\t".join(row) for row in (header, *rows))
        return problems_of(table, self.FILES.get)

    def row(self, status, answer, case="handle"):
        return ("events", "test_events.py", "HandleTests", case, status, answer)

    def expect(self, words, *rows):
        problems = self.problems(*rows)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(words, problems[0])

    def test_accepts_good_rows(self):
        rows = (
            self.row("ported", f"{self.RUNS}, //events:handle_test EveryTest.Waits", "one"),
            self.row("differs", f"{self.RUNS}: it runs: always", "two"),
            self.row("n/a", "C++ has none", "three"),
        )
        self.assertEqual(self.problems(*rows), [])

    def test_refuses_tests_that_do_not_exist(self):
        self.expect("no test HandleTest.Run ", self.row("ported", "//events:handle_test HandleTest.Run"))
        self.expect("no test OtherTest.Runs", self.row("ported", "//events:handle_test OtherTest.Runs"))
        self.expect("no target", self.row("ported", "//events:other_test HandleTest.Runs"))
        self.expect("no target", self.row("differs", "//other:handle_test HandleTest.Runs: why"))
        self.expect("no test", self.row("ported", f"{self.RUNS}, //events:handle_test EveryTest.Wait"))
        self.expect("no name of a test", self.row("ported", "HandleTest.Runs"))

    def test_refuses_reasons_that_are_missing_or_in_the_wrong_place(self):
        self.expect("no reason", self.row("differs", self.RUNS))
        self.expect("only tests are due", self.row("ported", f"{self.RUNS}: almost"))
        self.expect("a reason is due", self.row("n/a", self.RUNS))

    def test_refuses_rows_that_are_incomplete(self):
        self.expect("cell", self.row("n/a", ""))
        self.expect("cell", self.row("n/a", "C++ has none", " "))
        self.expect("cell", self.row("n/a", "C++ has none")[:5])
        self.expect("no status", self.row("skipped", "C++ has none"))

    def test_refuses_a_case_twice_and_another_header(self):
        row = self.row("n/a", "C++ has none")
        self.expect("there before", row, row)
        self.assertEqual(self.problems(header=HEADER[1:]), ["1: another header"])


if __name__ == "__main__":
    unittest.main()
