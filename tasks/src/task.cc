#include "asyncio/tasks/task.h"

namespace asyncio {

std::optional<AnyTask> current_task() { return current_task(get_running_loop()); }

// After a fork the registry still knows the parent's task; the child runs no loop.
std::optional<AnyTask> current_task(EventLoop& loop) {
  if (running_loop_or_null() != &loop) return std::nullopt;
  const internal::TaskRegistry* registry = internal::TaskRegistry::find(loop);
  if (registry == nullptr || registry->current() == nullptr) return std::nullopt;
  return AnyTask(*registry->current());
}

std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

std::vector<AnyTask> all_tasks(EventLoop& loop) {
  std::vector<AnyTask> tasks;
  const internal::TaskRegistry* registry = internal::TaskRegistry::find(loop);
  if (registry == nullptr) return tasks;
  for (internal::TaskCore* task : registry->all()) tasks.emplace_back(*task);
  return tasks;
}

}  // namespace asyncio
