// Task without its cancellation, which has a test of its own.

#include "asyncio/tasks/task.h"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::StartsWith;

using namespace std::chrono_literals;

static_assert(std::is_base_of_v<Future<int>, Task<int>>);
static_assert(std::is_same_v<Task<>, Task<void>>);

Coro<int> give_at_once(int number) { co_return number; }

Coro<int> give_after(int number, Duration delay) {
  co_await sleep(delay);
  co_return number;
}

Coro<> fail_with(std::string what) {
  throw std::runtime_error(what);
  co_return;
}

class TaskTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(TaskTest, RunsItsCoroutineAndKeepsTheResult) {
  loop_.run([&]() -> Coro<> {
    const Task<int> task = create_task(give_after(5, 10s));
    EXPECT_EQ(&task.get_loop(), &loop_);
    EXPECT_FALSE(task.done());
    EXPECT_THROW(task.result(), InvalidStateError);
    EXPECT_EQ(co_await task, 5);
    EXPECT_TRUE(task.done());
    EXPECT_FALSE(task.cancelled());
    EXPECT_EQ(task.result(), 5);
    EXPECT_EQ(task.exception(), nullptr);
  });
}

TEST_F(TaskTest, TakesItsFirstStepInTheNextTurnAfterWhatIsDueAlready) {
  std::vector<std::string> log;
  loop_.run([&]() -> Coro<> {
    loop_.call_soon([&] { log.push_back("before"); });
    auto task = create_task([&]() -> Coro<> {
      log.push_back("step");
      co_return;
    });
    loop_.call_soon([&] { log.push_back("after"); });
    log.push_back("created");
    co_await task;
  });
  EXPECT_EQ(log, (std::vector<std::string>{"created", "before", "step", "after"}));
}

TEST_F(TaskTest, KeepsTheExceptionOfItsCoroutineAndThrowsItToAllWhoAsk) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(fail_with("told to all"));
    EXPECT_EQ(co_await ending_of(task), "failed: told to all");
    EXPECT_EQ(co_await ending_of(task), "failed: told to all");
    EXPECT_EQ(ending(task), "failed: told to all");
    EXPECT_NE(task.exception(), nullptr);
    EXPECT_FALSE(task.cancelled());
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(TaskTest, RunsWhetherOrNotAnybodyKeepsTheHandle) {
  int done = 0;
  loop_.run([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      create_task([&]() -> Coro<> {
        co_await sleep(1s);
        ++done;
      });
    }
    co_await sleep(2s);
  });
  EXPECT_EQ(done, 3);
}

TEST_F(TaskTest, TasksTakeTurns) {
  std::string log;
  auto body = [&](char name) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      log += name;
      co_await sleep(0s);
    }
  };
  loop_.run([&]() -> Coro<> {
    auto a = create_task(body, 'a');
    auto b = create_task(body, 'b');
    co_await a;
    co_await b;
  });
  EXPECT_EQ(log, "ababab");
}

TEST_F(TaskTest, DestroysItsFramesBeforeItsResultIsKnown) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [](Counted) -> Coro<> { co_await sleep(1s); };
    auto task = create_task(body, Counted(counts));
    int alive = -1;
    task.add_done_callback([&](AnyFuture) { alive = counts.alive; });
    co_await task;
    EXPECT_EQ(alive, 0);
  });
}

TEST_F(TaskTest, GivesAFutureThatItsCoroutineReturnsUnawaited) {
  const Future<int> future(loop_);
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<Future<int>> { co_return future; };
    const Future<int> given = co_await create_task(body);
    EXPECT_EQ(given, future);
    EXPECT_FALSE(given.done());
  });
}

TEST_F(TaskTest, CanBeMadeOnALoopThatDoesNotRunYet) {
  const Task<int> task = create_task(loop_, give_at_once(6));
  EXPECT_FALSE(task.done());
  EXPECT_EQ(run_until_complete(loop_, task), 6);
}

