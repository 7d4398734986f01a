#!/usr/bin/env python3
"""What the operations cost without a clock: the numbers that travel from machine to machine.

Prints two markdown tables:

* user instructions (callgrind) and heap allocations of one micro operation, by hand and ours;
* user instructions and system calls (strace) of one echoed message, per server.

Each number is the difference between two runs of different length, divided by the difference in
length, so that starting and ending cancel out. Needs valgrind; where there is no strace, or it may
not trace, the system calls are left out.

    ./bazelw run --config=opt //benchmarks:instructions
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile

MICRO = {  # operation: repetitions in the shorter and the longer run
    "call_soon": (5000, 25000),
    "call_chain": (5000, 25000),
    "post": (5000, 25000),
    "yield": (1000, 5000),
    "yield_crowd": (20000, 100000),
    "spawn_join": (1000, 5000),
    "spawn_crowd": (5000, 25000),
    "gather": (5000, 25000),
    "await_ready": (5000, 25000),
    "await_chain": (100, 300),
    "await_done": (5000, 25000),
    "ping_pong": (1000, 5000),
    "queue_put_get": (5000, 25000),
    "queue_stream": (5000, 25000),
    "queue_ping_pong": (1000, 5000),
    "lock": (5000, 25000),
    "lock_contended": (1000, 5000),
    "cancel_sleep": (100, 300),
    "cancel_unseen": (100, 300),
    "sleep": (1000, 5000),
    "timer_fire": (10000, 50000),
    "timer_cancel": (10000, 50000),
    "timer_pair": (1000, 5000),
}
SERVERS = ["raw", "protocol", "read_into", "streams"]
ECHOES = (2000, 12000)


def output_of(command):
    """What the command writes to either stream; fails as the command does."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit("%s\n%s%s" % (" ".join(command), result.stdout, result.stderr))
    return result.stdout + result.stderr


def collected(text):
    """The instructions that callgrind has counted."""
    return int(re.search(r"Collected : (\d+)", text).group(1))


def slope(measure, counts):
    """How much of what is measured one more repetition adds."""
    short, long = counts
    return (measure(long) - measure(short)) / (long - short)


def per_operation(repeat, name, peer, shrink):
    """Instructions and allocations of one operation; none for what does not exist by hand."""
    counts = [max(count // shrink, number + 1) for number, count in enumerate(MICRO[name])]
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]

    def command(count):
        return [repeat, name, peer, str(count)]

    # The program does everything twice, the first time to warm up.
    instructions = slope(lambda count: collected(output_of(callgrind + command(count))), counts) / 2
    allocations = slope(lambda count: int(output_of(command(count)).split()[1]), counts)
    return instructions, allocations


def micro_table(repeat, names, shrink):
    """Prints the table of the micro operations."""
    print("| operation | raw instructions | asyncio instructions | ratio | asyncio allocations |")
    print("|---|---|---|---|---|")
    for name in names:
        ours, allocations = per_operation(repeat, name, "asyncio", shrink)
        if name == "sleep":
            print("| %s | - | %.0f | - | %.2f |" % (name, ours, allocations), flush=True)
            continue
        raw, _ = per_operation(repeat, name, "raw", shrink)
        print("| %s | %.0f | %.0f | %.1f | %.2f |" % (name, raw, ours, ours / raw, allocations),
              flush=True)


def exchange(echo, server, connections, messages, wrap):
    """Runs one server under a profiler and returns what that printed."""
    return output_of([
        echo, "--servers=" + server, "--sizes=64", "--connections=%d" % connections,
        "--messages=%d" % messages, "--wrap=" + wrap
    ])


def echo_counts(shrink):
    """The lengths of the shorter and the longer run."""
    return [count // shrink for count in ECHOES]


def instructions_per_echo(echo, server, shrink):
    """User instructions of the server for one message, ten connections."""
    wrap = "valgrind --tool=callgrind --callgrind-out-file=/dev/null"
    counts = echo_counts(shrink)
    return slope(lambda count: collected(exchange(echo, server, 10, count, wrap)), counts)


def calls_per_echo(echo, server, connections, shrink):
    """System calls of the server for one message."""
    counts = echo_counts(shrink)
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report")

        def calls(count):
            exchange(echo, server, connections, count, "strace -f -c -o " + report)
            with open(report, encoding="utf-8") as lines:
                total = [line.split() for line in lines if line.rstrip().endswith(" total")]
            return int(total[0][3])

        return slope(calls, counts)


def can_strace():
    """Whether strace is there and may trace: not so in some containers."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0


def echo_table(echo, servers, shrink):
    """Prints the table of the echo servers."""
    has_strace = can_strace()
    print("\n| server | instructions | ratio | system calls, 1 connection | 10 connections |")
    print("|---|---|---|---|---|")
    first = None
    for server in servers:
        count = instructions_per_echo(echo, server, shrink)
        first = first or count
        calls = ["-", "-"]
        if has_strace:
            calls = ["%.2f" % calls_per_echo(echo, server, n, shrink) for n in (1, 10)]
        print("| %s | %.0f | %.1f | %s | %s |" % (server, count, count / first, *calls), flush=True)


def main():
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--repeat", default=os.path.join(here, "repeat"))
    parser.add_argument("--echo", default=os.path.join(here, "echo"))
    parser.add_argument("--operations", default=",".join(MICRO), help="of the first table")
    parser.add_argument("--servers", default=",".join(SERVERS), help="of the second table")
    parser.add_argument("--shrink", type=int, default=1, help="divides the lengths of all runs")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed")
    if options.operations:
        micro_table(options.repeat, options.operations.split(","), options.shrink)
    if options.servers:
        echo_table(options.echo, options.servers.split(","), options.shrink)


if __name__ == "__main__":
    main()
