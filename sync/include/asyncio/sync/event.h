// Event: something has happened, and everybody who waits for it may go on.
//
// For tasks of one loop, not for threads. It is set or not; what comes once and wakes one task is a
// Semaphore or a Queue.
#ifndef ASYNCIO_SYNC_EVENT_H_
#define ASYNCIO_SYNC_EVENT_H_

#include <string>

#include "asyncio/sync/in_line.h"
#include "asyncio/sync/loop_binding.h"
#include "asyncio/sync/wait_queue.h"

namespace asyncio {

// Belongs to the first loop on which a task has to wait for it. May be destroyed while tasks wait:
// those that have been woken go on, the others wait until they are cancelled.
//
// Python counterpart: asyncio.Event.
class Event {
 public:
  // Not set.
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  bool is_set() const noexcept { return set_; }

  // Wakes everybody who waits, first come first; they resume next turn. From now on nobody waits.
  // Nothing happens if it is set already.
  void set() noexcept {
    if (set_) return;
    set_ = true;
    line_.wake_all();
  }

  // From now on, wait() waits again. Who has been woken goes on all the same.
  void clear() noexcept { set_ = false; }

  // `co_await event.wait()` waits until it is set; always true. No turn passes if it is set; else
  // the task resumes in the turn after set(), even if clear() comes in between. On cancellation the
  // task leaves the line. Throws std::runtime_error if it would wait and the event is bound to a
  // different event loop.
  InLine<Event> wait() noexcept { return InLine<Event>(*this); }

 private:
  friend class LineAwaiter<Event>;
  friend std::string to_string(const Event& event);

  bool take_at_once() const noexcept { return set_; }

  WaitQueue line_;
  LoopBinding loop_;
  bool set_ = false;
};

// "<asyncio::Event [unset, waiters:2]>".
//
// Python counterpart: repr().
std::string to_string(const Event& event);

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_EVENT_H_
