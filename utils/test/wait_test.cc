#include "asyncio/utils/wait.h"

#include <chrono>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"
#include "utils/test/number_after.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

Coro<int> after(int seconds) {
  co_await sleep(std::chrono::seconds(seconds));
  co_return seconds;
}
Coro<int> failure_after(Duration delay) {
  co_await sleep(delay);
  throw std::runtime_error("bad");
}

using Tasks = std::vector<Task<int>>;

class WaitTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(WaitTest, GivesAllWhenAllAreDone) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    const Tasks tasks = {create_task(number_after(1, 2s)), create_task(number_after(2, 1s))};
    auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(done, tasks);
    EXPECT_TRUE(pending.empty());
    EXPECT_EQ(loop_.time() - start, 2s);
    auto [again, none] = co_await wait(tasks);
    EXPECT_EQ(again, tasks);
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(loop_.time() - start, 2s);
  });
}

TEST_F(WaitTest, TakesTwoTurnsEvenIfAllAreDone) {
  loop_.run([&]() -> Coro<> {
    Future<> future;
    future.set_result();
    const std::vector<Future<>> futures = {future};
    const int turns = loop_.turns();
    co_await wait(futures);
    EXPECT_EQ(loop_.turns() - turns, 2);
  });
}

TEST_F(WaitTest, AFutureGivenTwiceCountsOnce) {
  loop_.run([]() -> Coro<> {
    const Task<int> task = create_task(number_after(1, 1s));
    const Tasks tasks = {task, task};
    auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(done, Tasks{task});
  });
}

TEST_F(WaitTest, RefusesToWaitForNothing) {
  EXPECT_THROW((void)wait(Tasks()), std::invalid_argument);
}

TEST_F(WaitTest, RefusesAFutureOfAnotherLoop) {
  ObservedLoop other;
  const std::vector<Future<>> futures = {Future<>(other)};
  auto waiting = [&]() -> Coro<> { co_await wait(futures); };
  EXPECT_THROW(loop_.run(waiting), std::runtime_error);
}

TEST_F(WaitTest, ForTheFirstLeavesTheOthersPending) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    const Tasks tasks = {create_task(number_after(1, 10s)), create_task(number_after(2, 1s))};
    auto [done, pending] = co_await wait(tasks, {.return_when = kFirstCompleted});
    EXPECT_EQ(done, Tasks{tasks[1]});
    EXPECT_EQ(pending, Tasks{tasks[0]});
    EXPECT_EQ(loop_.time() - start, 1s);
    co_await wait(pending);
  });
}

TEST_F(WaitTest, SeesAllThatAreDoneInTheTurnOfTheFirst) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(number_after(1, 1s)), create_task(number_after(2, 1s)),
                         create_task(number_after(3, 2s))};
    auto [done, pending] = co_await wait(tasks, {.return_when = kFirstCompleted});
    EXPECT_EQ(done.size(), 2u);
    EXPECT_EQ(pending.size(), 1u);
    co_await wait(pending);
  });
}

TEST_F(WaitTest, ForTheFirstExceptionEndsWithAFailure) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    const Tasks tasks = {create_task(number_after(1, 1s)), create_task(failure_after(2s)),
                         create_task(number_after(3, 3s))};
    auto [done, pending] = co_await wait(tasks, {.return_when = kFirstException});
    EXPECT_EQ(done.size(), 2u);
    EXPECT_EQ(pending.size(), 1u);
    EXPECT_EQ(loop_.time() - start, 2s);
    co_await wait(pending);
  });
}

TEST_F(WaitTest, ForTheFirstExceptionEndsAtOnceIfOneHasFailed) {
  loop_.run([&]() -> Coro<> {
    const Tasks tasks = {create_task(failure_after(0s)), create_task(number_after(1, 9s))};
    co_await sleep(1s);
    const TimePoint start = loop_.time();
    auto [done, pending] = co_await wait(tasks, {.return_when = kFirstException});
    EXPECT_EQ(done.size(), 1u);
    EXPECT_EQ(pending.size(), 1u);
    EXPECT_EQ(loop_.time(), start);
    co_await wait(pending);
  });
}

TEST_F(WaitTest, ForTheFirstExceptionGoesOnAfterACancellation) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(number_after(1, 5s)), create_task(number_after(2, 2s))};
    tasks[0].cancel();
    auto [done, pending] = co_await wait(tasks, {.return_when = kFirstException});
    EXPECT_EQ(done, tasks);
  });
}

