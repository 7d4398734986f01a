#include "asyncio/tasks/task_core.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "asyncio/events/exception_text.h"
#include "asyncio/events/exception_type.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/loop_local.h"
#include "asyncio/futures/errors.h"

namespace asyncio::internal {
namespace {

LoopLocal<TaskRegistry>& registries() {
  static auto* registries = new LoopLocal<TaskRegistry>();
  return *registries;
}

// Task numbers count through the process. Threads take them in blocks, so that numbering a task
// costs no atomic operation.
std::uint64_t next_task_id() {
  constexpr std::uint64_t kBlock = 1024;
  static std::atomic<std::uint64_t> next_block{1};
  constinit thread_local std::uint64_t next = 0;
  constinit thread_local std::uint64_t end = 0;
  if (next == end) {
    next = next_block.fetch_add(kBlock, std::memory_order_relaxed);
    end = next + kBlock;
  }
  return next++;
}

}  // namespace

// TaskCore.

TaskCore::TaskCore(FutureState& future, PromiseBase& root, const TaskOptions& options)
    : future_(future),
      frames_(root),
      context_(options.context != nullptr ? options.context->ref() : ContextRef::capture()),
      registry_(TaskRegistry::of(future.loop())),
      id_(options.name.empty() ? next_task_id() : 0) {
  if (!options.name.empty()) name_ = RareText(std::string(options.name));
  root.adopt(*this, frames_);
  registry_.add(*this);
  future_.add_reference();
}

// Makes a task the current one for the time of a step: an eager first step runs inside another
// task's.
class TaskRegistry::CurrentScope {
 public:
  explicit CurrentScope(TaskCore& task) noexcept
      : registry_(task.registry_), outer_(std::exchange(registry_.current_, &task)) {}
  ~CurrentScope() { registry_.current_ = outer_; }

