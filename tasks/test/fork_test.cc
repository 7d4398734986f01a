// What a child that was forked while a task runs may do.

#include <chrono>
#include <optional>
#include <stdexcept>

#include "asyncio/events/running_loop.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "events/test/child_process.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

TEST(ForkTest, AChildHasNoCurrentTask) {
  auto parent = []() -> Coro<int> {
    EXPECT_NE(current_task(), std::nullopt);
    EventLoop& loop = get_running_loop();
    co_return exit_code_of([&] {
      if (current_task(loop) != std::nullopt) return 2;
      try {
        current_task();
      } catch (const std::runtime_error&) {
        return 0;
      }
      return 1;
    });
  };
  EXPECT_EQ(run(parent()), 0);
}

TEST(ForkTest, AChildMayRunCoroutinesOfItsOwn) {
  auto child = []() -> Coro<int> {
    co_await sleep(1ms);
    co_return 42;
  };
  auto parent = [&]() -> Coro<int> {
    const int code = exit_code_of([&] { return run(child()); });
    co_await sleep(0s);
    co_return code;
  };
  EXPECT_EQ(run(parent()), 42);
}

}  // namespace
}  // namespace asyncio
