#include <signal.h>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_interrupt {
namespace {

using std::chrono::seconds;

// Only what comes of it is traced: CPython's handler runs in the middle of a callback, ours in the
// next turn.

constexpr RunnerOptions kTraced = {.loop_factory = make_trace_loop};

template <class F>
void runs(F main) {
  ::signal(SIGINT, SIG_DFL);
  tried("run", [&] { return run(main(), kTraced); });
}

void press_ctrl_c_in_a_second() {
  get_running_loop().call_later(seconds(1), [] { ::raise(SIGINT); });
}

// Sleeps until Ctrl-C; the CancelledError of that.
Coro<std::exception_ptr> interrupted() {
  press_ctrl_c_in_a_second();
  std::exception_ptr error;
  try {
    co_await sleep(seconds(3600));
  } catch (const CancelledError&) {
    error = std::current_exception();
  }
  co_return error;
}

LOOP_SCENARIO(ctrl_c_cancels_main_and_leaves_as_keyboard_interrupt) {
  std::vector<std::string> heard;
  runs([&]() -> Coro<> {
    const std::exception_ptr error = co_await interrupted();
    heard.push_back("main");
    std::rethrow_exception(error);
  });
  trace(heard);
}

LOOP_SCENARIO(main_may_clean_up_after_ctrl_c) {
  std::vector<std::string> heard;
  runs([&]() -> Coro<> {
    const std::exception_ptr error = co_await interrupted();
    co_await sleep(seconds(5));
    heard.push_back("clean");
    std::rethrow_exception(error);
  });
  trace(heard);
}

LOOP_SCENARIO(a_main_that_swallows_ctrl_c_gives_its_result) {
  runs([]() -> Coro<std::string> {
    co_await interrupted();
    co_return "swallowed";
  });
}

LOOP_SCENARIO(a_main_that_fails_after_ctrl_c_raises_that) {
  runs([]() -> Coro<> {
    co_await interrupted();
    throw std::invalid_argument("boom");
  });
}

LOOP_SCENARIO(a_main_that_was_cancelled_besides_raises_cancelled_error) {
  runs([]() -> Coro<> {
    const std::exception_ptr error = co_await interrupted();
    current_task()->cancel();
    std::rethrow_exception(error);
  });
}

LOOP_SCENARIO(ctrl_c_leaves_the_other_tasks_to_the_end_of_run) {
  std::vector<std::string> heard;
  auto other = [&]() -> Coro<> {
    try {
      co_await sleep(seconds(3600));
    } catch (const CancelledError&) {
      heard.push_back("other");
      throw;
    }
  };
  runs([&]() -> Coro<> {
    create_task(other);
    const std::exception_ptr error = co_await interrupted();
    heard.push_back("main");
    std::rethrow_exception(error);
  });
  trace(heard);
}

LOOP_SCENARIO(a_runner_that_was_interrupted_can_run_again) {
  auto main = []() -> Coro<> {
    press_ctrl_c_in_a_second();
    co_await sleep(seconds(3600));
  };
  auto again = []() -> Coro<std::string> {
    co_await sleep(seconds(1));
    co_return "again";
  };
  ::signal(SIGINT, SIG_DFL);
  std::vector<std::string> results;
  {
    Runner runner(kTraced);
    try {
      runner.run(main());
    } catch (const KeyboardInterrupt&) {
      results.push_back("KeyboardInterrupt");
    }
    results.push_back(runner.run(again()));
  }
  trace(results);
}

}  // namespace
}  // namespace asyncio::conformance::tasks_interrupt
