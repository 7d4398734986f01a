// Lock: one task at a time.
//
//   auto held = co_await scoped(lock);  // asyncio/sync/scoped.h
//   … nobody else is here, however often this awaits …
//
// For tasks of one loop, not for threads. Fair: who waits longest is next, and nobody overtakes.
#ifndef ASYNCIO_SYNC_LOCK_H_
#define ASYNCIO_SYNC_LOCK_H_

#include <string>

#include "asyncio/sync/held.h"
#include "asyncio/sync/in_line.h"
#include "asyncio/sync/lock_recorder.h"
#include "asyncio/sync/loop_binding.h"
#include "asyncio/sync/wait_queue.h"

namespace asyncio {

// Belongs to nobody: any task may release it. Not reentrant. Belongs to the first loop on which a
// task has to wait for it. May be destroyed while tasks wait: one to whom it has been handed fails
// with std::runtime_error, the others wait until they are cancelled.
//
// Python counterpart: asyncio.Lock.
class Lock {
 public:
  Lock() = default;
  ~Lock() {
    if (locked_) note_released();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  // Whether somebody holds it. False between a release() and the turn in which the next task gets
  // it, although nobody else can have it.
  bool locked() const noexcept { return locked_; }

  // `co_await lock.acquire()` waits until it is this task's; always true. No turn passes if it is
  // free and nobody waits; else the task resumes in the turn after the release(). On cancellation
  // the task does not have the lock, and leaves the line; if the lock had been handed to it
  // already, the next gets it. Throws std::runtime_error if it would wait and the lock is bound to
  // a different event loop.
  InLine<Lock> acquire() noexcept { return InLine<Lock>(*this); }

  // Hands it to the first who waits and is not cancelled, or frees it. Throws std::runtime_error
  // ("Lock is not acquired.").
  void release() {
    if (!locked_) refuse_release();
    note_released();
    locked_ = false;
    line_.wake_first();
  }

 private:
  friend class LineAwaiter<Lock>;
  friend class Held<Lock>;
  friend std::string to_string(const Lock& lock);

  bool take_at_once() noexcept {
    if (locked_ || line_.handing_over()) return false;
    take();
    return true;
  }
  void take() noexcept {
    locked_ = true;
    if (LockRecorder::recording()) [[unlikely]]
      LockRecorder::acquired(line_);
  }
  void pass_on() noexcept { line_.wake_first(); }
  void release_held() noexcept {
    if (locked_) release();
  }
  void note_released() noexcept {
    if (LockRecorder::recording()) [[unlikely]]
      LockRecorder::released(line_);
  }
  [[noreturn]] static void refuse_release();

  WaitQueue line_;  // who has been woken owns the lock, though it is not locked_
  LoopBinding loop_;
  HolderList holders_;
  bool locked_ = false;
};

// "<asyncio::Lock [locked, waiters:2]>".
//
// Python counterpart: repr().
std::string to_string(const Lock& lock);

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_LOCK_H_
