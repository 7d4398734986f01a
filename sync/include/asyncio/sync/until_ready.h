// UntilReady: an operation that waits in line until it can be done, and is then done.
//
// Who has been woken looks again before it runs: somebody who came later may have been faster, and
// then it waits again, at the end of the line, without a step of its task. The place in the line
// lives in the frame of whoever awaits: nothing is allocated, and no turn passes if there is
// nothing to wait for.
#ifndef ASYNCIO_SYNC_UNTIL_READY_H_
#define ASYNCIO_SYNC_UNTIL_READY_H_

#include <coroutine>
#include <optional>

#include "absl/base/attributes.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/suspension.h"

namespace asyncio {

// An operation has
//
//   bool ready() const    whether it can be done now
//   void bind()           comes before a wait; may throw
//   WaitQueue& line()     where it waits
//   finish()              does it; its result is that of the co_await
//
// None of them is called once the line has been destroyed.
template <class Operation>
class [[nodiscard]] UntilReady final : public Suspension {
 public:
  explicit UntilReady(Operation& operation) noexcept : operation_(operation) {}

  // What it was woken for is there for the next, if it is cancelled or destroyed instead.
  ~UntilReady() {
    if (turn_.has_value()) [[unlikely]]
      give_up();
  }

  bool await_ready() const noexcept { return operation_.ready(); }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    operation_.bind();
    turn_.emplace(*this);
    park(frame, turn_->place.waiter(), *turn_);
  }

  // Throws std::runtime_error if the line has been destroyed.
  decltype(auto) await_resume() {
    if (turn_.has_value()) [[unlikely]]
      leave_line();
    return operation_.finish();
  }

 private:
  // A place in the line; runs instead of the task that waits there.
  class Turn final : public Runnable {
   public:
    explicit Turn(UntilReady& wait) noexcept : place(wait.operation_.line()), wait_(wait) {}

    void run() override { wait_.look_again(); }
    Activity activity() const noexcept override { return wait_.waiting_task().activity(); }
    internal::FutureState* dependent() const noexcept override {
      return wait_.waiting_task().dependent();
    }

    WaitQueue::Place place;

   private:
    UntilReady& wait_;
  };

  void look_again() {
    if (!turn_->place.handed_over() || interrupted() || operation_.ready()) return go_on();
    turn_.emplace(*this);
    park_again(turn_->place.waiter(), *turn_);
  }

  // Kept out of the way of those who need not wait.
  ABSL_ATTRIBUTE_NOINLINE void leave_line() {
    finish(turn_->place.waiter());
    turn_->place.require_queue();
    turn_.reset();
  }
  ABSL_ATTRIBUTE_NOINLINE void give_up() noexcept {
    const bool handed_over = turn_->place.handed_over();
    turn_.reset();
    if (handed_over && operation_.ready()) operation_.line().wake_first();
  }

  Operation& operation_;
  std::optional<Turn> turn_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_UNTIL_READY_H_
