#include <chrono>
#include <optional>
#include <stdexcept>

#include "conformance/trace.h"

namespace asyncio::conformance::futures_reports {
namespace {

using std::chrono::seconds;

SCENARIO(an_exception_that_nobody_saw_is_reported_when_the_future_goes) {
  std::optional<Future<int>> future(std::in_place);
  future->set_exception(std::invalid_argument("unseen"));
  trace("set");
  future.reset();
  trace("gone");
  co_return;
}

SCENARIO(an_exception_that_was_asked_for_is_not_reported) {
  std::optional<Future<int>> future(std::in_place);
  future->set_exception(std::invalid_argument("seen"));
  tried("exception", [&] { return future->exception(); });
  future.reset();
  trace("gone");
  co_return;
}

SCENARIO(an_exception_that_result_raised_is_not_reported) {
  std::optional<Future<int>> future(std::in_place);
  future->set_exception(std::invalid_argument("seen"));
  tried("result", [&] { return future->result(); });
  future.reset();
  trace("gone");
  co_return;
}

SCENARIO(an_exception_of_a_future_that_was_cancelled_too_late_is_not_reported) {
  std::optional<Future<int>> future(std::in_place);
  future->set_exception(std::invalid_argument("dismissed"));
  trace("cancel()", future->cancel());
  future.reset();
  trace("gone");
  co_return;
}

SCENARIO(a_callback_that_does_not_look_does_not_count) {
  std::optional<Future<int>> future(std::in_place);
  future->add_done_callback([](const AnyFuture&) { trace("callback"); });
  future->set_exception(std::invalid_argument("unseen"));
  future.reset();
  co_await sleep(seconds(0));
  trace("gone");
}

SCENARIO(neither_values_nor_cancellations_are_reported) {
  {
    Future<int> future;
    future.set_result(1);
    Future<int> cancelled;
    cancelled.cancel();
    Future<int> pending;
  }
  trace("gone");
  co_return;
}

Coro<> fails() {
  throw std::runtime_error("of a task");
  co_return;
}

SCENARIO(an_exception_of_a_task_that_nobody_saw_is_reported) {
  std::optional<Task<>> task(create_task(fails()));
  co_await sleep(seconds(0));
  trace("failed", task->done());
  task.reset();
  trace("gone");
}

SCENARIO(an_exception_of_a_task_that_was_awaited_is_not_reported) {
  std::optional<Task<>> task(create_task(fails()));
  try {
    co_await *task;
  } catch (const std::runtime_error&) {
    trace("seen");
  }
  task.reset();
  trace("gone");
}

SCENARIO(an_exception_of_a_task_that_was_cancelled_too_late_is_not_reported) {
  std::optional<Task<>> task(create_task(fails()));
  co_await sleep(seconds(0));
  trace("cancel()", task->cancel());
  task.reset();
  trace("gone");
}

}  // namespace
}  // namespace asyncio::conformance::futures_reports
