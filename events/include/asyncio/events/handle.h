// A callback that has been scheduled, and the way to withdraw it.
//
// A handle is a counted reference (one pointer, copyable, not thread-safe): the loop keeps the
// callback alive until it has run or been withdrawn, whether or not anybody keeps the handle.
//
// Python counterpart: asyncio.Handle, asyncio.TimerHandle.
#ifndef ASYNCIO_EVENTS_HANDLE_H_
#define ASYNCIO_EVENTS_HANDLE_H_

#include <compare>
#include <source_location>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "asyncio/events/block_pool.h"
#include "asyncio/events/context.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/timer_queue.h"

namespace asyncio {

// What a loop calls. Runs on the loop's thread, at most once for each time it was scheduled. An
// exception that leaves it is reported to the loop's exception handler, a FatalError ends
// run_forever().
using Callback = absl::AnyInvocable<void()>;

namespace internal {

// The callback's place in the ready queue. Counted: one reference for each Handle and one for each
// place in the loop that may still run it.
class HandleState : public Runnable, public Pooled {
 public:
  HandleState(ExceptionReporter& reporter, Callback&& callback, ContextRef&& context,
              std::source_location created)
      : reporter_(reporter),
        callback_(std::move(callback)),
        context_(std::move(context)),
        created_(created) {}

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) delete this;
  }

  void run() override;
  void abandon() noexcept override;
  Activity activity() const noexcept override { return {.kind = "Handle", .created = created_}; }

  virtual void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_; }
  ContextRef& context() noexcept { return context_; }

 protected:
  virtual ~HandleState() = default;

 private:
  void call();

  ExceptionReporter& reporter_;
  Callback callback_;
  ContextRef context_;
  const std::source_location created_;
  unsigned references_ = 1;
  bool cancelled_ = false;
  bool running_ = false;
};

// A callback with a deadline.
class TimerHandleState final : public HandleState {
 public:
  TimerHandleState(ExceptionReporter& reporter, Callback&& callback, ContextRef&& context,
                   std::source_location created, TimePoint when)
      : HandleState(reporter, std::move(callback), std::move(context), created),
        timer_(*this),
        when_(when) {}

  Timer& timer() noexcept { return timer_; }
  TimePoint when() const noexcept { return when_; }

  void cancel() noexcept override;
  Activity activity() const noexcept override;

 private:
  Timer timer_;
  TimePoint when_;
};

}  // namespace internal

class Handle {
 public:
  // Refers to nothing: cancelled() is true.
  Handle() = default;
  Handle(const Handle& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->add_reference();
  }
  Handle(Handle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Handle() {
    if (state_ != nullptr) state_->drop_reference();
  }

  // Withdraws the callback and destroys it, with all it has captured: once this returns it never
  // runs, not even later in this turn. Idempotent; no effect after it ran. A callback may cancel
  // its own handle.
  void cancel() noexcept {
    if (state_ != nullptr) state_->cancel();
  }

  // Whether cancel() was called. False after a normal run.
  bool cancelled() const noexcept { return state_ == nullptr || state_->cancelled(); }

  // The context in which the callback runs, or ran. REQUIRES: not default-constructed.
  Context get_context() const;

  // "<Handle created at main.cc:12>", with "cancelled" where that is so.
  friend std::string to_string(const Handle& handle);

  // Whether both mean the same scheduled callback. (Callbacks of C++ cannot be compared.)
  friend bool operator==(const Handle& a, const Handle& b) noexcept { return a.state_ == b.state_; }
  template <class H>
  friend H AbslHashValue(H hash, const Handle& handle) {
    return H::combine(std::move(hash), handle.state_);
  }

 protected:
  friend class EventLoop;

  // Takes over the caller's reference.
  explicit Handle(internal::HandleState* state) noexcept : state_(state) {}

  internal::HandleState* state_ = nullptr;
};

class TimerHandle : public Handle {
 public:
  TimerHandle() = default;

  // The deadline, in the loop's time; still there after the timer fired or was cancelled.
  // REQUIRES: not default-constructed.
  TimePoint when() const noexcept {
    return static_cast<const internal::TimerHandleState*>(state_)->when();
  }

  // By deadline; handles with equal deadlines are equivalent, not equal.
  // REQUIRES: neither is default-constructed.
  friend std::weak_ordering operator<=>(const TimerHandle& a, const TimerHandle& b) noexcept {
    return a.when() <=> b.when();
  }

 private:
  friend class EventLoop;
  explicit TimerHandle(internal::TimerHandleState* state) noexcept : Handle(state) {}
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_HANDLE_H_
