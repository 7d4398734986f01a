// Blocking work on threads, its result as a future: run_in_executor() and the loop's default
// executor.
#ifndef ASYNCIO_FUTURES_RUN_IN_EXECUTOR_H_
#define ASYNCIO_FUTURES_RUN_IN_EXECUTOR_H_

#include <atomic>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/thread_pool.h"
#include "asyncio/futures/delivery.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/selectors/duration.h"

namespace asyncio {

// The pool for a job; nullptr: the loop's default executor. Remembers who asks, for messages.
class Executor {
 public:
  Executor(ThreadPool* pool,  // NOLINT(google-explicit-constructor)
           std::source_location where = std::source_location::current())
      : pool_(pool), where_(where) {}

  ThreadPool* pool() const noexcept { return pool_; }
  const std::source_location& where() const noexcept { return where_; }

 private:
  ThreadPool* pool_;
  std::source_location where_;
};

namespace internal {

// One job on its way to a thread, and its result on the way back.
class ExecutorJob : public Delivery {
 public:
  // Hands the job over.
  void submit(EventLoop& loop, const Executor& executor);

  // The job will not run, if it has not begun.
  void cancel() noexcept;

 protected:
  // The pool's thread.
  virtual void execute() noexcept = 0;

 private:
  void work() noexcept;

  enum class State { kQueued, kRunning, kCancelled };

  std::atomic<State> state_{State::kQueued};
};

template <class R>
class TypedExecutorJob final : public ExecutorJob {
 public:
  TypedExecutorJob(absl::AnyInvocable<R()> function, Future<R> future)
      : function_(std::move(function)), future_(std::move(future)) {}

 private:
  void drop() noexcept override { future_.reset(); }

  void execute() noexcept override {
    try {
      if constexpr (std::is_void_v<R>) {
        function_();
        outcome_.set_value();
      } else {
        outcome_.set_value(function_());
      }
    } catch (...) {
      outcome_.set_exception(std::current_exception());
    }
    function_ = nullptr;
  }

  // A result that comes after the future was cancelled is dropped; here, for the job may end on the
  // other thread.
  void deliver() override {
    const std::optional<Future<R>> future = std::exchange(future_, std::nullopt);
    Outcome<R> outcome(std::move(outcome_));
    if (!future.has_value() || future->done()) return;
    if (outcome.exception() != nullptr) {
      future->set_exception(outcome.exception());
    } else if constexpr (std::is_void_v<R>) {
      future->set_result();
    } else {
      future->set_result(std::move(outcome).value());
    }
  }

  absl::AnyInvocable<R()> function_;
  Outcome<R> outcome_;
  std::optional<Future<R>> future_;
};

}  // namespace internal

// Runs function(arguments...), kept decayed, on a thread of `executor` (nullptr: the loop's default
// one) and gives its result, or its exception, as a future of `loop`. Cancelling the future cancels
// the job if it has not begun; a job that runs goes on and its result is dropped. Throws
// std::runtime_error if the loop is closed, or the executor shut down ("Executor shutdown has been
// called").
//
// Python counterpart: loop.run_in_executor().
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
auto run_in_executor(EventLoop& loop, Executor executor, F&& function, Args&&... arguments) {
  using R = std::decay_t<std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>&...>>;
  Future<R> future(loop, executor.where());
  auto job = std::make_shared<internal::TypedExecutorJob<R>>(
      std::bind_front(std::forward<F>(function), std::forward<Args>(arguments)...), future);
  job->submit(loop, executor);
  future.add_done_callback([job](const AnyFuture& done) {
    if (done.cancelled()) job->cancel();
  });
  return future;
}

// The same on the running loop.
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
auto run_in_executor(Executor executor, F&& function, Args&&... arguments) {
  return run_in_executor(get_running_loop(), executor, std::forward<F>(function),
                         std::forward<Args>(arguments)...);
}

// Replaces the pool that nullptr stands for; it is made on first use otherwise. The old one, if
// any, is shut down without waiting. Throws std::invalid_argument for null.
//
// Python counterpart: loop.set_default_executor().
void set_default_executor(EventLoop& loop, std::shared_ptr<ThreadPool> executor);

// Shuts the default executor down for good; done when all its jobs have ended. After `limit` of
// real time it is done anyway, and a warning names the jobs that still run; they go on by
// themselves.
//
// Python counterpart: loop.shutdown_default_executor().
Future<> shutdown_default_executor(EventLoop& loop, Duration limit = Duration::infinite());

}  // namespace asyncio

#endif  // ASYNCIO_FUTURES_RUN_IN_EXECUTOR_H_
