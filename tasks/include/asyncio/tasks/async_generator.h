// AsyncGenerator<T>: a coroutine that gives one value after the other, and may wait in between;
// Python's `async def` with `yield`.
//
//   AsyncGenerator<int> ticks(Duration pause) {
//     for (int i = 0;; ++i) {
//       co_yield i;
//       co_await sleep(pause);
//     }
//   }
//
//   auto numbers = ticks(1s);
//   while (std::optional<int> number = co_await numbers.next()) { … }
//
// Lazy: it runs when it is asked for a value, up to its next co_yield, inside the task of whoever
// asks. A hop of the trampoline there and one back; no turn passes by itself.
//
// It outlives the expression that makes it, so a parameter that may refer to a temporary does not
// compile. Dropped before its end it destroys what it holds; what must be awaited at the end needs
// aclose().
//
// Python counterpart: asynchronous generators; `async for` is the loop above.
#ifndef ASYNCIO_TASKS_ASYNC_GENERATOR_H_
#define ASYNCIO_TASKS_ASYNC_GENERATOR_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "asyncio/tasks/borrow_check.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/promise_base.h"
#include "asyncio/tasks/suspension.h"

namespace asyncio {

// What aclose() throws where the generator waits to be asked for more. Like CancelledError no
// std::exception: let it pass.
//
// Python counterpart: GeneratorExit.
class GeneratorExit final {};

namespace internal {

template <class T>
class GeneratorPromise;
template <class T>
class NextAwaiter;

}  // namespace internal

template <class T>
class [[nodiscard("a generator runs only when asked for values")]] AsyncGenerator
    : private internal::FrameOwner {
 public:
  static_assert(!std::is_reference_v<T> && !std::is_void_v<T>,
                "an AsyncGenerator yields values: use a pointer for a reference");

  // Runs to the next co_yield and gives its value; nullopt when the generator has ended. Throws
  // what the generator throws, which ends it, and std::runtime_error while another task is asking.
  // On cancellation the CancelledError is thrown where the generator waits, and usually ends it: no
  // value is lost, because none was there yet. The generator must outlive the wait.
  //
  // Python counterpart: anext().
  internal::NextAwaiter<T> next() noexcept { return internal::NextAwaiter<T>(*this); }

  // Ends the generator: where it waits to be asked for more it gets a GeneratorExit, and may await
  // on its way out. Nothing happens if it has ended; one that has not started is destroyed. Throws
  // std::runtime_error if the generator yields once more ("async generator ignored GeneratorExit"),
  // or while another task is asking.
  //
  // Python counterpart: aclose().
  Coro<> aclose();

 private:
  friend class internal::GeneratorPromise<T>;
  friend class internal::NextAwaiter<T>;

  explicit AsyncGenerator(internal::GeneratorPromise<T>& promise) noexcept : FrameOwner(&promise) {}

  bool ended() const noexcept { return frame_ == nullptr; }
  internal::GeneratorPromise<T>& promise() const noexcept {
    return static_cast<internal::GeneratorPromise<T>&>(*frame_);
  }
  void end() noexcept { std::exchange(frame_, nullptr)->destroy(); }
};

// Implementation.

namespace internal {

// The promise of an AsyncGenerator.
template <class T>
class GeneratorPromise : public AwaitingPromise {
 public:
  // Suspends the generator until it is asked for more.
  class YieldAwaiter {
   public:
    explicit YieldAwaiter(GeneratorPromise& promise) noexcept : promise_(promise) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept { promise_.hand_back(); }
    void await_resume() const {
      if (promise_.closing_) throw GeneratorExit();
    }

   private:
    GeneratorPromise& promise_;
  };

  explicit GeneratorPromise(std::source_location own) noexcept
      : AwaitingPromise(std::coroutine_handle<GeneratorPromise>::from_promise(*this), own) {}

  AsyncGenerator<T> get_return_object() noexcept { return AsyncGenerator<T>(*this); }

  YieldAwaiter yield_value(T value, std::source_location where = std::source_location::current()) {
    set_place(where);
    value_.emplace(std::move(value));
    return YieldAwaiter(*this);
  }
  void return_void() const noexcept {}

  // What was yielded; nullopt: the generator has ended.
  std::optional<T> take_value() noexcept { return std::exchange(value_, std::nullopt); }

  bool started() const noexcept { return started_; }
  bool running() const noexcept { return running_; }
  void set_running(bool running) noexcept {
    running_ = running;
    started_ = true;
  }
  void set_closing() noexcept { closing_ = true; }

 private:
  std::optional<T> value_;
  bool started_ = false;
  bool running_ = false;
  bool closing_ = false;
};

// The promise of a generator with these parameters; a member function's object comes first. A
// closure is complete only where the constructor's body is.
template <class T, class... Parameters>
class SignedGeneratorPromise final : public GeneratorPromise<T> {
 public:
  explicit SignedGeneratorPromise(
      std::source_location own = std::source_location::current()) noexcept
      : GeneratorPromise<T>(own) {
    static_assert(
        (!std::is_rvalue_reference_v<Parameters> && ...) &&
            first_borrowed<Parameters...>() == nullptr,
        "an AsyncGenerator outlives the expression that makes it, so no parameter may refer to a "
        "temporary: take it by value, as a pointer or by non-const reference; a lambda must not "
        "capture, a member function must not be const");
  }
};

// `co_await generator.next()`.
template <class T>
class [[nodiscard]] NextAwaiter : public Suspension {
 public:
  explicit NextAwaiter(AsyncGenerator<T>& generator) noexcept : generator_(generator) {}

  bool await_ready() const {
    if (generator_.ended()) return true;
    if (!generator_.promise().running()) return false;
    throw std::runtime_error("anext(): asynchronous generator is already running");
  }
  template <class Awaiting>
  void await_suspend(std::coroutine_handle<Awaiting> frame) noexcept {
    generator_.promise().set_running(true);
    frame.promise().await_child(generator_.promise(), generator_);
  }
  std::optional<T> await_resume() {
    if (generator_.ended()) return std::nullopt;
    GeneratorPromise<T>& promise = generator_.promise();
    promise.set_running(false);
    std::optional<T> value = promise.take_value();
    if (value.has_value()) return value;
    std::exception_ptr error = promise.take_error();
    generator_.end();
    if (error != nullptr) std::rethrow_exception(std::move(error));
    return std::nullopt;
  }

 private:
  AsyncGenerator<T>& generator_;
};

}  // namespace internal

template <class T>
Coro<> AsyncGenerator<T>::aclose() {
  if (ended()) co_return;
  if (!promise().started()) {
    end();
    co_return;
  }
  if (!promise().running()) promise().set_closing();
  std::optional<T> ignored;
  try {
    ignored = co_await next();
  } catch (const GeneratorExit&) {
    co_return;
  }
  if (ignored.has_value()) throw std::runtime_error("async generator ignored GeneratorExit");
}

}  // namespace asyncio

template <class T, class... Parameters>
struct std::coroutine_traits<asyncio::AsyncGenerator<T>, Parameters...> {
  using promise_type = asyncio::internal::SignedGeneratorPromise<T, Parameters...>;
};

#endif  // ASYNCIO_TASKS_ASYNC_GENERATOR_H_
