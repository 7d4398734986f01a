#include "asyncio/utils/gather.h"

#include <chrono>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/policy.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "asyncio/tasks/task_options.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"
#include "utils/test/number_after.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

Coro<int> number(int value) { co_return value; }
Coro<std::string> word() { co_return "word"; }
Coro<> nothing() { co_return; }
Coro<int> failure(std::string what) {
  co_await sleep(0s);
  throw std::runtime_error(what);
}

class GatherTest : public ::testing::Test {
 protected:
  std::vector<Future<int>> three() {
    return {Future<int>(loop_), Future<int>(loop_), Future<int>(loop_)};
  }

  ObservedLoop loop_;
};

TEST_F(GatherTest, GivesResultsInTheOrderOfTheArguments) {
  const std::vector<Future<int>> futures = three();
  const Future<std::vector<int>> all = gather(futures);
  futures[1].set_result(2);
  futures[2].set_result(3);
  loop_.settle();
  EXPECT_FALSE(all.done());
  futures[0].set_result(1);
  loop_.settle();
  EXPECT_EQ(all.result(), (std::vector{1, 2, 3}));
}

TEST_F(GatherTest, GivesATupleForResultsOfDifferentTypes) {
  loop_.run([]() -> Coro<> {
    const std::tuple<int, std::string, std::monostate> got =
        co_await gather(number_after(1, 1s), word(), nothing());
    EXPECT_EQ(std::get<0>(got), 1);
    EXPECT_EQ(std::get<1>(got), "word");
  });
}

TEST_F(GatherTest, StartsCoroutinesTogetherInTheOrderGiven) {
  std::string trace;
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    auto traced = [](std::string* trace, std::string name) -> Coro<> {
      *trace += "+" + name;
      co_await sleep(1s);
      *trace += "-" + name;
    };
    co_await gather(traced(&trace, "a"), traced(&trace, "b"), traced(&trace, "c"));
    EXPECT_EQ(loop_.time() - start, 1s);
  });
  EXPECT_EQ(trace, "+a+b+c-a-b-c");
}

TEST_F(GatherTest, TakesARangeOfCoroutinesAsItIsMade) {
  loop_.run([]() -> Coro<> {
    const std::vector<int> got =
        co_await gather(std::views::iota(1, 4) | std::views::transform(number));
    EXPECT_EQ(got, (std::vector{1, 2, 3}));
  });
}

TEST_F(GatherTest, TakesFuturesTasksSleepsAndCallables) {
  loop_.run([&]() -> Coro<> {
    Future<int> future;
    future.set_result(1);
    Task<int> task = create_task(number(2));
    int captured = 3;
    auto callable = [&captured]() -> Coro<int> { co_return captured; };
    const auto got = co_await gather(future, task, sleep(1s), callable);
    EXPECT_EQ(got, std::tuple(1, 2, std::monostate(), 3));
  });
}

TEST_F(GatherTest, OfVoidInARangeGivesThatManyNothings) {
  loop_.run([]() -> Coro<> {
    std::vector<Task<>> tasks = {create_task(nothing()), create_task(nothing())};
    const std::vector<std::monostate> got = co_await gather(tasks);
    EXPECT_EQ(got.size(), 2u);
  });
}

TEST_F(GatherTest, OfNothingIsDoneAtOnce) {
  loop_.run([]() -> Coro<> {
    EXPECT_TRUE(gather().done());
    EXPECT_TRUE(gather(std::vector<Task<int>>()).done());
    EXPECT_TRUE(gather(return_exceptions).done());
    co_return;
  });
}

// A tree of gathers, each of `width` gathers.
Coro<> nested_gathers(int width, int depth) {
  if (depth == 0) co_return;
  auto child = [&](int) { return nested_gathers(width, depth - 1); };
  co_await gather(std::views::iota(0, width) | std::views::transform(child));
}

TEST_F(GatherTest, NestedGathersMakeATaskForEachChildAndEagerOnesTakeNoTurn) {
  for (const bool eager : {false, true}) {
    int made = 0;
    set_task_factory(loop_, [&](EventLoop&, TaskOptions options) {
      ++made;
      options.eager_start = eager;
      return options;
    });
    loop_.run([&]() -> Coro<> {
      const int before = loop_.turns();
      co_await nested_gathers(5, 4);
      EXPECT_EQ(loop_.turns() == before, eager);
    });
    EXPECT_EQ(made, 1 + 5 + 25 + 125 + 625);
  }
}

TEST_F(GatherTest, OfNothingNeedsALoop) { EXPECT_THROW((void)gather(), std::runtime_error); }

TEST_F(GatherTest, OfNothingTakesTheLoopThatIsSetForTheThread) {
  set_event_loop(&loop_);
  const auto all = gather();
  set_event_loop(nullptr);
  EXPECT_EQ(&all.get_loop(), &loop_);
  EXPECT_TRUE(all.done());
}