TEST_F(WaitTest, ForAllCollectsFailures) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(number_after(1, 2s)), create_task(failure_after(1s))};
    auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(done, tasks);
    EXPECT_EQ(ending<int>(done[1]), "failed: bad");
  });
}

TEST_F(WaitTest, TheMessageOfACancelledTaskTravelsOnThroughItsResult) {
  auto cancel_and_ask = [](std::optional<std::string> message, bool for_exception) -> Coro<int> {
    const Tasks inner = {create_task(after(10))};
    co_await sleep(0s);
    inner[0].cancel(message);
    co_await wait(inner);
    if (for_exception) inner[0].exception();
    co_return inner[0].result();
  };
  loop_.run([&]() -> Coro<> {
    for (const bool for_exception : {false, true}) {
      const auto silent = create_task(cancel_and_ask, std::nullopt, for_exception);
      EXPECT_EQ(co_await ending_of(silent), "cancelled");
      const auto telling = create_task(cancel_and_ask, "enough", for_exception);
      EXPECT_EQ(co_await ending_of(telling), "cancelled: enough");
    }
  });
}

TEST_F(WaitTest, NeverThrowsWhenTheTimeIsOver) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    const Tasks tasks = {create_task(number_after(1, 1s)), create_task(number_after(2, 10s))};
    auto [done, pending] = co_await wait(tasks, {.timeout = 3s});
    EXPECT_EQ(done, Tasks{tasks[0]});
    EXPECT_EQ(pending, Tasks{tasks[1]});
    EXPECT_EQ(loop_.time() - start, 3s);
    EXPECT_EQ(tasks[1].cancelling(), 0);
    co_await wait(pending);
  });
}

TEST_F(WaitTest, WhatIsDoneInTheTurnOfTheTimeoutIsDone) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(number_after(1, 1s)), create_task(number_after(2, 1s))};
    co_await sleep(0s);
    auto [done, pending] = co_await wait(tasks, {.timeout = 1s});
    EXPECT_EQ(done.size(), 2u);
  });
}

TEST_F(WaitTest, TakesViewsAndTasksOfAnyKind) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(number_after(1, 1s)), create_task(number_after(2, 1s))};
    auto as_any = [](const Task<int>& task) -> AnyTask { return task; };
    auto [done, pending] = co_await wait(tasks | std::views::transform(as_any));
    EXPECT_EQ(done.size(), 2u);
    const std::vector<AnyFuture> futures = {tasks[0], create_task(sleep(1s))};
    auto [both, none] = co_await wait(futures);
    EXPECT_EQ(both.size(), 2u);
  });
}

TEST_F(WaitTest, CancellingItLeavesTheFuturesAlone) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(number_after(1, 5s))};
    auto waiting = [&tasks]() -> Coro<> { co_await wait(tasks); };
    const Task<> task = create_task(waiting);
    co_await sleep(1s);
    task.cancel("enough");
    const std::string end = co_await ending_of<void>(task);
    EXPECT_EQ(end, "cancelled: enough");
    EXPECT_EQ(tasks[0].cancelling(), 0);
    const int value = co_await tasks[0];
    EXPECT_EQ(value, 1);
  });
}

class AsCompletedTest : public WaitTest {};

TEST_F(AsCompletedTest, GivesFuturesInTheOrderOfTheirEnds) {
  std::vector<int> got;
  loop_.run([&]() -> Coro<> {
    const Tasks tasks = {create_task(after(3)), create_task(after(1)), create_task(after(2))};
    auto arriving = as_completed(tasks);
    while (std::optional<Task<int>> task = co_await arriving.next()) {
      EXPECT_TRUE(task->done());
      EXPECT_NE(std::ranges::find(tasks, *task), tasks.end());
      got.push_back(task->result());
    }
  });
  EXPECT_EQ(got, (std::vector{1, 2, 3}));
}

TEST_F(AsCompletedTest, MakesTasksOfCoroutines) {
  std::vector<int> got;
  loop_.run([&]() -> Coro<> {
    const std::vector<int> delays = {2, 1};
    auto arriving = as_completed(delays | std::views::transform(after));
    while (std::optional<Task<int>> task = co_await arriving.next()) {
      got.push_back(task->result());
    }
  });
  EXPECT_EQ(got, (std::vector{1, 2}));
}

TEST_F(AsCompletedTest, GivesFailuresLikeOthers) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(failure_after(1s))};
    auto arriving = as_completed(tasks);
    const std::optional<Task<int>> task = co_await arriving.next();
    EXPECT_EQ(ending<int>(*task), "failed: bad");
    const std::optional<Task<int>> none = co_await arriving.next();
    EXPECT_FALSE(none.has_value());
  });
}

