#!/usr/bin/env python3
"""Checks that a program is made as small as what it shows allows, and that what remains is a program."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path("conformance/random")))
sys.dont_write_bytecode = True

from generator import text_of  # noqa: E402
from interpreter import parse  # noqa: E402
from shrink import shrunk, smaller  # noqa: E402


def shrunk_while(text, holds):
    """The smallest program of which `holds(its text)`, by the way of `shrunk`."""
    return text_of(shrunk(parse(text), lambda programs: [holds(text_of(each)) for each in programs]))


class Shrinking(unittest.TestCase):

    def test_takes_away_every_step_that_is_not_needed(self):
        program = "(program (at 3 1) (coroutine (sleep 1) (spawn 1) (return 2)) (coroutine (put 0 1)))"
        self.assertEqual(shrunk_while(program, lambda text: "(spawn 1)" in text),
                         "(program (coroutine (spawn 1)) (coroutine))")

    def test_opens_blocks_around_what_is_needed(self):
        program = "(program (coroutine (timeout 3 (do (locked 0 (do (sleep 0) (get 1)))))))"
        self.assertEqual(shrunk_while(program, lambda text: "(get 1)" in text), "(program (coroutine (get 1)))")

    def test_keeps_a_block_that_is_needed(self):
        program = "(program (coroutine (locked 1 (do (sleep 0) (get 1))) (sleep 2)))"
        self.assertEqual(shrunk_while(program, lambda text: "locked" in text and "get" in text),
                         "(program (coroutine (locked 1 (do (get 1)))))")

    def test_shortens_the_list_of_what_is_awaited_together(self):
        program = "(program (coroutine (gather values (task 1) (future 0) (task 1))) (coroutine))"
        self.assertEqual(shrunk_while(program, lambda text: "gather" in text and "future" in text),
                         "(program (coroutine (gather values (future 0))) (coroutine))")

    def test_keeps_the_coroutines_because_steps_name_them_by_number(self):
        program = "(program (coroutine (sleep 1)) (coroutine (sleep 2)))"
        self.assertEqual(shrunk_while(program, lambda text: True), "(program (coroutine) (coroutine))")

    def test_leaves_alone_what_can_be_no_smaller(self):
        program = "(program (at 3 0) (coroutine (try swallow (do (sleep 1)) (do (return 1)))))"
        self.assertEqual(shrunk_while(program, lambda text: text == program), program)

    def test_asks_about_all_that_is_one_step_smaller_at_once(self):
        asked = []
        shrunk(parse("(program (coroutine (sleep 1) (sleep 2)))"),
               lambda programs: asked.append(len(programs)) or [False] * len(programs))
        self.assertEqual(asked, [2])

    def test_only_makes_programs_that_are_smaller(self):
        program = parse("(program (at 1 0) (coroutine (group (do (try swallow (do (start 1)) (do)))) (wait "
                        "all_completed none (task 1) (future 0))) (coroutine (sleep 1)))")
        for each in smaller(program):
            self.assertLess(len(text_of(each)), len(text_of(program)))


if __name__ == "__main__":
    unittest.main()
