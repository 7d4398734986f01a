// A fair line of waiting tasks that one may leave at any time, in O(1).
//
// A place in the line lives in the frame of whoever waits. Being woken is a state of its own,
// because the task runs only next turn and may be cancelled, or destroyed, before that:
//
//   waiting ──── wake ────> woken ── its task runs ──> gone
//      └─────── cancel ───> gone      or is cancelled
//
// Places that have been woken stay at the head of the line until they are gone. So whoever hands a
// lock or a permit over by wake_first() sees that it is under way (handing_over()), and a place
// that goes without taking it knows that it must go to the next (Place::handed_over()).
#ifndef ASYNCIO_SYNC_WAIT_QUEUE_H_
#define ASYNCIO_SYNC_WAIT_QUEUE_H_

#include <cstddef>
#include <vector>

#include "asyncio/events/runnable.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/coro.h"

namespace asyncio {

// Loop's thread only. Allocates nothing.
class WaitQueue {
 public:
  class Place;

  WaitQueue() = default;
  ~WaitQueue() { clear(); }

  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // Whether nobody waits to be woken.
  bool empty() const noexcept { return waiting_ == nullptr; }

  // Whether somebody has been woken who has not run since.
  bool handing_over() const noexcept { return first_ != waiting_; }

  // Places in the line, woken or not. O(n).
  std::size_t size() const noexcept;

  // Who is suspended at these places, first come first. O(n).
  std::vector<Runnable*> sleepers() const;

  // Waits at the end of the line until woken. On cancellation the place is given up. The queue may
  // be destroyed meanwhile: then only cancellation ends the wait.
  static Coro<> wait(WaitQueue* queue);

  // Wakes the first who waits and has not been cancelled; he resumes next turn. False if there is
  // nobody.
  bool wake_first() noexcept { return waiting_ != nullptr && wake_next(); }

  // Wakes everybody who waits now, first come first; they resume next turn.
  void wake_all() noexcept {
    while (wake_first()) continue;
  }

 private:
  bool wake_next() noexcept;
  void clear() noexcept;

  Place* first_ = nullptr;
  Place* last_ = nullptr;
  Place* waiting_ = nullptr;  // the first who has not been woken
};

// Stands at the end of the line from the beginning, and leaves it when destroyed.
class WaitQueue::Place {
 public:
  explicit Place(WaitQueue& queue) noexcept : queue_(&queue), previous_(queue.last_) {
    (previous_ != nullptr ? previous_->next_ : queue.first_) = this;
    queue.last_ = this;
    if (queue.waiting_ == nullptr) queue.waiting_ = this;
  }
  ~Place() { leave(); }

  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  // What the task awaits.
  Waiter& waiter() noexcept { return waiter_; }

  // Whether it has been woken, and stands in the line still: if it goes without taking what it was
  // woken for, the next must have it.
  bool handed_over() const noexcept { return queue_ != nullptr && waiter_.woken(); }

  // For a place that has not left: throws std::runtime_error if the queue has been destroyed.
  void require_queue() const;

  // Idempotent.
  void leave() noexcept;

 private:
  friend class WaitQueue;

  Waiter waiter_;
  WaitQueue* queue_;  // null once it has left
  Place* previous_;
  Place* next_ = nullptr;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_WAIT_QUEUE_H_