TEST_F(TaskTest, CannotBeMadeWithoutARunningLoop) {
  Counts counts;
  auto body = [](Counted) -> Coro<> { co_return; };
  EXPECT_THROW(create_task(body(Counted(counts))), std::runtime_error);
  EXPECT_THROW(create_task(body, Counted(counts)), std::runtime_error);
  EXPECT_THROW(ensure_future(body(Counted(counts))), std::runtime_error);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TaskTest, CannotBeMadeOnAClosedLoop) {
  Counts counts;
  auto body = [](Counted) -> Coro<> { co_return; };
  loop_.close();
  EXPECT_EQ(ending_of_call([&] { create_task(loop_, body(Counted(counts))); }),
            "failed: Event loop is closed");
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TaskTest, ATaskIsAFutureAndAnAnyTask) {
  loop_.run([&]() -> Coro<> {
    const Task<int> task = create_task(give_at_once(1));
    const Future<int> future = task;
    const AnyTask any = task;
    EXPECT_EQ(future, task);
    EXPECT_EQ(any, task);
    any.set_name("seen through AnyTask");
    EXPECT_EQ(task.get_name(), any.get_name());
    EXPECT_EQ(co_await future, 1);
    EXPECT_TRUE(any.done());
  });
}

TEST_F(TaskTest, ItsDoneCallbacksRunInOrderInTheTurnAfterItsEnd) {
  std::vector<std::string> log;
  loop_.run([&]() -> Coro<> {
    auto task = create_task(give_at_once(1));
    task.add_done_callback([&](AnyFuture) { log.push_back("first"); });
    const auto id = task.add_done_callback([&](AnyFuture) { log.push_back("removed"); });
    task.add_done_callback(
        [&](Future<int> done) { log.push_back("second " + std::to_string(done.result())); });
    EXPECT_TRUE(task.remove_done_callback(id));
    co_await sleep(0s);
    EXPECT_TRUE(task.done());
    EXPECT_TRUE(log.empty());
    co_await sleep(0s);
    task.add_done_callback([&](AnyFuture) { log.push_back("late"); });
    co_await sleep(0s);
  });
  EXPECT_EQ(log, (std::vector<std::string>{"first", "second 1", "late"}));
}

class TaskTurnsTest : public TaskTest {
 protected:
  int turns() const { return loop_.turns(); }
};

TEST_F(TaskTurnsTest, AwaitingAFutureThatIsDoneTakesNone) {
  loop_.run([&]() -> Coro<> {
    Future<int> future(loop_);
    future.set_result(1);
    const int before = turns();
    co_await future;
    EXPECT_EQ(turns() - before, 0);
  });
}

TEST_F(TaskTurnsTest, AwaitingATaskThatIsDoneTakesNone) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(give_at_once(1));
    co_await task;
    const int before = turns();
    co_await task;
    EXPECT_EQ(turns() - before, 0);
  });
}

TEST_F(TaskTurnsTest, SleepingForNoTimeTakesOne) {
  loop_.run([&]() -> Coro<> {
    int before = turns();
    co_await sleep(0s);
    EXPECT_EQ(turns() - before, 1);
    before = turns();
    co_await sleep(-1h);
    EXPECT_EQ(turns() - before, 1);
  });
}

TEST_F(TaskTurnsTest, AFutureResumesItsTaskInTheNextTurnBeforeWhatIsScheduledLater) {
  std::vector<std::string> log;
  loop_.run([&]() -> Coro<> {
    Future<int> future(loop_);
    int set_in = 0;
    loop_.call_soon([&] {
      set_in = turns();
      loop_.call_soon([&] { log.push_back("earlier"); });
      future.set_result(1);
      loop_.call_soon([&] { log.push_back("later"); });
      log.push_back("set");
    });
    co_await future;
    log.push_back("resumed");
    EXPECT_EQ(turns() - set_in, 1);
    co_await sleep(0s);
  });
  EXPECT_EQ(log, (std::vector<std::string>{"set", "earlier", "resumed", "later"}));
}

TEST_F(TaskTurnsTest, AwaitingAFreshTaskThatReturnsAtOnceTakesTwo) {
  loop_.run([&]() -> Coro<> {
    const int before = turns();
    co_await create_task(give_at_once(1));
    EXPECT_EQ(turns() - before, 2);
  });
}

TEST_F(TaskTurnsTest, ACancellationArrivesInTheNextTurnAndItsNewsInTheOneAfter) {
  loop_.run([&]() -> Coro<> {
    int caught_in = 0;
    auto body = [&]() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        caught_in = turns();
        throw;
      }
    };
    auto task = create_task(body);
    co_await sleep(0s);
    const int before = turns();
    task.cancel();
    EXPECT_EQ(co_await ending_of(task), "cancelled");
    EXPECT_EQ(caught_in - before, 1);
    EXPECT_EQ(turns() - before, 2);
  });
}

