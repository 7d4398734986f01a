#include "asyncio/utils/testing.h"

#include <chrono>
#include <exception>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>

#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using testing::cancel_at_every_await;
using testing::CancellationBug;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// The bug found, or none.
template <class... Arguments>
std::optional<CancellationBug> bug_of(Arguments... arguments) {
  try {
    cancel_at_every_await(std::move(arguments)...);
  } catch (const CancellationBug& bug) {
    return bug;
  }
  return std::nullopt;
}

Coro<> sleeps(int times) {
  for (int i = 0; i < times; ++i) co_await sleep(1s);
}

TEST(CancelAtEveryAwaitTest, CancelsThriceAtEachAwaitThatWaitsAndCountsThem) {
  std::string trace;
  const int awaits = cancel_at_every_await([&]() -> Coro<> {
    trace += "(";
    for (int i = 1; i <= 3; ++i) {
      co_await sleep(1s);
      trace += std::to_string(i);
    }
    co_await Lock().acquire();  // does not wait
  });
  EXPECT_EQ(awaits, 3);
  EXPECT_EQ(trace,
            "(123((("
            "(1(1(1"
            "(12(12(12");
}

TEST(CancelAtEveryAwaitTest, ComesBeforeWhileAndAfter) {
  std::string trace;
  cancel_at_every_await([&]() -> Coro<> {
    get_running_loop().call_later(1s, [&] { trace += "timer "; });
    get_running_loop().call_soon(
        [&] { get_running_loop().call_soon([&] { trace += "started "; }); });
    try {
      co_await sleep(1s);
      trace += "through ";
    } catch (const CancelledError&) {
      trace += "cancelled ";
      throw;
    }
  });
  EXPECT_EQ(trace,
            "started timer through "
            "cancelled started timer "
            "started cancelled timer "
            "started timer cancelled ");
}

TEST(CancelAtEveryAwaitTest, AScenarioThatNeverWaitsIsRunOnce) {
  int runs = 0;
  EXPECT_EQ(cancel_at_every_await([&]() -> Coro<> {
              ++runs;
              co_return;
            }),
            0);
  EXPECT_EQ(runs, 1);
}

TEST(CancelAtEveryAwaitTest, TakesAPlainFunctionThatReturnsACoroutineOfAnything) {
  const auto scenario = []() -> Coro<int> { co_return co_await sleep(1s, 7); };
  EXPECT_EQ(cancel_at_every_await(scenario), 1);
}

TEST(CancelAtEveryAwaitTest, ACancellationThatIsSwallowedIsABugUnlessItMayBe) {
  const auto scenario = []() -> Coro<> {
    co_await sleep(1s);
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
    }
  };
  const std::optional<CancellationBug> bug = bug_of(scenario);
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->await(), 2);
  ASSERT_EQ(bug->call_stack().size(), 1U);
  EXPECT_EQ(bug->call_stack()[0].place.line(), std::source_location::current().line() - 8);
  EXPECT_THAT(bug->what(), HasSubstr("cancelled at await 2, as it began to wait, at utils/test/"));
  EXPECT_THAT(bug->what(), HasSubstr("- the scenario swallowed the cancellation and completed"));
  EXPECT_EQ(cancel_at_every_await(scenario, [] { return true; }, {.may_complete = true}), 2);
}

