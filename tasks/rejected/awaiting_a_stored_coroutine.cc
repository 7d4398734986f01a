// A coroutine that was stored cannot be awaited: its arguments may be gone.
//
// expect: consume it where it is born: co_await f() or create_task(f())

#include "asyncio/tasks/coro.h"

namespace awaiting_a_stored_coroutine {

using asyncio::Coro;

Coro<int> answer();

#ifdef REJECTED
Coro<int> ask() {
  Coro<int> stored = answer();
  co_return co_await stored;
}
#else
Coro<int> ask() { co_return co_await answer(); }
#endif

}  // namespace awaiting_a_stored_coroutine
