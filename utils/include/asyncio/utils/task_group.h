// TaskGroup: tasks that end where they began.
//
//   co_await with(TaskGroup(), [&](TaskGroup& group) {
//     for (Feed& feed : feeds) group.create_task(refresh, std::ref(feed));
//   });
//   // all feeds are fresh, or one has failed and the others were stopped
//
// Leaving the block waits for all tasks of the group, also for those that they create while it
// waits. When one fails, or the body does, the others and the body are cancelled and waited for;
// then the block throws an ExceptionGroup ("unhandled errors in a TaskGroup") with what the tasks
// threw, in the order in which they ended, and what the body threw last. CancelledErrors are not in
// it; a task that is cancelled alone disturbs nobody.
//
// A KeyboardInterrupt or SystemExit is not put into a group: the block throws the first of them
// bare, when all have ended. Another exception that is no std::exception makes the group a
// BaseExceptionGroup.
//
// Cancelling the task that is in the block cancels its tasks, waits for them, and throws the
// CancelledError; if there were failures it throws the group, and the CancelledError comes at the
// next co_await.
#ifndef ASYNCIO_UTILS_TASK_GROUP_H_
#define ASYNCIO_UTILS_TASK_GROUP_H_

#include <exception>
#include <list>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/future_watch.h"

namespace asyncio {

// Python counterpart: asyncio.TaskGroup. A context for with(); moved only before it is entered, and
// must not go before exit() has ended. Loop's thread only.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(TaskGroup&& other) noexcept : cancel_on_enter_(other.cancel_on_enter_) {}
  TaskGroup& operator=(TaskGroup&&) = delete;

  // Makes a task of the group: as asyncio::create_task(), whose errors it throws as well; the
  // coroutine starts next turn. Throws std::runtime_error before the block, after it ("is
  // finished"), and once the group is being cancelled ("is shutting down"); the coroutine is then
  // destroyed unstarted. The group looks at the task's exception: it is not reported.
  template <class T>
  Task<T> create_task(Coro<T> coro, std::source_location where = std::source_location::current());
  template <class T>
  Task<T> create_task(Coro<T> coro, TaskOptions options,
                      std::source_location where = std::source_location::current());

  // The same with a callable that returns a Coro, and its arguments; the task owns both.
  template <class F, class... Args>
    requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
  Task<CoroutineResult<F, Args...>> create_task(F&& function, Args&&... arguments);
  template <class F, class... Args>
    requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
  Task<CoroutineResult<F, Args...>> create_task(TaskOptions options, F&& function,
                                                Args&&... arguments);
  template <CoroutineFunction F>
  Task<CoroutineResult<F>> create_task(
      F&& function, std::source_location where = std::source_location::current());
  template <CoroutineFunction F>
  Task<CoroutineResult<F>> create_task(
      F&& function, TaskOptions options,
      std::source_location where = std::source_location::current());

  // The same with another awaitable, such as sleep().
  template <HasSuspensionAwaiter A>
  Task<internal::AwaitResult<A>> create_task(
      A awaitable, std::source_location where = std::source_location::current());

  // Ends the block early and in good order: cancels its tasks and its body, and leaving it throws
  // nothing of that, only failures and the cancellations of others. Before the block: the body is
  // cancelled at its first co_await that waits. Twice, or after the block: nothing. A body with a
  // result has none to give when it is cancelled here: with() throws std::logic_error then.
  //
  // Python counterpart: TaskGroup.cancel(), of 3.15.
  void cancel();

  // For with(). Throws std::runtime_error the second time, and outside of a task.
  void enter();

  // For with(). Waits for the tasks; see above for what it throws. No turn passes if there are
  // none.
  Coro<bool> exit(std::exception_ptr error);

 private:
  class Child final : public internal::FutureWatch {
   public:
    Child(AnyTask task, TaskGroup& group)
        : FutureWatch(task.state(), &group.parent_->state()),
          task_(std::move(task)),
          group_(group) {}

    const AnyTask& task() const { return task_; }

   private:
    friend class TaskGroup;
    void future_done() override { group_.child_done(*this); }

    AnyTask task_;
    TaskGroup& group_;
    std::list<Child>::iterator place_;
  };

  template <class T>
  Task<T> create_task_of(Coro<T>& coro, const TaskOptions& options, std::source_location where);

  void require_open() const;
  void adopt(AnyTask task);
  void child_done(Child& child);
  void abort();
  void abort_with_body();

  std::optional<AnyTask> parent_;
  std::list<Child> children_;  // those that are not done
  std::vector<std::exception_ptr> errors_;
  std::exception_ptr fatal_error_;
  Waiter* all_done_ = nullptr;  // in exit()
  bool cancel_on_enter_ = false;
  bool exiting_ = false;
  bool aborting_ = false;
  bool parent_cancelled_ = false;  // by this group: to be taken back
};

// Implementation.

template <class T>
Task<T> TaskGroup::create_task(Coro<T> coro, std::source_location where) {
  return create_task_of(coro, TaskOptions(), where);
}

template <class T>
Task<T> TaskGroup::create_task(Coro<T> coro, TaskOptions options, std::source_location where) {
  return create_task_of(coro, options, where);
}

template <class T>
Task<T> TaskGroup::create_task_of(Coro<T>& coro, const TaskOptions& options,
                                  std::source_location where) {
  const absl::Cleanup discard_unused = [&] { coro.close(); };
  require_open();
  Task<T> task = internal::start_task(parent_->get_loop(), coro, where, options);
  adopt(task);
  return task;
}

template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
Task<CoroutineResult<F, Args...>> TaskGroup::create_task(F&& function, Args&&... arguments) {
  return create_task(TaskOptions(), std::forward<F>(function), std::forward<Args>(arguments)...);
}
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
Task<CoroutineResult<F, Args...>> TaskGroup::create_task(TaskOptions options, F&& function,
                                                         Args&&... arguments) {
  return create_task(
      internal::call_owned<CoroutineResult<F, Args...>, std::decay_t<F>, std::decay_t<Args>...>(
          std::forward<F>(function), std::forward<Args>(arguments)...),
      options, std::source_location());
}
template <CoroutineFunction F>
Task<CoroutineResult<F>> TaskGroup::create_task(F&& function, std::source_location where) {
  return create_task(std::forward<F>(function), TaskOptions(), where);
}
template <CoroutineFunction F>
Task<CoroutineResult<F>> TaskGroup::create_task(F&& function, TaskOptions options,
                                                std::source_location where) {
  return create_task(
      internal::call_owned<CoroutineResult<F>, std::decay_t<F>>(std::forward<F>(function)), options,
      where);
}

template <HasSuspensionAwaiter A>
Task<internal::AwaitResult<A>> TaskGroup::create_task(A awaitable, std::source_location where) {
  return create_task(internal::await_owned<internal::AwaitResult<A>, A>(std::move(awaitable)),
                     where);
}

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_TASK_GROUP_H_
