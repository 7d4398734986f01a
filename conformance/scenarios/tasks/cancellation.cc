#include <chrono>
#include <stdexcept>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_cancellation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Awaits `coroutine()` and tells of a cancellation that ends it.
template <class F>
Coro<> tells_of_cancellation(std::string words, F coroutine) {
  try {
    co_await coroutine();
  } catch (const CancelledError&) {
    trace(words, std::current_exception());
    throw;
  }
}

// Sleeps an hour and tells how that ended.
Coro<> sleeps(std::string name) {
  trace(name, "sleeps");
  co_await tells_of_cancellation(name + " hears", [] { return sleep(seconds(3600), 0); });
}

void cancel_current_task(std::optional<std::string> message = std::nullopt) {
  current_task()->cancel(std::move(message));
}

SCENARIO(a_task_that_has_not_started_never_runs) {
  Task<> task = create_task(sleeps("task"));
  trace("cancel()", task.cancel());
  trace(task.done(), task.cancelled(), task.cancelling());
  co_await waited("main", task);
  trace(task.done(), task.cancelled(), task.cancelling());
}

SCENARIO(a_task_that_sleeps_hears_of_it_in_the_next_turn) {
  Task<> task = create_task(sleeps("task"));
  co_await sleep(seconds(0));
  trace("cancel()", task.cancel());
  co_await waited("main", task);
  trace("cancelled", task.cancelled());
}

SCENARIO(a_task_that_is_done_cannot_be_cancelled) {
  auto returns = []() -> Coro<int> { co_return 1; };
  Task<int> task = create_task(returns());
  co_await task;
  const bool cancelled = task.cancel();
  trace("cancel()", cancelled, task.cancelling());
  tried("result", [&] { return task.result(); });
}

SCENARIO(the_message_reaches_the_task_and_who_awaits_it) {
  Task<> task = create_task(sleeps("task"));
  co_await sleep(seconds(0));
  task.cancel("that will do");
  co_await waited("main", task);
}

SCENARIO(the_message_of_a_task_that_never_started) {
  Task<> task = create_task(sleeps("task"));
  task.cancel("too early");
  co_await waited("main", task);
}

void cancel_and_trace(const Task<>& task, const char* message) {
  const bool cancelled = task.cancel(message);
  trace(cancelled, task.cancelling());
}

SCENARIO(two_requests_before_the_task_runs_make_one_cancellation) {
  Task<> task = create_task(sleeps("task"));
  co_await sleep(seconds(0));
  cancel_and_trace(task, "first");
  cancel_and_trace(task, "second");
  co_await waited("main", task);
  trace(task.cancelling());
}

SCENARIO(two_requests_before_the_start) {
  Task<> task = create_task(sleeps("task"));
  cancel_and_trace(task, "first");
  cancel_and_trace(task, "second");
  co_await waited("main", task);
}

SCENARIO(a_swallowed_cancellation_lets_the_task_go_on) {
  auto stubborn = []() -> Coro<std::string> {
    try {
      co_await sleep(seconds(10));
    } catch (const CancelledError&) {
      trace("swallows");
    }
    co_await sleep(seconds(1));
    co_return "all the same";
  };
  Task<std::string> task = create_task(stubborn());
  co_await sleep(seconds(0));
  task.cancel();
  co_await waited("main", task);
  trace(task.cancelled(), task.cancelling());
}

// Python's `finally`, whose block may await.
template <class F, class Finally>
Coro<> finally(F coroutine, Finally then) {
  std::exception_ptr error;
  try {
    co_await coroutine();
  } catch (...) {
    error = std::current_exception();
  }
  co_await then();
  if (error != nullptr) std::rethrow_exception(error);
}

SCENARIO(a_task_may_clean_up_before_it_ends) {
  auto sleeps_long = [] { return sleep(seconds(10), 0); };
  auto cleans = []() -> Coro<> {
    co_await sleep(seconds(2));
    trace("clean");
  };
  Task<> task = create_task([&] { return finally(sleeps_long, cleans); });
  co_await sleep(seconds(0));
  task.cancel();
  co_await waited("main", task);
}

