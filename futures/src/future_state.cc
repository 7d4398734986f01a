#include "asyncio/futures/future_state.h"

#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"

namespace asyncio::internal {
namespace {

std::uint64_t next_callback_id() {
  constinit thread_local std::uint64_t last = 0;
  return ++last;
}

}  // namespace

// A done callback in line. The future owns it while it is pending; once due it owns itself and
// keeps the future alive.
class FutureState::CallbackNode final : public Runnable, public Pooled {
 public:
  CallbackNode(DoneCallback callback, std::source_location added, ContextRef context)
      : callback_(std::move(callback)), context_(std::move(context)), added_(added) {}

  void become_due(FutureState& future) noexcept {
    next_ = nullptr;
    future_ = StateRef<FutureState>::share(future);
  }

  void run() override {
    const std::unique_ptr<CallbackNode> self(this);
    const StateRef<FutureState> future = std::move(future_);
    const ContextScope scope(context_);
    try {
      callback_(*future);
    } catch (const FatalError&) {
      throw;
    } catch (...) {
      future->loop().call_exception_handler({.message = "Exception in callback",
                                             .exception = std::current_exception(),
                                             .details = {{"future", future->describe()}}});
    }
  }

  void abandon() noexcept override { delete this; }
  Activity activity() const noexcept override { return {.kind = "Handle", .created = added_}; }

  CallbackNode* next_ = nullptr;  // the future's next callback
  const std::uint64_t id_ = next_callback_id();

 private:
  DoneCallback callback_;
  ContextRef context_;
  const std::source_location added_;
  StateRef<FutureState> future_;
};

std::string FutureState::describe() const {
  return to_string(Activity{.kind = "Future", .created = created_});
}

// The report comes first, while a task still is one.
void FutureState::destroy() noexcept {
  if (status_ == Status::kFinished && error_ != nullptr && !retrieved_) report_unretrieved();
  delete this;
}

FutureState::~FutureState() {
  while (!waiting_.empty()) waiting_.pop_front().abandon();
}

// The future may outlive its loop; then only the log is left to tell.
void FutureState::report_unretrieved() noexcept {
  const std::string message = absl::StrCat(kind(), " exception was never retrieved");
  if (!EventLoop::is_alive(loop_)) return log(LogSeverity::kError, message);
  try {
    report({.message = message, .exception = error_, .details = {{"future", describe()}}});
  } catch (const FatalError&) {
    log(LogSeverity::kError, "the exception handler asked to end the loop from a destructor");
  }
}

bool FutureState::cancel(std::optional<std::string> message) {
  retrieved_ = true;
  if (done()) return false;
  set_cancel_message(std::move(message));
  settle(Status::kCancelled);
  return true;
}

void FutureState::fail(std::exception_ptr error) {
  if (error == nullptr) throw std::invalid_argument("invalid exception object");
  settle(Status::kFinished);
  error_ = std::move(error);
  retrieved_ = false;
}

void FutureState::end_cancelled(std::exception_ptr error) {
  settle(Status::kCancelled);
  error_ = std::move(error);
  cancel_message_ = RareText();
}

// A loop that is not running here may be closed or gone, or run elsewhere.
void FutureState::require_open_loop() const {
  if (running_loop_or_null() == loop_) return;
  if (!EventLoop::is_alive(loop_) || loop_->is_closed()) {
    throw std::runtime_error("Event loop is closed");
  }
  if (loop_->is_running()) {
    throw std::runtime_error(
        "Non-thread-safe operation invoked on an event loop other than the current one");
  }
}

void FutureState::settle(Status status) {
  if (!waiting_.empty()) require_open_loop();
  status_ = status;
  for (CallbackNode* node = std::exchange(callbacks_, nullptr); node != nullptr;) {
    CallbackNode* next = node->next_;
    node->become_due(*this);
    node = next;
  }
  while (!waiting_.empty()) loop_->enqueue(waiting_.pop_front());
}

bool FutureState::ended_in_cancellation() const noexcept {
  if (cancelled() || error_ == nullptr) return cancelled();
  try {
    std::rethrow_exception(error_);
  } catch (const CancelledError&) {
    return true;
  } catch (...) {
    return false;
  }
}

std::exception_ptr FutureState::make_cancelled_error() {
  if (cancelled() && error_ != nullptr) return std::exchange(error_, nullptr);
  return std::make_exception_ptr(CancelledError(cancel_message()));
}

std::exception_ptr FutureState::exception() {
  if (cancelled()) std::rethrow_exception(make_cancelled_error());
  if (!done()) throw InvalidStateError("Exception is not set.");
  retrieved_ = true;
  return error_;
}

std::exception_ptr FutureState::retrieve_error() {
  if (cancelled()) return make_cancelled_error();
  if (!done()) throw InvalidStateError("Result is not ready.");
  retrieved_ = true;
  return error_;
}

void FutureState::require_pending() const {
  if (done()) throw InvalidStateError("invalid state");
}

std::uint64_t FutureState::add_done_callback(DoneCallback callback, std::source_location where,
                                             ContextRef context) {
  if (done()) require_open_loop();
  auto* node = new CallbackNode(std::move(callback), where, std::move(context));
  const std::uint64_t id = node->id_;
  if (done()) {
    node->become_due(*this);
    loop_->enqueue(*node);
  } else {
    node->next_ = std::exchange(callbacks_, node);
    waiting_.push_back(*node);
  }
  return id;
}

// What the callback has captured may own this future: it goes last.
bool FutureState::remove_done_callback(std::uint64_t id) {
  for (CallbackNode** link = &callbacks_; *link != nullptr; link = &(*link)->next_) {
    if ((*link)->id_ != id) continue;
    CallbackNode* node = *link;
    *link = node->next_;
    node->unlink();
    delete node;
    return true;
  }
  return false;
}

}  // namespace asyncio::internal
