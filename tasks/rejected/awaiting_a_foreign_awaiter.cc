// Awaiters of other libraries would resume a frame behind its task's back.
//
// expect: co_await in a Coro takes a coroutine, a future or task, a Waiter,
// expect: or an awaiter that derives from asyncio::Suspension

#include <chrono>
#include <coroutine>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"

namespace awaiting_a_foreign_awaiter {

using asyncio::Coro;

#ifdef REJECTED
Coro<> wait() { co_await std::suspend_always(); }
#else
Coro<> wait() { co_await asyncio::sleep(std::chrono::seconds(0)); }
#endif

}  // namespace awaiting_a_foreign_awaiter
