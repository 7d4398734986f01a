// Moving a stored coroutine does not help.
//
// expect: consume it where it is born: co_await f() or create_task(f())

#include <utility>

#include "asyncio/tasks/coro.h"

namespace awaiting_a_moved_coroutine {

using asyncio::Coro;

Coro<int> answer();

#ifdef REJECTED
Coro<int> ask() {
  Coro<int> stored = answer();
  co_return co_await std::move(stored);
}
#else
Coro<int> ask() { co_return co_await answer(); }
#endif

}  // namespace awaiting_a_moved_coroutine
