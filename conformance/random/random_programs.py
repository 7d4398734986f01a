#!/usr/bin/env python3
"""Runs random programs in CPython and here, and compares what they do.

    bazel run //conformance:random_programs -- --programs 10000 --seed 1

Prints the smallest program that shows the first difference, with both traces.
"""

import argparse
import os
import pathlib
import pwd
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

HERE = pathlib.Path("conformance/random")
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from features import silent_about, weights_for  # noqa: E402
from generator import Generator, text_of  # noqa: E402
from shrink import shrunk  # noqa: E402

RUNNER = HERE.parent / "program_runner"
TOPIC = "conformance/random/program_runner"
FETCHED = pathlib.Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache/python3.15/python"  # by fetch_python.sh


def default_python():
    return str(FETCHED) if FETCHED.exists() else "/usr/bin/python3"


def version_of(python):
    words = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:3])"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    return tuple(map(int, words.split()))


def counted_in_ticks(lines):
    """The lines with turns that count from the last jump of the clock.

    Which turns nothing happens in, at the end of a tick, is nobody's business: where CPython runs a callback that finds
    nothing to do, ours has left the line.
    """
    first = 0
    for line in lines:
        line = line.replace("BrokenBarrierError", "RuntimeError")
        turn, words = re.fullmatch(r"  turn (\d+) (.*)", line).groups()
        if words.endswith(" tick"):
            first = int(turn)
        else:
            yield f"  {words.split(' ')[0]} turn {int(turn) - first} {words.split(' ', 1)[1]}"


def traces_in(text):
    return [list(counted_in_ticks(each.splitlines())) for each in text.split("program\n")[1:]]


def agree(theirs, ours, silent_about):
    """Whether the traces are the same, but for a report that only we make and CPython is too old for.

    When an exception is reported as never retrieved is left to each garbage collector.
    """
    def happened(lines):
        return [line for line in lines if " reported " not in line]

    only_ours = Counter(ours) - Counter(theirs)
    return happened(theirs) == happened(ours) and not Counter(theirs) - Counter(ours) and \
        all(any(words in line for words in silent_about) for line in only_ours)


class Comparison:

    def __init__(self, python, version, runner):
        self.silent_about = silent_about(version)
        self.commands = ([python, str(HERE / "interpreter.py")], [str(runner), TOPIC])

    def traces(self, programs):
        """What Python and we print for each program; less than that from one that crashed."""
        text = "".join(text_of(program) + "\n" for program in programs)
        with tempfile.TemporaryFile("w+") as source:
            source.write(text)
            source.flush()
            runs = []
            for command in self.commands:
                output = tempfile.TemporaryFile("w+")
                stdin = os.open(f"/proc/self/fd/{source.fileno()}", os.O_RDONLY)
                runs.append((subprocess.Popen(command, stdin=stdin, stdout=output), output))
                os.close(stdin)
            traces = []
            for process, output in runs:
                process.wait()
                output.seek(0)
                found = traces_in(output.read())
                output.close()
                if process.returncode != 0:
                    found = found or [[]]
                    found[-1].append(f"  {process.args[0]} ended with {process.returncode}")
                traces.append(found + [[]] * (len(programs) - len(found)))
        return list(zip(*traces))

    def differs(self, programs):
        return [not agree(theirs, ours, self.silent_about) for theirs, ours in self.traces(programs)]


def words_of(program, traces):
    theirs, ours = traces
    return "\n".join([text_of(program).replace(" (coroutine", "\n  (coroutine"), "CPython", *theirs, "here", *ours])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--python", default=default_python())
    parser.add_argument("--runner", default=RUNNER)
    parser.add_argument("--show", type=int, default=1, help="how many differences to shrink and print")
    options = parser.parse_args()

    version = version_of(options.python)
    print(f"{options.programs} programs from seed {options.seed}, beside CPython {'.'.join(map(str, version))}")
    weights = weights_for(version)
    programs = [Generator(options.seed + index, weights).program() for index in range(options.programs)]
    comparison = Comparison(options.python, version, options.runner)
    differing = [program for program, differs in zip(programs, comparison.differs(programs)) if differs]
    for program in differing[:options.show]:
        smallest = shrunk(program, comparison.differs)
        print("\n" + words_of(smallest, comparison.traces([smallest])[0]))
    print(f"{len(differing)} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
