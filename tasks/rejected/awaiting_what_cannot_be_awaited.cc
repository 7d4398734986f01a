// Only awaitable things can be awaited.
//
// expect: co_await in a Coro takes a coroutine, a future or task, a Waiter,
// expect: or an awaiter that derives from asyncio::Suspension

#include "asyncio/tasks/coro.h"

namespace awaiting_what_cannot_be_awaited {

using asyncio::Coro;

#ifdef REJECTED
Coro<int> wait() { co_return co_await 5; }
#else
Coro<int> wait() { co_return 5; }
#endif

}  // namespace awaiting_what_cannot_be_awaited
