// What a Task is, without the type of its result: steps, cancellation, name, place among all tasks.
#ifndef ASYNCIO_TASKS_TASK_CORE_H_
#define ASYNCIO_TASKS_TASK_CORE_H_

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future_state.h"
#include "asyncio/futures/rare_text.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/promise_base.h"
#include "asyncio/tasks/task_options.h"

namespace asyncio::internal {

class TaskRegistry;

// A task is a node of the ready queue: run() is its next step. While it waits, the same node stands
// in the line of the future it waits for.
class TaskCore : public Runnable {
 public:
  // The registry keeps the task alive, through `future`, until it is done. REQUIRES: the loop is
  // open.
  TaskCore(FutureState& future, PromiseBase& root, const TaskOptions& options);

  FutureState& future() const noexcept { return future_; }

  // The context in which all steps run.
  ContextRef& context() noexcept { return context_; }

  // Once: the first step is due next turn, or runs here and now. A FatalError of that leaves
  // through here.
  void start() { future_.loop().enqueue(*this); }
  void start_eagerly() { run(); }

  // One step: resumes the leaf frame. When the root has ended, ends the future.
  void run() final;
  Activity activity() const noexcept final;
  FutureState* dependent() const noexcept final { return &future_; }

  // Cancellation.

  bool request_cancel(std::optional<std::string> message);
  int cancelling() const noexcept { return cancelling_; }
  int uncancel() noexcept;

  // Suspension.

  // The running frame suspends the chain, on something that can be cancelled, or on nothing (a bare
  // turn). A cancellation that was requested during this step is delivered to it at once.
  void suspend(Cancellable* waiting_on);

  // Whether the next step is due whatever the leaf waits for: to cancel it, or to end the task.
  bool interrupted() const noexcept { return must_cancel_ || future_.done(); }

  // The leaf has been resumed. Throws the CancelledError that is due, if one is.
  void resume() {
    if (must_cancel_) throw take_cancellation();
  }

  // The leaf has been resumed by the end of `awaited`. The same, unless that ended with a
  // CancelledError: then it is the one that is due.
  void resume(const FutureState& awaited) {
    if (!must_cancel_) return;
    if (!awaited.ended_in_cancellation()) throw take_cancellation();
    must_cancel_ = false;
  }

  // The CancelledError, with the message of the request that is due, for the leaf to throw: each
  // function that an exception leaves costs the unwinder thousands of instructions.
  CancelledError take_cancellation();

  // The same, for a leaf whose Waiter has been cancelled: with the message of the request that did
  // it. A later one, which found the Waiter cancelled already, is dealt with by that.
  CancelledError take_sent_cancellation();

  // Name.

  std::string name() const;
  void set_name(std::string name) { name_ = RareText(std::move(name)); }

  // The frame that runs or waits, and through its parents all others; null once it has ended.
  const PromiseBase* leaf() const noexcept { return frames_.leaf(); }

  // The lines at which its coroutines wait or run, the innermost first and at most `limit` of them;
  // none once it has ended.
  std::vector<std::source_location> places(std::size_t limit) const;

  // As Task::get_stack() and print_stack().
  std::vector<std::source_location> stack(std::optional<std::size_t> limit) const;
  void print_stack(std::ostream& file, std::optional<std::size_t> limit) const;

  // Tells the loop's exception handler, in the task's context.
  void report_in_context(const ExceptionContext& context);

  // Destroys the frames of a task that will never run again and reports it: the loop is closing.
  void destroy_pending();

 protected:
  ~TaskCore() = default;

  // Ends the future with the value in the root's promise, and destroys the frames before that.
  virtual void succeed() = 0;

  Trampoline& frames() noexcept { return frames_; }

 private:
  friend class TaskRegistry;

  void complete();
  void refuse_step();
  void end_unstarted();

  // Hands over the reference by which the registry has kept this task alive.
  StateRef<FutureState> leave_registry() noexcept;

  FutureState& future_;
  Trampoline frames_;
  ContextRef context_;
  Cancellable* waiting_on_ = nullptr;
  TaskRegistry& registry_;
  TaskCore* next_task_ = nullptr;  // the registry's list
  TaskCore* previous_task_ = nullptr;
  std::uint64_t id_;
  RareText name_;
  RareText sent_message_;          // with which waiting_on_ was cancelled last
  std::source_location ended_at_;  // where the root was when it ended without a value
  int cancelling_ = 0;
  bool must_cancel_ = false;  // throw CancelledError at the next step, with the future's message
};

// The tasks of one loop that are not done, in order of creation, and the one that runs.
class TaskRegistry {
 public:
  explicit TaskRegistry(EventLoop&) {}
  ~TaskRegistry();

  static TaskRegistry& of(EventLoop& loop);
  static TaskRegistry* find(EventLoop& loop);

  // The task whose step runs now, or null.
  TaskCore* current() const noexcept { return current_; }

  std::vector<TaskCore*> all() const;

  // See set_task_factory().
  const TaskFactory& factory() const noexcept { return factory_; }
  void set_factory(TaskFactory factory) { factory_ = std::move(factory); }

 private:
  friend class TaskCore;
  class CurrentScope;

  void add(TaskCore& task) noexcept;
  void remove(TaskCore& task) noexcept;

  TaskFactory factory_;
  TaskCore* current_ = nullptr;
  TaskCore* first_ = nullptr;
  TaskCore* last_ = nullptr;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_TASKS_TASK_CORE_H_