TEST_F(TaskTurnsTest, TasksThatAwaitTheSameFutureResumeInTheOrderTheyCame) {
  std::string log;
  Future<int> future(loop_);
  auto body = [&](char name) -> Coro<> {
    co_await future;
    log += name;
  };
  loop_.run([&]() -> Coro<> {
    auto a = create_task(body, 'a');
    auto b = create_task(body, 'b');
    auto c = create_task(body, 'c');
    co_await sleep(0s);
    future.set_result(1);
    co_await sleep(0s);
    EXPECT_EQ(log, "abc");
    EXPECT_TRUE(a.done() && b.done() && c.done());
  });
}

class TaskResultTest : public TaskTest {};

TEST_F(TaskResultTest, IsMovedToTheOnlyOneWhoAwaitsIt) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<Counted> { co_return Counted(counts, 9); };
    EXPECT_EQ((co_await create_task(body)).value(), 9);
  });
  EXPECT_EQ(counts.copied, 0);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TaskResultTest, IsCopiedWhileSomebodyElseMayStillAsk) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<Counted> { co_return Counted(counts, 9); };
    auto task = create_task(body);
    EXPECT_EQ((co_await task).value(), 9);
    EXPECT_EQ(counts.copied, 1);
    EXPECT_EQ((co_await task).value(), 9);
    EXPECT_EQ(counts.copied, 2);
    EXPECT_EQ(task.result().value(), 9);
    EXPECT_EQ(counts.copied, 2);
    EXPECT_EQ((co_await std::move(task)).value(), 9);
    EXPECT_EQ(counts.copied, 2);
  });
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TaskResultTest, GoesToSeveralTasksThatAwaitIt) {
  Counts counts;
  int sum = 0;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<Counted> {
      co_await sleep(1s);
      co_return Counted(counts, 9);
    };
    auto task = create_task(body);
    auto wait = [&sum](Task<Counted> awaited) -> Coro<> { sum += (co_await awaited).value(); };
    auto one = create_task(wait, task);
    auto two = create_task(wait, task);
    co_await one;
    co_await two;
    EXPECT_EQ(task.result().value(), 9);
  });
  EXPECT_EQ(sum, 18);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TaskResultTest, ThatIsMoveOnlyGoesToTheFirstWhoAwaitsIt) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto task = create_task(body);
    EXPECT_EQ(*co_await task, 3);
    EXPECT_EQ(co_await task, nullptr);
  });
}

TEST_F(TaskResultTest, CanBeReadInPlace) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto task = create_task(body);
    co_await sleep(0s);
    static_assert(std::is_same_v<decltype(task.result()), const std::unique_ptr<int>&>);
    EXPECT_EQ(*task.result(), 3);
    EXPECT_EQ(*task.result(), 3);
  });
}

TEST_F(TaskResultTest, IsDestroyedWithTheLastHandle) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    std::optional<Task<Counted>> task =
        create_task([&]() -> Coro<Counted> { co_return Counted(counts); });
    co_await sleep(0s);
    EXPECT_EQ(counts.alive, 1);
    task.reset();
    EXPECT_EQ(counts.alive, 0);
  });
}

TEST_F(TaskResultTest, MayOutliveTheLoop) {
  std::optional<Task<std::string>> task;
  {
    ObservedLoop loop;
    task = create_task(loop, []() -> Coro<std::string> { co_return "kept"; }());
    loop.settle();
  }
  EXPECT_EQ(task->result(), "kept");
}

TEST_F(TaskTest, ATaskThatIsEndedBehindItsBackIsReportedAndKeepsThatResult) {
  auto work = []() -> Coro<int> {
    co_await sleep(1s);
    co_return 10;
  };
  loop_.run([&]() -> Coro<> {
    const Task<int> task = create_task(work());
    Future<int>(task).set_result(5);
    EXPECT_EQ(all_tasks().size(), 1U);
    co_await sleep(2s);
    EXPECT_EQ(task.result(), 5);
  });
  ASSERT_EQ(loop_.reports().size(), 1U);
  EXPECT_THAT(ending_of_call([&] { std::rethrow_exception(loop_.reports()[0].exception); }),
              StartsWith("failed: step(): already done: <Task "));
}

class UnretrievedTest : public TaskTest {};

