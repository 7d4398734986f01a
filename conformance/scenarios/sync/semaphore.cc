#include <chrono>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::sync_semaphore {
namespace {

using std::chrono::seconds;

Coro<> holds(Semaphore* semaphore, std::string name) {
  {
    auto held = co_await scoped(*semaphore);
    trace(name, "has one");
    co_await sleep(seconds(1));
  }
  trace(name, "is done");
}

SCENARIO(so_many_at_a_time) {
  Semaphore semaphore(2);
  std::vector<Task<>> tasks;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    tasks.push_back(create_task(holds(&semaphore, name)));
  }
  for (const Task<>& task : tasks) co_await task;
  trace(semaphore.locked());
}

SCENARIO(a_permit_is_had_at_once) {
  Semaphore semaphore(1);
  co_await waited("acquire", [&] { return semaphore.acquire(); });
  trace(semaphore.locked());
  semaphore.release();
  trace(semaphore.locked());
}

SCENARIO(more_may_be_released_than_there_were) {
  Semaphore semaphore(0);
  trace(semaphore.locked());
  semaphore.release();
  semaphore.release();
  co_await waited("first", [&] { return semaphore.acquire(); });
  co_await waited("second", [&] { return semaphore.acquire(); });
  trace(semaphore.locked());
}

SCENARIO(a_bounded_one_refuses_what_is_too_much) {
  BoundedSemaphore semaphore(1);
  tried("release", [&] { semaphore.release(); });
  co_await semaphore.acquire();
  tried("release", [&] { semaphore.release(); });
  tried("release", [&] { semaphore.release(); });
}

SCENARIO(less_than_nothing_is_no_number_of_permits) {
  tried("Semaphore", [] { Semaphore semaphore(-1); });
  tried("BoundedSemaphore", [] { BoundedSemaphore semaphore(-1); });
  co_return;
}

SCENARIO(nobody_overtakes) {
  Semaphore semaphore(1);
  co_await semaphore.acquire();
  Task<> task = create_task(holds(&semaphore, "first"));
  co_await sleep(seconds(0));
  semaphore.release();
  trace(semaphore.locked());
  co_await waited("main", [&] { return semaphore.acquire(); });
  co_await task;
}

SCENARIO(a_waiter_that_is_cancelled_when_it_is_its_turn_passes_it_on) {
  Semaphore semaphore(0);
  Task<> a = create_task(holds(&semaphore, "a"));
  Task<> b = create_task(holds(&semaphore, "b"));
  co_await sleep(seconds(0));
  semaphore.release();
  a.cancel();
  co_await waited("a", a);
  co_await waited("b", b);
  trace(semaphore.locked());
}

SCENARIO(several_released_at_once_wake_as_many) {
  Semaphore semaphore(0);
  std::vector<Task<>> tasks;
  for (const char* name : {"a", "b", "c"}) tasks.push_back(create_task(holds(&semaphore, name)));
  co_await sleep(seconds(0));
  semaphore.release();
  semaphore.release();
  trace("released");
  tasks[2].cancel();
  for (const Task<>& task : tasks) co_await waited("main", task);
}

}  // namespace
}  // namespace asyncio::conformance::sync_semaphore
