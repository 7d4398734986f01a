#include <chrono>
#include <stdexcept>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::futures_callbacks {
namespace {

using std::chrono::seconds;

const ContextVar<std::string>& variable() {
  static const auto* variable = new ContextVar<std::string>("variable", "unset");
  return *variable;
}

auto tells(const char* name) {
  return
      [name](const AnyFuture& future) { trace(name, "hears", future.done(), future.cancelled()); };
}

SCENARIO(callbacks_run_in_the_turn_after_completion_in_their_order) {
  Future<> future;
  for (const char* name : {"first", "second", "third"}) future.add_done_callback(tells(name));
  future.set_result();
  trace("set");
  co_await sleep(seconds(0));
  trace("a turn later");
}

SCENARIO(callbacks_and_other_handles_are_one_line) {
  EventLoop& loop = get_running_loop();
  Future<> future;
  future.add_done_callback(tells("callback"));
  loop.call_soon([] { trace("before"); });
  future.set_result();
  loop.call_soon([] { trace("after"); });
  future.add_done_callback(tells("added when done"));
  co_await sleep(seconds(1));
}

SCENARIO(a_callback_of_a_done_future_runs_in_the_next_turn) {
  Future<> future;
  future.set_result();
  future.add_done_callback(tells("late"));
  trace("added");
  co_await sleep(seconds(0));
}

SCENARIO(callbacks_hear_of_cancellation) {
  Future<> future;
  future.add_done_callback(tells("callback"));
  future.cancel();
  trace("cancelled");
  co_await sleep(seconds(0));
}

SCENARIO(callbacks_and_tasks_are_called_in_the_order_in_which_they_came) {
  Future<std::string> future;
  future.add_done_callback(tells("first"));
  Task<> task = create_task(waited("task", future));
  co_await sleep(seconds(0));
  future.add_done_callback(tells("last"));
  future.set_result("value");
  co_await task;
}

SCENARIO(a_removed_callback_does_not_run) {
  Future<> future;
  const auto removed = future.add_done_callback(tells("never"));
  future.add_done_callback(tells("stays"));
  trace("removed", future.remove_done_callback(removed));
  trace("again", future.remove_done_callback(removed));
  future.set_result();
  co_await sleep(seconds(0));
}

SCENARIO(once_done_it_is_too_late_to_remove_a_callback) {
  Future<> future;
  const auto callback = future.add_done_callback(tells("runs all the same"));
  future.set_result();
  trace("removed", future.remove_done_callback(callback));
  co_await sleep(seconds(0));
}

SCENARIO(a_failing_callback_does_not_keep_the_others_from_running) {
  Future<> future;
  future.add_done_callback([](const AnyFuture&) { throw std::invalid_argument("boom"); });
  future.add_done_callback(tells("other"));
  future.set_result();
  co_await sleep(seconds(0));
}

SCENARIO(a_callback_that_adds_one_waits_a_turn_for_it) {
  Future<> future;
  future.add_done_callback([](const AnyFuture& done) {
    trace("outer");
    done.add_done_callback(tells("inner"));
  });
  future.set_result();
  co_await sleep(seconds(1));
}

SCENARIO(a_callback_runs_in_the_context_in_which_it_was_added) {
  Future<> future;
  variable().set("when added");
  future.add_done_callback([](const AnyFuture&) { trace("sees", variable().get()); });
  variable().set("when completed");
  future.set_result();
  co_await sleep(seconds(0));
}

SCENARIO(callbacks_of_a_task_run_beside_those_who_wait_for_it) {
  auto work = []() -> Coro<int> {
    trace("works");
    co_return 5;
  };
  Task<int> task = create_task(work());
  task.add_done_callback([](Future<int> done) { trace("callback hears", done.result()); });
  co_await waited("main", task);
}

}  // namespace
}  // namespace asyncio::conformance::futures_callbacks
