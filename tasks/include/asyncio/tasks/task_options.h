// The options of create_task(), and who may change them.
#ifndef ASYNCIO_TASKS_TASK_OPTIONS_H_
#define ASYNCIO_TASKS_TASK_OPTIONS_H_

#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"

namespace asyncio {

struct TaskOptions {
  // Empty: "Task-<n>".
  std::string_view name = {};

  // In which the task runs, itself; null: in a copy of the current one.
  const Context* context = nullptr;

  // True: the first step runs at once, inside create_task(), if the loop is running. A coroutine
  // that never waits is then done when create_task() returns, and no turn passes; a FatalError of
  // that step leaves create_task(). Nullopt: as the factory says, else false.
  std::optional<bool> eager_start = std::nullopt;
};
static_assert(std::is_trivially_copyable_v<TaskOptions>);

// Gets the options of each task that is about to be made on a loop, and gives those with which it
// is made. What it throws leaves create_task(), and the coroutine is destroyed unstarted.
//
// Python counterpart: a task factory. That one makes the task, which may be of a class of its own;
// here tasks are of one class.
using TaskFactory = std::function<TaskOptions(EventLoop& loop, TaskOptions options)>;

}  // namespace asyncio

#endif  // ASYNCIO_TASKS_TASK_OPTIONS_H_
