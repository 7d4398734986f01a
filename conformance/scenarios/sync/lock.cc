#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::sync_lock {
namespace {

using std::chrono::seconds;

Coro<> holds(Lock* lock, std::string name, Duration time) {
  trace(name, "comes");
  {
    auto held = co_await scoped(*lock);
    trace(name, "has it");
    co_await sleep(time);
  }
  trace(name, "is done");
}

SCENARIO(a_free_lock_is_had_at_once) {
  Lock lock;
  co_await waited("acquire", [&] { return lock.acquire(); });
  trace(lock.locked());
  lock.release();
  trace(lock.locked());
}

SCENARIO(those_who_wait_get_it_in_their_order) {
  Lock lock;
  std::vector<Task<>> tasks;
  for (const char* name : {"a", "b", "c"}) {
    tasks.push_back(create_task(holds(&lock, name, seconds(1))));
  }
  for (const Task<>& task : tasks) co_await task;
}

SCENARIO(nobody_overtakes) {
  Lock lock;
  co_await lock.acquire();
  Task<> task = create_task(holds(&lock, "first", seconds(1)));
  co_await sleep(seconds(0));
  lock.release();
  trace("free", !lock.locked());
  co_await waited("main", [&] { return lock.acquire(); });
  lock.release();
  co_await task;
}

SCENARIO(who_comes_between_release_and_handover_waits) {
  Lock lock;
  co_await lock.acquire();
  Task<> first = create_task(holds(&lock, "first", seconds(0)));
  co_await sleep(seconds(0));
  get_running_loop().call_soon([&] { lock.release(); });
  Task<> second = create_task(holds(&lock, "second", seconds(0)));
  co_await first;
  co_await second;
}

SCENARIO(a_cancelled_waiter_leaves_the_line) {
  Lock lock;
  co_await lock.acquire();
  Task<> a = create_task(holds(&lock, "a", seconds(0)));
  Task<> b = create_task(holds(&lock, "b", seconds(0)));
  co_await sleep(seconds(0));
  a.cancel();
  co_await waited("a", a);
  lock.release();
  co_await waited("b", b);
  trace(lock.locked());
}

SCENARIO(a_waiter_that_is_cancelled_when_it_is_its_turn_passes_it_on) {
  Lock lock;
  co_await lock.acquire();
  Task<> a = create_task(holds(&lock, "a", seconds(0)));
  Task<> b = create_task(holds(&lock, "b", seconds(0)));
  co_await sleep(seconds(0));
  lock.release();
  a.cancel();
  co_await waited("a", a);
  co_await waited("b", b);
  trace(lock.locked());
}

SCENARIO(a_failing_holder_releases) {
  Lock lock;
  auto fails = [&]() -> Coro<> {
    auto held = co_await scoped(lock);
    throw std::invalid_argument("boom");
  };
  co_await waited("fails", fails);
  trace(lock.locked());
}

SCENARIO(only_what_is_held_can_be_released) {
  tried("release", [] { Lock().release(); });
  co_return;
}

}  // namespace
}  // namespace asyncio::conformance::sync_lock
