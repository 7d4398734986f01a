#include "asyncio/futures/concurrent_future.h"

#include <cerrno>

#include "absl/time/time.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {

// Callbacks run outside of the lock: they may look at the future.
bool ConcurrentState::cancel() {
  std::vector<DoneCallback> callbacks;
  {
    absl::MutexLock lock(&mutex_);
    if (status_ == Status::kCancelled) return true;
    if (status_ != Status::kPending) return false;
    status_ = Status::kCancelled;
    callbacks.swap(callbacks_);
  }
  for (DoneCallback& callback : callbacks) callback();
  return true;
}

bool ConcurrentState::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return status_ == Status::kCancelled;
}

bool ConcurrentState::running() const {
  absl::MutexLock lock(&mutex_);
  return status_ == Status::kRunning;
}

bool ConcurrentState::done() const {
  absl::MutexLock lock(&mutex_);
  return is_done();
}

bool ConcurrentState::begin() {
  absl::MutexLock lock(&mutex_);
  if (status_ == Status::kCancelled) return false;
  if (status_ != Status::kPending) throw InvalidStateError("Future in unexpected state");
  status_ = Status::kRunning;
  return true;
}

void ConcurrentState::end(absl::AnyInvocable<void()> store) {
  std::vector<DoneCallback> callbacks;
  {
    absl::MutexLock lock(&mutex_);
    if (is_done()) throw InvalidStateError("invalid state");
    store();
    status_ = Status::kFinished;
    callbacks.swap(callbacks_);
  }
  for (DoneCallback& callback : callbacks) callback();
}

void ConcurrentState::wait(Duration limit) const {
  absl::MutexLock lock(&mutex_);
  const auto is_over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return is_done(); };
  const absl::Duration longest =
      limit.is_infinite() ? absl::InfiniteDuration() : absl::FromChrono(limit.nanoseconds());
  if (!mutex_.AwaitWithTimeout(absl::Condition(&is_over), longest)) {
    throw_os_error(ETIMEDOUT, "ConcurrentFuture");
  }
  if (status_ == Status::kCancelled) throw CancelledError();
}

void ConcurrentState::add_done_callback(DoneCallback callback) {
  {
    absl::MutexLock lock(&mutex_);
    if (!is_done()) return callbacks_.push_back(std::move(callback));
  }
  callback();
}

}  // namespace asyncio::internal
