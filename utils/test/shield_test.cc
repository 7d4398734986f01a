#include "asyncio/utils/shield.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "asyncio/futures/future.h"
#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/gather.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"
#include "utils/test/number_after.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

class ShieldTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(ShieldTest, PassesAResultOn) {
  const Future<int> inner(loop_);
  const Future<int> outer = shield(inner);
  inner.set_result(42);
  EXPECT_FALSE(outer.done());
  loop_.settle();
  EXPECT_EQ(outer.result(), 42);
}

TEST_F(ShieldTest, PassesAnExceptionOn) {
  const Future<int> inner(loop_);
  const Future<int> outer = shield(inner);
  inner.set_exception(std::runtime_error("bad"));
  loop_.settle();
  EXPECT_EQ(ending(outer), "failed: bad");
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(ShieldTest, CancellingTheInnerCancelsTheOuter) {
  const Future<int> inner(loop_);
  const Future<int> outer = shield(inner);
  inner.cancel("enough");
  loop_.settle();
  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(ending(outer), "cancelled");
  EXPECT_EQ(ending(inner), "cancelled: enough");
}

TEST_F(ShieldTest, CancellingTheOuterLeavesTheInner) {
  const Future<int> inner(loop_);
  const Future<int> outer = shield(inner);
  EXPECT_TRUE(outer.cancel("enough"));
  EXPECT_TRUE(outer.cancelled());
  loop_.settle();
  EXPECT_FALSE(inner.done());
}

TEST_F(ShieldTest, CancellingTheWaitingTaskLeavesTheInner) {
  loop_.run([]() -> Coro<> {
    const Task<int> inner = create_task(number_after(42, 5s));
    auto wait = [](Task<int> inner) -> Coro<> { co_await shield(inner); };
    const Task<> waiting = create_task(wait(inner));
    co_await sleep(1s);
    waiting.cancel();
    const std::string end = co_await ending_of<void>(waiting);
    EXPECT_EQ(end, "cancelled");
    EXPECT_FALSE(inner.done());
    EXPECT_EQ(inner.cancelling(), 0);
    const int value = co_await inner;
    EXPECT_EQ(value, 42);
  });
}

TEST_F(ShieldTest, AResultAfterTheOuterWasCancelledHarmsNobody) {
  const Future<int> inner(loop_);
  shield(inner).cancel();
  inner.set_result(42);
  loop_.settle();
  EXPECT_EQ(inner.result(), 42);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(ShieldTest, AnExceptionAfterTheOuterWasCancelledIsTheInnersToTell) {
  const Future<int> inner(loop_);
  const Future<int> outer = shield(inner);
  outer.cancel();
  loop_.settle();
  inner.set_exception(std::runtime_error("bad"));
  loop_.settle();
  EXPECT_EQ(ending(inner), "failed: bad");
  EXPECT_FALSE(outer.cancel());
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(ShieldTest, OfTwoOutersOneMayBeCancelled) {
  const Future<int> inner(loop_);
  const Future<int> one = shield(inner);
  const Future<int> two = shield(inner);
  one.cancel();
  inner.set_exception(std::runtime_error("bad"));
  loop_.settle();
  EXPECT_TRUE(one.cancelled());
  EXPECT_EQ(ending(two), "failed: bad");
}

TEST_F(ShieldTest, AnExceptionThatNobodyLooksAtAfterTheOuterWasCancelledIsReported) {
  {
    const Future<int> inner(loop_);
    const Future<int> outer = shield(inner);
    outer.cancel();
    inner.set_exception(std::runtime_error("bad"));
    loop_.settle();
  }
  ASSERT_EQ(loop_.reports().size(), 1u);
  EXPECT_EQ(loop_.reports()[0].message, "Future exception was never retrieved");
}

TEST_F(ShieldTest, WhatIsDoneComesBackAsItIs) {
  const Future<int> inner(loop_);
  inner.set_result(42);
  EXPECT_EQ(shield(inner), inner);
}

TEST_F(ShieldTest, TheInnerFinishesItsWorkWhenTheCallerIsCancelled) {
  bool finished = false;
  loop_.run([&]() -> Coro<> {
    auto work = [&finished]() -> Coro<> {
      co_await sleep(1s);
      finished = true;
    };
    auto caller = [&work]() -> Coro<> { co_await shield(work); };
    const Task<> task = create_task(caller);
    co_await sleep(0s);
    task.cancel();
    co_await sleep(2s);
    EXPECT_TRUE(task.cancelled());
  });
  EXPECT_TRUE(finished);
}

TEST_F(ShieldTest, AShieldedGatherRunsOnWhenTheOuterIsCancelled) {
  const Future<int> one(loop_);
  const Future<int> two(loop_);
  const auto all = gather(one, two);
  const auto outer = shield(all);
  EXPECT_TRUE(outer.cancel());
  loop_.settle();
  EXPECT_FALSE(all.done());
  one.set_result(1);
  two.set_result(2);
  loop_.settle();
  EXPECT_EQ(all.result(), std::tuple(1, 2));
}

TEST_F(ShieldTest, AGatherOfShieldsCancelsTheShieldsAlone) {
  const Future<int> one(loop_);
  const Future<int> two(loop_);
  const auto all = gather(shield(one), shield(two));
  EXPECT_TRUE(all.cancel());
  loop_.settle();
  EXPECT_EQ(ending(all), "cancelled");
  EXPECT_FALSE(one.done());
  EXPECT_FALSE(two.done());
}

TEST_F(ShieldTest, OfACoroutineMakesATaskOnTheRunningLoop) {
  EXPECT_THROW((void)shield(number_after(1, 1s)), std::runtime_error);
  loop_.run([]() -> Coro<> {
    const int value = co_await shield(number_after(7, 1s));
    EXPECT_EQ(value, 7);
  });
}

TEST_F(ShieldTest, DroppedBeforeItIsDoneItLeavesTheInnerAlone) {
  const Future<int> inner(loop_);
  (void)shield(inner);
  inner.set_result(1);
  loop_.settle();
  EXPECT_EQ(inner.result(), 1);
}

Coro<> borrow_a_text(std::string_view) { co_return; }

TEST_F(ShieldTest, RefusesACoroutineThatBorrows) {
  loop_.run([]() -> Coro<> {
    EXPECT_THROW((void)shield(borrow_a_text("text")), BorrowedArgumentError);
    co_return;
  });
}

}  // namespace
}  // namespace asyncio
