// Waiter: the one suspension primitive.
//
// One party waits for one event. The event wakes it once, or the party is cancelled once, whichever
// comes first; the other call then has no effect. Sleeping, locks, queues, drain() and StreamReader
// all rest on it, so cancellation has to be got right a single time. It allocates nothing: it lives
// where the waiting is done, in the coroutine's frame.
//
//   idle ── park ──> parked ── wake ────> woken       the sleeper runs next turn
//    │                  └───── cancel ──> cancelled   the sleeper runs next turn
//    └──── wake ────────────────────────> woken       park() is then not needed
//
// Loop's thread only. Nothing runs inside wake() or cancel(): the sleeper is made due.
#ifndef ASYNCIO_FUTURES_WAITER_H_
#define ASYNCIO_FUTURES_WAITER_H_

#include <optional>
#include <string>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"

namespace asyncio {

// Something a task may be suspended on, seen by whoever cancels the task.
class Cancellable {
 public:
  // Asks it to end with a cancellation that carries `message`. False, and nothing happens, if it is
  // over already: the cancellation must then reach the waiting task in another way.
  virtual bool cancel(std::optional<std::string> message) = 0;

 protected:
  ~Cancellable() = default;
};

class Waiter final : public Cancellable {
 public:
  Waiter() = default;

  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Suspends `sleeper` here: it becomes due on `loop` when this is woken or cancelled.
  // REQUIRES: neither parked nor done.
  void park(EventLoop& loop, Runnable& sleeper) noexcept {
    loop_ = &loop;
    sleeper_ = &sleeper;
    state_ = State::kParked;
  }

  // The event has happened. Idempotent; no effect after cancel().
  void wake() noexcept { finish(State::kWoken); }

  // The waiting party is cancelled. The message stays with the party.
  bool cancel(std::optional<std::string>) override { return cancel(); }
  bool cancel() noexcept { return finish(State::kCancelled); }

  bool parked() const noexcept { return state_ == State::kParked; }
  bool woken() const noexcept { return state_ == State::kWoken; }
  bool cancelled() const noexcept { return state_ == State::kCancelled; }
  bool done() const noexcept { return woken() || cancelled(); }

  // Who was suspended here last; null: nobody. Only reports look.
  Runnable* sleeper() const noexcept { return sleeper_; }

 private:
  enum class State : unsigned char { kIdle, kParked, kWoken, kCancelled };

  bool finish(State state) noexcept {
    if (done()) return false;
    if (std::exchange(state_, state) == State::kParked) loop_->enqueue(*sleeper_);
    return true;
  }

  EventLoop* loop_ = nullptr;
  Runnable* sleeper_ = nullptr;
  State state_ = State::kIdle;
};

}  // namespace asyncio

#endif  // ASYNCIO_FUTURES_WAITER_H_
