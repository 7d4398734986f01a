// A coroutine that is called and forgotten never runs.
//
// expect: a coroutine runs only when awaited or made a task
// expect: unused-result

#include "asyncio/tasks/coro.h"

namespace discarding_a_coroutine {

using asyncio::Coro;

Coro<int> answer();

#ifdef REJECTED
Coro<> forget() {
  answer();
  co_return;
}
#else
Coro<> remember() { co_await answer(); }
#endif

}  // namespace discarding_a_coroutine
