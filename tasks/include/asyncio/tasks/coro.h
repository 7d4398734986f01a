// Coro<T>: what a coroutine function returns; Python's `async def f() -> T`.
//
//   Coro<int> answer() { co_return 42; }
//   Coro<> ask() { std::printf("%d\n", co_await answer()); }
//
// Lazy: calling a coroutine function runs nothing of it. It runs when it is awaited, inside the
// task of whoever awaits it, or when it is made a task by create_task(). Awaiting it costs two hops
// of the trampoline and no turn of the loop.
//
// Consumed where born: a Coro can be neither copied nor moved, and whoever consumes one takes it by
// value, so the only Coro that can be consumed is the one a call has just returned. A coroutine
// that outlives its arguments because it was stored, therefore, does not compile. `&&` parameters
// do not compile either; parameters that may refer to a temporary are refused where the coroutine
// could outlive it, see BorrowedArgumentError.
//
// A Coro that is dropped without being awaited destroys its arguments and never runs, and is logged
// as a warning ("coroutine at file:line was never awaited"): with clang the line where the
// coroutine begins, with g++ where it ends.
#ifndef ASYNCIO_TASKS_CORO_H_
#define ASYNCIO_TASKS_CORO_H_

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/futures/future.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/borrow_check.h"
#include "asyncio/tasks/promise_base.h"
#include "asyncio/tasks/suspension.h"

namespace asyncio {

namespace internal {

template <class T>
class Promise;
template <class T>
class CoroAwaiter;

}  // namespace internal

// With -DASYNCIO_LIFETIMES clang follows what a coroutine's arguments refer to and warns of one
// that outlives them; it then wants every ordinary function that returns a Coro marked as the
// library's own are. Meant for a build of its own: std::function and std::invoke of a coroutine
// function do not compile in it.
#ifdef ASYNCIO_LIFETIMES
#define ASYNCIO_INTERNAL_CORO_TYPE [[clang::coro_return_type, clang::coro_lifetimebound]]
#define ASYNCIO_INTERNAL_CORO_WRAPPER __attribute__((coro_wrapper))
#else
#define ASYNCIO_INTERNAL_CORO_TYPE
#define ASYNCIO_INTERNAL_CORO_WRAPPER
#endif

template <class T = void>
class ASYNCIO_INTERNAL_CORO_TYPE
    [[nodiscard("a coroutine runs only when awaited or made a task")]] Coro {
 public:
  static_assert(!std::is_reference_v<T>,
                "a Coro returns a value: use a pointer or std::reference_wrapper");

  // The compiler shows the first line to whoever stored or moved one.
  Coro(const Coro&) = delete;  // consume it where it is born: co_await f() or create_task(f())
  Coro& operator=(const Coro&) = delete;
  ~Coro() {
    if (promise_ == nullptr) return;
    promise_->report_never_awaited();
    close();
  }

  // Destroys it unstarted, without a word in the log. Python counterpart: coroutine.close().
  void close() noexcept {
    if (promise_ != nullptr) release().destroy();
  }

  // For consumers in this library. Gives up the frame; the caller owns it.
  internal::Promise<T>& release() noexcept { return *std::exchange(promise_, nullptr); }

  // For consumers that let it outlive its expression; see BorrowedArgumentError.
  const char* borrowed() const noexcept { return promise_->borrowed(); }

 private:
  friend class internal::Promise<T>;
  explicit Coro(internal::Promise<T>& promise) noexcept : promise_(&promise) {}

  internal::Promise<T>* promise_;
};

// Implementation.

namespace internal {

template <class T>
inline constexpr bool is_coro = false;
template <class T>
inline constexpr bool is_coro<Coro<T>> = true;

// What `co_await` cannot do anything with.
template <class A>
concept NotAwaitable =
    !SuspensionAwaiter<A> && !HasSuspensionAwaiter<A> &&
    !std::derived_from<std::remove_cvref_t<A>, AnyFuture> && !is_coro<std::remove_cvref_t<A>>;

// What `co_await` does with each kind of operand.
class AwaitingPromise : public PromiseBase {
 public:
  template <class T>
  CoroAwaiter<T> await_transform(
      Coro<T> coro, std::source_location where = std::source_location::current()) noexcept {
    set_place(where);
    return CoroAwaiter<T>(coro.release());
  }
  template <class T>
  FutureAwaiter<T> await_transform(
      Future<T> future, std::source_location where = std::source_location::current()) noexcept {
    set_place(where);
    return FutureAwaiter<T>(std::move(future));
  }
  WaiterAwaiter await_transform(
      Waiter& waiter, std::source_location where = std::source_location::current()) noexcept {
    set_place(where);
    return WaiterAwaiter(waiter);
  }
  template <SuspensionAwaiter A>
  AwaiterReference<std::remove_reference_t<A>> await_transform(
      A&& awaiter, std::source_location where = std::source_location::current()) noexcept {
    set_place(where);
    return AwaiterReference<std::remove_reference_t<A>>(awaiter);
  }
  template <HasSuspensionAwaiter A>
  A&& await_transform(A&& awaitable,
                      std::source_location where = std::source_location::current()) noexcept {
    set_place(where);
    return static_cast<A&&>(awaitable);
  }
  template <NotAwaitable A>
  std::suspend_never await_transform(A&&) const noexcept {
    static_assert(!NotAwaitable<A>,
                  "co_await in a Coro takes a coroutine, a future or task, a Waiter, or an awaiter "
                  "that derives from asyncio::Suspension");
    return {};
  }

