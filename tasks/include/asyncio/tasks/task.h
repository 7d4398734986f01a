// Task: a coroutine that the loop runs by itself, and the future of its result.
//
// The loop owns its running tasks: a Task handle is a counted reference to the result and may be
// dropped. A task makes progress in steps; each ends where the coroutine waits for something that
// is not ready. The first step runs next turn.
//
// Cancelling. cancel() asks: the coroutine gets a CancelledError where it waits, next turn, and may
// catch it to clean up. It must throw it on, or say that the request has been dealt with by
// uncancel().
//
// Python counterpart: asyncio.Task.
#ifndef ASYNCIO_TASKS_TASK_H_
#define ASYNCIO_TASKS_TASK_H_

#include <concepts>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/borrow_check.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task_core.h"
#include "asyncio/tasks/task_options.h"

namespace asyncio {

namespace internal {

// A task's result and its machine.
template <class T>
class TaskState final : public ValueState<T>, public TaskCore {
 public:
  TaskState(EventLoop& loop, Promise<T>& root, const TaskOptions& options,
            std::source_location created)
      : ValueState<T>(loop, created), TaskCore(*this, root, options) {}

  bool cancel(std::optional<std::string> message) override {
    return request_cancel(std::move(message));
  }
  std::string describe() const override { return to_string(activity()); }
  const char* kind() const noexcept override { return "Task"; }
  void report(const ExceptionContext& context) override { report_in_context(context); }

 private:
  void succeed() override {
    auto& root = static_cast<Promise<T>&>(*frames().root());
    if constexpr (std::is_void_v<T>) {
      frames().destroy_frames();
      this->set_result();
    } else {
      T value = root.take_value();
      frames().destroy_frames();
      this->set_result(std::move(value));
    }
  }
};

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

template <class F>
struct MemberPointer;
template <class F, class Class>
struct MemberPointer<F Class::*> {
  using class_type = Class;
};

// The object on which std::invoke() would call a member function of `Class`.
template <class Class, class Object>
auto& invoked_object(Object& object) {
  if constexpr (std::is_base_of_v<Class, Object>) {
    return object;
  } else if constexpr (is_reference_wrapper<Object>) {
    return object.get();
  } else {
    return *object;
  }
}

// Owns a callable and its arguments while the coroutine they make runs. Calls it as std::invoke()
// does, but in the expression that awaits: what an argument is converted to, a string made of a
// `const char*`, lives to the end of that expression, and inside of std::invoke() would be gone by
// then.
template <class T, class F, class... Args>
  requires(!std::is_member_function_pointer_v<F>)
Coro<T> call_owned(F function, Args... arguments) {
  co_return co_await std::move(function)(std::move(arguments)...);
}
template <class T, class F, class Object, class... Args>
  requires std::is_member_function_pointer_v<F>
Coro<T> call_owned(F function, Object object, Args... arguments) {
  co_return co_await (invoked_object<typename MemberPointer<F>::class_type>(object).*
                      function)(std::move(arguments)...);
}

// Wraps an awaitable that is not a coroutine into one.
template <class T, class A>
Coro<T> await_owned(A awaitable) {
  co_return co_await std::move(awaitable);
}

template <class C>
struct CoroResult;
template <class T>
struct CoroResult<Coro<T>> {
  using type = T;
};

// What an awaiter's `co_await` gives.
template <class A>
using AwaitResult = decltype(std::declval<A>().operator co_await().await_resume());

}  // namespace internal

// A callable that, called with these arguments, starts a coroutine.
template <class F, class... Args>
concept CoroutineFunction =
    std::invocable<std::decay_t<F>, std::decay_t<Args>...> &&
    internal::is_coro<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;

// What such a callable's coroutine returns.
template <class F, class... Args>
using CoroutineResult = typename internal::CoroResult<
    std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>::type;

// Any task, whatever its result.
class AnyTask : public AnyFuture {
 public:
  explicit AnyTask(internal::TaskCore& core) noexcept
      : AnyFuture(internal::StateRef<internal::FutureState>::share(core.future())), core_(&core) {}

