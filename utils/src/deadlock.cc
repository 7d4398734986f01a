#include "asyncio/utils/deadlock.h"

#include "absl/strings/str_cat.h"
#include "asyncio/futures/delivery.h"
#include "asyncio/tasks/task.h"

namespace asyncio {

std::string describe_tasks(EventLoop& loop) {
  std::string text;
  for (const AnyTask& task : all_tasks(loop)) {
    absl::StrAppend(&text, "\n  ", task.state().describe());
  }
  return text;
}

bool is_deadlocked(EventLoop& loop) {
  return !loop.awaits_input() && !internal::Delivery::expected_by(loop) && !all_tasks(loop).empty();
}

void DeadlockDetective::loop_idles() {
  if (!is_deadlocked(loop_)) return;
  throw Deadlock(absl::StrCat("deadlock: every task waits, and nothing could wake one",
                              describe_tasks(loop_)));
}

}  // namespace asyncio
