// sleep(): let time pass, or just let others run.
#ifndef ASYNCIO_TASKS_SLEEP_H_
#define ASYNCIO_TASKS_SLEEP_H_

#include <coroutine>
#include <utility>

#include "asyncio/events/runnable.h"
#include "asyncio/events/timer_queue.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/suspension.h"

namespace asyncio {

// One sleep, in the frame of the sleeper: no allocation, no future.
class [[nodiscard]] SleepAwaiter final : public Suspension, private Runnable {
 public:
  explicit SleepAwaiter(Duration delay) noexcept : delay_(delay), timer_(*this) {}

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    if (delay_ <= Duration::zero()) {
      yield(frame);
    } else {
      park(frame, waiter_);
      loop().schedule(timer_, loop().deadline(delay_));
    }
  }

  void await_resume() { finish(waiter_); }

 private:
  void run() override { waiter_.wake(); }

  Duration delay_;
  Waiter waiter_;
  Timer timer_;
};

// What sleep() returns: await it, or hand it to whoever takes an awaitable. Nothing happens before.
class [[nodiscard("a sleep happens only when awaited")]] Sleep {
 public:
  explicit Sleep(Duration delay) noexcept : delay_(delay) {}

  SleepAwaiter operator co_await() const noexcept { return SleepAwaiter(delay_); }

 private:
  Duration delay_;
};

// Suspends the task for at least `delay`; it resumes in the turn after the timer fires. Zero or
// less lets everything that is due run first and resumes exactly one turn later. An infinite delay
// ends only by cancellation. NaN: std::invalid_argument, at the call. On cancellation the timer is
// gone.
//
// Python counterpart: asyncio.sleep(delay).
inline Sleep sleep(Duration delay) noexcept { return Sleep(delay); }

// The same, and then gives `result`.
//
// Python counterpart: asyncio.sleep(delay, result).
template <class T>
Coro<T> sleep(Duration delay, T result) {
  co_await Sleep(delay);
  co_return std::move(result);
}

}  // namespace asyncio

#endif  // ASYNCIO_TASKS_SLEEP_H_
