// A sleep that is not awaited does nothing.
//
// expect: a sleep happens only when awaited
// expect: unused-result

#include <chrono>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"

namespace discarding_a_sleep {

using asyncio::Coro;

#ifdef REJECTED
Coro<> wait() {
  asyncio::sleep(std::chrono::seconds(1));
  co_return;
}
#else
Coro<> wait() { co_await asyncio::sleep(std::chrono::seconds(1)); }
#endif

}  // namespace discarding_a_sleep
