#include "asyncio/events/handle.h"

#include <exception>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/fatal_error.h"

namespace asyncio::internal {

void HandleState::run() {
  absl::Cleanup drop = [this] { drop_reference(); };
  if (!cancelled_) call();
}

// While it runs, the callback must not be destroyed by its own cancel(); so that waits until it is
// back.
void HandleState::call() {
  running_ = true;
  absl::Cleanup finish = [this] {
    running_ = false;
    if (cancelled_) callback_ = nullptr;
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

void HandleState::cancel() noexcept {
  cancelled_ = true;
  if (!running_) callback_ = nullptr;
}

// A timer that still stands in the queue is taken out, and with it goes the queue's reference.
void TimerHandleState::cancel() noexcept {
  HandleState::cancel();
  if (!timer_.scheduled()) return;
  timer_.cancel();
  drop_reference();
}

}  // namespace asyncio::internal
