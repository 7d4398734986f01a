#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_steps {
namespace {

using std::chrono::seconds;

Coro<std::string> says(std::string words) {
  trace(words);
  co_return words;
}

SCENARIO(a_task_starts_in_the_next_turn) {
  Task<std::string> task = create_task(says("starts"));
  trace("created", task.done());
  co_await sleep(seconds(0));
  trace("slept", task.done());
}

SCENARIO(tasks_start_in_the_order_of_their_creation) {
  std::vector<Task<std::string>> tasks;
  for (const char* name : {"a", "b", "c"}) tasks.push_back(create_task(says(name)));
  trace("created");
  for (const Task<std::string>& task : tasks) co_await waited("main", task);
}

SCENARIO(awaiting_a_new_task_takes_two_turns) {
  trace("before");
  Task<std::string> task = create_task(says("task"));
  co_await waited("main", task);
}

SCENARIO(awaiting_a_coroutine_takes_no_turn) {
  trace("before");
  co_await waited("main", [] { return says("coroutine"); });
}

SCENARIO(awaiting_a_done_task_takes_no_turn) {
  Task<std::string> task = create_task(says("task"));
  co_await sleep(seconds(1));
  co_await waited("first", task);
  co_await waited("second", task);
}

Coro<> fails() {
  trace("fails");
  throw std::invalid_argument("boom");
  co_return;
}

SCENARIO(an_exception_passes_from_the_task_to_who_awaits_it) {
  Task<> task = create_task(fails());
  co_await waited("main", task);
  co_await waited("main again", task);
  tried("exception", [&] { return task.exception(); });
}

SCENARIO(a_chain_of_tasks_hands_its_result_on_one_turn_each) {
  auto passes = [](Task<int> task) -> Coro<int> { co_return co_await task + 1; };
  auto one = []() -> Coro<int> {
    co_await sleep(seconds(1));
    trace("end of the chain");
    co_return 1;
  };
  Task<int> task = create_task(one());
  for (int link = 0; link < 3; ++link) task = create_task(passes(task));
  co_await waited("main", task);
}

SCENARIO(two_tasks_take_turns) {
  auto counts = [](const char* name) -> Coro<> {
    for (int number = 0; number < 3; ++number) {
      trace(name, number);
      co_await sleep(seconds(0));
    }
  };
  Task<> a = create_task(counts, "a");
  Task<> b = create_task(counts, "b");
  co_await a;
  co_await b;
  trace("both done");
}

SCENARIO(what_is_scheduled_before_a_task_runs_before_it) {
  EventLoop& loop = get_running_loop();
  loop.call_soon([] { trace("before"); });
  Task<std::string> task = create_task(says("task"));
  loop.call_soon([] { trace("after"); });
  co_await task;
}

SCENARIO(several_tasks_may_await_one) {
  auto work = []() -> Coro<std::string> {
    co_await sleep(seconds(1));
    co_return "result";
  };
  Task<std::string> task = create_task(work());
  std::vector<Task<>> waiting;
  for (const char* name : {"a", "b"}) waiting.push_back(create_task(waited(name, task)));
  co_await waited("main", task);
  for (const Task<>& one : waiting) co_await one;
}

SCENARIO(a_pending_task_has_no_exception) {
  Task<std::string> task = create_task(says("runs"));
  tried("exception", [&] { return task.exception(); });
  co_await task;
}

SCENARIO(a_task_that_only_returns_is_done_in_its_first_step) {
  Task<std::string> task = create_task(says("runs"));
  get_running_loop().call_soon([&] { trace("same turn, done", task.done()); });
  co_await sleep(seconds(1));
}

Coro<> interrupts() {
  trace("interrupts");
  throw KeyboardInterrupt();
  co_return;
}

LOOP_SCENARIO(a_fatal_error_of_a_task_ends_the_run) {
  Task<> task = create_task(loop, interrupts());
  loop.call_soon([] { trace("still due"); });
  tried("run", [&] { loop.run_forever(); });
  trace("done", task.done());
  tried("exception", [&] { return task.exception(); });
  loop.stop();
  loop.run_forever();
}

SCENARIO(ensure_future_leaves_futures_and_tasks_alone) {
  Future<int> future;
  Task<std::string> task = create_task(says("task"));
  trace(ensure_future(future) == future, ensure_future(task) == task);
  Task<std::string> made = ensure_future(says("made a task"));
  co_await waited("coroutine", made);
}

LOOP_SCENARIO(a_closed_loop_makes_no_tasks) {
  loop.close();
  tried("create_task", [&] { create_task(loop, says("never")); });
}

LOOP_SCENARIO(without_a_running_loop_there_is_no_task) {
  tried("create_task", [] { create_task(says("never")); });
  tried("current_task", [] { current_task(); });
  tried("all_tasks", [] { all_tasks(); });
}

LOOP_SCENARIO(a_task_made_before_the_loop_runs_waits_for_it) {
  Task<std::string> task = create_task(loop, says("task"));
  trace("made");
  tried("run", [&] { return run_until_complete(loop, task); });
}

}  // namespace
}  // namespace asyncio::conformance::tasks_steps
