#!/usr/bin/env python3
"""Plants classic bugs of other libraries, one at a time, and sees that a test fails for each.

    tools/mutation_check.py [NAME...]

Works on the checkout itself: each bug is one replacement in one file, which is put back before the
next. Files with changes of yours are refused. Takes about half a minute a bug.
"""

import contextlib
import dataclasses
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS_FAILED = 3  # Bazel's exit code; 1 would mean that the bug does not compile


@dataclasses.dataclass(frozen=True)
class Mutation:
    """`before`, which stands in `file` once, becomes `after`; then one of `tests` must fail."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple


MUTATIONS = [
    Mutation(
        "a semaphore strands the next when one who was woken is cancelled",
        "sync/include/asyncio/sync/semaphore.h",
        "void pass_on() noexcept {\n    ++value_;\n    hand_over();\n  }",
        "void pass_on() noexcept { ++value_; }",
        ("//sync:semaphore_test",),
    ),
    Mutation(
        "a lock is lost when the one to whom it was handed is cancelled",
        "sync/include/asyncio/sync/lock.h",
        "void pass_on() noexcept { line_.wake_first(); }",
        "void pass_on() noexcept {}",
        ("//sync:lock_test",),
    ),
    Mutation(
        "a queue loses the item of a cancelled getter",
        "sync/include/asyncio/sync/until_ready.h",
        "if (handed_over && operation_.ready())",
        "if (handed_over && operation_.ready() && false)",
        ("//sync:queue_test",),
    ),
    Mutation(
        "wait_for swallows a cancellation that comes with the timeout",
        "utils/src/timeout.cc",
        "const bool only_mine = task_->uncancel() <= cancelling_;",
        "const bool only_mine = task_->uncancel() >= 0;",
        ("//utils:timeout_test", "//utils:wait_for_test"),
    ),
    Mutation(
        "a withdrawn cancellation is delivered all the same",
        "tasks/src/task_core.cc",
        "if (cancelling_ == 0) must_cancel_ = false;",
        "",
        ("//tasks:task_cancellation_test",),
    ),
    Mutation(
        "a task cancelled in its last step keeps its value",
        "tasks/src/task_core.cc",
        "if (error == nullptr && !must_cancel_) return succeed();",
        "if (error == nullptr) return succeed();",
        ("//tasks:task_cancellation_test",),
    ),
    Mutation(
        "an event of a closed descriptor reaches the new owner of its number",
        "selectors/src/selector.cc",
        "const Registration registration{fd, ++last_generation_};",
        "const Registration registration{fd, last_generation_};",
        ("//selectors:selector_test",),
    ),
    Mutation(
        "what a callback schedules runs in the same turn",
        "events/src/event_loop.cc",
        "batch.splice_back(ready_);\n",
        "batch.splice_back(ready_);\n  while (!batch.empty()) {\n    batch.pop_front().run();\n    batch.splice_back(ready_);\n  }\n",
        ("//events:event_loop_test",),
    ),
    Mutation(
        "a write that a signal interrupts ends the connection",
        "transports/src/write_funnel.cc",
        " || error == EINTR) return 0;",
        ") return 0;",
        ("//transports:syscall_faults_test",),
    ),
    Mutation(
        "a connect that a signal interrupts has failed",
        "transports/src/sock_operations.cc",
        " || error == EALREADY || error == EINTR) {",
        " || error == EALREADY) {",
        ("//transports:syscall_faults_test",),
    ),
    Mutation(
        "a connection that cannot be watched stands deaf",
        "transports/src/transport_life.cc",
        '    fail("Fatal error: the descriptor cannot be watched.");\n',
        "",
        ("//transports:syscall_faults_test",),
    ),
    Mutation(
        "a descriptor is closed again after EINTR",
        "selectors/src/file_descriptor.cc",
        "  ::close(old);",
        "  retry_on_interrupt([old] { return ::close(old); });",
        ("//transports:syscall_faults_test",),
    ),
    Mutation(
        "a server that has paused is deaf if it cannot be watched then",
        "transports/src/accept_loop.cc",
        "[this] { resume(); }",
        "[this] { start(); }",
        ("//transports:accept_loop_test",),
    ),
]


def text_of(mutation):
    text = (ROOT / mutation.file).read_text()
    if text.count(mutation.before) != 1:
        raise LookupError(f"{mutation.file} does not have once: {mutation.before!r}")
    return text


@contextlib.contextmanager
def planted(mutation):
    path = ROOT / mutation.file
    text = text_of(mutation)
    path.write_text(text.replace(mutation.before, mutation.after))
    try:
        yield
    finally:
        path.write_text(text)


def is_clean(file):
    return subprocess.run(["git", "-C", ROOT, "diff", "--quiet", "HEAD", "--", file], check=False).returncode == 0


def is_noticed(mutation):
    """Whether a test fails. A test that hangs has failed as well."""
    command = ["./bazelw", "test", "--test_output=summary", "--test_timeout=30", *mutation.tests]
    with planted(mutation):
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode not in (0, TESTS_FAILED):
        raise RuntimeError(f"{mutation.name}: exit code {result.returncode}\n{result.stderr}")
    return result.returncode == TESTS_FAILED


def main(names):
    wanted = [mutation for mutation in MUTATIONS if not names or mutation.name in names]
    dirty = [mutation.file for mutation in wanted if not is_clean(mutation.file)]
    if dirty:
        sys.exit(f"has changes that are not committed: {', '.join(dirty)}")
    unnoticed = 0
    for mutation in wanted:
        noticed = is_noticed(mutation)
        unnoticed += not noticed
        print(f"{'noticed  ' if noticed else 'UNNOTICED'}  {mutation.name}", flush=True)
    sys.exit(unnoticed > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
