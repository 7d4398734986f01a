#include "asyncio/utils/call_graph.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/runnable.h"
#include "asyncio/futures/future_state.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_core.h"

namespace asyncio {
namespace {

using internal::FutureState;
using internal::TaskCore;

std::vector<FrameCallGraphEntry> call_stack_of(const FutureState& state, std::size_t limit) {
  std::vector<FrameCallGraphEntry> stack;
  const TaskCore* task = dynamic_cast<const TaskCore*>(&state);
  if (task == nullptr) return stack;
  for (const std::source_location& place : task->places(limit)) stack.push_back({place});
  return stack;
}

// `path` leads from here to the future that was asked about.
FutureCallGraph capture(FutureState& state, std::size_t limit, std::vector<FutureState*>& path) {
  FutureCallGraph graph{
      AnyFuture(internal::StateRef<FutureState>::share(state)), call_stack_of(state, limit), {}};
  path.push_back(&state);
  state.waiting().for_each([&](const Runnable& node) {
    FutureState* const dependent = node.dependent();
    if (dependent == nullptr || std::ranges::find(path, dependent) != path.end()) return;
    graph.awaited_by.push_back(capture(*dependent, limit, path));
  });
  path.pop_back();
  return graph;
}

void append(std::string& text, const FutureCallGraph& graph, const std::string& indent) {
  const std::string described = graph.future.state().describe();
  const std::string_view without_brackets(described.data() + 1, described.size() - 2);
  absl::StrAppend(&text, indent, "* ", without_brackets, "\n");
  if (!graph.call_stack.empty()) {
    absl::StrAppend(&text, indent, "  + Call stack:\n");
    for (const FrameCallGraphEntry& frame : graph.call_stack) {
      absl::StrAppend(&text, indent, "  |   ", to_string(frame.place), "\n");
    }
  }
  if (!graph.awaited_by.empty()) {
    absl::StrAppend(&text, indent, "  + Awaited by:\n");
    for (const FutureCallGraph& waiting : graph.awaited_by) append(text, waiting, indent + "     ");
  }
}

}  // namespace

FutureCallGraph capture_call_graph(const AnyFuture& future, std::optional<std::size_t> limit) {
  std::vector<FutureState*> path;
  return capture(future.state(), limit.value_or(std::numeric_limits<std::size_t>::max()), path);
}

std::optional<FutureCallGraph> capture_call_graph(std::optional<std::size_t> limit) {
  const std::optional<AnyTask> task = current_task();
  if (!task.has_value()) return std::nullopt;
  return capture_call_graph(*task, limit);
}

std::string format_call_graph(const FutureCallGraph& graph) {
  std::string text;
  append(text, graph, "");
  return text;
}

std::string format_call_graph(const AnyFuture& future) {
  return format_call_graph(capture_call_graph(future));
}

std::string format_call_graph() {
  const std::optional<FutureCallGraph> graph = capture_call_graph();
  return graph.has_value() ? format_call_graph(*graph) : "";
}

void print_call_graph(const AnyFuture& future, std::FILE* file) {
  std::fputs(format_call_graph(future).c_str(), file);
}

void print_call_graph(std::FILE* file) { std::fputs(format_call_graph().c_str(), file); }

}  // namespace asyncio
