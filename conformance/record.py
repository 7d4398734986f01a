#!/usr/bin/env python3
"""Records what CPython does: runs scenarios/**/*.py and writes traces/**/*.txt.

    PYTHON conformance/record.py [TOPIC...]     a topic is tasks/cancellation; all of them by default

fetch_python.sh prints a PYTHON of the right version.
"""

import contextlib
import io
import pathlib
import platform
import sys

HERE = pathlib.Path(__file__).parent
VERSION = (3, 15)

sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import trace  # noqa: E402


def record(scenarios):
    topic = scenarios.relative_to(HERE / "scenarios").with_suffix("")
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        trace.run_topic(scenarios)
    target = HERE / "traces" / topic.with_suffix(".txt")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"CPython {platform.python_version()}\n\n{written.getvalue()}")
    print(topic)


def main():
    if sys.version_info[:2] != VERSION:
        sys.exit(f"record.py: this is Python {platform.python_version()}, not {'.'.join(map(str, VERSION))}")
    chosen = [HERE / "scenarios" / f"{topic}.py" for topic in sys.argv[1:]]
    for scenarios in chosen or sorted(HERE.glob("scenarios/**/*.py")):
        record(scenarios)


if __name__ == "__main__":
    main()
