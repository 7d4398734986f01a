// How the tasks of a loop are made.
//
//   set_task_factory(get_running_loop(), eager_task_factory);
#ifndef ASYNCIO_TASKS_TASK_FACTORY_H_
#define ASYNCIO_TASKS_TASK_FACTORY_H_

#include "asyncio/events/event_loop.h"
#include "asyncio/tasks/task_options.h"

namespace asyncio {

// From now on tasks on `loop` are made through `factory`; null: without one. Loop's thread. Throws
// std::runtime_error if the loop is closed.
//
// Python counterpart: loop.set_task_factory().
void set_task_factory(EventLoop& loop, TaskFactory factory);

// The factory that was set, or null.
//
// Python counterpart: loop.get_task_factory().
TaskFactory get_task_factory(EventLoop& loop);

// Makes tasks start eagerly, unless their options say otherwise.
//
// Python counterpart: asyncio.eager_task_factory().
TaskOptions eager_task_factory(EventLoop& loop, TaskOptions options);

}  // namespace asyncio

#endif  // ASYNCIO_TASKS_TASK_FACTORY_H_
