#!/usr/bin/env bash
# Puts all tests' coverage together, as Bazel's generator does:
# --reports_file=LIST_OF_FILES --output_file=FILE.
set -euo pipefail
for argument; do
  case $argument in
    --reports_file=*) reports=${argument#*=} ;;
    --output_file=*) output=${argument#*=} ;;
  esac
done
# A tracefile may name a source twice; its readers add up. Headers are named where they stand in the
# source tree, not where Bazel links them for a build.
linked='bazel-out/[^/]+/bin/([^/]+)/_virtual_includes/[^/]+'
xargs -r -d '\n' sed -E "s#^SF:$linked/#SF:\1/include/#" <"$reports" >"$output"
