#include "asyncio/tasks/sleep.h"

#include <chrono>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_aggregate_v<Sleep> && !std::is_aggregate_v<SleepAwaiter>);
static_assert(!std::is_copy_constructible_v<SleepAwaiter>);

class SleepTest : public ::testing::Test {
 protected:
  // Virtual time since the loop was made.
  std::chrono::nanoseconds now() const { return loop_.time().time_since_epoch(); }

  ObservedLoop loop_;
};

TEST_F(SleepTest, LetsTheTimePass) {
  loop_.run([&]() -> Coro<> {
    co_await sleep(10s);
    EXPECT_EQ(now(), 10s);
    co_await sleep(500ms);
    EXPECT_EQ(now(), 10500ms);
    co_await sleep(std::chrono::duration<double>(0.25));
    EXPECT_EQ(now(), 10750ms);
    co_await sleep(1ns);
    EXPECT_EQ(now(), 10750000001ns);
  });
}

TEST_F(SleepTest, GivesTheResultItWasGiven) {
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ(co_await sleep(1s, 5), 5);
    EXPECT_EQ(co_await sleep(0s, std::string("text")), "text");
    EXPECT_EQ(*co_await sleep(1s, std::make_unique<int>(6)), 6);
    EXPECT_EQ(now(), 2s);
  });
}

TEST_F(SleepTest, SleepersWakeByDeadline) {
  std::vector<int> log;
  auto body = [&](int seconds) -> Coro<> {
    co_await sleep(std::chrono::seconds(seconds));
    log.push_back(seconds);
  };
  loop_.run([&]() -> Coro<> {
    for (const int seconds : {30, 10, 20}) create_task(body, seconds);
    co_await sleep(1min);
  });
  EXPECT_EQ(log, (std::vector<int>{10, 20, 30}));
}

TEST_F(SleepTest, ForNoTimeLetsWhatIsDueRunAndReturnsNextTurn) {
  std::vector<std::string> log;
  loop_.run([&]() -> Coro<> {
    loop_.call_soon([&] {
      log.push_back("callback");
      loop_.call_soon([&] { log.push_back("its callback"); });
    });
    const int before = loop_.turns();
    co_await sleep(0s);
    log.push_back("resumed");
    EXPECT_EQ(loop_.turns() - before, 1);
    EXPECT_EQ(now(), 0s);
    co_await sleep(0s);
  });
  EXPECT_EQ(log, (std::vector<std::string>{"callback", "resumed", "its callback"}));
}

TEST_F(SleepTest, ForLessThanNoTimeIsTheSame) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    co_await sleep(-5s);
    co_await sleep(Duration::lowest());
    EXPECT_EQ(loop_.turns() - before, 2);
    EXPECT_EQ(now(), 0s);
  });
}

TEST_F(SleepTest, ResumesInTheTurnAfterItsTimerFires) {
  loop_.run([&]() -> Coro<> {
    int fired_in = 0;
    loop_.call_later(5s, [&] { fired_in = loop_.turns(); });
    co_await sleep(5s);
    EXPECT_EQ(loop_.turns() - fired_in, 1);
  });
}

TEST_F(SleepTest, ForNoNumberIsRefusedAtTheCall) {
  const auto not_a_number = std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THROW((void)sleep(not_a_number), std::invalid_argument);
  loop_.run([&]() -> Coro<> {
    EXPECT_THROW(co_await sleep(not_a_number), std::invalid_argument);
    EXPECT_THROW(co_await sleep(not_a_number, 1), std::invalid_argument);
  });
}

TEST_F(SleepTest, ForEverEndsByCancellationOnly) {
  loop_.run([&]() -> Coro<> {
    auto endless = create_task(sleep(Duration::infinite()));
    auto as_long =
        create_task(sleep(std::chrono::duration<double>(std::numeric_limits<double>::infinity())));
    co_await sleep(24h * 365 * 100);
    EXPECT_FALSE(endless.done());
    EXPECT_FALSE(as_long.done());
    endless.cancel("enough");
    as_long.cancel();
    EXPECT_EQ(co_await ending_of(endless), "cancelled: enough");
    EXPECT_EQ(co_await ending_of(as_long), "cancelled");
  });
}

TEST_F(SleepTest, ThatIsCancelledLeavesNoTimerBehind) {
  loop_.run([&]() -> Coro<> {
    auto sleeper = create_task(sleep(10s));
    co_await sleep(0s);
    sleeper.cancel();
    co_await ending_of(sleeper);
    // With a timer left the clock would stop at ten seconds on its way to twenty.
    int turns = loop_.turns();
    co_await sleep(20s);
    turns = loop_.turns() - turns;
    EXPECT_LE(turns, 2);
    EXPECT_EQ(now(), 20s);
  });
}

TEST_F(SleepTest, CancelledInTheTurnInWhichItsTimerFiresIsCancelled) {
  loop_.run([&]() -> Coro<> {
    auto sleeper = create_task(sleep(10s));
    co_await sleep(0s);
    loop_.call_later(10s, [&] { sleeper.cancel("at the last moment"); });
    EXPECT_EQ(co_await ending_of(sleeper), "cancelled: at the last moment");
  });
}

TEST_F(SleepTest, ThatIsNeverAwaitedDoesNothing) {
  [[maybe_unused]] const Sleep unused = sleep(1h);
  loop_.run([]() -> Coro<> { co_return; });
  EXPECT_EQ(now(), 0s);
}

TEST_F(SleepTest, MayBeAwaitedSeveralTimes) {
  loop_.run([&]() -> Coro<> {
    const Sleep nap = sleep(1s);
    co_await nap;
    co_await nap;
    EXPECT_EQ(now(), 2s);
  });
}

TEST(SleepInRealTimeTest, LastsAtLeastAsLongAsAsked) {
  const auto begin = std::chrono::steady_clock::now();
  run([]() -> Coro<> { co_await sleep(20ms); });
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
}

}  // namespace
}  // namespace asyncio
