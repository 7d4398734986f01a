#include "asyncio/utils/timeout.h"

#include <stdexcept>
#include <string>

#include "asyncio/events/exception_type.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"

namespace asyncio {

Timeout timeout(std::optional<Duration> delay) {
  const EventLoop& loop = get_running_loop();
  if (!delay.has_value()) return Timeout(std::nullopt);
  return Timeout(loop.deadline(*delay));
}

Timeout timeout_at(std::optional<TimePoint> when) { return Timeout(when); }

void Timeout::enter() {
  if (state_ != State::kCreated) throw std::runtime_error("Timeout has already been entered");
  task_ = current_task();
  if (!task_.has_value()) throw std::runtime_error("Timeout should be used inside a task");
  cancelling_ = task_->cancelling();
  state_ = State::kActive;
  schedule();
}

void Timeout::reschedule(std::optional<TimePoint> when) {
  if (state_ == State::kCreated) throw std::runtime_error("Timeout has not been entered");
  if (state_ != State::kActive) {
    const char* state = state_ == State::kExpiring  ? "expiring"
                        : state_ == State::kExpired ? "expired"
                                                    : "finished";
    throw std::runtime_error(std::string("Cannot change state of ") + state + " Timeout");
  }
  when_ = when;
  timer_.cancel();
  schedule();
}

// A deadline that has passed already must not overtake what is due.
void Timeout::schedule() {
  if (!when_.has_value()) return;
  EventLoop& loop = task_->get_loop();
  auto fire = [this] { expire(); };
  timer_ = *when_ <= loop.time() ? loop.call_soon(fire) : loop.call_at(*when_, fire);
}

void Timeout::expire() {
  task_->cancel();
  state_ = State::kExpiring;
}

// If more cancellations arrived than this timeout asked for, they are somebody else's and pass
// through.
void Timeout::exit(const std::exception_ptr& error) {
  timer_.cancel();
  if (state_ != State::kExpiring) {
    state_ = State::kFinished;
    return;
  }
  state_ = State::kExpired;
  const bool only_mine = task_->uncancel() <= cancelling_;
  if (only_mine && internal::holds<CancelledError>(error)) throw TimeoutError();
}

}  // namespace asyncio