TEST(CancelAtEveryAwaitTest, AnotherExceptionThanTheCancellationIsABug) {
  const std::optional<CancellationBug> bug = bug_of([]() -> Coro<> {
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
      throw std::runtime_error("could not clean up");
    }
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- the scenario failed: could not clean up"));
}

TEST(CancelAtEveryAwaitTest, AScenarioMustSucceedWithoutACancellation) {
  const std::optional<CancellationBug> bug = bug_of([]() -> Coro<> {
    co_await sleep(1s);
    throw std::runtime_error("oops");
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->await(), 0);
  EXPECT_STREQ(bug->what(), "without any cancellation\n- the scenario failed: oops");
}

// Releases the lock only if all goes well.
Coro<> forgets_to_release(Lock* lock) {
  co_await lock->acquire();
  co_await sleep(1s);
  lock->release();
}

TEST(CancelAtEveryAwaitTest, ALockThatStaysLockedIsFoundByTheInvariant) {
  std::optional<Lock> lock;
  const std::optional<CancellationBug> bug = bug_of(
      [&]() -> Coro<> {
        lock.emplace();
        co_await forgets_to_release(&*lock);
      },
      [&] { return !lock->locked(); });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- the invariant does not hold"));
}

TEST(CancelAtEveryAwaitTest, AndByATaskThatWaitsForItForEver) {
  std::optional<Lock> lock;
  const std::optional<CancellationBug> bug = bug_of([&]() -> Coro<> {
    lock.emplace();
    create_task([&]() -> Coro<> {
      co_await sleep(500ms);
      auto held = co_await scoped(*lock);
    });
    co_await forgets_to_release(&*lock);
    co_await sleep(1s);
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- these tasks wait for ever:\n* Task 'Task-"));
}

TEST(CancelAtEveryAwaitTest, ATaskThatNeverEndsIsABug) {
  const std::optional<CancellationBug> bug = bug_of([]() -> Coro<> {
    create_task([]() -> Coro<> {
      while (true) co_await sleep(1s);
    });
    co_await sleep(1s);
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- these tasks go on and on:\n* Task 'Task-"));
}

TEST(CancelAtEveryAwaitTest, AScenarioThatDeadlocksIsABug) {
  const std::optional<CancellationBug> bug =
      bug_of([]() -> Coro<> { co_await Future<>(get_running_loop()); });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- these tasks wait for ever:"));
}

TEST(CancelAtEveryAwaitTest, WhatIsReportedToTheLoopIsABug) {
  const std::optional<CancellationBug> bug = bug_of([]() -> Coro<> {
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
      get_running_loop().call_soon([] { throw std::range_error("oops"); });
      throw;
    }
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- reported: Exception in callback"));
  EXPECT_THAT(bug->what(), HasSubstr("oops"));
}

TEST(CancelAtEveryAwaitTest, AnInvariantMayThrow) {
  const std::optional<CancellationBug> bug =
      bug_of([]() -> Coro<> { co_await sleeps(1); },
             []() -> bool { throw std::runtime_error("one permit is missing"); });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- the invariant threw: one permit is missing"));
}

// Whatever comes, is on its way out for two seconds.
Coro<> leaves_slowly(std::string* trace) {
  std::exception_ptr error;
  try {
    co_await sleep(1s);
  } catch (const CancelledError&) {
    error = std::current_exception();
  }
  *trace += "(";
  co_await sleep(1s);
  *trace += ")";
  if (error != nullptr) std::rethrow_exception(error);
}

TEST(CancelAtEveryAwaitTest, CancelsASecondTimeWhereverTheFirstIsBeingDealtWith) {
  std::string trace;
  EXPECT_EQ(cancel_at_every_await([&]() -> Coro<> { co_await leaves_slowly(&trace); },
                                  [] { return true; }, {.twice = true}),
            2);
  std::string cancelled_first_in_sleep;
  for (int i = 0; i < 2; ++i) {            // as it begins to wait, and while everything waits
    cancelled_first_in_sleep += "()";      // once
    cancelled_first_in_sleep += "()()()";  // again before it has run: one cancellation
    cancelled_first_in_sleep += "(((";     // again on its way out
  }
  cancelled_first_in_sleep +=
      "()"
      "()()()"
      "(((";
  const std::string cancelled_first_on_its_way_out =
      "("
      "((("
      "("
      "((("
      "("
      "(((";
  EXPECT_EQ(trace, "()" + cancelled_first_in_sleep + cancelled_first_on_its_way_out);
}

TEST(CancelAtEveryAwaitTest, CleaningUpThatASecondCancellationCutsShortIsABug) {
  std::optional<Lock> lock;
  const auto scenario = [&]() -> Coro<> {
    lock.emplace();
    co_await lock->acquire();
    std::exception_ptr error;
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
      error = std::current_exception();
    }
    if (error != nullptr) co_await sleep(1s);  // tells somebody
    lock->release();
    if (error != nullptr) std::rethrow_exception(error);
  };
  const auto released = [&] { return !lock->locked(); };
  EXPECT_EQ(cancel_at_every_await(scenario, released), 1);
  const std::optional<CancellationBug> bug =
      bug_of(scenario, released, testing::CancelOptions{.twice = true});
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->await(), 1);
  EXPECT_THAT(bug->what(), HasSubstr("cancelled at await 1, as it began to wait, at utils/test/"));
  EXPECT_THAT(bug->what(),
              HasSubstr("\nand again at await 2, as it began to wait, at utils/test/"));
}

TEST(CancelAtEveryAwaitTest, IsRefusedInsideARunningLoop) {
  EXPECT_THROW(run([]() -> Coro<> {
                 cancel_at_every_await([]() -> Coro<> { co_await sleeps(1); });
                 co_return;
               }),
               std::runtime_error);
}

}  // namespace
}  // namespace asyncio
