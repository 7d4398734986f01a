#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_sleep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SCENARIO(a_sleep_of_zero_lets_what_is_due_run) {
  get_running_loop().call_soon([] { trace("due"); });
  co_await sleep(seconds(0));
  trace("after");
}

SCENARIO(a_negative_sleep_is_one_of_zero) {
  trace("before");
  co_await sleep(seconds(-1));
  trace("after");
}

SCENARIO(a_sleep_ends_in_the_turn_after_its_timer) {
  get_running_loop().call_later(seconds(1), [] { trace("timer beside it"); });
  co_await sleep(seconds(1));
  trace("after");
}

SCENARIO(a_sleep_gives_its_result) {
  co_await waited("zero", [] { return sleep(seconds(0), std::string("result")); });
  co_await waited("one", [] { return sleep(seconds(1), std::string("result")); });
}

SCENARIO(sleepers_wake_by_deadline) {
  auto sleeps = [](int delay) -> Coro<> {
    co_await sleep(seconds(delay));
    trace("sleeper", delay);
  };
  std::vector<Task<>> tasks;
  for (int delay : {3, 1, 2}) tasks.push_back(create_task(sleeps(delay)));
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(sleeps_of_zero_take_turns) {
  auto counts = [](std::string name) -> Coro<> {
    for (int number = 0; number < 2; ++number) {
      co_await sleep(seconds(0));
      trace(name, number);
    }
  };
  std::vector<Task<>> tasks;
  for (const char* name : {"a", "b"}) tasks.push_back(create_task(counts(name)));
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(an_infinite_sleep_ends_by_cancellation) {
  Task<> task = create_task(sleep(Duration::infinite()));
  co_await sleep(seconds(1));
  task.cancel();
  co_await waited("main", task);
}

SCENARIO(a_cancelled_sleep_leaves_no_timer) {
  Task<> task = create_task(sleep(seconds(100)));
  co_await sleep(seconds(1));
  task.cancel();
  co_await waited("main", task);
  co_await sleep(seconds(1));
  trace("no jump");
}

SCENARIO(a_sleep_that_is_cancelled_before_it_begins) {
  Task<> task = create_task(sleep(seconds(5)));
  task.cancel();
  co_await waited("main", task);
}

SCENARIO(a_sleep_of_zero_is_cancelled_at_its_end) {
  auto sleeps = []() -> Coro<> {
    trace("sleeps");
    co_await sleep(seconds(0));
    trace("never");
  };
  Task<> task = create_task(sleeps());
  co_await sleep(seconds(0));
  task.cancel();
  co_await waited("main", task);
}

SCENARIO(not_a_number_is_no_delay) {
  const std::chrono::duration<double> nan(std::numeric_limits<double>::quiet_NaN());
  try {
    co_await sleep(nan);
  } catch (const std::invalid_argument&) {
    trace("ValueError");
  }
}

SCENARIO(time_passes_while_tasks_sleep) {
  const EventLoop& loop = get_running_loop();
  const TimePoint before = loop.time();
  co_await sleep(milliseconds(250));
  co_await sleep(milliseconds(500));
  trace(Duration(loop.time() - before));
}

}  // namespace
}  // namespace asyncio::conformance::tasks_sleep
