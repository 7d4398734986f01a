#include "asyncio/tasks/task_factory.h"

#include <stdexcept>
#include <utility>

#include "asyncio/tasks/task_core.h"

namespace asyncio {

void set_task_factory(EventLoop& loop, TaskFactory factory) {
  if (loop.is_closed()) throw std::runtime_error("Event loop is closed");
  internal::TaskRegistry::of(loop).set_factory(std::move(factory));
}

TaskFactory get_task_factory(EventLoop& loop) {
  const internal::TaskRegistry* registry = internal::TaskRegistry::find(loop);
  return registry != nullptr ? registry->factory() : nullptr;
}

TaskOptions eager_task_factory(EventLoop&, TaskOptions options) {
  if (!options.eager_start.has_value()) options.eager_start = true;
  return options;
}

}  // namespace asyncio
