#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_run {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RunnerOptions kTraced = {.loop_factory = make_trace_loop};

const ContextVar<std::string>& variable() {
  static const auto* variable = new ContextVar<std::string>("variable", "unset");
  return *variable;
}

Coro<std::string> says(std::string words) {
  trace(words);
  co_return words;
}

Coro<> fails() {
  throw std::invalid_argument("boom");
  co_return;
}

Coro<> sleeps_until_cancelled(std::string name) {
  try {
    co_await sleep(seconds(3600));
  } catch (const CancelledError&) {
    trace(name, "hears", std::current_exception());
    throw;
  }
}

LOOP_SCENARIO(run_gives_the_result) {
  tried("run", [] { return run(says("main"), kTraced); });
}

LOOP_SCENARIO(run_raises_what_main_raises) {
  tried("run", [] { run(fails(), kTraced); });
}

LOOP_SCENARIO(run_cancels_what_is_left) {
  std::optional<Task<>> task;
  auto main = [&]() -> Coro<std::string> {
    task = create_task(sleeps_until_cancelled("left"));
    co_await sleep(seconds(1));
    co_return "main";
  };
  tried("run", [&] { return run(main(), kTraced); });
  trace(task->cancelled());
}

// A main coroutine that starts `coroutine()`, and leaves it to itself after a second.
template <class F>
Coro<> leaves(F coroutine) {
  create_task(coroutine());
  co_await sleep(seconds(1));
}

LOOP_SCENARIO(run_waits_for_what_cleans_up) {
  auto cleans = []() -> Coro<> {
    bool cancelled = false;
    try {
      co_await sleep(seconds(3600));
    } catch (const CancelledError&) {
      cancelled = true;
    }
    co_await sleep(seconds(5));
    trace("clean");
    if (cancelled) throw CancelledError();
  };
  tried("run", [&] { run(leaves(cleans), kTraced); });
}

LOOP_SCENARIO(run_waits_for_what_will_not_be_cancelled) {
  auto stubborn = []() -> Coro<std::string> {
    try {
      co_await sleep(seconds(3600));
    } catch (const CancelledError&) {
      trace("swallows");
    }
    co_await sleep(seconds(5));
    co_return "stubborn";
  };
  std::optional<Task<std::string>> task;
  auto main = [&]() -> Coro<> {
    task = create_task(stubborn());
    co_await sleep(seconds(1));
  };
  tried("run", [&] { run(main(), kTraced); });
  tried("task", [&] { return task->result(); });
}

LOOP_SCENARIO(run_passes_a_cancellation_of_main_on) {
  auto main = []() -> Coro<> {
    current_task()->cancel("by itself");
    co_await sleep(seconds(1));
  };
  tried("run", [&] { run(main(), kTraced); });
}

LOOP_SCENARIO(run_passes_a_fatal_error_on) {
  auto main = []() -> Coro<> {
    throw KeyboardInterrupt();
    co_return;
  };
  tried("run", [&] { run(main(), kTraced); });
}

SCENARIO(run_refuses_inside_of_a_loop) {
  tried("run", [] { run(says("never"), kTraced); });
  co_return;
}

LOOP_SCENARIO(a_runner_keeps_its_loop_and_its_context) {
  auto sets = [](std::string value) -> Coro<> {
    trace("sees", variable().get());
    variable().set(value);
    co_return;
  };
  Runner runner(kTraced);
  runner.run(sets("first"));
  runner.run(sets("second"));
  trace("outside", variable().get());
  tried("get_loop", [&] { return &runner.get_loop() == &TraceLoop::current(); });
}

LOOP_SCENARIO(a_runner_leaves_tasks_alone_between_its_runs) {
  std::optional<Task<>> task;
  auto starts = [&]() -> Coro<> {
    task = create_task(sleeps_until_cancelled("left"));
    co_await sleep(seconds(0));
  };
  {
    Runner runner(kTraced);
    runner.run(starts());
    trace("between", task->done());
    runner.run(says("second"));
  }
  trace("after", task->done());
}

LOOP_SCENARIO(a_runner_that_is_closed_refuses) {
  Runner runner(kTraced);
  runner.run(says("runs"));
  runner.close();
  runner.close();
  tried("run", [&] { runner.run(says("never")); });
  tried("get_loop", [&] { runner.get_loop(); });
}

SCENARIO(a_runner_refuses_inside_of_a_loop) {
  Runner runner(kTraced);
  try {
    runner.run(says("never"));
  } catch (const std::runtime_error&) {
    trace("RuntimeError");
  }
  co_return;
}

LOOP_SCENARIO(run_until_complete_gives_the_result) {
  tried("coroutine", [&] { return run_until_complete(loop, says("result")); });
  tried("coroutine", [&] { run_until_complete(loop, fails()); });
}

LOOP_SCENARIO(run_until_complete_of_a_future_that_is_done) {
  const auto future = create_future<std::string>(loop);
  future.set_result("done");
  tried("run", [&] { return run_until_complete(loop, future); });
  trace("after");
}

LOOP_SCENARIO(run_until_complete_of_a_loop_that_stops_before) {
  const auto future = create_future<std::string>(loop);
  loop.call_later(seconds(1), [&] { loop.stop(); });
  tried("run", [&] { return run_until_complete(loop, future); });
  future.set_result("later");
  tried("run", [&] { return run_until_complete(loop, future); });
}

LOOP_SCENARIO(a_run_that_stopped_before_does_not_stop_a_later_one) {
  const auto future = create_future<std::string>(loop);
  loop.call_later(seconds(1), [&] { loop.stop(); });
  tried("run", [&] { return run_until_complete(loop, future); });
  loop.call_later(seconds(1), [&] { future.set_result("set"); });
  tried("sleep", [&] { return run_until_complete(loop, sleep(seconds(2), std::string("slept"))); });
}

LOOP_SCENARIO(run_until_complete_refuses_a_future_of_another_loop) {
  SelectorEventLoop other;
  const auto future = create_future<int>(other);
  try {
    run_until_complete(loop, future);
  } catch (const std::invalid_argument&) {
    trace("ValueError");
  }
}

LOOP_SCENARIO(run_until_complete_refuses_a_closed_loop) {
  const auto future = create_future<int>(loop);
  loop.close();
  tried("run", [&] { return run_until_complete(loop, future); });
}

SCENARIO(run_until_complete_refuses_inside_of_a_loop) {
  EventLoop& loop = get_running_loop();
  Future<int> future;
  tried("same loop", [&] { return run_until_complete(loop, future); });
  SelectorEventLoop other;
  const auto elsewhere = create_future<int>(other);
  tried("other loop", [&] { return run_until_complete(other, elsewhere); });
  co_return;
}

Coro<> sleeps(Duration delay) { co_await sleep(delay); }

LOOP_SCENARIO(run_until_complete_may_be_called_again_and_again) {
  for (int number = 0; number < 3; ++number) {
    run_until_complete(loop, sleeps(seconds(1)));
    trace("run", number);
  }
}

LOOP_SCENARIO(a_task_goes_on_in_the_next_run) {
  auto counts = []() -> Coro<> {
    for (int number = 0; number < 3; ++number) {
      co_await sleep(seconds(1));
      trace("count", number);
    }
  };
  Task<> task = create_task(loop, counts());
  run_until_complete(loop, sleeps(milliseconds(1500)));
  trace("between");
  run_until_complete(loop, task);
}

}  // namespace
}  // namespace asyncio::conformance::tasks_run
