#include "asyncio/utils/staggered_race.h"

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using Runner = std::function<Coro<int>()>;

std::string told(const std::exception_ptr& error) {
  if (error == nullptr) return "none";
  return ending_of_call([&] { std::rethrow_exception(error); });
}

class StaggeredRaceTest : public ::testing::Test {
 protected:
  // Notes its start, waits, and gives `value`, or fails if that is negative.
  Runner runner(int value, Duration delay) {
    return [this, value, delay] { return run(value, delay); };
  }
  Coro<int> run(int value, Duration delay) {
    ++started_;
    co_await sleep(delay);
    if (value < 0) throw std::runtime_error(std::to_string(value));
    co_return value;
  }

  ObservedLoop loop_;
  int started_ = 0;
};

TEST_F(StaggeredRaceTest, OfNobodyHasNoWinner) {
  loop_.run([]() -> Coro<> {
    const auto result = co_await staggered_race(std::vector<Runner>(), std::nullopt);
    EXPECT_FALSE(result.winner_index.has_value());
    EXPECT_FALSE(result.winner_result.has_value());
    EXPECT_TRUE(result.exceptions.empty());
  });
}

TEST_F(StaggeredRaceTest, TheFirstToGiveAValueWinsAndTheNextNeverStarts) {
  loop_.run([&]() -> Coro<> {
    std::vector<Runner> runners = {runner(1, 1s), runner(2, 1s)};
    const auto result = co_await staggered_race(std::move(runners), 10s);
    EXPECT_EQ(result.winner_index, 0u);
    EXPECT_EQ(result.winner_result, 1);
    EXPECT_EQ(result.exceptions.size(), 1u);
    EXPECT_EQ(result.exceptions.at(0), nullptr);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
  EXPECT_EQ(started_, 1);
}

TEST_F(StaggeredRaceTest, AFailureStartsTheNextAtOnce) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    std::vector<Runner> runners = {runner(-1, 1s), runner(2, 1s)};
    const auto result = co_await staggered_race(std::move(runners), 10s);
    EXPECT_EQ(result.winner_index, 1u);
    EXPECT_EQ(result.winner_result, 2);
    EXPECT_EQ(told(result.exceptions.at(0)), "failed: -1");
    EXPECT_EQ(told(result.exceptions.at(1)), "none");
    EXPECT_EQ(loop_.time() - start, 2s);
  });
}

TEST_F(StaggeredRaceTest, TheDelayStartsTheNextAndTheLoserIsCancelled) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    std::vector<Runner> runners = {runner(1, 100s), runner(2, 1s)};
    const auto result = co_await staggered_race(std::move(runners), 5s);
    EXPECT_EQ(result.winner_index, 1u);
    EXPECT_EQ(told(result.exceptions.at(0)), "cancelled");
    EXPECT_EQ(loop_.time() - start, 6s);
  });
}

TEST_F(StaggeredRaceTest, WithoutADelayTheNextStartsOnlyAfterAFailure) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    std::vector<Runner> runners = {runner(-1, 100s), runner(2, 1s)};
    const auto result = co_await staggered_race(std::move(runners), std::nullopt);
    EXPECT_EQ(result.winner_index, 1u);
    EXPECT_EQ(loop_.time() - start, 101s);
  });
}

TEST_F(StaggeredRaceTest, EagerRunnersWinAndLoseAsOthersDo) {
  loop_.run([&]() -> Coro<> {
    set_task_factory(loop_, eager_task_factory);
    std::vector<Runner> runners = {runner(1, 1h), runner(2, 10s), runner(-3, 0s)};
    const auto result = co_await staggered_race(std::move(runners), 1s);
    EXPECT_EQ(result.winner_index, 1u);
    EXPECT_EQ(result.winner_result, 2);
    EXPECT_EQ(told(result.exceptions.at(0)), "cancelled");
    EXPECT_EQ(told(result.exceptions.at(1)), "none");
    EXPECT_EQ(told(result.exceptions.at(2)), "failed: -3");
  });
}

