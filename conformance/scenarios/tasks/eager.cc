#include <chrono>
#include <stdexcept>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::tasks_eager {
namespace {

using std::chrono::seconds;

Coro<std::string> says(std::string words) {
  trace(words, current_task()->get_name());
  co_return words;
}

Coro<std::string> fails() {
  throw std::invalid_argument("boom");
  co_return "";
}

Coro<std::string> says_around_a_sleep(std::string words) {
  trace(words, "starts");
  co_await sleep(seconds(0));
  trace(words, "goes on");
  co_return words;
}

SCENARIO(one_that_never_waits_is_done_at_once) {
  Task<std::string> task = create_task(says("eager"), {.name = "eager", .eager_start = true});
  trace("done", task.done(), *current_task() == task);
  co_await waited("task", task);
}

SCENARIO(one_that_waits_goes_on_in_its_turn) {
  Task<std::string> lazy = create_task(says_around_a_sleep("lazy"));
  Task<std::string> eager = create_task(says_around_a_sleep("eager"), {.eager_start = true});
  trace("done", eager.done());
  co_await waited("eager", eager);
  co_await waited("lazy", lazy);
}

SCENARIO(one_that_fails_at_once_keeps_its_exception) {
  Task<std::string> task = create_task(fails(), {.eager_start = true});
  trace("done", task.done(), task.cancelled(), task.exception());
  co_await waited("task", task);
}

Coro<> cancels_itself() {
  trace("cancel()", current_task()->cancel("by itself"));
  trace("cancelling", current_task()->cancelling());
  co_await waited("sleep", [] { return sleep(seconds(1)); });
  throw CancelledError();
}

SCENARIO(one_that_cancels_itself_is_cancelled_where_it_waits) {
  Task<> task = create_task(cancels_itself(), {.eager_start = true});
  trace("done", task.done());
  co_await waited("task", task);
}

Coro<std::string> swallows() {
  trace("starts");
  co_await waited("sleep", [] { return sleep(seconds(1)); });
  co_return "swallowed";
}

SCENARIO(one_that_is_cancelled_before_it_goes_on) {
  Task<std::string> task = create_task(swallows(), {.eager_start = true});
  trace("cancel()", task.cancel());
  co_await waited("task", task);
}

Coro<std::string> outer() {
  trace("outer");
  Task<std::string> inner = create_task(says("inner"), {.name = "inner", .eager_start = true});
  trace("back", current_task()->get_name());
  co_return co_await inner;
}

SCENARIO(one_within_another) {
  Task<std::string> task = create_task(outer(), {.name = "outer", .eager_start = true});
  trace("done", task.done());
  co_await waited("task", task);
}

SCENARIO(callbacks_of_one_that_is_done_come_next_turn) {
  Task<std::string> task = create_task(says("eager"), {.name = "eager", .eager_start = true});
  task.add_done_callback([](const Future<std::string>& done) { trace("callback", done.result()); });
  trace("added");
  co_await sleep(seconds(0));
}

SCENARIO(the_eager_factory_starts_all_at_once) {
  set_task_factory(get_running_loop(), eager_task_factory);
  Task<std::string> first = create_task(says("first"), {.name = "first"});
  trace("done", first.done());
  Task<std::string> second = create_task(says("second"), {.name = "second", .eager_start = false});
  trace("done", second.done());
  co_await waited("second", second);
}

Coro<int> number(int value) {
  trace("number", value);
  co_return value;
}

SCENARIO(gather_of_what_is_done_at_once) {
  set_task_factory(get_running_loop(), eager_task_factory);
  auto done = gather(number(1), number(2));
  co_await waited("gather", done);
  auto waiting = gather(number(3), sleep(seconds(0), 4));
  co_await waited("gather", waiting);
}

SCENARIO(a_task_group_whose_tasks_are_eager) {
  set_task_factory(get_running_loop(), eager_task_factory);
  auto body = [](TaskGroup& group) -> Coro<> {
    const auto done = group.create_task(says_around_a_sleep("child"));
    trace("done", done.done());
    group.create_task(fails());
    trace("body goes on");
    co_await waited("sleep", [] { return sleep(seconds(1)); });
  };
  co_await waited("group", [&] { return with(TaskGroup(), body); });
}

Coro<std::string> says_at_once() { co_return "at once"; }

SCENARIO(a_task_that_waits_for_an_eager_one_that_is_done_takes_no_turn) {
  auto waits = []() -> Coro<> {
    const std::string value = co_await create_task(says_at_once(), {.eager_start = true});
    trace("went on", value);
  };
  create_task(waits(), {.eager_start = true});
  trace("after");
  co_return;
}

}  // namespace
}  // namespace asyncio::conformance::tasks_eager