  // As for Task.
  int cancelling() const noexcept { return core_->cancelling(); }
  int uncancel() const noexcept { return core_->uncancel(); }
  std::string get_name() const { return core_->name(); }
  void set_name(std::string name) const { core_->set_name(std::move(name)); }
  Context get_context() const { return Context::of(core_->context()); }
  std::vector<std::source_location> get_stack(
      std::optional<std::size_t> limit = std::nullopt) const {
    return core_->stack(limit);
  }
  void print_stack(std::ostream& file, std::optional<std::size_t> limit = std::nullopt) const {
    core_->print_stack(file, limit);
  }

  // For the layers above.
  internal::TaskCore& core() const noexcept { return *core_; }

 private:
  internal::TaskCore* core_;
};

template <class T>
class Task;

namespace internal {

// A loop, and the line that named it: a function that takes any number of arguments has no other
// place for its caller's line.
class PlacedLoop {
 public:
  PlacedLoop(EventLoop& loop,  // NOLINT(google-explicit-constructor)
             std::source_location place = std::source_location::current()) noexcept
      : loop_(loop), place_(place) {}

  EventLoop& loop() const noexcept { return loop_; }
  std::source_location place() const noexcept { return place_; }

 private:
  EventLoop& loop_;
  std::source_location place_;
};

// The one door: every coroutine that may outlive its expression as a task passes here. `name` names
// the function that asks.
template <class T>
Task<T> start_task(EventLoop& loop, Coro<T>& coro, std::source_location where,
                   TaskOptions options = TaskOptions(), std::string_view name = "create_task");

// For run() and its like: a task that ends within the expression, so that it may refer to
// temporaries.
template <class T>
Task<T> start_task_in_place(EventLoop& loop, Coro<T>& coro, std::source_location where,
                            TaskOptions options = TaskOptions());

}  // namespace internal

template <class T = void>
class Task : public Future<T> {
 public:
  // cancel(message) of a task is a request, and true says only that it was made: false if the task
  // is done. What the task waits for is cancelled, next turn it gets a CancelledError; if it has
  // not started, its body never runs. A task that returns a value in the very step in which it was
  // cancelled ends cancelled. Several requests before it runs again make one CancelledError.

  // Requests made and not taken back. Stays after the end.
  int cancelling() const noexcept { return core().cancelling(); }

  // Takes one request back, for code that caused it and has dealt with it, and returns how many
  // remain. At zero a cancellation that has not been delivered yet is withdrawn.
  int uncancel() const noexcept { return core().uncancel(); }

  // "Task-<n>", n counting from 1 the tasks that are made without a name, unless it was given one.
  std::string get_name() const { return core().name(); }
  void set_name(std::string name) const { core().set_name(std::move(name)); }

  // The context in which the task runs.
  Context get_context() const { return Context::of(core().context()); }

  // The lines at which its coroutines wait or run, the outermost first; of one that has not
  // started, its own line. Of a task that an exception ended, the one line at which its first
  // coroutine was then; of others that are done, none. At most the `limit` innermost ones.
  std::vector<std::source_location> get_stack(
      std::optional<std::size_t> limit = std::nullopt) const {
    return core().stack(limit);
  }

  // Writes that, under a line that says of which task, and the exception that ended it. That does
  // not count as having seen it.
  void print_stack(std::ostream& file, std::optional<std::size_t> limit = std::nullopt) const {
    core().print_stack(file, limit);
  }

  // As Future::add_done_callback; a callback may also take a Task<T>.
  template <std::invocable<Task<T>> F>
  AnyFuture::CallbackId add_done_callback(
      F callback, std::source_location where = std::source_location::current()) const {
    return this->state().add_done_callback(AnyFuture::with_handle<Task>(std::move(callback)),
                                           where);
  }
  template <std::invocable<Task<T>> F>
  AnyFuture::CallbackId add_done_callback(
      F callback, const Context& context,
      std::source_location where = std::source_location::current()) const {
    return this->state().add_done_callback(AnyFuture::with_handle<Task>(std::move(callback)), where,
                                           context.ref());
  }

