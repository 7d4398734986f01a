// A coroutine that was stored cannot be run.
//
// expect: consume it where it is born: co_await f() or create_task(f())

#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"

namespace running_a_stored_coroutine {

using asyncio::Coro;

Coro<int> answer();

#ifdef REJECTED
int ask() {
  Coro<int> stored = answer();
  return asyncio::run(std::move(stored));
}
#else
int ask() { return asyncio::run(answer()); }
#endif

}  // namespace running_a_stored_coroutine
