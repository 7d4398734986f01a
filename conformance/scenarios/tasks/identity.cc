#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_identity {
namespace {

using std::chrono::seconds;

const ContextVar<std::string>& variable() {
  static const auto* variable = new ContextVar<std::string>("variable", "unset");
  return *variable;
}

Coro<> nothing() { co_return; }

std::string current_name() { return current_task()->get_name(); }

int number_of(const Task<>& task) {
  return std::stoi(task.get_name().substr(std::string("Task-").size()));
}

SCENARIO(a_task_has_the_name_it_is_given) {
  Task<> task = create_task(nothing(), {.name = "given"});
  trace(task.get_name());
  task.set_name("changed");
  trace(task.get_name());
  co_await task;
  trace(task.get_name());
}

SCENARIO(names_without_one_count_up) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(create_task(nothing()));
  std::vector<int> numbers;
  for (const Task<>& task : tasks) numbers.push_back(number_of(task) - number_of(tasks[0]));
  trace(numbers);
  co_return;
}

SCENARIO(the_current_task_is_the_one_whose_step_runs) {
  auto tells = []() -> Coro<> {
    trace("in", current_name());
    co_await sleep(seconds(0));
    trace("still in", current_name());
  };
  std::vector<Task<>> tasks;
  for (const char* name : {"a", "b"}) tasks.push_back(create_task(tells(), {.name = name}));
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(a_coroutine_runs_in_the_task_that_awaits_it) {
  auto tells = []() -> Coro<std::string> { co_return current_name(); };
  current_task()->set_name("main");
  const std::string name = co_await tells();
  trace(name);
}

SCENARIO(no_task_is_current_in_a_callback) {
  get_running_loop().call_soon([] { trace("current", current_task().has_value()); });
  co_await sleep(seconds(0));
}

std::vector<std::string> names_of(const std::vector<AnyTask>& tasks) {
  std::vector<std::string> names;
  for (const AnyTask& task : tasks) names.push_back(task.get_name());
  std::ranges::sort(names);
  return names;
}

SCENARIO(all_tasks_are_those_that_are_not_done) {
  auto sleeps = []() -> Coro<> { co_await sleep(seconds(5)); };
  current_task()->set_name("main");
  Task<> long_task = create_task(sleeps(), {.name = "long"});
  Task<> short_task = create_task(nothing(), {.name = "short"});
  trace(names_of(all_tasks()));
  co_await short_task;
  trace(names_of(all_tasks()));
  long_task.cancel();
  trace(names_of(all_tasks()));
  co_await sleep(seconds(1));
  trace(names_of(all_tasks()));
}

LOOP_SCENARIO(all_tasks_of_a_loop_that_does_not_run) {
  Task<> task = create_task(loop, nothing(), {.name = "waiting"});
  trace(names_of(all_tasks(loop)));
  run_until_complete(loop, task);
  trace(all_tasks(loop).size(), current_task(loop).has_value());
}

SCENARIO(a_task_runs_in_a_copy_of_the_context) {
  auto changes = []() -> Coro<> {
    trace("task sees", variable().get());
    variable().set("changed");
    co_await sleep(seconds(0));
    trace("task keeps", variable().get());
  };
  variable().set("at creation");
  Task<> task = create_task(changes());
  variable().set("after");
  co_await task;
  trace("main keeps", variable().get());
}

SCENARIO(a_coroutine_shares_the_context_of_who_awaits_it) {
  auto changes = []() -> Coro<> {
    variable().set("changed");
    co_return;
  };
  co_await changes();
  trace(variable().get());
}

SCENARIO(tasks_may_share_a_context_that_is_given) {
  auto changes = [](std::string value) -> Coro<> {
    trace("sees", variable().get());
    variable().set(value);
    co_return;
  };
  const Context context = copy_context();
  const TaskOptions options = {.context = &context};
  Task<> first = create_task(changes("first"), options);
  co_await first;
  Task<> second = create_task(changes("second"), options);
  co_await second;
  const std::string held = context.run([] { return variable().get(); });
  trace("context holds", held, "main", variable().get());
}

SCENARIO(a_tasks_done_callback_runs_in_the_context_of_who_added_it) {
  auto changes = []() -> Coro<> {
    variable().set("the task's");
    co_return;
  };
  variable().set("mine");
  Task<> task = create_task(changes());
  task.add_done_callback([](const AnyFuture&) { trace(variable().get()); });
  co_await task;
}

SCENARIO(a_cancelled_task_cleans_up_in_its_own_context) {
  auto cleans = []() -> Coro<> {
    variable().set("the task's");
    try {
      co_await sleep(seconds(10));
    } catch (const CancelledError&) {
      trace(variable().get(), current_name());
      throw;
    }
  };
  Task<> task = create_task(cleans(), {.name = "cleaner"});
  co_await sleep(seconds(0));
  task.cancel();
  co_await sleep(seconds(0));
}

}  // namespace
}  // namespace asyncio::conformance::tasks_identity