  operator AnyTask() const { return AnyTask(core()); }  // NOLINT(google-explicit-constructor)

  // For the layers above. REQUIRES: the state is a TaskState<T>.
  explicit Task(internal::StateRef<internal::FutureState> state) noexcept
      : Future<T>(std::move(state)) {}
  internal::TaskCore& core() const noexcept {
    return static_cast<internal::TaskState<T>&>(this->state());
  }

  template <class... U>
  void set_result(U&&...) const = delete;  // a task's result comes from its coroutine alone
  template <class E>
  void set_exception(E&&) const = delete;  // a task's result comes from its coroutine alone
};

// Makes a task of `coro` on `loop`; its first step is due next turn. Loop's thread, or before it
// runs. Throws std::runtime_error if the loop is closed, BorrowedArgumentError if the coroutine may
// refer to a temporary; the coroutine is then destroyed unstarted.
//
// Python counterpart: loop.create_task().
template <class T>
Task<T> create_task(EventLoop& loop, Coro<T> coro,
                    std::source_location where = std::source_location::current()) {
  return internal::start_task(loop, coro, where);
}

template <class T>
Task<T> create_task(EventLoop& loop, Coro<T> coro, TaskOptions options,
                    std::source_location where = std::source_location::current()) {
  return internal::start_task(loop, coro, where, options);
}

// The same on the running loop; throws std::runtime_error if there is none.
//
// Python counterpart: asyncio.create_task().
template <class T>
Task<T> create_task(Coro<T> coro, std::source_location where = std::source_location::current()) {
  return internal::start_task(get_running_loop(), coro, where);
}

template <class T>
Task<T> create_task(Coro<T> coro, TaskOptions options,
                    std::source_location where = std::source_location::current()) {
  return internal::start_task(get_running_loop(), coro, where, options);
}

// Makes a task of function(arguments...), which returns a Coro. The task owns the callable and the
// (decayed) arguments until it ends, as std::thread does: lambdas may capture, parameters may be
// `const T&`. Use std::ref for what shall not be copied. On g++ 12 name a capturing lambda first if
// the expression contains a co_await.
//
// Options stand before a callable with arguments: create_task({.name = "reader"}, read, socket).
// Reports name the line of the call where a loop is given or there are no arguments; else the
// language has no place for it.
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
Task<CoroutineResult<F, Args...>> create_task(internal::PlacedLoop loop, TaskOptions options,
                                              F&& function, Args&&... arguments) {
  return create_task(
      loop.loop(),
      internal::call_owned<CoroutineResult<F, Args...>, std::decay_t<F>, std::decay_t<Args>...>(
          std::forward<F>(function), std::forward<Args>(arguments)...),
      options, loop.place());
}
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
Task<CoroutineResult<F, Args...>> create_task(internal::PlacedLoop loop, F&& function,
                                              Args&&... arguments) {
  return create_task(loop, TaskOptions(), std::forward<F>(function),
                     std::forward<Args>(arguments)...);
}
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
Task<CoroutineResult<F, Args...>> create_task(TaskOptions options, F&& function,
                                              Args&&... arguments) {
  return create_task(internal::PlacedLoop(get_running_loop(), std::source_location()), options,
                     std::forward<F>(function), std::forward<Args>(arguments)...);
}
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && CoroutineFunction<F, Args...>)
Task<CoroutineResult<F, Args...>> create_task(F&& function, Args&&... arguments) {
  return create_task(TaskOptions(), std::forward<F>(function), std::forward<Args>(arguments)...);
}
template <CoroutineFunction F>
Task<CoroutineResult<F>> create_task(F&& function,
                                     std::source_location where = std::source_location::current()) {
  return create_task(get_running_loop(), std::forward<F>(function), TaskOptions(), where);
}
template <CoroutineFunction F>
Task<CoroutineResult<F>> create_task(F&& function, TaskOptions options,
                                     std::source_location where = std::source_location::current()) {
  return create_task(get_running_loop(), std::forward<F>(function), options, where);
}
template <CoroutineFunction F>
Task<CoroutineResult<F>> create_task(EventLoop& loop, F&& function,
                                     std::source_location where = std::source_location::current()) {
  return create_task(loop, std::forward<F>(function), TaskOptions(), where);
}
template <CoroutineFunction F>
Task<CoroutineResult<F>> create_task(EventLoop& loop, F&& function, TaskOptions options,
                                     std::source_location where = std::source_location::current()) {
  return create_task(
      loop, internal::call_owned<CoroutineResult<F>, std::decay_t<F>>(std::forward<F>(function)),
      options, where);
}

