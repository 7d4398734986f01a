#!/usr/bin/env bash
# Puts one test's coverage together, as Bazel's lcov_merger does: --coverage_dir=FOLDER
# --output_file=FILE, the rest is for other languages.
set -euo pipefail
for argument; do
  case $argument in
    --coverage_dir=*) folder=${argument#*=} ;;
    --output_file=*) output=${argument#*=} ;;
  esac
done
# A tracefile may name a source twice; its readers add up.
find "$folder" -name '*.dat' -exec cat {} + >"$output"
