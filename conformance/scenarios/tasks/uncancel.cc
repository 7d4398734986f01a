#include <chrono>
#include <optional>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_uncancel {
namespace {

using std::chrono::seconds;

SCENARIO(requests_are_counted_up_and_down) {
  std::optional<Task<>> task;
  auto stubborn = [&]() -> Coro<> {
    for (int turn = 0; turn < 2; ++turn) {
      try {
        co_await sleep(seconds(10));
      } catch (const CancelledError&) {
        trace("cancelling", task->cancelling());
      }
    }
    trace("uncancel()", task->uncancel());
    trace("uncancel()", task->uncancel());
    trace("uncancel()", task->uncancel());
  };
  task = create_task(stubborn);
  co_await sleep(seconds(0));
  task->cancel();
  co_await sleep(seconds(1));
  task->cancel();
  co_await waited("main", *task);
}

SCENARIO(uncancel_does_not_take_back_what_was_delivered) {
  Task<> task = create_task(sleep(seconds(10)));
  co_await sleep(seconds(0));
  task.cancel();
  trace("uncancel()", task.uncancel());
  co_await waited("main", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(uncancel_to_zero_withdraws_what_was_not_delivered) {
  auto cancels_itself = []() -> Coro<std::string> {
    const AnyTask task = *current_task();
    task.cancel();
    trace("uncancel()", task.uncancel());
    co_await sleep(seconds(1));
    co_return "goes on";
  };
  Task<std::string> task = create_task(cancels_itself());
  co_await waited("main", task);
}

SCENARIO(uncancel_above_zero_withdraws_nothing) {
  auto cancels_itself = []() -> Coro<std::string> {
    const AnyTask task = *current_task();
    task.cancel("first");
    task.cancel("second");
    trace("uncancel()", task.uncancel());
    co_await sleep(seconds(1));
    co_return "never";
  };
  Task<std::string> task = create_task(cancels_itself());
  co_await waited("main", task);
}

SCENARIO(a_task_that_was_not_started_can_be_spared) {
  auto runs = []() -> Coro<std::string> { co_return "runs"; };
  Task<std::string> task = create_task(runs());
  task.cancel();
  trace("uncancel()", task.uncancel());
  co_await waited("main", task);
  trace(task.cancelled());
}

SCENARIO(uncancel_without_a_request) {
  const AnyTask task = *current_task();
  const int before = task.cancelling();
  const int left = task.uncancel();
  trace(before, left, task.cancelling());
  co_return;
}

SCENARIO(a_swallowed_request_still_counts) {
  auto swallows = []() -> Coro<std::string> {
    try {
      co_await sleep(seconds(10));
    } catch (const CancelledError&) {
    }
    co_return "value";
  };
  Task<std::string> task = create_task(swallows());
  co_await sleep(seconds(0));
  task.cancel();
  co_await waited("main", task);
  const int before = task.cancelling();
  const int left = task.uncancel();
  trace(task.cancelled(), before, left, task.cancelling());
}

SCENARIO(a_block_may_swallow_its_own_cancellation) {
  auto block = []() -> Coro<std::string> {
    const AnyTask task = *current_task();
    get_running_loop().call_later(seconds(1), [task] { task.cancel(); });
    try {
      co_await sleep(seconds(10));
    } catch (const CancelledError&) {
      trace("uncancel()", task.uncancel());
    }
    co_await sleep(seconds(1));
    co_return "after the block";
  };
  Task<std::string> task = create_task(block());
  co_await waited("main", task);
}

}  // namespace
}  // namespace asyncio::conformance::tasks_uncancel
