// A fair line of waiting tasks that one may leave at any time, in O(1).
#ifndef ASYNCIO_SYNC_WAIT_QUEUE_H_
#define ASYNCIO_SYNC_WAIT_QUEUE_H_

#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/coro.h"

namespace asyncio {

// Loop's thread only. Allocates nothing: a place in the line lives in the frame of whoever waits.
class WaitQueue {
 public:
  WaitQueue() = default;
  ~WaitQueue() { clear(); }

  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }

  // Waits at the end of the line until woken. On cancellation the place is given up. The queue may
  // be destroyed meanwhile: then only cancellation ends the wait.
  static Coro<> wait(WaitQueue* queue);

  // Wakes everybody who waits now, first come first; they resume next turn.
  void wake_all() noexcept;

 private:
  class Place;

  void clear() noexcept;

  Place* first_ = nullptr;
  Place* last_ = nullptr;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_WAIT_QUEUE_H_
