// The one door through which other threads reach a loop.
//
// The loop and everybody who may still post to it share the inbox, so that posting to a loop that
// is being closed, or is gone, is refused instead of touching freed memory.
#ifndef ASYNCIO_EVENTS_INBOX_H_
#define ASYNCIO_EVENTS_INBOX_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/waker.h"

namespace asyncio {

class Inbox {
 public:
  // Any thread. Queues `node`, first in first out, and wakes the loop if the inbox was empty: later
  // posts ride on the same wake-up. False, and nothing happens, once close() has been called.
  bool post(Runnable& node) ABSL_LOCKS_EXCLUDED(mutex_);

  // Any thread; a plain load. Whether take() would move anything. True as soon as a post() that
  // happened before this call is not yet taken.
  bool pending() const noexcept { return pending_.load(std::memory_order_acquire); }

  // The loop's thread. Moves all that was posted behind `ready`.
  void take(RunnableList& ready) ABSL_LOCKS_EXCLUDED(mutex_);

  // The loop's thread. Refuses further posts; what was queued moves to `rest`.
  void close(RunnableList& rest) ABSL_LOCKS_EXCLUDED(mutex_);

  const Waker& waker() const noexcept { return waker_; }

 private:
  Waker waker_;
  std::atomic<bool> pending_{false};
  absl::Mutex mutex_;
  RunnableList posted_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_INBOX_H_
