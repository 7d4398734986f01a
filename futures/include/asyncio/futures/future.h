// Future<T>: a result that is not there yet.
//
// A future is a counted reference (one pointer, cheap to copy, loop's thread only): all copies mean
// the same result. Whoever produces the result calls set_result() or set_exception(), whoever wants
// it awaits the future in a coroutine or adds a callback. Completing never runs anything: what
// waits becomes due and runs next turn, in the order in which it came.
//
// An exception that nobody ever looked at is reported to the loop's exception handler when the last
// reference goes, with the line where the future was made.
//
// Python counterpart: asyncio.Future.
#ifndef ASYNCIO_FUTURES_FUTURE_H_
#define ASYNCIO_FUTURES_FUTURE_H_

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/policy.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future_state.h"
#include "asyncio/futures/outcome.h"

namespace asyncio {

namespace internal {

// Whether a T can be copied. Containers say so of themselves whatever is in them.
template <class T>
inline constexpr bool copies = std::copy_constructible<T>;
template <class T>
  requires requires { typename T::value_type; }
inline constexpr bool copies<T> = std::copy_constructible<T> && copies<typename T::value_type>;

template <class T>
class ValueState : public FutureState {
 public:
  using FutureState::FutureState;

  template <class... U>
  void set_result(U&&... value) {
    require_pending();
    value_.emplace(std::forward<U>(value)...);
    finish();
  }

  // REQUIRES: require_value() did not throw.
  const T& value() const { return *value_; }

  // Moves the value out if nobody else can see it (or if it cannot be copied), else copies it.
  T take_value() {
    if constexpr (copies<T>) {
      if (shared()) return *value_;
    }
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class ValueState<void> : public FutureState {
 public:
  using FutureState::FutureState;

  void set_result() {
    require_pending();
    finish();
  }
  void value() const noexcept {}
  void take_value() const noexcept {}
};

}  // namespace internal

// Any future, whatever its result.
class AnyFuture {
 public:
  // Names one callback, for remove_done_callback().
  using CallbackId = std::uint64_t;

  // Whether there is a result, an exception or a cancellation.
  bool done() const noexcept { return state_->done(); }

  // Whether it ended by cancel() or, for a task, by a CancelledError.
  bool cancelled() const noexcept { return state_->cancelled(); }

  // Ends the future as cancelled: whoever waits gets a CancelledError with this message. False, and
  // nothing happens, if it is done. Throws std::runtime_error ("Event loop is closed") if somebody
  // waits for whom that is too late. For a task see Task::cancel().
  bool cancel(std::optional<std::string> message = std::nullopt) const {
    return state_->cancel(std::move(message));
  }

  // The exception, or null if it ended with a value. Throws InvalidStateError ("Exception is not
  // set.") while pending, and the CancelledError if cancelled.
  std::exception_ptr exception() const { return state_->exception(); }

  // Calls `callback` with this future once it is done: next turn if it is done already. Callbacks
  // run in the order in which they were added, in line with tasks that await the future, each in a
  // copy of the context current at the call, or in the one given. Returns a name for
  // remove_done_callback(), since functions of C++ cannot be compared. Throws std::runtime_error
  // ("Event loop is closed") if it is done and its loop is closed or gone.
  //
  // The callback takes a handle of the kind it is added by, or of a more general one.
  template <std::invocable<AnyFuture> F>
  CallbackId add_done_callback(F callback,
                               std::source_location where = std::source_location::current()) const {
    return state_->add_done_callback(with_handle<AnyFuture>(std::move(callback)), where);
  }
  template <std::invocable<AnyFuture> F>
  CallbackId add_done_callback(F callback, const Context& context,
                               std::source_location where = std::source_location::current()) const {
    return state_->add_done_callback(with_handle<AnyFuture>(std::move(callback)), where,
                                     context.ref());
  }

  // Whether there was such a callback to remove. False once the future is done: its callbacks are
  // due then.
  bool remove_done_callback(CallbackId id) const { return state_->remove_done_callback(id); }

  // The loop it belongs to.
  EventLoop& get_loop() const noexcept { return state_->loop(); }

  // Whether both mean the same result.
  friend bool operator==(const AnyFuture& a, const AnyFuture& b) noexcept {
    return a.state_.get() == b.state_.get();
  }

  // For the layers above: a handle on a state of theirs, and the state.
  explicit AnyFuture(internal::StateRef<internal::FutureState> state) noexcept
      : state_(std::move(state)) {}
  internal::FutureState& state() const noexcept { return *state_; }

 protected:
  // What calls `callback` with a handle on the state that is done.
  template <class Handle, class F>
  static auto with_handle(F callback) {
    return [callback = std::move(callback)](internal::FutureState& state) mutable {
      callback(Handle(internal::StateRef<internal::FutureState>::share(state)));
    };
  }

  internal::StateRef<internal::FutureState> state_;
};

template <class T = void>
class Future : public AnyFuture {
 public:
  static_assert(!std::is_reference_v<T>, "a Future holds a value: use a pointer for a reference");

  // Pending, on the loop that get_event_loop() finds; throws std::runtime_error if there is none.
  explicit Future(std::source_location where = std::source_location::current())
      : Future(get_event_loop(), where) {}

  // Pending, on this loop.
  explicit Future(EventLoop& loop, std::source_location where = std::source_location::current())
      : AnyFuture(
            internal::StateRef<internal::FutureState>(new internal::ValueState<T>(loop, where))) {}

  // The value. Throws InvalidStateError ("Result is not ready.") while pending, the CancelledError
  // if cancelled, the exception if there is one: each time it is asked.
  decltype(auto) result() const {
    state_->require_value();
    return std::as_const(typed_state()).value();
  }

  // Ends the future with a value. Throws InvalidStateError if it is done, std::runtime_error
  // ("Event loop is closed") if somebody waits whose loop is closed or gone. Waiters resume next
  // turn.
  template <class... U>
  void set_result(U&&... value) const {
    typed_state().set_result(std::forward<U>(value)...);
  }

  // Ends the future with an exception, given as such or in an exception_ptr. Throws as
  // set_result(), and std::invalid_argument for an exception_ptr that is null.
  template <class E>
  void set_exception(E&& error) const {
    state_->require_pending();
    if constexpr (std::same_as<std::decay_t<E>, std::exception_ptr>) {
      state_->fail(std::forward<E>(error));
    } else {
      state_->fail(std::make_exception_ptr(std::forward<E>(error)));
    }
  }

  template <std::invocable<Future<T>> F>
  CallbackId add_done_callback(F callback,
                               std::source_location where = std::source_location::current()) const {
    return state_->add_done_callback(with_handle<Future>(std::move(callback)), where);
  }
  template <std::invocable<Future<T>> F>
  CallbackId add_done_callback(F callback, const Context& context,
                               std::source_location where = std::source_location::current()) const {
    return state_->add_done_callback(with_handle<Future>(std::move(callback)), where,
                                     context.ref());
  }

  // For the layers above. REQUIRES: the state is a ValueState<T>. What happens to the value is said
  // at `co_await`.
  explicit Future(internal::StateRef<internal::FutureState> state) noexcept
      : AnyFuture(std::move(state)) {}
  internal::ValueState<T>& typed_state() const noexcept {
    return static_cast<internal::ValueState<T>&>(*state_);
  }
};

// A pending future on `loop`.
//
// Python counterpart: loop.create_future().
template <class T = void>
Future<T> create_future(EventLoop& loop,
                        std::source_location where = std::source_location::current()) {
  return Future<T>(loop, where);
}

}  // namespace asyncio

#endif  // ASYNCIO_FUTURES_FUTURE_H_
