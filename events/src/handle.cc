#include "asyncio/events/handle.h"

#include <exception>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/fatal_error.h"

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
  const ContextScope scope(context_);
  absl::Cleanup finish = [this] {
    if (cancelled_ || !repeats_) callback_ = nullptr;
    running_ = false;
  };
  try {
    callback_();
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    report_exception();
  }
}

void HandleState::run() {
  const absl::Cleanup drop = [this] { drop_reference(); };
  if (!cancelled_) call();
}

void HandleState::report_exception() {
  reporter_.call_exception_handler({.message = "Exception in callback",
                                    .exception = std::current_exception(),
                                    .details = {{"handle", to_string(activity())}}});
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
