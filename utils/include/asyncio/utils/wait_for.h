// wait_for(): one awaitable with a limit on how long it may take.
//
//   Page page = co_await wait_for(fetch(url), 5s);
#ifndef ASYNCIO_UTILS_WAIT_FOR_H_
#define ASYNCIO_UTILS_WAIT_FOR_H_

#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/events/running_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/future_state.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/future_like.h"
#include "asyncio/utils/timeout.h"

namespace asyncio {

// Awaits `awaitable` for at most `timeout`, counted from when this is awaited (nullopt: as long as
// it takes), and gives what it gives. A coroutine runs inside the calling task.
//
// When the time is over the awaitable is cancelled. Only once it has ended, which may take as long
// as it likes, this throws TimeoutError; or gives the value that came after all, or throws what
// else the awaitable threw. Cancelling the caller cancels the awaitable, and the CancelledError
// passes through. With a timeout of zero or less a future that is done gives its result, another is
// cancelled, and a coroutine never starts.
//
// A coroutine that may refer to a temporary is fine if this is awaited in place; create_task() and
// its like refuse what this returns then.
//
// Python counterpart: asyncio.wait_for().
template <internal::FutureLike A>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<internal::FutureResult<A>> wait_for(
    A awaitable, std::optional<Duration> timeout);

// Implementation.

namespace internal {

// A coroutine on its way into the frame of another, which can take no Coro as a parameter.
template <class T>
class HeldCoro {
 public:
  explicit HeldCoro(Promise<T>& promise) noexcept : promise_(&promise) {}
  HeldCoro(HeldCoro&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
  HeldCoro& operator=(HeldCoro&&) = delete;
  ~HeldCoro() {
    if (promise_ != nullptr) promise_->destroy();
  }

  Coro<T> take() noexcept { return std::exchange(promise_, nullptr)->get_return_object(); }

  Future<T> start() {
    Coro<T> coro = take();
    return start_task_in_place(get_running_loop(), coro, std::source_location());
  }

 private:
  Promise<T>* promise_;
};

template <class T>
class HeldFuture {
 public:
  explicit HeldFuture(Future<T> future) noexcept : future_(std::move(future)) {}

  Future<T> take() noexcept { return std::move(future_); }
  Future<T> start() noexcept { return std::move(future_); }

 private:
  Future<T> future_;
};

// Cancels `future` and waits until it has ended. Throws TimeoutError if that was with a
// CancelledError, which then counts as asked for. Cancelled itself, it does not ask again.
Coro<> cancel_and_wait(FutureState* future);

template <class T>
Coro<T> wait_for_nothing(Future<T> future) {
  if (!future.done()) co_await cancel_and_wait(&future.state());
  co_return co_await future;
}

template <class T, class Held>
Coro<T> wait_for_held(Held held, std::optional<Duration> timeout) {
  if (timeout.has_value() && *timeout <= Duration::zero()) {
    co_return co_await wait_for_nothing<T>(held.start());
  }
  Timeout limit = asyncio::timeout(timeout);
  limit.enter();
  Outcome<T> outcome;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await held.take();
      outcome.set_value();
    } else {
      outcome.set_value(co_await held.take());
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  limit.exit(outcome.exception());
  co_return std::move(outcome).value();
}

template <class T>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<T> wait_for_coro(Coro<T>& coro,
                                                    std::optional<Duration> timeout) {
  const char* borrowed = coro.borrowed();
  Promise<T>& waiting = wait_for_held<T>(HeldCoro<T>(coro.release()), timeout).release();
  waiting.set_borrowed(borrowed);
  return waiting.get_return_object();
}

}  // namespace internal

template <internal::FutureLike A>
Coro<internal::FutureResult<A>> wait_for(A awaitable, std::optional<Duration> timeout) {
  using T = internal::FutureResult<A>;
  if constexpr (internal::IsFuture<A>) {
    return internal::wait_for_held<T>(internal::HeldFuture<T>(std::move(awaitable)), timeout);
  } else if constexpr (internal::is_coro<A>) {
    return internal::wait_for_coro(awaitable, timeout);
  } else if constexpr (HasSuspensionAwaiter<A>) {
    return wait_for(internal::await_owned<T, A>(std::move(awaitable)), timeout);
  } else {
    return wait_for(internal::call_owned<T, A>(std::move(awaitable)), timeout);
  }
}

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_WAIT_FOR_H_
