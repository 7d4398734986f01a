#include "asyncio/events/threadsafe_handle.h"

#include <exception>

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
  absl::Cleanup finish = [this] {
    running_ = false;
    callback_ = nullptr;
  };
  try {
    callback_();
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    reporter_.call_exception_handler({.message = "Exception in callback",
                                  .exception = std::current_exception()});
  }
}

void ThreadsafeHandleState::cancel() noexcept {
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (!running_) callback_ = nullptr;
}

bool ThreadsafeHandleState::cancelled() const noexcept {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

}  // namespace asyncio::internal
