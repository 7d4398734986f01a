// Between tasks and threads: to_thread() sends work out, run_coroutine_threadsafe() sends it in.
#ifndef ASYNCIO_UTILS_THREADS_H_
#define ASYNCIO_UTILS_THREADS_H_

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/concurrent_future.h"
#include "asyncio/futures/delivery.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/run_in_executor.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"

namespace asyncio {

// Runs function(arguments...), kept decayed, on a thread of the loop's default executor, in a copy
// of the context current when this is awaited, and gives its result or throws its exception. On
// cancellation the wait ends at once; work that has begun goes on, and its result is dropped.
//
// Python counterpart: asyncio.to_thread().
template <class F, class... Args>
  requires std::invocable<F&, Args&...>
auto to_thread(F function, Args... arguments)
    -> Coro<std::decay_t<std::invoke_result_t<F&, Args&...>>> {
  const Context context = copy_context();
  auto call = std::bind_front(std::move(function), std::move(arguments)...);
  auto job = [context, call = std::move(call)]() mutable { return context.run(std::ref(call)); };
  auto result = run_in_executor(nullptr, std::move(job));
  co_return co_await result;
}

// Makes a task of `coro` on `loop`, which runs in another thread, and gives its result as a future
// that threads can wait for. Cancelling that cancels the task, and the other way round. If the loop
// closes before the task begins, it is cancelled; if the loop's task factory throws, that is its
// exception. Any thread; waiting for the result on the loop's
// own thread waits for ever. Throws std::runtime_error if the loop is closed, BorrowedArgumentError
// as create_task().
//
// Python counterpart: asyncio.run_coroutine_threadsafe().
template <class T>
ConcurrentFuture<T> run_coroutine_threadsafe(
    Coro<T> coro, EventLoop& loop, std::source_location where = std::source_location::current());

// The same with function(arguments...), which returns a Coro and is called on the loop's thread;
// both are owned until it ends, as by create_task().
template <class F, class... Args>
  requires CoroutineFunction<F, Args...>
auto run_coroutine_threadsafe(internal::PlacedLoop loop, F&& function, Args&&... arguments) {
  using T = CoroutineResult<F, Args...>;
  return run_coroutine_threadsafe(internal::call_owned<T, std::decay_t<F>, std::decay_t<Args>...>(
                                      std::forward<F>(function), std::forward<Args>(arguments)...),
                                  loop.loop(), loop.place());
}

// Implementation.

namespace internal {

// A coroutine on its way to its loop. Dropped before it was started, it is destroyed, and whoever
// waits is told.
template <class T>
class PostedCoroutine {
 public:
  PostedCoroutine(Promise<T>& promise, ConcurrentFuture<T> result)
      : promise_(&promise), result_(std::move(result)) {}
  PostedCoroutine(PostedCoroutine&& other) noexcept
      : promise_(std::exchange(other.promise_, nullptr)), result_(other.result_) {}
  PostedCoroutine& operator=(PostedCoroutine&&) = delete;
  ~PostedCoroutine() {
    if (promise_ == nullptr) return;
    promise_->destroy();
    result_.cancel();
  }

  Task<T> start(EventLoop& loop, std::source_location where) {
    Coro<T> coro = std::exchange(promise_, nullptr)->get_return_object();
    return start_task_in_place(loop, coro, where);
  }

  const ConcurrentFuture<T>& result() const noexcept { return result_; }

 private:
  Promise<T>* promise_;
  ConcurrentFuture<T> result_;
};

// A thread's request to cancel a task.
class CancelRequest final : public Delivery {
 public:
  explicit CancelRequest(AnyFuture task) : task_(std::move(task)) {}

 private:
  void deliver() override { std::exchange(task_, std::nullopt)->cancel(); }
  void drop() noexcept override { task_.reset(); }

  std::optional<AnyFuture> task_;
};

// Ends `result` as the task has ended. It may have been cancelled meanwhile.
template <class T>
void copy_state(const Future<T>& task, const ConcurrentFuture<T>& result) {
  if (task.cancelled()) result.cancel();
  if (!result.set_running_or_notify_cancel()) return;
  if (std::exception_ptr error = task.exception()) {
    result.set_exception(std::move(error));
  } else if constexpr (std::is_void_v<T>) {
    result.set_result();
  } else {
    result.set_result(task.typed_state().take_value());
  }
}

// Whichever of the two ends first ends the other.
template <class T>
void chain(EventLoop& loop, const Task<T>& task, const ConcurrentFuture<T>& result) {
  auto request = std::make_shared<CancelRequest>(task);
  request->expect(loop);
  task.add_done_callback([request, result](const Task<T>& done) {
    request->withdraw();
    copy_state(done, result);
  });
  result.add_done_callback([request](const ConcurrentFuture<T>& done) {
    if (done.cancelled()) request->send();
  });
}

// What the task factory throws is the result, and an error of the callback.
template <class T>
void start_and_chain(EventLoop& loop, PostedCoroutine<T>& posted, std::source_location where) {
  try {
    chain(loop, posted.start(loop, where), posted.result());
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    if (posted.result().set_running_or_notify_cancel()) {
      posted.result().set_exception(std::current_exception());
    }
    throw;
  }
}

}  // namespace internal

template <class T>
ConcurrentFuture<T> run_coroutine_threadsafe(Coro<T> coro, EventLoop& loop,
                                             std::source_location where) {
  internal::refuse_borrowed(coro, "run_coroutine_threadsafe");
  ConcurrentFuture<T> result;
  internal::PostedCoroutine<T> posted(coro.release(), result);
  loop.call_soon_threadsafe([posted = std::move(posted), &loop,
                             where]() mutable { internal::start_and_chain(loop, posted, where); },
                            where);
  return result;
}

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_THREADS_H_
