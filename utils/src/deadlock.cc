#include "asyncio/utils/deadlock.h"

#include <set>
#include <source_location>
#include <vector>

#include "absl/strings/str_cat.h"
#include "asyncio/events/activity.h"
#include "asyncio/futures/delivery.h"
#include "asyncio/futures/future_state.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/call_graph.h"

namespace asyncio {
namespace {

using Futures = std::set<const internal::FutureState*>;

void add_waiting(const FutureCallGraph& graph, Futures& futures) {
  for (const FutureCallGraph& waiting : graph.awaited_by) {
    futures.insert(&waiting.future.state());
    add_waiting(waiting, futures);
  }
}

std::string name_of(const AnyTask& task) { return absl::StrCat("Task '", task.get_name(), "'"); }

std::string describe(const HeldLock& lock) {
  std::string text = absl::StrCat("* Lock held by ", name_of(lock.holder),
                                  lock.holder.done() ? ", which has ended" : "");
  absl::StrAppend(&text, "\n  + Acquired at:\n");
  for (const std::source_location& place : lock.acquired)
    absl::StrAppend(&text, "  |   ", to_string(place), "\n");
  absl::StrAppend(&text, "  + Awaited by:\n");
  for (const AnyTask& task : lock.waiting) absl::StrAppend(&text, "     * ", name_of(task), "\n");
  return text;
}

void end_last_line(std::string& text) {
  if (!text.empty()) text.pop_back();
}

}  // namespace

// Tasks that wait for each other in a circle stand below one of them.
std::string describe_tasks(EventLoop& loop) {
  std::vector<FutureCallGraph> graphs;
  Futures waiting;
  for (const AnyTask& task : all_tasks(loop)) {
    graphs.push_back(capture_call_graph(task));
    add_waiting(graphs.back(), waiting);
  }
  std::string text;
  Futures described;
  const auto describe = [&](const FutureCallGraph& graph) {
    if (!described.insert(&graph.future.state()).second) return;
    add_waiting(graph, described);
    text += format_call_graph(graph);
  };
  for (const FutureCallGraph& graph : graphs) {
    if (!waiting.contains(&graph.future.state())) describe(graph);
  }
  for (const FutureCallGraph& graph : graphs) describe(graph);
  end_last_line(text);
  return text;
}

std::string describe_locks(EventLoop& loop) {
  std::string text;
  for (const HeldLock& lock : LockRecorder::held_locks()) {
    if (!lock.waiting.empty() && &lock.waiting.front().get_loop() == &loop) text += describe(lock);
  }
  end_last_line(text);
  return text;
}

bool is_deadlocked(EventLoop& loop) {
  return !loop.awaits_input() && !internal::Delivery::expected_by(loop) && !all_tasks(loop).empty();
}

void DeadlockDetective::loop_idles() {
  if (!is_deadlocked(loop_)) return;
  std::string text = "deadlock: every task waits, and nothing could wake one\n";
  absl::StrAppend(&text, describe_tasks(loop_));
  if (const std::string locks = describe_locks(loop_); !locks.empty())
    absl::StrAppend(&text, "\n", locks);
  throw Deadlock(text);
}

}  // namespace asyncio