TEST_F(UnretrievedTest, AnExceptionIsReportedWhenTheLastHandleGoes) {
  loop_.run([&]() -> Coro<> {
    std::optional<Task<>> task = create_task(fail_with("unread"));
    task->set_name("careless");
    co_await sleep(1s);
    EXPECT_TRUE(loop_.reports().empty());
    task.reset();
    EXPECT_EQ(loop_.reports().size(), 1U);
  });
  ASSERT_EQ(loop_.reports().size(), 1U);
  EXPECT_EQ(loop_.reports()[0].message, "Task exception was never retrieved");
  EXPECT_EQ(ending_of_call([&] { std::rethrow_exception(loop_.reports()[0].exception); }),
            "failed: unread");
  EXPECT_THAT(loop_.reports()[0].details,
              ElementsAre(Pair("future", StartsWith("<Task 'careless' created at "
                                                    "tasks/test/task_test.cc:"))));
}

TEST_F(UnretrievedTest, AnExceptionOfATaskThatNobodyKeptIsReportedAtItsEnd) {
  loop_.run([&]() -> Coro<> {
    create_task(fail_with("fire and forget"));
    co_await sleep(0s);
    EXPECT_EQ(loop_.reports().size(), 1U);
  });
}

TEST_F(UnretrievedTest, NothingIsReportedOnceAwaitedOrAsked) {
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ(co_await ending_of(create_task(fail_with("awaited"))), "failed: awaited");
    auto by_exception = create_task(fail_with("asked for the exception"));
    auto by_result = create_task(fail_with("asked for the result"));
    co_await sleep(0s);
    EXPECT_NE(by_exception.exception(), nullptr);
    EXPECT_THROW(by_result.result(), std::runtime_error);
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(UnretrievedTest, ACancellationIsNoFailure) {
  loop_.run([&]() -> Coro<> {
    create_task(give_at_once(1)).cancel();
    co_await sleep(1s);
  });
  EXPECT_TRUE(loop_.reports().empty());
}

class FatalTaskTest : public TaskTest {};

TEST_F(FatalTaskTest, IsStoredAndLeavesTheLoopWhichCanBeRunAgain) {
  int others = 0;
  auto exit = []() -> Coro<> {
    throw SystemExit(7);
    co_return;
  };
  const Task<> task = create_task(loop_, exit());
  loop_.call_soon([&] { ++others; });
  int code = 0;
  try {
    loop_.run_forever();
  } catch (const SystemExit& error) {
    code = error.code();
  }
  EXPECT_EQ(code, 7);
  EXPECT_TRUE(task.done());
  EXPECT_FALSE(loop_.is_running());
  EXPECT_EQ(others, 0);
  EXPECT_THROW(task.result(), SystemExit);
  loop_.settle();
  EXPECT_EQ(others, 1);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(FatalTaskTest, PassesThroughTheFramesOfTheTask) {
  Counts counts;
  auto inner = [&]() -> Coro<> {
    const Counted local(counts);
    throw KeyboardInterrupt();
    co_return;
  };
  auto outer = [&]() -> Coro<> {
    const Counted local(counts);
    co_await inner();
  };
  EXPECT_THROW(loop_.run(outer), KeyboardInterrupt);
  EXPECT_EQ(counts.alive, 0);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(FatalTaskTest, ReachesWhoeverAwaitsTheTaskOnceTheLoopGoesOn) {
  auto exit = []() -> Coro<> {
    throw SystemExit(1);
    co_return;
  };
  auto wait = [](Task<> task) -> Coro<std::string> { co_return co_await ending_of(task); };
  const Task<> fatal = create_task(loop_, exit());
  const Task<std::string> waiting = create_task(loop_, wait(fatal));
  EXPECT_THROW(loop_.run_forever(), SystemExit);
  EXPECT_FALSE(waiting.done());
  EXPECT_EQ(run_until_complete(loop_, waiting), "fatal: SystemExit");
}

TEST_F(FatalTaskTest, ATaskMayCatchIt) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<> {
      throw SystemExit(1);
      co_return;
    };
    EXPECT_THROW(co_await body(), SystemExit);
  });
}

TEST_F(TaskTest, ItsDoneCallbacksMayTakeATask) {
  std::vector<std::string> names;
  const Task<int> task = create_task(loop_, give_at_once(1), {.name = "done"});
  task.add_done_callback([&](const Task<int>& done) { names.push_back(done.get_name()); });
  task.add_done_callback([&](const AnyTask& done) { names.push_back(done.get_name()); });
  task.add_done_callback([&](const Future<int>& done) { names.push_back(done.done() ? "1" : ""); });
  loop_.settle();
  EXPECT_THAT(names, ElementsAre("done", "done", "1"));
}

}  // namespace
}  // namespace asyncio
