// scoped(): Python's `async with lock:`.
//
//   {
//     auto held = co_await scoped(lock);
//     …
//   }  // released, however the block is left
//
// Entering waits and leaving does not, so that a destructor can do it.
#ifndef ASYNCIO_SYNC_SCOPED_H_
#define ASYNCIO_SYNC_SCOPED_H_

#include "asyncio/sync/barrier.h"
#include "asyncio/sync/held.h"
#include "asyncio/sync/in_line.h"
#include "asyncio/tasks/coro.h"

namespace asyncio {

template <class L>
class [[nodiscard]] ScopedAwaiter final : public LineAwaiter<L> {
 public:
  explicit ScopedAwaiter(L& lock) noexcept : LineAwaiter<L>(lock) {}

  Held<L> await_resume() {
    LineAwaiter<L>::await_resume();
    return Held<L>(this->owner());
  }
};

// What scoped() returns: await it. Nothing happens before.
template <class L>
class [[nodiscard("nothing is acquired unless it is awaited")]] Scoped {
 public:
  explicit Scoped(L& lock) noexcept : lock_(&lock) {}

  ScopedAwaiter<L> operator co_await() const noexcept { return ScopedAwaiter<L>(*lock_); }

 private:
  L* lock_;
};

// What can be acquired and released: Lock, Condition, Semaphore.
template <class L>
concept Acquirable = requires(L& lock) {
  lock.acquire().owner();
  lock.release();
};

// `co_await scoped(lock)` acquires, and gives a Held that releases at the end of its scope. Turns,
// errors and cancellation are those of acquire(). For a Condition it is the lock that is held.
//
// Python counterpart: `async with` on a Lock, Condition or Semaphore.
template <Acquirable L>
auto scoped(L& lock) noexcept {
  return Scoped(lock.acquire().owner());
}

// `int index = co_await scoped(barrier)` is barrier.wait(): there is nothing to release.
//
// Python counterpart: `async with barrier as index`.
ASYNCIO_INTERNAL_CORO_WRAPPER inline Coro<int> scoped(Barrier& barrier) { return barrier.wait(); }

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_SCOPED_H_
