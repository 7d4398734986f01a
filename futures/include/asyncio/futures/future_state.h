// What a Future<T> refers to, without T: the state machine, who waits, the counting of references.
//
//   pending ── complete() ──> finished     value or exception, kept in the derived class or here
//      └────── cancel() ────> cancelled
//
// Who waits is a list of ready-queue nodes: a task's next step, or a done callback. Completing
// makes them due in the order in which they came; nothing runs inside.
#ifndef ASYNCIO_FUTURES_FUTURE_STATE_H_
#define ASYNCIO_FUTURES_FUTURE_STATE_H_

#include <cstdint>
#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "asyncio/events/block_pool.h"
#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"
#include "asyncio/futures/rare_text.h"
#include "asyncio/futures/waiter.h"

namespace asyncio::internal {

class FutureState : public Cancellable, public Pooled {
 public:
  FutureState(EventLoop& loop, std::source_location created) noexcept
      : loop_(&loop), created_(created) {}

  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) destroy();
  }
  bool shared() const noexcept { return references_ > 1; }

  EventLoop& loop() const noexcept { return *loop_; }
  std::source_location created() const noexcept { return created_; }
  bool done() const noexcept { return status_ != Status::kPending; }
  bool cancelled() const noexcept { return status_ == Status::kCancelled; }

  // Ends as cancelled. False if done; that still counts as having seen a stored exception.
  bool cancel(std::optional<std::string> message) override;

  // Ends with an exception. Throws std::invalid_argument for null. REQUIRES: !done().
  void fail(std::exception_ptr error);

  // Ends as cancelled. The first who asks for the result gets this CancelledError, later ones one
  // without a message: that of set_cancel_message() is gone. REQUIRES: !done().
  void end_cancelled(std::exception_ptr error);

  // The CancelledError or the exception; marks it as seen. A pending future throws
  // InvalidStateError. REQUIRES: there is no value.
  std::exception_ptr retrieve_error();

  // The exception, or null if there is none; marks it as seen. A cancelled future throws its
  // CancelledError, a pending one InvalidStateError.
  std::exception_ptr exception();

  // The exception with which it ended, null if there is none; that does not count as having seen
  // it.
  std::exception_ptr failure() const noexcept { return cancelled() ? nullptr : error_; }

  // Whether it was cancelled, or failed with a CancelledError all the same. Slow in that case.
  bool ended_in_cancellation() const noexcept;

  // The CancelledError for whoever asks next. Python counterpart: Future._make_cancelled_error().
  std::exception_ptr make_cancelled_error();

  // The message of the errors that make_cancelled_error() makes. cancel() sets it; a task, which
  // cancel() does not end, sets it itself, and keeps it if it then ends in another way.
  // Python counterpart: Future._cancel_message.
  std::optional<std::string> cancel_message() const { return cancel_message_.copy(); }
  void set_cancel_message(std::optional<std::string> message) {
    cancel_message_ = RareText(std::move(message));
  }

  // Throws whatever a result() must throw: InvalidStateError, CancelledError, the exception. It is
  // inline because each function that an exception leaves costs the unwinder thousands of
  // instructions.
  ABSL_ATTRIBUTE_ALWAYS_INLINE void require_value() {
    if (status_ == Status::kFinished && error_ == nullptr) [[likely]]
      return;
    std::rethrow_exception(retrieve_error());
  }

  // Throws InvalidStateError if done.
  void require_pending() const;

  // The exception will not be reported as never retrieved.
  void mark_retrieved() noexcept { retrieved_ = true; }

  // `sleeper` becomes due on completion, in line with the others. REQUIRES: !done().
  void park(Runnable& sleeper) noexcept { waiting_.push_back(sleeper); }

  // Who is in line.
  const RunnableList& waiting() const noexcept { return waiting_; }

  using DoneCallback = absl::AnyInvocable<void(FutureState&)>;

  // As Future::add_done_callback and remove_done_callback.
  std::uint64_t add_done_callback(DoneCallback callback,
                                  std::source_location where = std::source_location::current(),
                                  ContextRef context = ContextRef::capture());
  bool remove_done_callback(std::uint64_t id);

  // For messages: "<Future created at main.cc:12>".
  virtual std::string describe() const;
  virtual const char* kind() const noexcept { return "Future"; }

  // Tells the loop's exception handler, in the context of what is reported. Throws nothing but a
  // FatalError.
  virtual void report(const ExceptionContext& context) { loop_->call_exception_handler(context); }

 protected:
  virtual ~FutureState();

  // Ends with the value that the derived class has stored. REQUIRES: !done().
  void finish() { settle(Status::kFinished); }

 private:
  enum class Status : unsigned char { kPending, kFinished, kCancelled };
  class CallbackNode;

  void destroy() noexcept;
  void require_open_loop() const;
  void settle(Status status);
  void report_unretrieved() noexcept;

  EventLoop* loop_;
  const std::source_location created_;
  RunnableList waiting_;
  CallbackNode* callbacks_ = nullptr;  // those of waiting_ that are callbacks
  std::exception_ptr error_;           // the exception, or a CancelledError that nobody has got yet
  RareText cancel_message_;
  unsigned references_ = 1;
  Status status_ = Status::kPending;
  bool retrieved_ = false;
};

// A counted reference to a state.
template <class State>
class StateRef {
 public:
  StateRef() = default;
  // Takes over the caller's reference.
  explicit StateRef(State* state) noexcept : state_(state) {}
  StateRef(const StateRef& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->add_reference();
  }
  StateRef(StateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  StateRef& operator=(StateRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~StateRef() {
    if (state_ != nullptr) state_->drop_reference();
  }

  static StateRef share(State& state) noexcept {
    state.add_reference();
    return StateRef(&state);
  }

  State* get() const noexcept { return state_; }
  State& operator*() const noexcept { return *state_; }
  State* operator->() const noexcept { return state_; }

 private:
  State* state_ = nullptr;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_FUTURES_FUTURE_STATE_H_
