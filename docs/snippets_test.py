#!/usr/bin/env python3
"""Checks that the code in the documentation is the code that is compiled and run.

Before every ```cpp block of README.md and docs/ stands a comment that names a file and a region of it:

    <!-- snippet: examples/docs/tutorial.cc#greet -->

A region is what stands between two lines `// [greet]`, anywhere in examples/. Run from the top of the repository with --fix,
this script writes the regions into the pages.
"""

import pathlib
import re
import sys
import textwrap

BLOCK = re.compile(
    r"(?:<!-- snippet: (?P<file>\S+)#(?P<region>\w+) -->\n)?```cpp\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
MARK = re.compile(r"^\s*// \[(\w+)\]$")


def regions_of(text):
    """The regions of a source file by name."""
    regions, open_regions = {}, {}
    for line in text.splitlines(keepends=True):
        mark = MARK.match(line)
        if mark is None:
            for lines in open_regions.values():
                lines.append(line)
        elif mark[1] in open_regions:
            regions[mark[1]] = textwrap.dedent("".join(open_regions.pop(mark[1])))
        elif mark[1] in regions:
            raise ValueError(f"there are two regions [{mark[1]}]")
        else:
            open_regions[mark[1]] = []
    if open_regions:
        raise ValueError(f"no end of [{'], ['.join(open_regions)}]")
    return regions


def main():
    fix = sys.argv[1:] == ["--fix"]
    pages = [pathlib.Path("README.md"), *sorted(pathlib.Path("docs").rglob("*.md"))]
    examples = pathlib.Path("examples")
    sources = sorted([*examples.glob("*.h"), *examples.glob("*.cc"), *examples.glob("docs/*.cc")])
    regions = {
        (str(source), name): code
        for source in sources
        for name, code in regions_of(source.read_text()).items()
    }
    unused = set(regions)
    failures = []
    for page in pages:

        def replace(block):
            source = (block["file"], block["region"])
            line = text.count("\n", 0, block.start()) + 1
            if source not in regions:
                failures.append(f"{page}:{line}: no snippet {source[0]}#{source[1]}")
                return block[0]
            unused.discard(source)
            if block["code"] != regions[source] and not fix:
                failures.append(f"{page}:{line}: differs from {source[0]}#{source[1]}")
            return f"<!-- snippet: {source[0]}#{source[1]} -->\n```cpp\n{regions[source]}```"

        text = page.read_text()
        fixed = BLOCK.sub(replace, text)
        if fix and fixed != text:
            page.write_text(fixed)
    failures += [f"{source}: no page shows [{name}]" for source, name in sorted(unused)]
    if failures:
        sys.exit("\n".join(failures) + "\nTo write the snippets into the pages: docs/snippets_test.py --fix")
    print(f"{len(regions)} snippets in {len(pages)} pages")


main()
