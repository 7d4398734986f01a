#include "asyncio/events/threadsafe_handle.h"

#include <exception>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/fatal_error.h"

namespace asyncio::internal {

void ThreadsafeHandleState::run() {
  absl::Cleanup drop = [this] { drop_reference(); };
  std::lock_guard lock(mutex_);
  if (!cancelled_) call();
}

void ThreadsafeHandleState::call() {
  running_ = true;
  const ContextScope scope(context_);
  absl::Cleanup finish = [this] {
    callback_ = nullptr;
    running_ = false;
  };
  try {
    callback_();
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    reporter_.call_exception_handler({.message = "Exception in callback",
                                      .exception = std::current_exception(),
                                      .details = {{"handle", to_string(activity())}}});
  }
}

// What the callback has captured may cancel this handle once more, or own it: it goes last.
void ThreadsafeHandleState::cancel() noexcept {
  Callback withdrawn;
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (!running_) withdrawn = std::move(callback_);
}

void ThreadsafeHandleState::abandon() noexcept {
  {
    Callback dropped;
    std::lock_guard lock(mutex_);
    dropped = std::move(callback_);
  }
  drop_reference();
}

bool ThreadsafeHandleState::cancelled() const noexcept {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

}  // namespace asyncio::internal
