#!/usr/bin/env bash
# Runs the real Bazel on a small workspace around layers.bzl: right edges build, wrong ones are
# refused with a sentence that names both targets, and visibility refuses what was written without
# the macros.
set -euo pipefail

top=$PWD
data=$top/tools/testdata/layers
cd "$TEST_TMPDIR"
export HOME=$TEST_TMPDIR

mkdir -p workspace/{tools,third_party/rules_cc/cc,tasks/{src,include/asyncio/tasks}} \
  workspace/{selectors/include/asyncio/selectors,events/include/asyncio/events}
cp -L "$top"/{WORKSPACE,deps.bzl} workspace
cp -L "$top"/tools/{BUILD,layers.bzl,sanitizers.bzl} workspace/tools
cp -L "$top"/../rules_cc/cc/defs.bzl workspace/third_party/rules_cc/cc
cd workspace
touch BUILD third_party/rules_cc/{WORKSPACE,cc/BUILD} selectors/include/asyncio/selectors/selector.h \
  events/include/asyncio/events/handle.h tasks/include/asyncio/tasks/task.h tasks/src/queue.h
cp -L "$data"/selectors.BUILD selectors/BUILD
cp -L "$data"/tasks.BUILD tasks/BUILD

# Runs Bazel; its words go to `log`.
bazel_says() {
  bazel --batch --output_user_root="$TEST_TMPDIR/bazel" "$@" >log 2>&1
}

fail() {
  echo "FAILED: $1. Bazel said:" >&2
  cat log >&2
  exit 1
}

expect() {
  grep -qF -- "$1" log || fail "expected \"$1\""
}

echo "right edges build"
cp -L "$data"/events_right.BUILD events/BUILD
bazel_says build //selectors/... //events/... //tasks/... || fail "a right edge was refused"
grep -q 'kTasksVersion = "[0-9]*[.][0-9]*[.][0-9]*";' \
  bazel-bin/tasks/include/asyncio/tasks/version.h || fail "no version.h"

echo "wrong edges are refused while the BUILD file loads, however they are spelled"
order="(selectors → events → futures → tasks → sync → utils → transports → streams → subprocess"
order+=" → asyncio)"
wrong=(//tasks:task //tasks @asyncio//tasks:task //asyncio)
for i in "${!wrong[@]}"; do
  mkdir "events/wrong$i"
  sed "s#DEPENDENCY#${wrong[i]}#" "$data"/events_wrong.BUILD >"events/wrong$i/BUILD"
done
mkdir events/wrong_example
sed "s#DEPENDENCY#//examples:quickstart#" "$data"/events_wrong.BUILD >events/wrong_example/BUILD
bazel_says query --keep_going //events/... && fail "wrong edges were accepted"
expect "//events/wrong0:handle must not depend on //tasks:task: events stands below tasks $order"
expect "//events/wrong1:handle must not depend on //tasks: events stands below tasks $order"
expect "//events/wrong2:handle must not depend on @asyncio//tasks:task: events stands below tasks"
expect "//events/wrong3:handle must not depend on //asyncio: events stands below asyncio $order"
expect "//events/wrong_example:handle must not depend on //examples:quickstart: examples stands above"
rm -r events/wrong*

echo "visibility refuses a wrong edge that was written without the macros"
cp -L "$data"/events_wrong_without_macro.BUILD events/BUILD
bazel_says build --nobuild //events:handle && fail "visibility allowed a wrong edge"
expect "target '//tasks:task' is not visible from target '//events:handle'"