TEST_F(GatherTest, OfCoroutinesNeedsARunningLoop) {
  EXPECT_THROW((void)gather(number(1), number(2)), std::runtime_error);
}

TEST_F(GatherTest, OfFuturesTakesTheirLoop) {
  const std::vector<Future<int>> futures = three();
  EXPECT_EQ(&gather(futures).get_loop(), &loop_);
}

TEST_F(GatherTest, RefusesFuturesOfTwoLoops) {
  ObservedLoop other;
  const Future<int> here(loop_);
  const Future<int> there(other);
  EXPECT_THROW((void)gather(here, there), std::invalid_argument);
}

TEST_F(GatherTest, OfWhatIsDoneIsDoneAtOnce) {
  const std::vector<Future<int>> futures = three();
  for (int i = 0; i < 3; ++i) futures[i].set_result(i);
  EXPECT_EQ(gather(futures).result(), (std::vector{0, 1, 2}));
}

TEST_F(GatherTest, OfWhatHasFailedFailsAtOnceAndLetsTheOthersRun) {
  const std::vector<Future<int>> futures = three();
  futures[1].set_exception(std::runtime_error("first"));
  futures[2].set_exception(std::runtime_error("second"));
  EXPECT_EQ(ending(gather(futures)), "failed: first");
  EXPECT_FALSE(futures[0].done());
}

TEST_F(GatherTest, IsDoneInTheTurnAfterTheLast) {
  const std::vector<Future<int>> futures = three();
  const auto all = gather(futures);
  for (const Future<int>& future : futures) future.set_result(0);
  EXPECT_FALSE(all.done());
  loop_.stop();
  loop_.run_forever();
  EXPECT_TRUE(all.done());
}

TEST_F(GatherTest, EndsWithTheFirstExceptionAtOnceAndIgnoresWhatComesLater) {
  const std::vector<Future<int>> futures = three();
  const auto all = gather(futures);
  futures[1].set_exception(std::runtime_error("first"));
  loop_.settle();
  EXPECT_EQ(ending(all), "failed: first");
  EXPECT_FALSE(futures[0].done());
  futures[0].set_result(1);
  futures[2].cancel();
  loop_.settle();
  EXPECT_EQ(ending(all), "failed: first");
}

TEST_F(GatherTest, SiblingsOfAFailureRunOn) {
  bool finished = false;
  loop_.run([&]() -> Coro<> {
    auto slow = [&finished]() -> Coro<> {
      co_await sleep(1s);
      finished = true;
    };
    EXPECT_THROW(co_await gather(failure("early"), slow), std::runtime_error);
    EXPECT_FALSE(finished);
    co_await sleep(2s);
  });
  EXPECT_TRUE(finished);
}

