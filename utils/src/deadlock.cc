#include "asyncio/utils/deadlock.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
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
  if (!text.empty()) text.pop_back();  // the end of the last line
  return text;
}

bool is_deadlocked(EventLoop& loop) {
  return !loop.awaits_input() && !internal::Delivery::expected_by(loop) && !all_tasks(loop).empty();
}

void DeadlockDetective::loop_idles() {
  if (!is_deadlocked(loop_)) return;
  throw Deadlock(absl::StrCat("deadlock: every task waits, and nothing could wake one\n",
                              describe_tasks(loop_)));
}

}  // namespace asyncio
