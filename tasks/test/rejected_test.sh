#!/usr/bin/env bash
# Programs that must not compile, with both compilers. Each file of rejected/ holds a wrong form and,
# without -DREJECTED, the right one. The right forms of all of them compile together; a wrong form is
# refused in the words that the file expects. "accepted by" names a compiler that cannot tell.
set -uo pipefail

readonly flags=$1
shift
readonly log=$TEST_TMPDIR/log
failures=0

fail() {
  echo "FAILED: $1. The compiler said:"
  cat "$log"
  failures=$((failures + 1))
}

compile() {
  "$compiler" -std=c++20 -Wall -Wextra -Werror=unused-result "@$flags" "$@" >"$log" 2>&1
}

for compiler in clang++-19 g++-12; do
  folder=$TEST_TMPDIR/$compiler
  mkdir "$folder"
  # What they all include is compiled once. Either compiler finds it beside the header, under its own ending.
  headers=$folder/headers.h
  sed -n '/^#include/p' "$@" | sort -u >"$headers"
  ending=gch
  [ "$compiler" = g++-12 ] || ending=pch
  compile -x c++-header "$headers" -o "$headers.$ending" || fail "$compiler refuses the headers"

  echo "$compiler: the right forms compile"
  for file; do
    echo "#include \"$PWD/$file\""
  done >"$folder/all.cc"
  compile -Werror -fsyntax-only "$folder/all.cc" || fail "$compiler refuses a right form"

  for file; do
    echo "$compiler: $file"
    mapfile -t words < <(sed -n 's#^// expect: ##p' "$file")
    [ ${#words[@]} -gt 0 ] || fail "$file expects no words"
    if compile -include "$headers" -DREJECTED -fsyntax-only "$file"; then
      grep -qxF "// accepted by: $compiler" "$file" || fail "$compiler accepts $file"
      continue
    fi
    grep -qxF "// accepted by: $compiler" "$file" && fail "$compiler has learnt to refuse $file"
    for expected in "${words[@]}"; do
      grep -qF -- "$expected" "$log" || fail "$compiler does not say \"$expected\" to $file"
    done
  done
done
[ "$failures" -eq 0 ]