TEST_F(StaggeredRaceTest, AnEagerRunnerThatFailsAtOnceStartsTheNext) {
  auto fail = [this]() -> Coro<int> {
    ++started_;
    throw std::runtime_error("at once");
    co_return 0;
  };
  loop_.run([&]() -> Coro<> {
    set_task_factory(loop_, eager_task_factory);
    std::vector<Runner> runners = {fail, runner(2, 1s), runner(3, 0s)};
    const auto result = co_await staggered_race(std::move(runners), std::nullopt);
    EXPECT_EQ(result.winner_index, 1u);
    EXPECT_EQ(result.winner_result, 2);
    EXPECT_EQ(told(result.exceptions.at(0)), "failed: at once");
    EXPECT_EQ(result.exceptions.size(), 2u);
  });
  EXPECT_EQ(started_, 2);
}

TEST_F(StaggeredRaceTest, IfAllFailThereIsNoWinnerAndAllErrorsInOrder) {
  loop_.run([&]() -> Coro<> {
    std::vector<Runner> runners = {runner(-1, 2s), runner(-2, 0s)};
    const auto result = co_await staggered_race(std::move(runners), 1s);
    EXPECT_FALSE(result.winner_index.has_value());
    EXPECT_EQ(result.exceptions.size(), 2u);
    EXPECT_EQ(told(result.exceptions.at(0)), "failed: -1");
    EXPECT_EQ(told(result.exceptions.at(1)), "failed: -2");
  });
}

TEST_F(StaggeredRaceTest, OfTwoThatAreReadyAtOnceTheFirstWins) {
  loop_.run([&]() -> Coro<> {
    Future<> ready;
    auto wait = [ready](int value) -> Coro<int> {
      co_await ready;
      co_return value;
    };
    std::vector<Runner> runners = {[&] { return wait(0); }, [&] { return wait(1); },
                                   runner(2, 100s)};
    loop_.call_later(10s, [ready] { ready.set_result(); });
    const auto result = co_await staggered_race(std::move(runners), 1s);
    EXPECT_EQ(result.winner_index, 0u);
    EXPECT_EQ(result.winner_result, 0);
    EXPECT_EQ(result.exceptions.size(), 3u);
    EXPECT_EQ(told(result.exceptions.at(1)), "cancelled");
    EXPECT_EQ(told(result.exceptions.at(2)), "cancelled");
  });
}

TEST_F(StaggeredRaceTest, CancelledAgainAndAgainItWaitsForCleanUpAndPassesItOn) {
  bool ended = false;
  loop_.run([&]() -> Coro<> {
    auto slow = [&ended]() -> Coro<int> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      try {
        co_await sleep(5s);
      } catch (const CancelledError&) {
        ADD_FAILURE() << "cancelled twice";
      }
      ended = true;
      throw CancelledError();
    };
    auto race = [&]() -> Coro<> {
      std::vector<Runner> runners = {slow};
      co_await staggered_race(std::move(runners), std::nullopt);
    };
    const Task<> task = create_task(race);
    co_await sleep(1s);
    task.cancel();
    co_await sleep(1s);
    task.cancel();
    const std::string end = co_await ending_of<void>(task);
    EXPECT_EQ(end, "cancelled");
  });
  EXPECT_TRUE(ended);
}

TEST_F(StaggeredRaceTest, OfCoroutinesWithoutAResultHasAnIndex) {
  loop_.run([]() -> Coro<> {
    std::vector<std::function<Coro<>()>> runners = {[]() -> Coro<> { co_await sleep(1s); }};
    const auto result = co_await staggered_race(std::move(runners), std::nullopt);
    EXPECT_EQ(result.winner_index, 0u);
    EXPECT_TRUE(result.winner_result.has_value());
  });
}

}  // namespace
}  // namespace asyncio