TEST_F(AsCompletedTest, ThrowsTimeoutErrorOnceForEachThatIsLateAndCancelsNone) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    const Tasks tasks = {create_task(after(1)), create_task(after(9)), create_task(after(8))};
    auto arriving = as_completed(tasks, 2s);
    const std::optional<Task<int>> first = co_await arriving.next();
    EXPECT_EQ(first->result(), 1);
    EXPECT_THROW(co_await arriving.next(), TimeoutError);
    EXPECT_EQ(loop_.time() - start, 2s);
    EXPECT_THROW(co_await arriving.next(), TimeoutError);
    const std::optional<Task<int>> none = co_await arriving.next();
    EXPECT_FALSE(none.has_value());
    EXPECT_EQ(tasks[1].cancelling(), 0);
    co_await wait(tasks);
  });
}

TEST_F(AsCompletedTest, GivesWhatWasDoneInTimeBeforeItThrows) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(after(1)), create_task(after(9))};
    auto arriving = as_completed(tasks, 2s);
    co_await sleep(5s);
    const std::optional<Task<int>> first = co_await arriving.next();
    EXPECT_EQ(first->result(), 1);
    EXPECT_THROW(co_await arriving.next(), TimeoutError);
    co_await wait(tasks);
  });
}

TEST_F(AsCompletedTest, ATimeoutThatIsNotNeededHarmsNobody) {
  loop_.run([&]() -> Coro<> {
    const Tasks tasks = {create_task(after(1))};
    {
      auto arriving = as_completed(tasks, 60s);
      co_await arriving.next();
    }
    {
      auto abandoned = as_completed(tasks, 30s);
    }
    const TimePoint start = loop_.time();
    co_await sleep(100s);
    EXPECT_EQ(loop_.time() - start, 100s);
  });
}

TEST_F(AsCompletedTest, MayStopAndGoOn) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(after(1)), create_task(after(2)), create_task(after(3))};
    auto arriving = as_completed(tasks);
    int sum = 0;
    while (std::optional<Task<int>> task = co_await arriving.next()) {
      sum += task->result();
      break;
    }
    EXPECT_EQ(sum, 1);
    co_await sleep(10s);
    while (std::optional<Task<int>> task = co_await arriving.next()) sum += task->result();
    EXPECT_EQ(sum, 6);
  });
}

TEST_F(AsCompletedTest, ACancelledWaitTakesNothingAway) {
  loop_.run([]() -> Coro<> {
    const Tasks tasks = {create_task(after(2))};
    auto arriving = as_completed(tasks);
    auto ask = [&arriving]() -> Coro<> { co_await arriving.next(); };
    const Task<> asking = create_task(ask);
    co_await sleep(1s);
    asking.cancel();
    co_await sleep(0s);
    const std::optional<Task<int>> task = co_await arriving.next();
    EXPECT_EQ(task->result(), 2);
    EXPECT_TRUE(asking.cancelled());
  });
}

TEST_F(AsCompletedTest, SeveralMayAskAndEachGetsAnother) {
  std::vector<int> got;
  loop_.run([&]() -> Coro<> {
    const Tasks tasks = {create_task(after(2)), create_task(after(1)), create_task(after(1))};
    auto arriving = as_completed(tasks);
    auto ask = [&]() -> Coro<> {
      const std::optional<Task<int>> task = co_await arriving.next();
      got.push_back(task->result());
    };
    const std::vector<Task<>> asking = {create_task(ask), create_task(ask), create_task(ask)};
    co_await wait(asking);
  });
  EXPECT_EQ(got, (std::vector{1, 1, 2}));
}

TEST_F(AsCompletedTest, AFutureGivenTwiceComesOnce) {
  loop_.run([]() -> Coro<> {
    const Task<int> task = create_task(after(1));
    const Tasks tasks = {task, task};
    auto arriving = as_completed(tasks);
    int count = 0;
    while (std::optional<Task<int>> one = co_await arriving.next()) ++count;
    EXPECT_EQ(count, 1);
  });
}

TEST_F(AsCompletedTest, OfNothingHasNothing) {
  loop_.run([]() -> Coro<> {
    auto arriving = as_completed(Tasks());
    const std::optional<Task<int>> none = co_await arriving.next();
    EXPECT_FALSE(none.has_value());
  });
}

TEST_F(AsCompletedTest, NeedsARunningLoop) {
  const std::vector<int> delays = {2, 1};
  EXPECT_THROW(as_completed(delays | std::views::transform(after)), std::runtime_error);
}

}  // namespace
}  // namespace asyncio
