#include "asyncio/utils/deadlock.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <source_location>
#include <string>
#include <thread>

#include "asyncio/events/running_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/sync/event.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/gather.h"
#include "asyncio/utils/threads.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class DeadlockTest : public ::testing::Test {
 protected:
  // Runs the coroutine function to its end. What the detective said, if it said anything.
  template <class F>
  std::string verdict(F main) {
    try {
      run_until_complete(loop_, main());
    } catch (const Deadlock& deadlock) {
      return deadlock.what();
    }
    return "";
  }

  VirtualTimeLoop loop_;
  DeadlockDetective detective_{loop_};
};

std::string line_of(std::source_location where) {
  return "deadlock_test.cc:" + std::to_string(where.line());
}

// The lines before those of the two acquire().
std::source_location outer_line;
std::source_location inner_line;

Coro<> lock_both(Lock* first, Lock* second) {
  outer_line = std::source_location::current();
  auto outer = co_await scoped(*first);
  co_await sleep(1s);
  inner_line = std::source_location::current();
  auto inner = co_await scoped(*second);
}

TEST_F(DeadlockTest, TwoTasksThatLockInOppositeOrderAreNamedWithTheirLines) {
  Lock a;
  Lock b;
  std::source_location first_created;
  std::source_location second_created;
  const std::string said = verdict([&]() -> Coro<> {
    first_created = std::source_location::current();
    auto first = create_task(lock_both(&a, &b), {.name = "first"});
    second_created = std::source_location::current();
    auto second = create_task(lock_both(&b, &a), {.name = "second"});
    co_await gather(first, second);
  });
  const auto line_after = [](std::source_location where) {
    return "deadlock_test.cc:" + std::to_string(where.line() + 1);
  };
  const std::string waits = ", suspended at utils/test/" + line_after(inner_line) + "\n";
  EXPECT_THAT(said, HasSubstr("\n* Task 'first' created at utils/test/" +
                              line_after(first_created) + waits));
  EXPECT_THAT(said, HasSubstr("\n* Task 'second' created at utils/test/" +
                              line_after(second_created) + waits));
  EXPECT_THAT(said, HasSubstr("\n  + Awaited by:\n     * Future"));
  const std::string acquired =
      "'\n  + Acquired at:\n  |   utils/test/" + line_after(outer_line) + "\n  + Awaited by:\n";
  EXPECT_THAT(said, HasSubstr("\n* Lock held by Task 'first" + acquired +
                              "     * Task 'second'\n* Lock held by Task 'second" + acquired +
                              "     * Task 'first'"));
}

TEST_F(DeadlockTest, ALockThatWasNeverReleasedIsNamedWithTheTaskThatForgotIt) {
  Lock lock;
  auto acquire = [](Lock* lock) -> Coro<> { co_await lock->acquire(); };
  const std::string said = verdict([&]() -> Coro<> {
    co_await create_task(acquire(&lock), {.name = "forgetful"});
    co_await lock.acquire();
  });
  EXPECT_THAT(said, HasSubstr("\n* Lock held by Task 'forgetful', which has ended\n"));
}

TEST_F(DeadlockTest, LocksForWhichNobodyWaitsAreNotNamed) {
  Lock lock;
  EXPECT_THAT(verdict([&]() -> Coro<> {
                auto held = co_await scoped(lock);
                co_await Future<>(get_running_loop());
              }),
              Not(HasSubstr("Lock")));
}

TEST_F(DeadlockTest, ATaskThatWaitsForWhatNobodyWillDoIsDeadlocked) {
  EXPECT_THAT(verdict([]() -> Coro<> { co_await Future<>(get_running_loop()); }),
              HasSubstr(line_of(std::source_location::current())));
}

TEST_F(DeadlockTest, TasksThatAwaitEachOtherAreDescribedOnce) {
  std::optional<Task<>> first;
  std::optional<Task<>> second;
  first = create_task(loop_, [&]() -> Coro<> { co_await *second; });
  second = create_task(loop_, [&]() -> Coro<> { co_await *first; });
  first->set_name("first");
  second->set_name("second");
  EXPECT_THROW(run_until_complete(loop_, *first), Deadlock);
  EXPECT_TRUE(describe_tasks(loop_).starts_with("* Task 'first' "));
  EXPECT_THAT(describe_tasks(loop_), Not(HasSubstr("\n* ")));
  EXPECT_THAT(describe_tasks(loop_), HasSubstr("\n     * Task 'second' "));
}

