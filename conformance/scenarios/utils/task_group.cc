#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::utils_task_group {
namespace {

using std::chrono::seconds;

Coro<std::string> says(std::string words, int delay = 0) {
  if (delay > 0) co_await sleep(seconds(delay));
  trace(words);
  co_return words;
}

Coro<> fails(std::string words, int delay = 0) {
  if (delay > 0) co_await sleep(seconds(delay));
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

Coro<> fails_in_the_end() {
  try {
    co_await sleep(seconds(3600));
  } catch (const CancelledError&) {
    throw std::invalid_argument("while cleaning");
  }
}

int cancelling() { return current_task()->cancelling(); }

SCENARIO(the_block_waits_for_its_tasks) {
  std::optional<Task<std::string>> fast;
  co_await with(TaskGroup(), [&](TaskGroup& group) {
    group.create_task(says("slow", 2));
    fast = group.create_task(says("fast", 1));
    trace("body ends");
  });
  trace("after the block", fast->result());
}

SCENARIO(an_empty_block_takes_no_turn) {
  co_await with(TaskGroup(), [] { trace("body"); });
  trace("after the block");
}

SCENARIO(a_task_that_fails_ends_the_others_and_the_body) {
  co_await waited("block", [] {
    return with(TaskGroup(), [](TaskGroup& group) {
      group.create_task(sleeps("other"));
      group.create_task(fails("boom", 1));
      return sleeps("body");
    });
  });
  trace(cancelling());
}

SCENARIO(a_task_that_fails_while_the_block_waits) {
  co_await waited("block", [] {
    return with(TaskGroup(), [](TaskGroup& group) {
      group.create_task(sleeps("other"));
      group.create_task(fails("boom", 1));
    });
  });
  trace(cancelling());
}

SCENARIO(all_failures_are_in_the_group) {
  co_await waited("block", [] {
    return with(TaskGroup(), [](TaskGroup& group) {
      group.create_task(fails("first"));
      group.create_task(fails("second"));
      group.create_task(says("fine"));
    });
  });
}

SCENARIO(what_the_body_raises_comes_last) {
  co_await waited("block", [] {
    return with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fails("of a task"));
      co_await sleep(seconds(0));
      throw std::runtime_error("of the body");
    });
  });
}

SCENARIO(a_body_that_fails_ends_the_tasks) {
  co_await waited("block", [] {
    return with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(sleeps("task"));
      co_await sleep(seconds(1));
      throw std::runtime_error("of the body");
    });
  });
  trace(cancelling());
}

SCENARIO(a_task_that_is_cancelled_alone_disturbs_nobody) {
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    Task<> one = group.create_task(sleeps("one"));
    group.create_task(says("other", 2));
    co_await sleep(seconds(1));
    one.cancel("alone");
  });
  trace("after the block", cancelling());
}

