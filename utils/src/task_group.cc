#include "asyncio/utils/task_group.h"

#include <iterator>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_type.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/utils/exception_group.h"

namespace asyncio {

void TaskGroup::enter() {
  if (parent_.has_value()) throw std::runtime_error("TaskGroup has already been entered");
  parent_ = current_task();
  if (!parent_.has_value()) {
    throw std::runtime_error("TaskGroup cannot determine the parent task");
  }
  if (cancel_on_enter_) cancel();
}

void TaskGroup::cancel() {
  if (!parent_.has_value()) {
    cancel_on_enter_ = true;
  } else if (!aborting_ && !(exiting_ && children_.empty())) {
    abort_with_body();
  }
}

void TaskGroup::require_open() const {
  if (!parent_.has_value()) throw std::runtime_error("TaskGroup has not been entered");
  if (exiting_ && children_.empty()) throw std::runtime_error("TaskGroup is finished");
  if (aborting_) throw std::runtime_error("TaskGroup is shutting down");
}

// A task that started eagerly may have cancelled the group before it belonged to it.
void TaskGroup::adopt(AnyTask task) {
  if (aborting_) task.cancel();
  children_.emplace_back(std::move(task), *this);
  children_.back().place_ = std::prev(children_.end());
}

void TaskGroup::abort() {
  aborting_ = true;
  for (const Child& child : children_) child.task().cancel();
}

void TaskGroup::abort_with_body() {
  abort();
  parent_cancelled_ = true;
  parent_->cancel();
}

void TaskGroup::child_done(Child& child) {
  std::list<Child> done;  // until the end: a report may ask what runs
  done.splice(done.begin(), children_, child.place_);
  const AnyTask& task = child.task();
  if (children_.empty() && all_done_ != nullptr) all_done_->wake();
  if (task.cancelled()) return;
  std::exception_ptr error = task.exception();
  if (error == nullptr) return;
  errors_.push_back(error);
  if (fatal_error_ == nullptr && is_fatal(error)) fatal_error_ = error;
  if (parent_->done()) {
    return task.get_loop().call_exception_handler(
        {.message =
             absl::StrCat("Task ", task.state().describe(), " has errored out but its parent task ",
                          parent_->state().describe(), " is already completed"),
         .exception = std::move(error),
         .details = {{"task", task.state().describe()}}});
  }
  if (!aborting_) abort_with_body();
}

// The wait may be cancelled many times; each time it goes on until the last task has ended.
Coro<bool> TaskGroup::exit(std::exception_ptr error) {
  exiting_ = true;
  const bool body_cancelled = internal::holds<CancelledError>(error);
  std::exception_ptr cancellation = body_cancelled ? error : nullptr;
  std::exception_ptr late_cancellation;
  if (fatal_error_ == nullptr && is_fatal(error)) fatal_error_ = error;
  if (error != nullptr && !aborting_) abort();
  while (!children_.empty()) {
    Waiter all_done;
    all_done_ = &all_done;
    const absl::Cleanup forget = [this] { all_done_ = nullptr; };
    try {
      co_await all_done;
    } catch (const CancelledError&) {
      (aborting_ ? late_cancellation : cancellation) = std::current_exception();
      if (!aborting_) abort();
    }
  }
  // What is left after the group's own request is somebody else's. That of the body goes first.
  if (parent_cancelled_) {
    if (parent_->uncancel() == 0) {
      cancellation = nullptr;
    } else if (cancellation == nullptr) {
      cancellation = late_cancellation;
    }
  }
  if (fatal_error_ != nullptr) std::rethrow_exception(fatal_error_);
  if (cancellation != nullptr && errors_.empty()) std::rethrow_exception(cancellation);
  if (error != nullptr && !body_cancelled) errors_.push_back(error);
  if (errors_.empty()) co_return true;
  // A cancellation from outside that gives way to the group comes again at the next co_await.
  if (parent_->cancelling() > 0) {
    parent_->uncancel();
    parent_->cancel();
  }
  std::rethrow_exception(make_exception_group("unhandled errors in a TaskGroup", errors_));
}

}  // namespace asyncio
