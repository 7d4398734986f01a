#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::futures_future {
namespace {

using std::chrono::seconds;

template <class T>
void trace_state(const Future<T>& future) {
  trace(future.done(), future.cancelled());
}

template <class T>
void try_both(const Future<T>& future) {
  tried("result", [&] { return future.result(); });
  tried("exception", [&] { return future.exception(); });
}

SCENARIO(a_pending_future_has_no_exception) {
  Future<int> future;
  trace_state(future);
  tried("exception", [&] { return future.exception(); });
  co_return;
}

SCENARIO(a_result) {
  Future<int> future;
  future.set_result(42);
  trace_state(future);
  try_both(future);
  co_return;
}

SCENARIO(an_exception) {
  Future<int> future;
  future.set_exception(std::invalid_argument("boom"));
  trace_state(future);
  tried("result", [&] { return future.result(); });
  tried("result again", [&] { return future.result(); });
  tried("exception", [&] { return future.exception(); });
  co_return;
}

SCENARIO(a_cancellation) {
  Future<int> future;
  trace("cancel()", future.cancel());
  trace_state(future);
  try_both(future);
  co_return;
}

SCENARIO(a_cancellation_has_a_message) {
  Future<int> future;
  trace("cancel()", future.cancel("enough"));
  tried("result", [&] { return future.result(); });
  tried("result again", [&] { return future.result(); });
  tried("exception", [&] { return future.exception(); });
  co_await waited("future", future);
}

SCENARIO(the_first_cancellation_counts) {
  Future<int> future;
  trace("cancel()", future.cancel("first"));
  trace("cancel() again", future.cancel("second"));
  tried("result", [&] { return future.result(); });
  co_return;
}

void expect_invalid_state(const std::function<void()>& again) {
  try {
    again();
  } catch (const InvalidStateError&) {
    trace("InvalidStateError");
  }
}

void try_to_change(const Future<int>& future) {
  expect_invalid_state([&] { future.set_result(2); });
  expect_invalid_state([&] { future.set_exception(std::invalid_argument("again")); });
  trace("cancel()", future.cancel());
  tried("stays", [&] { return future.result(); });
}

SCENARIO(a_done_future_does_not_change) {
  Future<int> finished;
  finished.set_result(1);
  try_to_change(finished);
  Future<int> failed;
  failed.set_exception(std::invalid_argument("boom"));
  try_to_change(failed);
  Future<int> cancelled;
  cancelled.cancel();
  try_to_change(cancelled);
  co_return;
}

SCENARIO(awaiting_a_done_future_takes_no_turn) {
  Future<std::string> future;
  future.set_result("value");
  co_await waited("first", future);
  co_await waited("second", future);
}

SCENARIO(awaiting_a_failed_future_raises_at_once) {
  Future<int> future;
  future.set_exception(std::runtime_error("boom"));
  co_await waited("first", future);
  co_await waited("second", future);
}

SCENARIO(who_waits_resumes_in_the_turn_after_the_result) {
  EventLoop& loop = get_running_loop();
  Future<int> future;
  loop.call_soon([] { trace("scheduled before"); });
  loop.call_soon([&] {
    trace("produce");
    future.set_result(7);
    loop.call_soon([] { trace("scheduled after"); });
  });
  co_await waited("main", future);
}

template <class T>
std::vector<Task<>> waiting_tasks(Future<T> future, std::vector<std::string> names) {
  std::vector<Task<>> tasks;
  for (const std::string& name : names) tasks.push_back(create_task(waited(name, future)));
  return tasks;
}

SCENARIO(waiting_tasks_resume_in_the_order_in_which_they_came) {
  Future<std::string> future;
  const std::vector<std::string> names = {"a", "b", "c"};
  const std::vector<Task<>> tasks = waiting_tasks(future, names);
  co_await sleep(seconds(1));
  future.set_result("it");
  trace("set");
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(all_that_wait_get_the_same_exception) {
  Future<int> future;
  const std::vector<std::string> names = {"a", "b"};
  const std::vector<Task<>> tasks = waiting_tasks(future, names);
  co_await sleep(seconds(1));
  future.set_exception(std::invalid_argument("shared"));
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(cancelling_a_future_reaches_all_that_wait) {
  Future<int> future;
  const std::vector<std::string> names = {"a", "b"};
  const std::vector<Task<>> tasks = waiting_tasks(future, names);
  co_await sleep(seconds(1));
  future.cancel("gone");
  for (const Task<>& task : tasks) {
    co_await task;
    trace("cancelled", task.cancelled());
  }
}

SCENARIO(cancelling_one_that_waits_cancels_the_future_for_all) {
  Future<int> future;
  Task<> one = create_task(waited("one", future));
  Task<> other = create_task(waited("other", future));
  co_await sleep(seconds(1));
  trace("cancel()", one.cancel("by one"));
  trace("future", future.cancelled());
  co_await other;
  co_await one;
}

LOOP_SCENARIO(a_future_is_made_on_a_loop_that_does_not_run) {
  const auto future = create_future<std::string>(loop);
  loop.call_later(seconds(2), [&] { future.set_result("late"); });
  tried("run", [&] { return run_until_complete(loop, future); });
}

LOOP_SCENARIO(a_future_without_a_loop_is_refused) {
  try {
    Future<int> future;
  } catch (const std::runtime_error&) {
    trace("RuntimeError");
  }
}

LOOP_SCENARIO(a_future_of_a_closed_loop_is_made_but_not_completed_for_those_who_wait) {
  const auto waiting = create_future<int>(loop);
  const auto idle = create_future<int>(loop);
  waiting.add_done_callback([](AnyFuture) { trace("never"); });
  loop.close();
  tried("idle", [&] { idle.set_result(1); });
  tried("waiting", [&] { waiting.set_result(1); });
}

}  // namespace
}  // namespace asyncio::conformance::futures_future
