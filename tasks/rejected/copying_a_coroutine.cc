// A coroutine cannot be copied.
//
// expect: consume it where it is born: co_await f() or create_task(f())

#include "asyncio/tasks/coro.h"

namespace copying_a_coroutine {

using asyncio::Coro;

Coro<int> answer();

#ifdef REJECTED
void copy() {
  const Coro<int> one = answer();
  const Coro<int> other = one;
}
#else
void drop() { const Coro<int> one = answer(); }
#endif

}  // namespace copying_a_coroutine
