// with(): Python's `async with`, whose exit may await.
//
//   co_await with(timeout(30s), [&](Timeout&) -> Coro<> { co_await fetch(); });
//   co_await with(timeout(30s), TaskGroup(), [&](auto&, auto& group) { group.create_task(poll());
//   });
//
// C++ has no `co_await` in a catch block or a destructor, so leaving a block asynchronously needs
// this one translation. Contexts are entered from left to right and left from right to left,
// whatever the body does: return, throw or be cancelled.
//
// A context has enter() and exit(std::exception_ptr error), either of which may be an ordinary
// function or return a Coro. exit() gets the exception that leaves the body, or null. It may throw
// another one instead, or return true to say that the exception has been dealt with (a body with a
// result must not be silenced: then std::logic_error).
//
// Python counterpart: `async with`; enter and exit are __aenter__ and __aexit__.
#ifndef ASYNCIO_TASKS_WITH_H_
#define ASYNCIO_TASKS_WITH_H_

#include <concepts>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "asyncio/futures/outcome.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"

namespace asyncio {

// What with() can enter. It is moved into place before it is entered, never after.
template <class C>
concept AsyncContext =
    std::move_constructible<C> && requires(C& context, std::exception_ptr error) {
      context.enter();
      context.exit(error);
    };

// What with() can run inside of contexts: a callable that takes all of them, or nothing.
template <class Body, class... Contexts>
concept ContextBody = std::invocable<Body&, Contexts&...> || std::invocable<Body&>;

namespace internal {

// What a body gives: a Coro's result, or a plain function's.
template <class R>
struct BodyResult {
  using type = R;
};
template <class T>
struct BodyResult<Coro<T>> {
  using type = T;
};

// Calls the body with the contexts, if it wants them.
template <class... Contexts, ContextBody<Contexts...> Body>
ASYNCIO_INTERNAL_CORO_WRAPPER decltype(auto) call_body(Body& body, Contexts&... contexts) {
  if constexpr (std::invocable<Body&, Contexts&...>) {
    return body(contexts...);
  } else {
    return body();
  }
}

template <class Body, class... Contexts>
using BodyResultOf = typename BodyResult<decltype(call_body(std::declval<Body&>(),
                                                            std::declval<Contexts&>()...))>::type;

// Calls `function` and, if it returns a coroutine, awaits it.
template <class F>
auto call_or_await(F function) -> Coro<typename BodyResult<std::invoke_result_t<F&>>::type> {
  if constexpr (is_coro<std::invoke_result_t<F&>>) {
    co_return co_await function();
  } else {
    co_return function();
  }
}

// How `function` ended, for code that goes on awaiting after a failure.
template <class F>
auto outcome_of_call(F function)
    -> Coro<Outcome<typename BodyResult<std::invoke_result_t<F&>>::type>> {
  using T = typename BodyResult<std::invoke_result_t<F&>>::type;
  Outcome<T> outcome;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await call_or_await(std::move(function));
      outcome.set_value();
    } else {
      outcome.set_value(co_await call_or_await(std::move(function)));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  co_return outcome;
}

// Leaves `context`; whether it has dealt with `error`.
template <class C>
Coro<bool> leave(C* context, std::exception_ptr error) {
  auto exit = [context, &error]() ASYNCIO_INTERNAL_CORO_WRAPPER { return context->exit(error); };
  if constexpr (std::is_void_v<typename BodyResult<std::invoke_result_t<decltype(exit)&>>::type>) {
    co_await call_or_await(exit);
    co_return false;
  } else {
    co_return co_await call_or_await(exit);
  }
}

}  // namespace internal

// Runs `body(context)`, or `body()`, inside `context` and gives its result. The body may be an
// ordinary function or a coroutine function; it and the context live until the exit has ended.
template <AsyncContext C, class Body>
  requires ContextBody<Body, C>
auto with(C context, Body body) -> Coro<internal::BodyResultOf<Body, C>> {
  co_await internal::call_or_await([&context]()
                                       ASYNCIO_INTERNAL_CORO_WRAPPER { return context.enter(); });
  auto outcome = co_await internal::outcome_of_call(
      [&]() ASYNCIO_INTERNAL_CORO_WRAPPER { return internal::call_body(body, context); });
  const bool silenced = co_await internal::leave(&context, outcome.exception());
  if constexpr (std::is_void_v<internal::BodyResultOf<Body, C>>) {
    if (!silenced) outcome.value();
  } else {
    if (silenced && outcome.exception() != nullptr) {
      throw std::logic_error(
          "the context silenced the exception of a body that has a result to give");
    }
    co_return std::move(outcome).value();
  }
}

// Several contexts; the body gets them all, or none.
template <AsyncContext C1, AsyncContext C2, class Body>
  requires ContextBody<Body, C1, C2>
auto with(C1 first, C2 second, Body body) -> Coro<internal::BodyResultOf<Body, C1, C2>> {
  auto inner = [&](C1& outer) ASYNCIO_INTERNAL_CORO_WRAPPER {
    return with(std::move(second), [&](C2& context) ASYNCIO_INTERNAL_CORO_WRAPPER {
      return internal::call_body(body, outer, context);
    });
  };
  co_return co_await with(std::move(first), inner);
}
template <AsyncContext C1, AsyncContext C2, AsyncContext C3, class Body>
  requires ContextBody<Body, C1, C2, C3>
auto with(C1 first, C2 second, C3 third, Body body)
    -> Coro<internal::BodyResultOf<Body, C1, C2, C3>> {
  auto inner = [&](C1& a, C2& b) ASYNCIO_INTERNAL_CORO_WRAPPER {
    return with(std::move(third), [&](C3& context) ASYNCIO_INTERNAL_CORO_WRAPPER {
      return internal::call_body(body, a, b, context);
    });
  };
  co_return co_await with(std::move(first), std::move(second), inner);
}

}  // namespace asyncio

#endif  // ASYNCIO_TASKS_WITH_H_
