#include "asyncio/futures/waiter.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/virtual_time_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;

class WaitingRunnable final : public Runnable {
 public:
  explicit WaitingRunnable(std::function<void()> resume) : resume_(std::move(resume)) {}
  void run() override { resume_(); }

 private:
  std::function<void()> resume_;
};

class WaiterTest : public ::testing::Test {
 protected:
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  int resumed_ = 0;
  VirtualTimeLoop loop_;
  WaitingRunnable sleeper_{[this] { ++resumed_; }};
  Waiter waiter_;
};

TEST_F(WaiterTest, IsIdleAtFirst) {
  EXPECT_FALSE(waiter_.parked());
  EXPECT_FALSE(waiter_.woken());
  EXPECT_FALSE(waiter_.cancelled());
  EXPECT_FALSE(waiter_.done());
}

TEST_F(WaiterTest, AParkedSleeperSleepsUntilSomethingHappens) {
  waiter_.park(loop_, sleeper_);
  EXPECT_TRUE(waiter_.parked());
  EXPECT_FALSE(waiter_.done());
  turn();
  EXPECT_EQ(resumed_, 0);
}

TEST_F(WaiterTest, WakingMakesTheSleeperDueAndRunsNothing) {
  waiter_.park(loop_, sleeper_);
  waiter_.wake();
  EXPECT_FALSE(waiter_.parked());
  EXPECT_TRUE(waiter_.woken());
  EXPECT_FALSE(waiter_.cancelled());
  EXPECT_TRUE(waiter_.done());
  EXPECT_EQ(resumed_, 0);
  turn();
  EXPECT_EQ(resumed_, 1);
}

TEST_F(WaiterTest, CancellingMakesTheSleeperDueAndRunsNothing) {
  waiter_.park(loop_, sleeper_);
  EXPECT_TRUE(waiter_.cancel());
  EXPECT_FALSE(waiter_.parked());
  EXPECT_FALSE(waiter_.woken());
  EXPECT_TRUE(waiter_.cancelled());
  EXPECT_TRUE(waiter_.done());
  EXPECT_EQ(resumed_, 0);
  turn();
  EXPECT_EQ(resumed_, 1);
}

TEST_F(WaiterTest, WakingTwiceIsWakingOnce) {
  waiter_.park(loop_, sleeper_);
  waiter_.wake();
  waiter_.wake();
  turn();
  waiter_.wake();
  turn();
  EXPECT_EQ(resumed_, 1);
}

TEST_F(WaiterTest, CancellingTwiceIsCancellingOnce) {
  waiter_.park(loop_, sleeper_);
  EXPECT_TRUE(waiter_.cancel());
  EXPECT_FALSE(waiter_.cancel());
  turn();
  EXPECT_FALSE(waiter_.cancel());
  turn();
  EXPECT_EQ(resumed_, 1);
}

TEST_F(WaiterTest, WhatIsWokenCannotBeCancelledAnyMore) {
  waiter_.park(loop_, sleeper_);
  waiter_.wake();
  EXPECT_FALSE(waiter_.cancel());
  EXPECT_TRUE(waiter_.woken());
  EXPECT_FALSE(waiter_.cancelled());
  turn();
  EXPECT_EQ(resumed_, 1);
}

TEST_F(WaiterTest, WhatIsCancelledCannotBeWokenAnyMore) {
  waiter_.park(loop_, sleeper_);
  waiter_.cancel();
  waiter_.wake();
  EXPECT_TRUE(waiter_.cancelled());
  EXPECT_FALSE(waiter_.woken());
  turn();
  EXPECT_EQ(resumed_, 1);
}

TEST_F(WaiterTest, AnEventBeforeParkingIsRemembered) {
  waiter_.wake();
  EXPECT_TRUE(waiter_.woken());
  EXPECT_TRUE(waiter_.done());
  EXPECT_FALSE(waiter_.cancel());
  turn();
  EXPECT_EQ(resumed_, 0);
}

TEST_F(WaiterTest, ACancellationBeforeParkingIsRemembered) {
  EXPECT_TRUE(waiter_.cancel());
  EXPECT_TRUE(waiter_.cancelled());
  waiter_.wake();
  EXPECT_FALSE(waiter_.woken());
  turn();
  EXPECT_EQ(resumed_, 0);
}

TEST_F(WaiterTest, WhoeverCancelsNeedNotKnowWhatItIs) {
  waiter_.park(loop_, sleeper_);
  Cancellable& cancellable = waiter_;
  EXPECT_TRUE(cancellable.cancel("too late"));
  EXPECT_FALSE(cancellable.cancel(std::nullopt));
  EXPECT_TRUE(waiter_.cancelled());
}

TEST_F(WaiterTest, SleepersResumeInTheOrderInWhichTheyWereWokenInLineWithCallbacks) {
  std::vector<int> log;
  WaitingRunnable one([&] { log.push_back(1); }), two([&] { log.push_back(2); });
  Waiter first, second;
  first.park(loop_, one);
  second.park(loop_, two);
  second.wake();
  loop_.call_soon([&] { log.push_back(0); });
  first.cancel();
  turn();
  EXPECT_THAT(log, ElementsAre(2, 0, 1));
}

TEST_F(WaiterTest, ASleeperThatIsDestroyedBeforeItResumesDoesNotRun) {
  auto sleeper = std::make_unique<WaitingRunnable>([] { FAIL(); });
  waiter_.park(loop_, *sleeper);
  waiter_.wake();
  sleeper.reset();
  turn();
}

TEST_F(WaiterTest, ASleeperMayDestroyItsWaiterAndWaitOnANewOne) {
  std::optional<Waiter> waiter(std::in_place);
  int resumed = 0;
  WaitingRunnable* self = nullptr;
  WaitingRunnable sleeper([&] {
    waiter.reset();
    if (++resumed == 3) return;
    waiter.emplace();
    waiter->park(loop_, *self);
    waiter->wake();
  });
  self = &sleeper;
  waiter->park(loop_, sleeper);
  waiter->wake();
  for (int turns = 1; turns <= 3; ++turns) {
    turn();
    EXPECT_EQ(resumed, turns);
  }
}

}  // namespace
}  // namespace asyncio
