#include <chrono>
#include <string>
#include <vector>

#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "gtest/gtest.h"
namespace asyncio {
using namespace std::chrono_literals;
Coro<int> one() { co_return 1; }
Coro<int> add(int n) {
  int s = 0;
  for (int i = 0; i < n; ++i) s += co_await one();
  co_return s;
}
Coro<std::string> slow() {
  co_await sleep(10ms);
  co_return "slow";
}
Coro<int> deep(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await deep(n - 1);
}
Coro<> main_coro() {
  EXPECT_EQ(co_await add(10), 10);
  auto t = create_task(slow());
  EXPECT_EQ(co_await t, "slow");
  auto u = create_task(sleep(1h));
  co_await sleep(0s);
  u.cancel("why");
  try {
    co_await u;
    ADD_FAILURE();
  } catch (const CancelledError& e) {
    EXPECT_EQ(e.message(), "why");
  }
  EXPECT_TRUE(u.cancelled());
  std::string text = "abc";
  auto v = create_task(
      [text](const std::string& a) -> Coro<std::string> {
        co_await sleep(1ms);
        co_return text + a;
      },
      std::string("def"));
  EXPECT_EQ(co_await v, "abcdef");
  EXPECT_EQ(current_task()->get_name(), "Task-1");
}
struct Ctx {
  int* log;
  void enter() { *log += 1; }
  Coro<> exit(std::exception_ptr) {
    co_await sleep(0s);
    *log += 10;
  }
};
Coro<> with_test(int* log) {
  int r = co_await with(Ctx{log}, [&](Ctx&) -> Coro<int> { co_return 5; });
  EXPECT_EQ(r, 5);
  co_await with(Ctx{log}, Ctx{log}, [&](auto&, auto&) { *log += 100; });
}
Coro<int> take(const std::string& s) { co_return int(s.size()); }
Coro<> door() {
  EXPECT_EQ(co_await take("abc"), 3);
  try {
    create_task(take("abc"));
    ADD_FAILURE();
  } catch (const std::logic_error& e) {
    std::puts(e.what());
  }
  int x = 3;
  try {
    create_task([x]() -> Coro<int> { co_return x; }());
    ADD_FAILURE();
  } catch (const std::logic_error& e) {
    std::puts(e.what());
  }
  EXPECT_EQ(co_await create_task([x]() -> Coro<int> { co_return x; }), 3);
}
TEST(Smoke, Works) { run(main_coro()); }
TEST(Smoke, With) {
  int log = 0;
  run(with_test(&log));
  EXPECT_EQ(log, 133);
}
TEST(Smoke, Door) { run(door()); }
TEST(Smoke, Million) { EXPECT_EQ(run(add(1000000)), 1000000); }
TEST(Smoke, Deep) { EXPECT_EQ(run(deep(100000)), 100000); }
}  // namespace asyncio