// Makes a task that awaits something else than a coroutine, such as sleep().
template <HasSuspensionAwaiter A>
Task<internal::AwaitResult<A>> create_task(
    EventLoop& loop, A awaitable, TaskOptions options = TaskOptions(),
    std::source_location where = std::source_location::current()) {
  return create_task(loop, internal::await_owned<internal::AwaitResult<A>, A>(std::move(awaitable)),
                     options, where);
}
template <HasSuspensionAwaiter A>
Task<internal::AwaitResult<A>> create_task(
    A awaitable, TaskOptions options = TaskOptions(),
    std::source_location where = std::source_location::current()) {
  return create_task(get_running_loop(), std::move(awaitable), options, where);
}

// `obj` as a future: a future or task unchanged, anything else as a new task on the running loop.
//
// Python counterpart: asyncio.ensure_future().
template <class T>
Future<T> ensure_future(Future<T> future) {
  return future;
}
template <class T>
Task<T> ensure_future(Task<T> task) {
  return task;
}
template <class T>
Task<T> ensure_future(Coro<T> coro, std::source_location where = std::source_location::current()) {
  return internal::start_task(get_running_loop(), coro, where, TaskOptions(), "ensure_future");
}
template <HasSuspensionAwaiter A>
Task<internal::AwaitResult<A>> ensure_future(
    A awaitable, std::source_location where = std::source_location::current()) {
  return create_task(std::move(awaitable), TaskOptions(), where);
}

// The task whose step runs now; none outside of tasks. Throws std::runtime_error without a running
// loop.
//
// Python counterpart: asyncio.current_task().
std::optional<AnyTask> current_task();
std::optional<AnyTask> current_task(EventLoop& loop);

// The tasks of the loop that are not done, in order of creation. Loop's thread. Throws
// std::runtime_error without a running loop.
//
// Python counterpart: asyncio.all_tasks().
std::vector<AnyTask> all_tasks();
std::vector<AnyTask> all_tasks(EventLoop& loop);

// Implementation.

namespace internal {

// Whoever is refused learns it by the exception: the coroutine need not complain as well.
template <class T>
void refuse_borrowed(Coro<T>& coro, std::string_view door) {
  if (coro.borrowed() == nullptr) return;
  const absl::Cleanup close = [&] { coro.close(); };
  refuse_borrowed(coro.borrowed(), door);
}

template <class T>
Task<T> start_task(EventLoop& loop, Coro<T>& coro, std::source_location where, TaskOptions options,
                   std::string_view name) {
  refuse_borrowed(coro, name);
  return start_task_in_place(loop, coro, where, options);
}

template <class T>
Task<T> start_task_in_place(EventLoop& loop, Coro<T>& coro, std::source_location where,
                            TaskOptions options) {
  const absl::Cleanup close = [&] { coro.close(); };  // if it is refused
  if (loop.is_closed()) throw std::runtime_error("Event loop is closed");
  if (const TaskFactory& factory = TaskRegistry::of(loop).factory()) {
    options = TaskFactory(factory)(loop, options);
  }
  const Task<T> task(StateRef<FutureState>(new TaskState<T>(loop, coro.release(), options, where)));
  const bool eager = options.eager_start.value_or(false) && running_loop_or_null() == &loop;
  eager ? task.core().start_eagerly() : task.core().start();
  return task;
}

}  // namespace internal
}  // namespace asyncio

#endif  // ASYNCIO_TASKS_TASK_H_