 private:
  TaskRegistry& registry_;
  TaskCore* const outer_;
};

// The registry's reference goes last, after the scope: what the result destroys may ask who runs.
void TaskCore::run() {
  StateRef<FutureState> last_reference;
  const TaskRegistry::CurrentScope scope(*this);
  waiting_on_ = nullptr;
  if (future_.done()) {
    last_reference = leave_registry();
    return refuse_step();
  }
  const bool never_starts = must_cancel_ && !frames_.started();
  if (!never_starts) {
    const ContextScope context(context_);
    frames_.run_frames();
    if (!frames_.ended()) return;
  }
  last_reference = leave_registry();
  never_starts ? end_unstarted() : complete();
}

Activity TaskCore::activity() const noexcept {
  Activity activity{.kind = "Task", .created = future_.created()};
  activity.set_name(name());
  if (const PromiseBase* leaf = frames_.leaf()) activity.suspended = leaf->place();
  return activity;
}

// A failure wins over a requested cancellation, a cancellation over a value.
void TaskCore::complete() {
  std::exception_ptr error = frames_.root()->take_error();
  if (error == nullptr && !must_cancel_) return succeed();
  ended_at_ = frames_.root()->place();
  frames_.destroy_frames();
  if (error == nullptr) {
    future_.FutureState::cancel(future_.cancel_message());
    return;
  }
  if (holds<CancelledError>(error)) return future_.end_cancelled(std::move(error));
  future_.fail(error);
  if (is_fatal(error)) std::rethrow_exception(error);
}

void TaskCore::end_unstarted() {
  frames_.destroy_frames();
  future_.end_cancelled(std::make_exception_ptr(CancelledError(future_.cancel_message())));
}

// Somebody has ended the future through a handle that does not know it to be a task's.
void TaskCore::refuse_step() {
  frames_.destroy_frames();
  report_in_context({.message = "Exception in callback",
                     .exception = std::make_exception_ptr(
                         InvalidStateError("step(): already done: " + to_string(activity()))),
                     .details = {{"task", to_string(activity())}}});
}

StateRef<FutureState> TaskCore::leave_registry() noexcept {
  registry_.remove(*this);
  return StateRef<FutureState>(&future_);
}

// Only what the task must throw itself is a message of the task, as Task._cancel_message in
// CPython: a CancelledError that is on its way keeps the one that it was sent with.
bool TaskCore::request_cancel(std::optional<std::string> message) {
  if (future_.done()) {
    future_.mark_retrieved();
    return false;
  }
  ++cancelling_;
  if (waiting_on_ != nullptr && waiting_on_->cancel(message)) {
    sent_message_ = RareText(std::move(message));
  } else {
    must_cancel_ = true;
    future_.set_cancel_message(std::move(message));
  }
  return true;
}

int TaskCore::uncancel() noexcept {
  if (cancelling_ > 0) --cancelling_;
  if (cancelling_ == 0) must_cancel_ = false;
  return cancelling_;
}

void TaskCore::suspend(Cancellable* waiting_on) {
  waiting_on_ = waiting_on;
  if (must_cancel_ && waiting_on != nullptr && waiting_on->cancel(future_.cancel_message())) {
    must_cancel_ = false;
    sent_message_ = RareText(future_.cancel_message());
  }
}

CancelledError TaskCore::take_cancellation() {
  must_cancel_ = false;
  return CancelledError(future_.cancel_message());
}

CancelledError TaskCore::take_sent_cancellation() {
  must_cancel_ = false;
  return CancelledError(std::exchange(sent_message_, RareText()).copy());
}

std::string TaskCore::name() const {
  return name_.has_value() ? *name_ : absl::StrCat("Task-", id_);
}

std::vector<std::source_location> TaskCore::places(std::size_t limit) const {
  std::vector<std::source_location> places;
  for (const PromiseBase* frame = frames_.leaf(); frame != nullptr && places.size() < limit;
       frame = frame->parent()) {
    places.push_back(frame->place());
  }
  return places;
}

std::vector<std::source_location> TaskCore::stack(std::optional<std::size_t> limit) const {
  if (future_.failure() != nullptr && limit != 0) return {ended_at_};
  std::vector<std::source_location> stack =
      places(limit.value_or(std::numeric_limits<std::size_t>::max()));
  std::ranges::reverse(stack);
  return stack;
}

void TaskCore::print_stack(std::ostream& file, std::optional<std::size_t> limit) const {
  const std::vector<std::source_location> lines = stack(limit);
  const std::exception_ptr failure = future_.failure();
  const std::string task = to_string(activity());
  if (lines.empty()) {
    file << "No stack for " << task << '\n';
  } else {
    file << (failure != nullptr ? "Traceback for " : "Stack for ") << task
         << " (most recent call last):\n";
  }
  for (const std::source_location& line : lines) file << "  " << to_string(line) << '\n';
  if (failure != nullptr) file << exception_text(failure) << '\n';
}

void TaskCore::destroy_pending() {
  const StateRef<FutureState> last_reference = leave_registry();
  unlink();
  waiting_on_ = nullptr;
  const std::string description = to_string(activity());
  frames_.destroy_frames();
  report_in_context(
      {.message = "Task was destroyed but it is pending!", .details = {{"task", description}}});
}

void TaskCore::report_in_context(const ExceptionContext& context) {
  const ContextScope scope(context_);
  future_.loop().call_exception_handler(context);
}

// TaskRegistry.

TaskRegistry& TaskRegistry::of(EventLoop& loop) { return registries().of(loop); }

TaskRegistry* TaskRegistry::find(EventLoop& loop) { return registries().find(loop); }

// Destroying one task may end others, or make new ones: take them one by one.
TaskRegistry::~TaskRegistry() {
  while (first_ != nullptr) {
    try {
      first_->destroy_pending();
    } catch (const FatalError&) {
      // The loop is closing already.
    }
  }
}

void TaskRegistry::add(TaskCore& task) noexcept {
  task.previous_task_ = last_;
  (last_ != nullptr ? last_->next_task_ : first_) = &task;
  last_ = &task;
}

void TaskRegistry::remove(TaskCore& task) noexcept {
  (task.previous_task_ != nullptr ? task.previous_task_->next_task_ : first_) = task.next_task_;
  (task.next_task_ != nullptr ? task.next_task_->previous_task_ : last_) = task.previous_task_;
  task.next_task_ = task.previous_task_ = nullptr;
}

std::vector<TaskCore*> TaskRegistry::all() const {
  std::vector<TaskCore*> tasks;
  for (TaskCore* task = first_; task != nullptr; task = task->next_task_) {
    if (!task->future_.done()) tasks.push_back(task);
  }
  return tasks;
}

}  // namespace asyncio::internal
