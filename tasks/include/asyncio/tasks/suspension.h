// Where a coroutine waits: the base of everything that can be awaited and is not itself a
// coroutine.
//
// An awaiter derives from Suspension, suspends the running task on a Waiter (or a future's state)
// and, resumed, calls the matching finish: it throws the CancelledError if the task was cancelled
// meanwhile. Awaiters of other libraries do not compile here: they would resume a frame behind its
// task's back.
#ifndef ASYNCIO_TASKS_SUSPENSION_H_
#define ASYNCIO_TASKS_SUSPENSION_H_

#include <concepts>
#include <coroutine>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/promise_base.h"
#include "asyncio/tasks/task_core.h"

namespace asyncio {

class Suspension {
 public:
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

 protected:
  Suspension() = default;

  // Suspends the task of `frame` until `waiter` is woken or cancelled. REQUIRES: !waiter.done().
  template <class Promise>
  void park(std::coroutine_handle<Promise> frame, Waiter& waiter) {
    enter(frame.promise());
    park_again(waiter, *task_);
  }

  // The same, but then `deputy` becomes due in the task's place. It either lets the task go on or
  // parks it again; the task makes no step before. For awaiters that look again before they resume.
  template <class Promise>
  void park(std::coroutine_handle<Promise> frame, Waiter& waiter, Runnable& deputy) {
    enter(frame.promise());
    park_again(waiter, deputy);
  }
  void park_again(Waiter& waiter, Runnable& deputy) {
    waiter.park(loop(), deputy);
    task_->suspend(&waiter);
  }

  // For a deputy that runs: whether the task must go on, whatever it waits for.
  bool interrupted() const noexcept { return task_->interrupted(); }
  // For a deputy that runs: the task's next step, which may destroy this.
  void go_on() { loop().run_instead(*task_); }
  // For a deputy: reports name the task.
  const Runnable& waiting_task() const noexcept { return *task_; }

  // Suspends the task of `frame` for one turn.
  template <class Promise>
  void yield(std::coroutine_handle<Promise> frame) {
    enter(frame.promise());
    loop().enqueue(*task_);
    task_->suspend(nullptr);
  }

  // After the resumption: throws CancelledError if the task was cancelled. Also right if nothing
  // was ever suspended.
  ABSL_ATTRIBUTE_ALWAYS_INLINE void finish() {
    if (task_ != nullptr) task_->resume();
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE void finish(const Waiter& waiter) {
    if (waiter.cancelled()) throw task_->take_sent_cancellation();
    finish();
  }

  // The loop of the task that is suspended here. REQUIRES: park() or yield() has been called.
  EventLoop& loop() const noexcept { return task_->future().loop(); }

 private:
  template <class T>
  friend class FutureAwaiter;

  void enter(internal::PromiseBase& promise) noexcept { task_ = &promise.task(); }

  internal::TaskCore* task_ = nullptr;
};

// `co_await waiter`: until it is woken. No turn passes if it is already. On cancellation the waiter
// is left cancelled; whoever may still wake it must be told by the code that awaits.
class [[nodiscard]] WaiterAwaiter : public Suspension {
 public:
  explicit WaiterAwaiter(Waiter& waiter) noexcept : waiter_(waiter) {}

  bool await_ready() const noexcept { return waiter_.woken(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    park(frame, waiter_);
  }
  void await_resume() { finish(waiter_); }

 private:
  Waiter& waiter_;
};

// `co_await future`: its value, or its exception. No turn passes if it is done. Cancelling the
// waiting task cancels the future. The value is moved out if the awaited handle is the last one, or
// if it cannot be copied; else it is copied.
template <class T>
class [[nodiscard]] FutureAwaiter : public Suspension {
 public:
  explicit FutureAwaiter(Future<T> future) noexcept : future_(std::move(future)) {}

  bool await_ready() const noexcept { return future_.done(); }

  // A future of another loop, and a task that awaits itself, is refused next turn with
  // std::runtime_error.
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    internal::FutureState& state = future_.state();
    const internal::FutureState& waiting = frame.promise().task().future();
    if (&waiting.loop() != &state.loop() || &waiting == &state) {
      future_ = refused(waiting, state);
      return yield(frame);
    }
    enter(frame.promise());
    state.park(*task_);
    task_->suspend(&state);
  }

  ABSL_ATTRIBUTE_ALWAYS_INLINE T await_resume() {
    future_.state().mark_retrieved();  // by a cancellation too that comes before it
    if (task_ != nullptr) task_->resume(future_.state());
    future_.state().require_value();
    return future_.typed_state().take_value();
  }

 private:
  // What the task gets in place of a future that it cannot wait for.
  static Future<T> refused(const internal::FutureState& waiting,
                           const internal::FutureState& awaited) {
    const Future<T> refusal(waiting.loop());
    refusal.set_exception(std::runtime_error(
        &waiting == &awaited ? "Task cannot await on itself: " + waiting.describe()
                             : "Task " + waiting.describe() + " got Future " + awaited.describe() +
                                   " attached to a different loop"));
    refusal.state().mark_retrieved();
    return refusal;
  }

  Future<T> future_;
};

// What `co_await` accepts beside coroutines, futures and waiters: an awaiter derived from
// Suspension, or something whose operator co_await gives one.
template <class A>
concept SuspensionAwaiter = std::derived_from<std::remove_cvref_t<A>, Suspension>;
template <class A>
concept HasSuspensionAwaiter = requires(A&& awaitable) {
  { std::forward<A>(awaitable).operator co_await() } -> SuspensionAwaiter;
};

namespace internal {

// Awaits an awaiter in its place: g++ 12 would make a copy of it.
template <class A>
class AwaiterReference {
 public:
  explicit AwaiterReference(A& awaiter) noexcept : awaiter_(awaiter) {}

  decltype(auto) await_ready() { return awaiter_.await_ready(); }
  template <class Promise>
  decltype(auto) await_suspend(std::coroutine_handle<Promise> frame) {
    return awaiter_.await_suspend(frame);
  }
  decltype(auto) await_resume() { return awaiter_.await_resume(); }

 private:
  A& awaiter_;
};

}  // namespace internal
}  // namespace asyncio

#endif  // ASYNCIO_TASKS_SUSPENSION_H_
