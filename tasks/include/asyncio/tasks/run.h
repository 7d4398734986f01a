// Running coroutines from ordinary code: run(), Runner, run_until_complete().
#ifndef ASYNCIO_TASKS_RUN_H_
#define ASYNCIO_TASKS_RUN_H_

#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"

namespace asyncio {

struct RunnerOptions {
  // Makes the loop; null: new_event_loop().
  std::unique_ptr<EventLoop> (*loop_factory)() = nullptr;

  // Switches the loop's debug mode on or off; nullopt: as ASYNCIO_DEBUG says.
  std::optional<bool> debug = std::nullopt;
};
static_assert(std::is_trivially_copyable_v<RunnerOptions>);

class Runner;

namespace internal {

// Runner::run() with a coroutine that has been passed on.
template <class T>
T run_main(Runner& runner, Coro<T>& main, std::source_location where);

}  // namespace internal

// A loop for running several main coroutines one after the other, and its orderly end.
//
// Python counterpart: asyncio.Runner.
class Runner {
 public:
  explicit Runner(RunnerOptions options = {}) noexcept : options_(options) {}

  // Closes, and reports to the log what close() throws.
  ~Runner();

  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Runs `main` to its end and returns its result, or throws its exception. `main` may refer to
  // temporaries of this expression. Throws std::runtime_error inside a running loop and after
  // close(). All main coroutines run in one context, the Runner's, a copy of the one current at the
  // first run: variables that one sets the next one sees.
  //
  // In the main thread, if SIGINT has its default action, the first Ctrl-C cancels the main task;
  // if the task then ends by that, KeyboardInterrupt is thrown here. A second Ctrl-C has its
  // default action: it ends the process, even if the loop no longer turns.
  template <class T>
  T run(Coro<T> main, std::source_location where = std::source_location::current());

  // Runs function(arguments...), which returns a Coro; see create_task().
  template <class F, class... Args>
    requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
  CoroutineResult<F, Args...> run(F&& function, Args&&... arguments) {
    return run(
        internal::call_owned<CoroutineResult<F, Args...>, std::decay_t<F>, std::decay_t<Args>...>(
            std::forward<F>(function), std::forward<Args>(arguments)...),
        std::source_location());
  }
  template <CoroutineFunction F>
  CoroutineResult<F> run(F&& function,
                         std::source_location where = std::source_location::current()) {
    return run(internal::call_owned<CoroutineResult<F>, std::decay_t<F>>(std::forward<F>(function)),
               where);
  }

  // The loop, made on first use. Throws std::runtime_error after close().
  EventLoop& get_loop();

  // Cancels the remaining tasks and waits until they have ended, reports their exceptions to the
  // loop's handler, waits up to five minutes for the default executor's jobs, closes the loop.
  // Idempotent; before the loop's first use it does nothing, and run() may still come. Throws
  // std::runtime_error while the loop runs, and when one of the tasks stops it ("Event loop stopped
  // before Future completed."); a FatalError of a task leaves through here. The loop is closed even
  // then.
  void close();

 private:
  template <class T>
  friend T internal::run_main(Runner& runner, Coro<T>& main, std::source_location where);

  const Context& context();
  static void cancel_all_tasks(EventLoop& loop);
  static void end_default_executor(EventLoop& loop);

