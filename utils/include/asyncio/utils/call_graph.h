// Who waits for whom: the call graph of a task or future, with the line of every suspension.
//
//   print_call_graph();  // of the running task
//
//   * Task 'handle' created at server.cc:20
//     + Call stack:
//     |   server.cc:31
//     + Awaited by:
//        * Task 'Task-1' created at server.cc:60
//          + Call stack:
//          |   server.cc:44
//
// The edges are not recorded anywhere: they are read from where tasks wait, so that a graph costs
// nothing until it is asked for. Loop's thread.
#ifndef ASYNCIO_UTILS_CALL_GRAPH_H_
#define ASYNCIO_UTILS_CALL_GRAPH_H_

#include <cstddef>
#include <cstdio>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "asyncio/futures/future.h"

namespace asyncio {

// A suspended coroutine, or the one that runs: the line of its last co_await, or its own before.
//
// Python counterpart: asyncio.FrameCallGraphEntry.
struct FrameCallGraphEntry {
  std::source_location place;
};

// Python counterpart: asyncio.FutureCallGraph.
struct FutureCallGraph {
  // The future or task.
  AnyFuture future;

  // Of a task that is not done: its coroutines, the innermost first.
  std::vector<FrameCallGraphEntry> call_stack;

  // The tasks and futures that wait for it, directly or by gather(), wait(), as_completed(),
  // shield(), wait_for() or a TaskGroup, each once for every wait, in the order in which they came.
  // A future waits for itself where it is its own ancestor: the graph ends there.
  std::vector<FutureCallGraph> awaited_by;
};

// The graph of `future`, as it is now. Of each call stack at most `limit` entries are kept, the
// innermost ones.
//
// Python counterpart: asyncio.capture_call_graph(future). A negative limit is not offered.
FutureCallGraph capture_call_graph(const AnyFuture& future,
                                   std::optional<std::size_t> limit = std::nullopt);

// The same of the running task; nullopt outside of tasks. Throws std::runtime_error without a
// running loop.
std::optional<FutureCallGraph> capture_call_graph(std::optional<std::size_t> limit = std::nullopt);

// The text of a graph, as above. Without one: of the running task, empty outside of tasks.
//
// Python counterpart: asyncio.format_call_graph().
std::string format_call_graph(const FutureCallGraph& graph);
std::string format_call_graph(const AnyFuture& future);
std::string format_call_graph();

// Writes that text.
//
// Python counterpart: asyncio.print_call_graph().
void print_call_graph(const AnyFuture& future, std::FILE* file = stdout);
void print_call_graph(std::FILE* file = stdout);

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_CALL_GRAPH_H_
