#include "asyncio/utils/test_loop.h"

#include <chrono>
#include <stdexcept>

#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/sync/lock.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/deadlock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using testing::TestLoop;
using namespace std::chrono_literals;

Coro<> waits_for_ever() { co_await Future<>(get_running_loop()); }

TEST(TestLoopTest, IsInVirtualTime) {
  TestLoop loop;
  const TimePoint start = loop.time();
  run_until_complete(loop, sleep(1h, 0));
  EXPECT_EQ(loop.time() - start, 1h);
}

TEST(TestLoopTest, ThrowsWhenItsTasksAreDeadlocked) {
  TestLoop loop;
  EXPECT_THROW(run_until_complete(loop, waits_for_ever()), Deadlock);
}

TEST(TestingRunTest, GivesWhatTheCoroutineGives) {
  EXPECT_EQ(testing::run(sleep(1h, 7)), 7);
  EXPECT_EQ(testing::run([](int number) -> Coro<int> { co_return number + 1; }, 1), 2);
  EXPECT_THROW(testing::run([]() -> Coro<> {
                 co_await sleep(1h);
                 throw std::range_error("oops");
               }),
               std::range_error);
}

TEST(TestingRunTest, ThrowsADeadlockAndCancelsTheTasks) {
  bool cancelled = false;
  EXPECT_THROW(testing::run([&]() -> Coro<> {
                 try {
                   co_await Lock().acquire();
                   co_await waits_for_ever();
                 } catch (const CancelledError&) {
                   cancelled = true;
                   throw;
                 }
               }),
               Deadlock);
  EXPECT_TRUE(cancelled);
}

}  // namespace
}  // namespace asyncio
