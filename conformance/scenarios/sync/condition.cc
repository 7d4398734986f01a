#include <chrono>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::sync_condition {
namespace {

using std::chrono::seconds;

Coro<> waits(Condition* condition, std::string name) {
  auto held = co_await scoped(*condition);
  trace(name, "waits");
  co_await waited(name, [&] { return condition->wait(); });
  trace(name, "holds the lock", condition->locked());
}

std::vector<Task<>> waiters(Condition& condition) {
  std::vector<Task<>> tasks;
  for (const char* name : {"a", "b", "c"}) tasks.push_back(create_task(waits(&condition, name)));
  return tasks;
}

Coro<> notifies_all(Condition& condition) {
  auto held = co_await scoped(condition);
  condition.notify_all();
}

SCENARIO(without_the_lock_it_refuses) {
  Condition condition;
  co_await waited("wait", [&] { return condition.wait(); });
  tried("notify", [&] { condition.notify(); });
  tried("notify_all", [&] { condition.notify_all(); });
  tried("release", [&] { condition.release(); });
}

SCENARIO(notify_wakes_one) {
  Condition condition;
  const std::vector<Task<>> tasks = waiters(condition);
  co_await sleep(seconds(0));
  for (int i = 0; i < 3; ++i) {
    {
      auto held = co_await scoped(condition);
      condition.notify();
      trace("notified");
    }
    co_await sleep(seconds(1));
  }
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(notify_wakes_as_many_as_it_is_told) {
  Condition condition;
  const std::vector<Task<>> tasks = waiters(condition);
  co_await sleep(seconds(0));
  {
    auto held = co_await scoped(condition);
    condition.notify(2);
  }
  co_await sleep(seconds(1));
  trace(tasks[0].done(), tasks[1].done(), tasks[2].done());
  co_await notifies_all(condition);
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(who_is_notified_waits_for_the_lock) {
  Condition condition;
  Task<> task = create_task(waits(&condition, "a"));
  co_await sleep(seconds(0));
  {
    auto held = co_await scoped(condition);
    condition.notify_all();
    co_await sleep(seconds(5));
    trace("releases");
  }
  co_await task;
}

SCENARIO(a_notification_that_nobody_waits_for_is_lost) {
  Condition condition;
  co_await notifies_all(condition);
  Task<> task = create_task(waits(&condition, "a"));
  co_await sleep(seconds(1));
  trace("done", task.done());
  co_await notifies_all(condition);
  co_await task;
}

SCENARIO(wait_for_waits_until_it_is_true) {
  Condition condition;
  std::vector<int> numbers;
  auto has_two = [&] { return numbers.size() >= 2; };
  auto waits_for_two = [&]() -> Coro<> {
    auto held = co_await scoped(condition);
    co_await waited("wait_for", [&] { return condition.wait_for(has_two); });
  };
  Task<> task = create_task(waits_for_two);
  for (int number = 0; number < 2; ++number) {
    co_await sleep(seconds(1));
    auto held = co_await scoped(condition);
    numbers.push_back(number);
    condition.notify_all();
    trace("has", numbers.size());
  }
  co_await task;
}

SCENARIO(wait_for_does_not_wait_for_what_is_true) {
  Condition condition;
  auto held = co_await scoped(condition);
  co_await waited("wait_for", [&] { return condition.wait_for([] { return true; }); });
}

SCENARIO(a_cancelled_waiter_has_the_lock_again) {
  Condition condition;
  Task<> task = create_task(waits(&condition, "a"));
  co_await sleep(seconds(0));
  {
    auto held = co_await scoped(condition);
    task.cancel("enough");
    co_await sleep(seconds(5));
    trace("releases");
  }
  co_await waited("task", task);
  trace(condition.locked());
}

SCENARIO(a_waiter_that_is_cancelled_again_while_it_waits_for_the_lock) {
  Condition condition;
  Task<> task = create_task(waits(&condition, "a"));
  co_await sleep(seconds(0));
  {
    auto held = co_await scoped(condition);
    task.cancel("first");
    co_await sleep(seconds(1));
    task.cancel("second");
    co_await sleep(seconds(1));
    trace("releases");
  }
  co_await waited("task", task);
}

SCENARIO(a_cancelled_waiter_passes_its_notification_on) {
  Condition condition;
  const std::vector<Task<>> tasks = waiters(condition);
  co_await sleep(seconds(0));
  {
    auto held = co_await scoped(condition);
    condition.notify();
    tasks[0].cancel("too late");
  }
  co_await sleep(seconds(1));
  trace(tasks[0].done(), tasks[1].done(), tasks[2].done());
  co_await notifies_all(condition);
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(a_waiter_that_is_cancelled_before_a_notification_waits_for_the_lock) {
  Condition condition;
  Task<> task = create_task(waits(&condition, "a"));
  co_await sleep(seconds(0));
  {
    auto held = co_await scoped(condition);
    task.cancel();
    condition.notify();
    co_await sleep(seconds(1));
    trace("releases");
  }
  co_await waited("task", task);
  trace(condition.locked());
}

SCENARIO(conditions_may_share_a_lock) {
  Lock lock;
  Condition one(lock);
  Condition other(lock);
  auto held = co_await scoped(one);
  trace(one.locked(), other.locked(), lock.locked());
  tried("notify", [&] { other.notify(); });
}

}  // namespace
}  // namespace asyncio::conformance::sync_condition
