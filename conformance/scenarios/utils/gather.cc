#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::utils_gather {
namespace {

using std::chrono::seconds;

Coro<std::string> says(std::string words, int delay = 0) {
  if (delay > 0) co_await sleep(seconds(delay));
  trace(words);
  co_return words;
}

Coro<std::string> fails(std::string words, int delay = 0) {
  if (delay > 0) co_await sleep(seconds(delay));
  trace(words, "fails");
  throw std::invalid_argument(words);
}

Coro<> sleeps(std::string name) {
  try {
    co_await sleep(seconds(3600));
  } catch (const CancelledError&) {
    trace(name, "hears", std::current_exception());
    throw;
  }
}

SCENARIO(results_stand_in_the_order_of_the_arguments) {
  auto future = gather(says("slow", 2), says("fast", 1), says("at once"));
  co_await waited("gather", future);
}

SCENARIO(of_nothing_it_is_done_at_once) {
  auto future = gather();
  trace(future.done());
  co_await waited("gather", future);
}

SCENARIO(of_what_is_done) {
  Future<std::string> done;
  done.set_result("done");
  auto future = gather(done);
  trace(future.done());
  co_await waited("gather", future);
}

SCENARIO(the_first_failure_ends_it_and_the_others_run_on) {
  Task<std::string> slow = create_task(says("slow", 2));
  auto future = gather(slow, fails("first", 1));
  co_await waited("gather", future);
  trace("slow done", slow.done());
  co_await slow;
}

SCENARIO(later_failures_count_as_seen) {
  std::vector<Task<std::string>> tasks;
  tasks.push_back(create_task(fails("first", 1)));
  tasks.push_back(create_task(fails("second", 2)));
  co_await waited("gather", gather(tasks));
  co_await sleep(seconds(5));
  tasks.clear();
  trace("gone");
}

SCENARIO(a_cancelled_child_is_a_failure) {
  Task<> child = create_task(sleeps("child"));
  auto future = gather(child, says("other", 1));
  co_await sleep(seconds(0));
  child.cancel("alone");
  co_await waited("gather", future);
  trace(future.cancelled());
  co_await sleep(seconds(2));
}

SCENARIO(exceptions_may_be_results) {
  Task<> child = create_task(sleeps("child"));
  auto future = gather(return_exceptions, says("value", 1), fails("failure"), child);
  co_await sleep(seconds(0));
  child.cancel();
  co_await waited("gather", future);
}

SCENARIO(cancelling_it_cancels_all) {
  auto future = gather(sleeps("a"), sleeps("b"));
  co_await sleep(seconds(0));
  trace("cancel()", future.cancel("all"));
  trace(future.done());
  co_await waited("gather", future);
  trace(future.cancelled(), future.cancel());
}

SCENARIO(cancelling_it_counts_with_exceptions_as_results_too) {
  auto future = gather(return_exceptions, sleeps("a"), says("b"));
  co_await sleep(seconds(0));
  trace("cancel()", future.cancel());
  co_await waited("gather", future);
}

SCENARIO(cancelling_who_awaits_it_cancels_all) {
  auto gathers = []() -> Coro<> {
    auto future = gather(sleeps("a"), sleeps("b"));
    co_await std::move(future);
  };
  Task<> task = create_task(gathers());
  co_await sleep(seconds(0));
  co_await sleep(seconds(0));
  task.cancel("outer");
  co_await waited("task", task);
  trace(task.cancelled());
}

SCENARIO(what_is_given_twice_runs_once) {
  Task<std::string> task = create_task(says("once"));
  auto future = gather(task, task);
  co_await waited("gather", future);
}

SCENARIO(the_first_child_that_a_cancellation_ends_ends_it) {
  auto stubborn = []() -> Coro<std::string> {
    try {
      co_await sleep(seconds(3600));
    } catch (const CancelledError&) {
    }
    co_await sleep(seconds(5));
    co_return "stubborn";
  };
  auto future = gather(stubborn(), sleeps("other"));
  co_await sleep(seconds(0));
  future.cancel("all");
  co_await waited("gather", future);
  co_await sleep(seconds(10));
}

using Last = Coro<> (*)();

Coro<> gathers(Last last) {
  auto future = gather(return_exceptions, sleeps("first"), last());
  co_await std::move(future);
}

Coro<> gather_cancelled_and(std::vector<std::string> messages, Last last) {
  Task<> task = create_task(gathers(last));
  co_await sleep(seconds(1));
  for (const std::string& message : messages) task.cancel(message);
  co_await waited("task", task);
}

Coro<> swallows() {
  try {
    co_await sleep(seconds(3600));
  } catch (const CancelledError&) {
    trace("swallows", std::current_exception());
  }
}

Coro<> cancels_itself() {
  current_task()->cancel("self");
  co_return;
}

Coro<> cancels_itself_and_fails() {
  current_task()->cancel("self");
  throw std::invalid_argument("failed");
  co_return;
}

SCENARIO(of_a_last_child_that_swallows_the_cancellation_it_has_no_message) {
  const std::vector<std::string> messages = {"enough"};
  co_await gather_cancelled_and(messages, swallows);
}

SCENARIO(of_a_last_child_that_swallows_two_cancellations_it_has_the_second_message) {
  const std::vector<std::string> messages = {"one", "two"};
  co_await gather_cancelled_and(messages, swallows);
}

SCENARIO(of_a_last_child_that_cancelled_itself_it_has_that_message) {
  const std::vector<std::string> messages = {"enough"};
  co_await gather_cancelled_and(messages, cancels_itself);
}

SCENARIO(of_a_last_child_that_cancelled_itself_and_failed_it_has_that_message) {
  const std::vector<std::string> messages = {"enough"};
  co_await gather_cancelled_and(messages, cancels_itself_and_fails);
}

LOOP_SCENARIO(without_a_loop_it_refuses) {
  try {
    gather();
  } catch (const std::runtime_error&) {
    trace("RuntimeError");
  }
}

LOOP_SCENARIO(children_of_different_loops_are_refused) {
  SelectorEventLoop other;
  try {
    gather(create_future<int>(loop), create_future<int>(other));
  } catch (const std::invalid_argument&) {
    trace("ValueError");
  }
}

}  // namespace
}  // namespace asyncio::conformance::utils_gather