TEST_F(DeadlockTest, ASleepForEverIsDeadlocked) {
  EXPECT_NE(verdict([]() -> Coro<> { co_await sleep(Duration::infinite()); }), "");
}

TEST_F(DeadlockTest, WhatATimerWillWakeIsNot) {
  Event event;
  EXPECT_EQ(verdict([&]() -> Coro<> {
              get_running_loop().call_later(1h, [&] { event.set(); });
              co_await event.wait();
            }),
            "");
}

TEST_F(DeadlockTest, WhatADescriptorMayWakeIsNot) {
  const FileDescriptor counter(::eventfd(0, EFD_NONBLOCK));
  std::thread writer([&] {
    std::this_thread::sleep_for(20ms);
    ::eventfd_write(counter.get(), 1);
  });
  EXPECT_EQ(verdict([&]() -> Coro<> {
              Event readable;
              loop_.add_reader(counter.get(), [&] { readable.set(); });
              co_await readable.wait();
              loop_.remove_reader(counter.get());
            }),
            "");
  writer.join();
}

TEST_F(DeadlockTest, WhatASignalMayWakeIsNot) {
  std::thread sender([] {
    std::this_thread::sleep_for(20ms);
    ::kill(::getpid(), SIGUSR1);
  });
  EXPECT_EQ(verdict([&]() -> Coro<> {
              Event arrived;
              loop_.add_signal_handler(SIGUSR1, [&] { arrived.set(); });
              co_await arrived.wait();
              loop_.remove_signal_handler(SIGUSR1);
            }),
            "");
  sender.join();
}

TEST_F(DeadlockTest, WhatAJobOnAThreadWillWakeIsNot) {
  EXPECT_EQ(verdict([]() -> Coro<> {
              auto job = [] { std::this_thread::sleep_for(20ms); };
              co_await to_thread(job);
            }),
            "");
}

TEST_F(DeadlockTest, ALoopWithoutTasksWaitsInPeace) {
  std::thread stopper([this] {
    std::this_thread::sleep_for(20ms);
    loop_.call_soon_threadsafe([this] { loop_.stop(); });
  });
  loop_.run_forever();
  stopper.join();
}

TEST_F(DeadlockTest, TheLoopCanGoOnAfterIt) {
  Event event;
  auto waiting = create_task(loop_, [&]() -> Coro<> { co_await event.wait(); });
  EXPECT_THROW(run_until_complete(loop_, waiting), Deadlock);
  event.set();
  run_until_complete(loop_, waiting);
}

// A loop of run() that is watched from within.
Coro<> waits_for_ever_under_watch() {
  DeadlockDetective detective(get_running_loop());
  co_await Future<>(get_running_loop());
}

TEST(RunTest, ADeadlockLeavesRunAndTheTasksAreCancelled) {
  EXPECT_THROW(run(waits_for_ever_under_watch()), Deadlock);
}

TEST(DetectiveTest, OnceItIsGoneNobodyLooks) {
  VirtualTimeLoop loop;
  {
    DeadlockDetective detective(loop);
  }
  std::thread stopper([&] {
    std::this_thread::sleep_for(20ms);
    loop.call_soon_threadsafe([&] { loop.stop(); });
  });
  EXPECT_THROW(run_until_complete(loop, sleep(Duration::infinite(), 1)), std::runtime_error);
  stopper.join();
}

TEST_F(DeadlockTest, TheTasksOfALoopAreDescribedInOrderOfCreation) {
  EXPECT_EQ(describe_tasks(loop_), "");
  auto first = create_task(loop_, sleep(1s, 1), {.name = "first"});
  auto second = create_task(loop_, sleep(1s, 2), {.name = "second"});
  const std::string text = describe_tasks(loop_);
  EXPECT_TRUE(text.starts_with("* Task 'first' created at "));
  EXPECT_THAT(text, HasSubstr("\n* Task 'second' created at "));
  run_until_complete(loop_, gather(first, second));
  EXPECT_EQ(describe_tasks(loop_), "");
}

}  // namespace
}  // namespace asyncio
