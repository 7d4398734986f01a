// What gather(), as_completed(), shield() and wait_for() take: whatever is, or becomes, a future.
#ifndef ASYNCIO_UTILS_FUTURE_LIKE_H_
#define ASYNCIO_UTILS_FUTURE_LIKE_H_

#include <concepts>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/tasks/task.h"

namespace asyncio::internal {

template <class T>
std::type_identity<T> future_result(const Coro<T>&);
template <class T>
std::type_identity<T> future_result(const Future<T>&);
template <HasSuspensionAwaiter A>
std::type_identity<AwaitResult<A>> future_result(const A&);
template <CoroutineFunction F>
std::type_identity<CoroutineResult<F>> future_result(const F&);

// A coroutine, a future or task, an awaitable such as sleep(), or a callable without parameters
// that starts a coroutine.
template <class A>
concept FutureLike = requires(const A& awaitable) { future_result(awaitable); };

// What awaiting it gives.
template <FutureLike A>
using FutureResult = typename decltype(future_result(std::declval<const A&>()))::type;

template <class R>
concept FutureLikeRange =
    std::ranges::input_range<R> && FutureLike<std::ranges::range_value_t<R>> && !FutureLike<R>;

template <class A>
concept IsFuture = std::derived_from<std::remove_cvref_t<A>, AnyFuture>;

// The future or task that it becomes.
template <class A>
struct Joined {
  using type = Task<FutureResult<A>>;
};
template <IsFuture A>
struct Joined<A> {
  using type = A;
};
template <class A>
using JoinedFuture = typename Joined<std::remove_cvref_t<A>>::type;

// A future or task unchanged, anything else as a new task on `loop`. The coroutine comes by
// reference, for it can be moved no further; it is consumed, or refused with
// BorrowedArgumentError.
template <IsFuture A>
A to_future(EventLoop&, A& future, std::source_location) {
  return std::move(future);
}
template <class T>
Task<T> to_future(EventLoop& loop, Coro<T>& coro, std::source_location where) {
  return start_task(loop, coro, where);
}
template <HasSuspensionAwaiter A>
Task<AwaitResult<A>> to_future(EventLoop& loop, A& awaitable, std::source_location where) {
  return create_task(loop, std::move(awaitable), TaskOptions(), where);
}
template <CoroutineFunction F>
Task<CoroutineResult<F>> to_future(EventLoop& loop, F& function, std::source_location where) {
  return create_task(loop, std::move(function), where);
}

// Throws BorrowedArgumentError if to_future() would.
template <class A>
void require_owned(A& awaitable) {
  if constexpr (is_coro<A>) refuse_borrowed(awaitable, "create_task");
}

// Destroys a coroutine that will not be used, without a word in the log.
template <class A>
void discard(A& awaitable) noexcept {
  if constexpr (is_coro<A>) awaitable.close();
}

// Calls `use` with each element of the range: with a coroutine itself, with a copy of all else.
template <class R, class F>
void for_each_owned(R&& range, F use) {
  using Value = std::ranges::range_value_t<R>;
  for (auto&& element : range) {
    if constexpr (is_coro<Value>) {
      use(element);
    } else {
      Value copy(element);
      use(copy);
    }
  }
}

// The loop that a future belongs to; for everything else the running one, or std::runtime_error.
template <class A>
EventLoop& loop_for(const A& awaitable) {
  if constexpr (IsFuture<A>) {
    return awaitable.get_loop();
  } else {
    return get_running_loop();
  }
}

}  // namespace asyncio::internal

#endif  // ASYNCIO_UTILS_FUTURE_LIKE_H_