  RunnerOptions options_;
  std::optional<Context> context_;
  std::unique_ptr<EventLoop> loop_;
  bool closed_ = false;
};

// Runs `main` on a loop of its own and returns its result, or throws its exception. Whatever other
// tasks are left are cancelled and awaited before it returns. See Runner::run().
//
// Python counterpart: asyncio.run().
template <class T>
T run(Coro<T> main, RunnerOptions options = {},
      std::source_location where = std::source_location::current());

// Runs function(arguments...), which returns a Coro; see create_task().
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
CoroutineResult<F, Args...> run(F&& function, Args&&... arguments);
template <CoroutineFunction F>
CoroutineResult<F> run(F&& function, RunnerOptions options = {},
                       std::source_location where = std::source_location::current());

// Runs `loop` until `future` is done and returns its result, or throws its exception. Throws
// std::runtime_error if the loop is closed or already running, another loop runs in this thread, or
// the loop is stopped before ("Event loop stopped before Future completed."); std::invalid_argument
// for a future of another loop.
//
// Python counterpart: loop.run_until_complete().
template <class T>
T run_until_complete(EventLoop& loop, Future<T> future);
template <class T>
T run_until_complete(EventLoop& loop, Coro<T> main,
                     std::source_location where = std::source_location::current());

// Implementation.

namespace internal {

// Throws what `function`, one of the two run(), throws inside of a running loop.
void check_not_in_loop(std::string_view function);

// Throws what run_until_complete() throws before it touches anything.
void check_can_run(const EventLoop& loop);

// Throws what run_until_complete() throws, but not the future's own exception.
void run_until_done(EventLoop& loop, const AnyFuture& future);

// Runs the loop of `runner` until the task is done; throws KeyboardInterrupt as Runner::run() says.
void drive(EventLoop& loop, const AnyTask& task);

// The value, moved out if nobody else can see it.
template <class T>
T take_result(const Future<T>& future) {
  future.state().require_value();
  return future.typed_state().take_value();
}

template <class T>
T run_main(Runner& runner, Coro<T>& main, std::source_location where) {
  check_not_in_loop("Runner.run()");
  EventLoop& loop = runner.get_loop();
  check_can_run(loop);
  const Task<T> task = start_task_in_place(loop, main, where, {.context = &runner.context()});
  drive(loop, task);
  return take_result(task);
}

// How it ended. Catches, so that what follows happens even if nobody catches what run() throws: an
// exception that nobody catches need not unwind the stack.
template <class T>
Outcome<T> outcome_of_main(Runner& runner, Coro<T>& main, std::source_location where) {
  Outcome<T> outcome;
  try {
    if constexpr (std::is_void_v<T>) {
      run_main(runner, main, where);
      outcome.set_value();
    } else {
      outcome.set_value(run_main(runner, main, where));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  return outcome;
}

// Closes the runner. If main has failed, what close() throws is logged instead.
void close_after(Runner& runner, const std::exception_ptr& failure);

}  // namespace internal

template <class T>
T Runner::run(Coro<T> main, std::source_location where) {
  return internal::run_main(*this, main, where);
}

template <class T>
T run(Coro<T> main, RunnerOptions options, std::source_location where) {
  internal::check_not_in_loop("asyncio.run()");
  Runner runner(options);
  Outcome<T> outcome = internal::outcome_of_main(runner, main, where);
  internal::close_after(runner, outcome.exception());
  return std::move(outcome).value();
}

template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
CoroutineResult<F, Args...> run(F&& function, Args&&... arguments) {
  return run(
      internal::call_owned<CoroutineResult<F, Args...>, std::decay_t<F>, std::decay_t<Args>...>(
          std::forward<F>(function), std::forward<Args>(arguments)...),
      RunnerOptions(), std::source_location());
}
template <CoroutineFunction F>
CoroutineResult<F> run(F&& function, RunnerOptions options, std::source_location where) {
  return run(internal::call_owned<CoroutineResult<F>, std::decay_t<F>>(std::forward<F>(function)),
             options, where);
}

template <class T>
T run_until_complete(EventLoop& loop, Future<T> future) {
  internal::run_until_done(loop, future);
  return internal::take_result(future);
}

template <class T>
T run_until_complete(EventLoop& loop, Coro<T> main, std::source_location where) {
  internal::check_can_run(loop);
  return run_until_complete<T>(loop, internal::start_task_in_place(loop, main, where));
}

}  // namespace asyncio

#endif  // ASYNCIO_TASKS_RUN_H_