SCENARIO(a_cancellation_from_outside_ends_all) {
  Task<> task = create_task([] {
    return with(TaskGroup(), [](TaskGroup& group) {
      group.create_task(sleeps("task"));
      return sleeps("body");
    });
  });
  co_await sleep(seconds(1));
  task.cancel("from outside");
  co_await waited("task", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(a_cancellation_from_outside_while_the_block_waits) {
  Task<> task = create_task([] {
    return with(TaskGroup(), [](TaskGroup& group) { group.create_task(sleeps("task")); });
  });
  co_await sleep(seconds(1));
  task.cancel("from outside");
  co_await waited("task", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(a_failure_during_a_cancellation_from_outside) {
  auto block = [] {
    return with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_in_the_end());
      co_await sleep(seconds(3600));
    });
  };
  auto goes_on = [&]() -> Coro<> {
    co_await waited("block", block);
    trace("cancelling", cancelling());
    co_await waited("next wait", [] { return sleep(seconds(1)); });
  };
  Task<> task = create_task(goes_on);
  co_await sleep(seconds(1));
  task.cancel("from outside");
  co_await waited("task", task);
}

SCENARIO(tasks_may_make_more_tasks) {
  co_await with(TaskGroup(), [](TaskGroup& group) {
    group.create_task([&group]() -> Coro<> {
      co_await sleep(seconds(1));
      group.create_task(says("made later", 1));
    });
  });
  trace("after the block");
}

SCENARIO(groups_in_groups) {
  auto inner = [] {
    return with(TaskGroup(), [](TaskGroup& group) { group.create_task(fails("inner")); });
  };
  co_await waited("outer", [&] {
    return with(TaskGroup(), [&](TaskGroup& group) {
      group.create_task(sleeps("sibling"));
      group.create_task(inner);
    });
  });
}

void try_to_make(TaskGroup& group) {
  try {
    group.create_task(says("never"));
  } catch (const std::runtime_error&) {
    trace("RuntimeError");
  }
}

// A group that can be looked at outside of its block.
class Observed {
 public:
  explicit Observed(TaskGroup& group) : group_(group) {}

  void enter() { group_.enter(); }
  Coro<bool> exit(std::exception_ptr error) { return group_.exit(error); }

 private:
  TaskGroup& group_;
};

SCENARIO(before_and_after_the_block_no_task_is_made) {
  TaskGroup group;
  try_to_make(group);
  co_await with(Observed(group), [&] { group.create_task(says("task")); });
  try_to_make(group);
}

SCENARIO(a_group_that_shuts_down_takes_no_tasks) {
  co_await waited("block", [] {
    return with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fails("boom"));
      try {
        co_await sleep(seconds(1));
      } catch (const CancelledError&) {
        try_to_make(group);
        throw;
      }
    });
  });
}

SCENARIO(cancel_ends_the_block_in_good_order) {
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    group.create_task(sleeps("task"));
    co_await sleep(seconds(1));
    group.cancel();
    co_await sleeps("body");
  });
  trace("after the block", cancelling());
}

SCENARIO(cancel_from_a_task_of_the_group) {
  co_await with(TaskGroup(), [](TaskGroup& group) {
    group.create_task(sleeps("task"));
    group.create_task([&group]() -> Coro<> {
      co_await sleep(seconds(1));
      group.cancel();
    });
  });
  trace("after the block", cancelling());
}

SCENARIO(cancel_does_not_hide_failures) {
  co_await waited("block", [] {
    return with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_in_the_end());
      co_await sleep(seconds(1));
      group.cancel();
    });
  });
}

SCENARIO(cancel_by_a_body_that_was_cancelled_from_outside) {
  Task<> task = create_task([] {
    return with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(sleeps("task"));
      try {
        co_await sleeps("body");
      } catch (const CancelledError&) {
        group.cancel();
        throw;
      }
    });
  });
  co_await sleep(seconds(1));
  task.cancel("from outside");
  co_await waited("task", task);
  trace(task.cancelled(), task.cancelling());
}

Coro<> lingers() {
  try {
    co_await sleep(seconds(3600));
  } catch (const CancelledError&) {
  }
  co_await sleep(seconds(5));
}

SCENARIO(a_cancellation_from_outside_after_cancel_has_ended_the_body) {
  Task<> task = create_task([] {
    return with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(lingers());
      co_await sleep(seconds(1));
      group.cancel();
      co_await sleeps("body");
    });
  });
  co_await sleep(seconds(2));
  task.cancel("from outside");
  co_await waited("task", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(cancel_before_the_block) {
  TaskGroup group;
  group.cancel();
  co_await with(std::move(group), []() -> Coro<> {
    trace("body");
    co_await sleeps("body");
  });
  trace("after the block", cancelling());
}

SCENARIO(a_limit_around_a_group) {
  co_await waited("block", [] {
    return with(timeout(seconds(1)), TaskGroup(),
                [](Timeout&, TaskGroup& group) { group.create_task(sleeps("task")); });
  });
  trace(cancelling());
}

}  // namespace
}  // namespace asyncio::conformance::utils_task_group
