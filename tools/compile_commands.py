#!/usr/bin/env python3
"""Writes compile_commands.json for clangd: `tools/compile_commands.py [TARGETS, //... by default]`.

Headers are named where they stand in the source tree, not where Bazel links them for a build, so
that a jump to a definition lands in the file to edit. Generated files and dependencies are found
once `./bazelw build //...` has run.
"""

import json
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent

# What concerns a build's outputs and its layering check, which knows the linked headers only.
DROPPED_WITH_VALUE = {"-MF", "-o"}
DROPPED = re.compile(r"-MD|-frandom-seed=.*|-fmodule.*|-Wprivate-header")

# The folder through which Bazel shows a library's headers; that of a layer's generated version.h
# has no counterpart.
LINKED_HEADERS = re.compile(
    r"-Ibazel-out/[^/]+/bin/(?P<package>[^/]+)/_virtual_includes/(?!version$).*"
)


def bazel(*arguments: str) -> str:
    command = [TOP / "bazelw", *arguments]
    return subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE, text=True).stdout


def for_editors(arguments: list[str], dependencies: str) -> list[str]:
    kept = []
    rest = iter(arguments)
    for argument in rest:
        if argument in DROPPED_WITH_VALUE:
            next(rest)
        elif argument in ("-iquote", "-isystem"):
            folder = next(rest)
            # Bazel links external/ anew for each build, to what that build needs.
            folder = re.sub("^external(?=/)", dependencies, str(TOP) if folder == "." else folder)
            kept += [argument, folder]
        elif linked := LINKED_HEADERS.match(argument):
            include = f"-I{TOP}/{linked['package']}/include"
            if include not in kept:
                kept.append(include)
        elif not DROPPED.fullmatch(argument):
            kept.append(argument)
    return kept


def main() -> None:
    targets = " + ".join(sys.argv[1:] or ["//..."])
    graph = json.loads(bazel("aquery", "--output=jsonproto", f'mnemonic("CppCompile", {targets})'))
    execution_root = bazel("info", "execution_root").strip()
    dependencies = bazel("info", "output_base").strip() + "/external"
    commands = {}
    for action in graph["actions"]:
        arguments = action["arguments"]
        source = arguments[arguments.index("-c") + 1]
        if not source.startswith(("external/", "bazel-out/")):
            file = str(TOP / source)
            kept = for_editors(arguments, dependencies)
            commands[source] = {
                "directory": execution_root,
                "file": file,
                "arguments": [file if argument == source else argument for argument in kept],
            }
    output = TOP / "compile_commands.json"
    output.write_text(json.dumps(list(commands.values()), indent=1) + "\n")
    print(f"{output}: {len(commands)} files")


main()
