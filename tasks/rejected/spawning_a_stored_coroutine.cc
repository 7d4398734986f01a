// A coroutine that was stored cannot become a task.
//
// expect: consume it where it is born: co_await f() or create_task(f())

#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"

namespace spawning_a_stored_coroutine {

using asyncio::Coro;

Coro<int> answer();

#ifdef REJECTED
asyncio::Task<int> spawn() {
  Coro<int> stored = answer();
  return asyncio::create_task(std::move(stored));
}
#else
asyncio::Task<int> spawn() { return asyncio::create_task(answer()); }
#endif

}  // namespace spawning_a_stored_coroutine
