// InLine: what acquire() and its like return, `co_await` of which stands in line for something.
//
// Nothing happens before it is awaited. If there is nothing to wait for, then no turn of the loop
// passes and nothing is allocated; else the place in the line lives in the frame of whoever awaits.
// What was handed over to a task that is cancelled, or destroyed, before it runs goes to the next
// in the line: this is the one place where that is done.
#ifndef ASYNCIO_SYNC_IN_LINE_H_
#define ASYNCIO_SYNC_IN_LINE_H_

#include <coroutine>
#include <optional>

#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/suspension.h"

namespace asyncio {

// An owner of a line who hands something over: the one whose place is woken gets it.
template <class Owner>
concept HandsOver = requires(Owner& owner) { owner.pass_on(); };

// An owner has a WaitQueue `line_`, a LoopBinding `loop_`, and
//
//   bool take_at_once()   takes it if that needs no waiting
//   void take()           if it hands something over: the task that was woken runs, and takes it
//   void pass_on()        if it hands something over: that task cannot take it
//
// The last two come after the place has left the line.
template <class Owner>
class [[nodiscard]] LineAwaiter : public Suspension {
 public:
  explicit LineAwaiter(Owner& owner) noexcept : owner_(owner) {}
  ~LineAwaiter() {
    if constexpr (HandsOver<Owner>) {
      if (!place_.has_value() || !place_->handed_over()) return;
      place_.reset();
      owner_.pass_on();
    }
  }

  bool await_ready() noexcept { return owner_.take_at_once(); }

  // Throws std::runtime_error if the owner is bound to a different event loop.
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    owner_.loop_.bind(owner_);
    place_.emplace(owner_.line_);
    park(frame, place_->waiter());
  }

  // Always true, as in Python.
  bool await_resume() {
    if (place_.has_value()) take();
    return true;
  }

 protected:
  Owner& owner() const noexcept { return owner_; }

 private:
  void take() {
    finish(place_->waiter());
    if constexpr (HandsOver<Owner>) {
      place_->require_queue();
      place_.reset();
      owner_.take();
    }
  }

  Owner& owner_;
  std::optional<WaitQueue::Place> place_;
};

// Await it, or hand it to whoever takes an awaitable: `create_task(event.wait())`. The owner must
// live as long.
template <class Owner>
class [[nodiscard("nothing is waited for unless it is awaited")]] InLine {
 public:
  explicit InLine(Owner& owner) noexcept : owner_(&owner) {}

  LineAwaiter<Owner> operator co_await() const noexcept { return LineAwaiter<Owner>(*owner_); }

  Owner& owner() const noexcept { return *owner_; }

 private:
  Owner* owner_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_IN_LINE_H_