SCENARIO(a_request_during_the_cleaning_interrupts_it) {
  auto sleeps_long = [] { return sleep(seconds(10), 0); };
  auto cleans = [] {
    return tells_of_cancellation("interrupted by", [] { return sleep(seconds(2), 0); });
  };
  Task<> task = create_task([&] { return finally(sleeps_long, cleans); });
  co_await sleep(seconds(0));
  task.cancel("first");
  co_await sleep(seconds(1));
  task.cancel("second");
  co_await waited("main", task);
  trace(task.cancelling());
}

SCENARIO(another_exception_in_place_of_the_cancellation_wins) {
  auto fails = []() -> Coro<> {
    try {
      co_await sleep(seconds(10));
    } catch (const CancelledError&) {
      throw std::invalid_argument("instead");
    }
  };
  Task<> task = create_task(fails());
  co_await sleep(seconds(0));
  task.cancel();
  co_await waited("main", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(a_task_that_cancels_itself_ends_at_its_next_wait) {
  auto cancels_itself = []() -> Coro<> {
    trace("cancel()", current_task()->cancel("myself"));
    trace("goes on");
    co_await sleep(seconds(1));
    trace("never");
  };
  Task<> task = create_task(cancels_itself());
  co_await waited("main", task);
}

SCENARIO(a_task_that_cancels_itself_and_returns_is_cancelled) {
  auto cancels_itself = []() -> Coro<std::string> {
    cancel_current_task("in vain");
    co_return "lost";
  };
  Task<std::string> task = create_task(cancels_itself());
  co_await waited("main", task);
  trace(task.cancelled());
}

SCENARIO(a_task_that_cancels_itself_and_fails_has_failed) {
  auto cancels_itself = []() -> Coro<> {
    cancel_current_task();
    throw std::invalid_argument("wins");
    co_return;
  };
  Task<> task = create_task(cancels_itself());
  co_await waited("main", task);
  trace(task.cancelled());
}

SCENARIO(what_is_done_does_not_wait_and_so_is_no_place_to_be_cancelled) {
  Future<std::string> done;
  done.set_result("done");
  auto cancels_itself = [&]() -> Coro<> {
    cancel_current_task();
    const std::string result = co_await done;
    trace("awaits", result);
    co_await sleep(seconds(0));
    trace("never");
  };
  Task<> task = create_task(cancels_itself);
  co_await waited("main", task);
}

SCENARIO(a_pending_request_cancels_the_future_that_is_awaited_next) {
  Future<> future;
  auto cancels_itself = [&]() -> Coro<> {
    cancel_current_task("next");
    co_await future;
  };
  Task<> task = create_task(cancels_itself);
  co_await waited("main", task);
  trace("future", future.cancelled());
}

SCENARIO(raising_a_cancelled_error_is_ending_as_cancelled) {
  auto raises = []() -> Coro<> {
    throw CancelledError("by itself");
    co_return;
  };
  Task<> task = create_task(raises());
  co_await waited("main", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(a_request_goes_down_a_chain_of_tasks) {
  Task<> inner = create_task(sleeps("inner"));
  Task<> middle = create_task(
      [&] { return tells_of_cancellation("middle hears", [&]() -> Coro<> { co_await inner; }); });
  co_await sleep(seconds(0));
  co_await sleep(seconds(0));
  middle.cancel("down");
  trace(inner.cancelling(), middle.cancelling());
  co_await waited("main", middle);
  trace(inner.cancelled(), middle.cancelled());
}

SCENARIO(an_inner_task_that_swallows_spares_the_outer_one) {
  auto stubborn = []() -> Coro<std::string> {
    try {
      co_await sleep(seconds(10));
    } catch (const CancelledError&) {
      trace("inner swallows");
    }
    co_return "kept";
  };
  Task<std::string> inner = create_task(stubborn());
  auto awaits_inner = [&]() -> Coro<std::string> { co_return co_await inner; };
  Task<std::string> outer = create_task(awaits_inner);
  co_await sleep(seconds(0));
  co_await sleep(seconds(0));
  outer.cancel();
  co_await waited("main", outer);
  trace(outer.cancelled(), outer.cancelling(), inner.cancelling());
}

SCENARIO(the_cancellation_of_an_awaited_task_ends_who_awaits_it) {
  Task<> inner = create_task(sleeps("inner"));
  auto awaits_inner = [&]() -> Coro<> { co_await inner; };
  Task<> outer = create_task(awaits_inner);
  co_await sleep(seconds(0));
  co_await sleep(seconds(0));
  inner.cancel("from below");
  co_await waited("main", outer);
  trace(outer.cancelled(), outer.cancelling());
}

SCENARIO(a_request_after_the_awaited_future_is_done_comes_at_the_next_step) {
  Future<std::string> future;
  auto gets = [&]() -> Coro<> {
    const std::string result = co_await future;
    trace("got", result);
  };
  Task<> task = create_task([&] { return tells_of_cancellation("hears", gets); });
  co_await sleep(seconds(0));
  future.set_result("result");
  trace("cancel()", task.cancel("late"));
  co_await waited("main", task);
  trace("future", future.result());
}

SCENARIO(a_task_that_yields_hears_of_it_at_its_next_step) {
  auto yields = []() -> Coro<> {
    while (true) {
      co_await sleep(seconds(0));
      trace("step");
    }
  };
  Task<> task = create_task([&] { return tells_of_cancellation("hears", yields); });
  co_await sleep(seconds(0));
  co_await sleep(seconds(0));
  task.cancel("stop");
  co_await waited("main", task);
}

Coro<> sleeps_a_second() {
  co_await sleep(seconds(1));
  trace("slept");
}

SCENARIO(cancelling_in_the_turn_in_which_a_sleep_ends) {
  Task<> task = create_task([] { return tells_of_cancellation("hears", sleeps_a_second); });
  co_await sleep(seconds(0));
  get_running_loop().call_later(seconds(1), [&] { trace("cancel()", task.cancel("close")); });
  co_await waited("main", task);
}

SCENARIO(cancelling_after_the_sleeper_was_woken) {
  EventLoop& loop = get_running_loop();
  Task<> task = create_task([] { return tells_of_cancellation("hears", sleeps_a_second); });
  loop.call_later(milliseconds(500), [&] {
    loop.call_later(milliseconds(500), [&] { trace("cancel()", task.cancel("later")); });
  });
  co_await waited("main", task);
}

SCENARIO(a_coroutine_hears_of_it_where_its_task_waits) {
  auto inner = []() -> Coro<> { co_await sleeps("innermost"); };
  auto outer = [&]() -> Coro<> {
    try {
      co_await inner();
    } catch (const CancelledError&) {
      trace("outer hears");
      throw;
    }
  };
  Task<> task = create_task(outer);
  co_await sleep(seconds(0));
  task.cancel();
  co_await waited("main", task);
}

LOOP_SCENARIO(a_main_task_that_is_cancelled) {
  auto main = []() -> Coro<> {
    cancel_current_task("main");
    co_await sleep(seconds(1));
  };
  tried("run", [&] { run_until_complete(loop, main()); });
}

SCENARIO(cancelling_after_the_awaited_future_has_failed_with_a_cancellation) {
  Future<> future = create_future(get_running_loop());
  auto waiter = [&]() -> Coro<> { co_await future; };
  Task<> task = create_task(waiter);
  co_await sleep(seconds(0));
  future.set_exception(CancelledError("of the future"));
  trace("cancel()", task.cancel("of the task"));
  try {
    co_await task;
  } catch (const CancelledError&) {
    trace("task raised", std::current_exception());
  }
}

}  // namespace
}  // namespace asyncio::conformance::tasks_cancellation