TEST_F(GatherTest, LaterFailuresOfSiblingsAreNotReported) {
  loop_.run([]() -> Coro<> {
    auto late = []() -> Coro<int> {
      co_await sleep(1s);
      throw std::runtime_error("late");
    };
    EXPECT_THROW(co_await gather(failure("one"), failure("two"), late), std::runtime_error);
    co_await sleep(2s);
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(GatherTest, AFailureThatNobodySeesIsReported) {
  loop_.run([]() -> Coro<> {
    const auto unseen = gather(failure("one"), failure("two"));
    co_await sleep(1s);
  });
  ASSERT_EQ(loop_.reports().size(), 1u);
  EXPECT_EQ(loop_.reports()[0].message, "Future exception was never retrieved");
}

TEST_F(GatherTest, DroppedBeforeItIsDoneItLeavesAllToThemselves) {
  int value = 0;
  loop_.run([&]() -> Coro<> {
    auto set = [&value]() -> Coro<> {
      co_await sleep(1s);
      value = 1;
    };
    (void)gather(set, failure("alone"));
    co_await sleep(2s);
  });
  EXPECT_EQ(value, 1);
  ASSERT_EQ(loop_.reports().size(), 1u);
  EXPECT_EQ(loop_.reports()[0].message, "Task exception was never retrieved");
}

TEST_F(GatherTest, ACancelledChildIsACancelledErrorAsAnException) {
  const std::vector<Future<int>> futures = three();
  const auto all = gather(futures);
  futures[0].set_result(1);
  futures[1].cancel("enough");
  loop_.settle();
  EXPECT_TRUE(all.done());
  EXPECT_FALSE(all.cancelled());
  EXPECT_EQ(ending(all), "cancelled: enough");
  EXPECT_FALSE(futures[2].done());
}

TEST_F(GatherTest, CancellingItCancelsWhatIsNotDoneAndEndsWhenAllHaveEnded) {
  const std::vector<Future<int>> futures = three();
  const auto all = gather(futures);
  futures[0].set_result(1);
  EXPECT_TRUE(all.cancel("enough"));
  EXPECT_FALSE(all.done());
  EXPECT_TRUE(futures[1].cancelled());
  EXPECT_TRUE(futures[2].cancelled());
  loop_.settle();
  EXPECT_FALSE(all.cancelled());
  EXPECT_EQ(ending(all), "cancelled: enough");
  EXPECT_FALSE(all.cancel());
}

TEST_F(GatherTest, RefusesToBeCancelledOnceAllChildrenAreDone) {
  const std::vector<Future<int>> futures = three();
  const auto all = gather(futures);
  for (const Future<int>& future : futures) future.set_result(0);
  EXPECT_FALSE(all.done());
  EXPECT_FALSE(all.cancel());
  loop_.settle();
  EXPECT_EQ(ending(all), "value");
}

TEST_F(GatherTest, CancellingTheTaskThatAwaitsItCancelsAllAndWaitsForThem) {
  std::string trace;
  loop_.run([&]() -> Coro<> {
    auto child = [&trace]() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        trace += "c";
        throw;
      }
    };
    auto parent = [&]() -> Coro<> { co_await gather(child, child, child); };
    Task<> task = create_task(parent);
    co_await sleep(1s);
    task.cancel();
    const std::string end = co_await ending_of<void>(task);
    EXPECT_EQ(end, "cancelled");
    EXPECT_TRUE(task.cancelled());
  });
  EXPECT_EQ(trace, "ccc");
}

TEST_F(GatherTest, AChildThatIgnoresTheCancellationIsWaitedFor) {
  loop_.run([&]() -> Coro<> {
    auto stubborn = []() -> Coro<int> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      co_await sleep(5s);
      co_return 1;
    };
    const TimePoint start = loop_.time();
    Future<std::tuple<Outcome<int>>> all = gather(return_exceptions, stubborn);
    co_await sleep(1s);
    EXPECT_TRUE(all.cancel());
    const std::string end = co_await ending_of(all);
    EXPECT_EQ(end, "cancelled");
    EXPECT_EQ(loop_.time() - start, 6s);
  });
}

