// Nobody but its coroutine ends a task.
//
// expect: a task's result comes from its coroutine alone

#include <stdexcept>

#include "asyncio/tasks/task.h"

namespace setting_the_exception_of_a_task {

using asyncio::Coro;

#ifdef REJECTED
void end(asyncio::Task<int> task) { task.set_exception(std::runtime_error("no")); }
#else
void end(asyncio::Task<int> task) { task.cancel(); }
#endif

}  // namespace setting_the_exception_of_a_task
