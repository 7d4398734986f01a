// Semaphore: so many tasks at a time.
//
//   Semaphore connections(10);
//   auto held = co_await scoped(connections);  // asyncio/sync/scoped.h
//
// It holds a number of permits: acquire() takes one, release() gives one back, or a new one. For
// tasks of one loop, not for threads. Fair: who waits longest is next, and nobody overtakes.
#ifndef ASYNCIO_SYNC_SEMAPHORE_H_
#define ASYNCIO_SYNC_SEMAPHORE_H_

#include <limits>
#include <string>

#include "asyncio/sync/held.h"
#include "asyncio/sync/in_line.h"
#include "asyncio/sync/loop_binding.h"
#include "asyncio/sync/wait_queue.h"

namespace asyncio {

// Permits belong to nobody: any task may release one. Belongs to the first loop on which a task has
// to wait for it. May be destroyed while tasks wait: one to whom a permit has been handed fails
// with std::runtime_error, the others wait until they are cancelled.
//
// Python counterpart: asyncio.Semaphore.
class Semaphore {
 public:
  // With `value` permits. Throws std::invalid_argument if that is negative.
  explicit Semaphore(int value = 1) : Semaphore(value, std::numeric_limits<int>::max()) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Whether acquire() would wait: there is no permit left, or others come first.
  bool locked() const noexcept { return value_ == 0 || line_.handing_over(); }

  // `co_await semaphore.acquire()` waits for a permit and takes it; always true. No turn passes
  // unless locked(); else the task resumes in the turn after the release(). On cancellation the
  // task has no permit, and leaves the line; one that had been handed to it already goes to the
  // next. Throws std::runtime_error if it would wait and the semaphore is bound to a different
  // event loop.
  InLine<Semaphore> acquire() noexcept { return InLine<Semaphore>(*this); }

  // One permit more: for the first who waits and is not cancelled, or for whoever comes. A
  // BoundedSemaphore throws std::invalid_argument ("BoundedSemaphore released too many times")
  // rather than have more than it began with.
  void release() {
    if (value_ >= bound_) refuse_release();
    ++value_;
    if (!line_.empty()) hand_over();
  }

 protected:
  Semaphore(int value, int bound);

 private:
  friend class LineAwaiter<Semaphore>;
  friend class Held<Semaphore>;
  friend std::string to_string(const Semaphore& semaphore);

  bool take_at_once() noexcept {
    if (locked()) return false;
    --value_;
    return true;
  }
  // There may be permits left: those who came while others had been woken had to wait for them.
  void take() noexcept { hand_over(); }
  void pass_on() noexcept {
    ++value_;
    hand_over();
  }
  void hand_over() noexcept {
    while (value_ > 0 && line_.wake_first()) --value_;
  }
  void release_held() noexcept {
    if (value_ < bound_) release();
  }
  [[noreturn]] static void refuse_release();

  WaitQueue line_;  // who has been woken has a permit that is not in value_ any more
  LoopBinding loop_;
  HolderList holders_;
  int value_;
  int bound_;
};

// A semaphore that never has more permits than it began with: releasing too often is an error.
//
// Python counterpart: asyncio.BoundedSemaphore.
class BoundedSemaphore : public Semaphore {
 public:
  // With `value` permits. Throws std::invalid_argument if that is negative.
  explicit BoundedSemaphore(int value = 1) : Semaphore(value, value) {}
};

// "<asyncio::Semaphore [unlocked, value:3]>", "<asyncio::BoundedSemaphore [locked, waiters:2]>".
//
// Python counterpart: repr().
std::string to_string(const Semaphore& semaphore);

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_SEMAPHORE_H_
