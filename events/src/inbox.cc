#include "asyncio/events/inbox.h"

namespace asyncio {

// The wake-up is sent after unlocking, or the woken loop would run straight into the lock.
bool Inbox::post(Runnable& node) {
  bool was_empty;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return false;
    was_empty = posted_.empty();
    posted_.push_back(node);
    pending_.store(true, std::memory_order_release);
  }
  if (was_empty) waker_.wake();
  return true;
}

void Inbox::take(RunnableList& ready) {
  absl::MutexLock lock(&mutex_);
  ready.splice_back(posted_);
  pending_.store(false, std::memory_order_relaxed);
}

void Inbox::close(RunnableList& rest) {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  rest.splice_back(posted_);
  pending_.store(false, std::memory_order_relaxed);
}

}  // namespace asyncio
