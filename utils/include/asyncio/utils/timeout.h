// timeout(): a limit on how long a block may take.
//
//   try {
//     co_await with(timeout(5s), [&](Timeout&) -> Coro<> { co_await fetch(); });
//   } catch (const TimeoutError&) { … }
//
// When the deadline passes, the task is cancelled once; leaving the block turns that very
// cancellation into a TimeoutError. Cancellations from elsewhere pass through, so timeouts nest.
#ifndef ASYNCIO_UTILS_TIMEOUT_H_
#define ASYNCIO_UTILS_TIMEOUT_H_

#include <exception>
#include <optional>

#include "asyncio/events/event_loop.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/task.h"

namespace asyncio {

// Python counterpart: asyncio.Timeout. A context for with(); moved only before it is entered.
class Timeout {
 public:
  // No deadline for nullopt. Better use timeout() or timeout_at().
  explicit Timeout(std::optional<TimePoint> when) noexcept : when_(when) {}
  Timeout(Timeout&&) noexcept = default;
  Timeout& operator=(Timeout&&) noexcept = default;
  ~Timeout() { timer_.cancel(); }

  // The deadline in the loop's time, if there is one.
  std::optional<TimePoint> when() const noexcept { return when_; }

  // Moves the deadline, or takes it away. One that has passed fires next turn. Throws
  // std::runtime_error outside the block and once the timeout has fired.
  void reschedule(std::optional<TimePoint> when);

  // Whether the deadline passed while the block ran.
  bool expired() const noexcept { return state_ == State::kExpiring || state_ == State::kExpired; }

  // For with(). Throws std::runtime_error the second time, and outside of a task.
  void enter();

  // For with(). Throws TimeoutError in place of the CancelledError that this timeout caused.
  void exit(const std::exception_ptr& error);

 private:
  enum class State : unsigned char { kCreated, kActive, kExpiring, kExpired, kFinished };

  void schedule();
  void expire();

  std::optional<TimePoint> when_;
  std::optional<AnyTask> task_;
  Handle timer_;
  int cancelling_ = 0;  // requests the task had when the block was entered
  State state_ = State::kCreated;
};

// A limit of `delay` from now; nullopt: none. A delay of zero or less lets a body that never
// suspends complete. Throws std::runtime_error without a running loop.
//
// Python counterpart: asyncio.timeout().
Timeout timeout(std::optional<Duration> delay);

// The same with a deadline in the loop's time.
//
// Python counterpart: asyncio.timeout_at().
Timeout timeout_at(std::optional<TimePoint> when);

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_TIMEOUT_H_
