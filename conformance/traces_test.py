#!/usr/bin/env python3
"""Compares what our scenarios do with what CPython did; differences.tsv has what shall differ."""

import pathlib
import subprocess
import unittest

HERE = pathlib.Path("conformance")
HEADER = "scenario\treason"


def scenarios_of(text):
    """The lines of each scenario of one topic."""
    found = {}
    for line in text.splitlines():
        if line.startswith(" "):
            found[name].append(line)
        else:
            name = line
            if name in found:
                raise ValueError(f"a scenario twice: {name}")
            found[name] = []
    return found


def recorded():
    """CPython's scenarios as {topic/name: lines}."""
    traces = {}
    for file in HERE.glob("traces/**/*.txt"):
        topic = file.relative_to(HERE / "traces").with_suffix("")
        _, _, text = file.read_text().partition("\n\n")
        traces.update({f"{topic}/{name}": lines for name, lines in scenarios_of(text).items()})
    return traces


def ours():
    """The same of our program."""

    def output(*arguments):
        program = [HERE / "play_scenarios", *arguments]
        return subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True).stdout

    return {f"{topic}/{name}": lines
            for topic in output().split()
            for name, lines in scenarios_of(output(topic)).items()}


def differences_of(table):
    header, *rows = table.splitlines()
    if header != HEADER:
        raise ValueError("another header")
    return dict(row.split("\t") for row in rows)


def disagreements(theirs, ours, differing):
    """Everything that is not as the traces and the table say."""
    found = []
    for name in sorted({*theirs, *ours, *differing}):
        if name not in theirs:
            found.append(f"{name}: never recorded")
        elif name not in ours:
            found.append(f"{name}: not written in C++")
        elif name in differing:
            if theirs[name] == ours[name]:
                found.append(f"{name}: stands in differences.tsv and does not differ")
        elif theirs[name] != ours[name]:
            found.append("\n".join([f"{name}:", "CPython", *theirs[name], "here", *ours[name]]))
    return found


class Traces(unittest.TestCase):

    def test_are_those_of_cpython(self):
        found = disagreements(recorded(), ours(), differences_of((HERE / "differences.tsv").read_text()))
        self.assertEqual(found, [], "\n\n" + "\n\n".join(found))


class Comparison(unittest.TestCase):

    def test_accepts_what_agrees_and_what_may_differ(self):
        self.assertEqual(disagreements({"a": ["1"], "b": ["1"]}, {"a": ["1"], "b": ["2"]}, {"b": "why"}), [])

    def test_refuses_all_else(self):
        for theirs, ours, differing, words in (
            ({"a": ["1"]}, {"a": ["2"]}, {}, "a:\nCPython\n1\nhere\n2"),
            ({"a": ["1"]}, {"a": ["1"]}, {"a": "why"}, "a: stands in differences.tsv and does not differ"),
            ({"a": ["1"]}, {}, {}, "a: not written in C++"),
            ({}, {"a": ["1"]}, {}, "a: never recorded"),
            ({}, {}, {"a": "why"}, "a: never recorded"),
        ):
            self.assertEqual(disagreements(theirs, ours, differing), [words])

    def test_reads_traces(self):
        self.assertEqual(scenarios_of("a\n  1\n  2\nb\n"), {"a": ["  1", "  2"], "b": []})
        with self.assertRaisesRegex(ValueError, "twice: a"):
            scenarios_of("a\n  1\na\n")

    def test_reads_differences(self):
        self.assertEqual(differences_of(HEADER + "\na\twhy\n"), {"a": "why"})
        with self.assertRaisesRegex(ValueError, "header"):
            differences_of("a\twhy\n")


if __name__ == "__main__":
    unittest.main()
