#!/usr/bin/env bash
# The benchmarks still run: each for a moment, with nobody looking at the numbers.
set -euo pipefail
micro=$1 repeat=$2 echo=$3 connections=$4

"$repeat" all asyncio 100
"$repeat" all raw 100
"$micro" --benchmark_min_time=0.001 --benchmark_filter='^(yield|spawn_join|call_soon)/' |
  grep -q '^| spawn_join |'
"$echo" --seconds=0.02 --rounds=1 --sizes=64,65536 --connections=1,20 |
  grep -c '^| streams |' | grep -qx 4
"$echo" --messages=100 --connections=3 --sizes=64 --wrap=env
"$connections" --seconds=0.02 --rounds=1 --idle=100 | grep -c '^| streams |' | grep -qx 2
"$connections" --connections=100 --wrap=env
