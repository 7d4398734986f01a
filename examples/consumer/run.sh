#!/usr/bin/env bash
# Builds and runs the three binaries of this workspace, as its user would.
set -euo pipefail
cd "$(dirname "$0")"

trap '../../bazelw shutdown' EXIT
for binary in ready answer; do
  ../../bazelw run "//:$binary"
done
# As where everything is built afresh: docs/how_to/depend_on_one_layer.md.
../../bazelw run --define=asyncio=together //:echo
