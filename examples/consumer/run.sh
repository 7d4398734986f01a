#!/usr/bin/env bash
# Builds and runs the three binaries of this workspace, as its user would.
set -euo pipefail
cd "$(dirname "$0")"

trap '../../bazelw shutdown' EXIT
for binary in ready answer echo; do
  ../../bazelw run "//:$binary"
done