 protected:
  using PromiseBase::PromiseBase;
};

template <class T>
class Promise : public AwaitingPromise {
 public:
  explicit Promise(std::source_location own) noexcept
      : AwaitingPromise(std::coroutine_handle<Promise>::from_promise(*this), own) {}

  Coro<T> get_return_object() noexcept { return Coro<T>(*this); }

  template <std::convertible_to<T> U = T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }

  T take_value() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> : public AwaitingPromise {
 public:
  explicit Promise(std::source_location own) noexcept
      : AwaitingPromise(std::coroutine_handle<Promise>::from_promise(*this), own) {}

  inline Coro<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take_value() const noexcept {}
};

inline Coro<void> Promise<void>::get_return_object() noexcept { return Coro<void>(*this); }

// The promise of a coroutine with these parameters; a member function's object comes first.
template <class T, class... Parameters>
class SignedPromise final : public Promise<T> {
 public:
  static_assert(
      (!std::is_rvalue_reference_v<Parameters> && ...),
      "a coroutine must not take a parameter by &&: it would refer to a temporary that is gone "
      "when the coroutine runs; take it by value");

  explicit SignedPromise(std::source_location own = std::source_location::current()) noexcept
      : Promise<T>(own) {
    if constexpr (constexpr const char* kBorrowed = first_borrowed<Parameters...>();
                  kBorrowed != nullptr) {
      this->set_borrowed(kBorrowed);
    }
  }
};

// `co_await coroutine()`. Owns the coroutine's frame until the end of the full-expression.
template <class T>
class [[nodiscard]] CoroAwaiter : public FrameOwner {
 public:
  explicit CoroAwaiter(Promise<T>& coroutine) noexcept : FrameOwner(&coroutine) {}

  bool await_ready() const noexcept { return false; }
  template <class Awaiting>
  void await_suspend(std::coroutine_handle<Awaiting> frame) noexcept {
    frame.promise().await_child(*frame_, *this);
  }
  T await_resume() {
    auto& promise = static_cast<Promise<T>&>(*frame_);
    if (std::exception_ptr error = promise.take_error()) std::rethrow_exception(std::move(error));
    return promise.take_value();
  }
};

}  // namespace internal
}  // namespace asyncio

template <class T, class... Parameters>
struct std::coroutine_traits<asyncio::Coro<T>, Parameters...> {
  using promise_type = asyncio::internal::SignedPromise<T, Parameters...>;
};

#endif  // ASYNCIO_TASKS_CORO_H_
