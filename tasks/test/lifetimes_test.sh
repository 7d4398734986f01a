#!/usr/bin/env bash
# With -DASYNCIO_LIFETIMES clang warns of a coroutine that outlives its argument, and of nothing else.
set -uo pipefail

readonly flags=$1
readonly log=$TEST_TMPDIR/log

# Compiles a program that makes `task` of size_of(a temporary string) with the given flags.
compile() {
  clang++-19 -std=c++20 -fsyntax-only -Wall -Werror "@$flags" "${@:2}" -x c++ - >"$log" 2>&1 <<PROGRAM
#include <string>
#include "asyncio/tasks/coro.h"
asyncio::Coro<std::size_t> size_of(const std::string& text) { co_return text.size(); }
asyncio::Coro<std::size_t> run() { $1 }
PROGRAM
}

fail() {
  echo "FAILED: $1. clang said:"
  cat "$log"
  exit 1
}

readonly wrong='auto size = size_of(std::string("gone by the next line")); (void)size; co_return 0;'
readonly right='co_return co_await size_of(std::string("lives to the end of this line"));'

compile "$right" -DASYNCIO_LIFETIMES || fail "the right form does not compile"
compile "$wrong" || fail "without the flag the wrong form does not compile"
compile "$wrong" -DASYNCIO_LIFETIMES && fail "the wrong form compiles"
grep -q "temporary whose address is used as value of local variable 'size' will be destroyed" "$log" ||
  fail "the wrong form is refused for another reason"
