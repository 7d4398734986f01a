// ConcurrentFuture<T>: a result that threads wait for, and hand to each other.
//
// The counterpart of Future<T> outside of loops: every function may be called from any thread, and
// result() blocks. Copies mean the same result. run_coroutine_threadsafe() gives one;
// wrap_future() makes a Future of it, which can be awaited.
//
// Python counterpart: concurrent.futures.Future.
#ifndef ASYNCIO_FUTURES_CONCURRENT_FUTURE_H_
#define ASYNCIO_FUTURES_CONCURRENT_FUTURE_H_

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/selectors/duration.h"

namespace asyncio {

namespace internal {

// Everything without T.
//
//   pending ── begin() ──> running ──┐
//      ├─────────────────────────────┴── end() ──> finished
//      └── cancel() ──> cancelled
class ConcurrentState {
 public:
  using DoneCallback = absl::AnyInvocable<void()>;

  bool cancel();
  bool cancelled() const;
  bool running() const;
  bool done() const;

  // As set_running_or_notify_cancel().
  bool begin();

  // Ends with what `store` puts into the derived class. Throws InvalidStateError if done.
  void end(absl::AnyInvocable<void()> store);

  // Blocks until done. Throws TimeoutError after `limit`, CancelledError if cancelled.
  void wait(Duration limit) const;

  // Calls `callback` once this is done, in the thread that ends it; at once if it is done.
  void add_done_callback(DoneCallback callback);

 private:
  enum class Status { kPending, kRunning, kFinished, kCancelled };

  bool is_done() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return status_ == Status::kFinished || status_ == Status::kCancelled;
  }

  mutable absl::Mutex mutex_;
  Status status_ ABSL_GUARDED_BY(mutex_) = Status::kPending;
  std::vector<DoneCallback> callbacks_ ABSL_GUARDED_BY(mutex_);
};

template <class T>
struct TypedConcurrentState final : ConcurrentState,
                                    std::enable_shared_from_this<TypedConcurrentState<T>> {
  Outcome<T> outcome;  // written once, before the state is done
};

}  // namespace internal

template <class T = void>
class ConcurrentFuture {
 public:
  // Pending.
  ConcurrentFuture() : state_(std::make_shared<internal::TypedConcurrentState<T>>()) {}

  // True if it ended, or has ended before, as cancelled; false if it is running or finished.
  bool cancel() const { return state_->cancel(); }

  bool cancelled() const { return state_->cancelled(); }
  bool running() const { return state_->running(); }
  bool done() const { return state_->done(); }

  // Blocks until there is a result, for `limit` at most, and gives it, or throws its exception.
  // A value that cannot be copied is moved out. Throws TimeoutError when the time is over,
  // CancelledError if cancelled. Never call it on the thread of the loop that shall produce the
  // result.
  T result(Duration limit = Duration::infinite()) const {
    state_->wait(limit);
    if constexpr (std::is_void_v<T> || std::copy_constructible<T>) {
      return std::as_const(state_->outcome).value();
    } else {
      return std::move(state_->outcome).value();
    }
  }

  // The same for the exception; null if it ended with a value.
  std::exception_ptr exception(Duration limit = Duration::infinite()) const {
    state_->wait(limit);
    return state_->outcome.exception();
  }

  // Calls `callback` with this future once it is done, in the thread that ends it; at once, in this
  // thread, if it is done already. It must not throw. Destroyed uncalled if nobody is left who
  // could end the future.
  void add_done_callback(absl::AnyInvocable<void(ConcurrentFuture)> callback) const {
    // The state must not own itself through its callbacks.
    state_->add_done_callback([callback = std::move(callback), state = state_.get()]() mutable {
      callback(ConcurrentFuture(state->shared_from_this()));
    });
  }

  // For whoever produces the result.

  // Before the work begins: false if it was cancelled and need not be done; else it cannot be
  // cancelled any more. Throws InvalidStateError if it has begun before.
  bool set_running_or_notify_cancel() const { return state_->begin(); }

  // Throw InvalidStateError if it is done.
  template <class... U>
  void set_result(U&&... value) const {
    state_->end([&] { state_->outcome.set_value(std::forward<U>(value)...); });
  }
  void set_exception(std::exception_ptr error) const {
    state_->end([&] { state_->outcome.set_exception(std::move(error)); });
  }

  friend bool operator==(const ConcurrentFuture&, const ConcurrentFuture&) = default;

 private:
  explicit ConcurrentFuture(std::shared_ptr<internal::TypedConcurrentState<T>> state) noexcept
      : state_(std::move(state)) {}

  std::shared_ptr<internal::TypedConcurrentState<T>> state_;
};

}  // namespace asyncio

#endif  // ASYNCIO_FUTURES_CONCURRENT_FUTURE_H_
