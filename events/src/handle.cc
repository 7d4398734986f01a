#include "asyncio/events/handle.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/guarded_call.h"

namespace asyncio {

Context Handle::get_context() const { return Context::of(state_->context()); }

std::string to_string(const Handle& handle) {
  if (handle.state_ == nullptr) return "<Handle cancelled>";
  std::string text = to_string(handle.state_->activity());
  if (handle.cancelled()) text.insert(text.size() - 1, ", cancelled");
  return text;
}

}  // namespace asyncio

namespace asyncio::internal {

// The callback is destroyed here, whether or not somebody keeps the handle; but not while it runs:
// its own cancel() leaves that to us.
inline void HandleState::call() {
  running_ = true;
  const absl::Cleanup finish = [this] {
    callback_ = nullptr;
    running_ = false;
  };
  guarded_call(reporter_, context_, *this, callback_);
}

void HandleState::run() {
  const absl::Cleanup drop = [this] { drop_reference(); };
  if (!cancelled_) call();
}

// What the callback has captured may cancel this handle once more, or own it: it goes last.
void HandleState::cancel() noexcept {
  cancelled_ = true;
  if (running_) return;
  const Callback withdrawn = std::move(callback_);
}

void HandleState::abandon() noexcept {
  {
    const Callback dropped = std::move(callback_);
  }
  drop_reference();
}

Activity TimerHandleState::activity() const noexcept {
  Activity activity = HandleState::activity();
  activity.kind = "TimerHandle";
  return activity;
}

// A timer that still stands in the queue is taken out, and with it goes the queue's reference.
void TimerHandleState::cancel() noexcept {
  if (!timer_.scheduled()) return HandleState::cancel();
  timer_.cancel();
  HandleState::cancel();
  drop_reference();
}

}  // namespace asyncio::internal