TEST_F(GatherTest, WithReturnExceptionsFailuresAndCancellationsAreResults) {
  const std::vector<Future<int>> futures = three();
  const Future<std::vector<Outcome<int>>> all = gather(return_exceptions, futures);
  futures[0].set_exception(std::runtime_error("bad"));
  futures[1].cancel("enough");
  loop_.settle();
  EXPECT_FALSE(all.done());
  futures[2].set_result(3);
  loop_.settle();
  const std::vector<Outcome<int>>& got = all.result();
  EXPECT_EQ(ending_of_call([&] { got[0].value(); }), "failed: bad");
  EXPECT_EQ(ending_of_call([&] { got[1].value(); }), "cancelled: enough");
  EXPECT_EQ(got[2].value(), 3);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(GatherTest, WithReturnExceptionsResultsKeepTheirOrder) {
  loop_.run([]() -> Coro<> {
    const std::tuple<Outcome<int>, Outcome<int>, Outcome<void>> got =
        co_await gather(return_exceptions, number_after(1, 2s), number(2), nothing());
    EXPECT_EQ(std::get<0>(got).value(), 1);
    EXPECT_EQ(std::get<1>(got).value(), 2);
    EXPECT_TRUE(std::get<2>(got).has_value());
  });
}

TEST_F(GatherTest, CancellingEndsALoopOfGathersWithReturnExceptions) {
  loop_.run([]() -> Coro<> {
    auto forever = []() -> Coro<> {
      while (true) co_await gather(return_exceptions, sleep(1s), sleep(2s));
    };
    Task<> task = create_task(forever);
    co_await sleep(5s);
    task.cancel("enough");
    const std::string end = co_await ending_of<void>(task);
    EXPECT_EQ(end, "cancelled: enough");
  });
}

TEST_F(GatherTest, AFutureGivenTwiceIsThereTwice) {
  int runs = 0;
  loop_.run([&]() -> Coro<> {
    auto count = [&runs]() -> Coro<int> { co_return ++runs; };
    const Task<int> task = create_task(count);
    const std::tuple<int, int, int> got = co_await gather(task, number(5), task);
    EXPECT_EQ(got, std::tuple(1, 5, 1));
  });
  EXPECT_EQ(runs, 1);
}

TEST_F(GatherTest, MovesResultsThatCannotBeCopied) {
  loop_.run([]() -> Coro<> {
    auto make = [](int value) -> Coro<std::unique_ptr<int>> {
      co_return std::make_unique<int>(value);
    };
    auto [one, two] = co_await gather(make(1), make(2));
    EXPECT_EQ(*one + *two, 3);
    const std::vector<Task<std::unique_ptr<int>>> tasks = {create_task(make(3))};
    auto many = co_await gather(tasks);
    EXPECT_EQ(*many[0], 3);
  });
}

Coro<int> borrowing(std::string_view text) { co_return static_cast<int>(text.size()); }

TEST_F(GatherTest, RefusesACoroutineThatBorrowsBeforeAnyRuns) {
  bool ran = false;
  loop_.run([&]() -> Coro<> {
    auto run = [](bool* ran) -> Coro<> {
      *ran = true;
      co_return;
    };
    EXPECT_THROW((void)gather(run(&ran), borrowing("text")), BorrowedArgumentError);
    co_await sleep(1s);
  });
  EXPECT_FALSE(ran);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(GatherTest, AddsNoCallbackToItsOwnFuture) {
  int turns = 0;
  loop_.run([&]() -> Coro<> {
    Future<int> future;
    const auto all = gather(future);
    future.set_result(1);
    turns = loop_.turns();
    co_await all;
    turns = loop_.turns() - turns;
  });
  EXPECT_EQ(turns, 2);
}

TEST_F(GatherTest, LeavesNothingBehindWhenTheLoopClosesFirst) {
  auto loop = std::make_unique<ObservedLoop>();
  auto waiting = []() -> Coro<> { co_await gather(sleep(1h), sleep(2h)); };
  create_task(*loop, waiting);
  loop->settle();
  loop->close();
  EXPECT_EQ(loop->reports().size(), 3u);
}

TEST_F(GatherTest, AFailureThatComesWithTheCancellationOfTheTaskThatAwaitsItCountsAsSeen) {
  const std::vector<Future<int>> futures = three();
  auto body = [&]() -> Coro<> { co_await gather(futures); };
  const Task<> task = create_task(loop_, body);
  loop_.settle();
  futures[0].set_exception(std::runtime_error("too late"));
  loop_.call_soon([&] { task.cancel(); });
  loop_.settle();
  EXPECT_EQ(ending(task), "cancelled");
  EXPECT_TRUE(loop_.reports().empty());
}

// What ends a task that is cancelled, with these messages, while it awaits a gather() with
// `return_exceptions` of one that sleeps and of `last`.
Coro<std::string> ending_with(Coro<> (*last)(), std::vector<std::string> messages) {
  auto body = [last]() -> Coro<> {
    Future<std::tuple<Outcome<void>, Outcome<void>>> all =
        gather(return_exceptions, sleep(1h), last());
    co_await all;
  };
  const Task<> task = create_task(body);
  co_await sleep(1s);
  for (const std::string& message : messages) task.cancel(message);
  co_return co_await ending_of<void>(task);
}

Coro<> swallow_a_cancellation() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
  }
}

TEST_F(GatherTest, CancelledWithReturnExceptionsItHasNoMessageIfTheLastChildSwallowsTheError) {
  loop_.run([]() -> Coro<> {
    const std::vector<std::string> messages = {"enough"};
    EXPECT_EQ(co_await ending_with(swallow_a_cancellation, messages), "cancelled");
  });
}

TEST_F(GatherTest, CancelledWithReturnExceptionsItHasTheMessageThatTheLastChildHasNotHeard) {
  loop_.run([]() -> Coro<> {
    const std::vector<std::string> messages = {"one", "two"};
    EXPECT_EQ(co_await ending_with(swallow_a_cancellation, messages), "cancelled: two");
  });
}

TEST_F(GatherTest, CancelledWithReturnExceptionsItHasTheMessageWithWhichTheLastChildCancelledIt) {
  loop_.run([]() -> Coro<> {
    std::optional<Task<>> gathering;
    auto last = [&]() -> Coro<> {
      gathering->cancel("enough");
      throw std::runtime_error("bad");
      co_return;
    };
    auto body = [&]() -> Coro<> {
      Future<std::tuple<Outcome<void>>> all = gather(return_exceptions, last);
      co_await all;
    };
    gathering = create_task(body);
    EXPECT_EQ(co_await ending_of<void>(*gathering), "cancelled: enough");
  });
}

TEST_F(GatherTest, WithReturnExceptionsTheMessageOfACancelledTaskStaysWithTheTask) {
  loop_.run([&]() -> Coro<> {
    const Task<> task = create_task(nothing());
    task.cancel("enough");
    const Future<> future(loop_);
    future.cancel("gone");
    std::vector<Future<>> both = {task, future};
    const std::vector<Outcome<void>> outcomes = co_await gather(return_exceptions, both);
    EXPECT_EQ(ending_of_call([&] { outcomes[0].value(); }), "cancelled");
    EXPECT_EQ(ending_of_call([&] { outcomes[1].value(); }), "cancelled: gone");
    EXPECT_EQ(ending(task), "cancelled: enough");
  });
}

}  // namespace
}  // namespace asyncio
