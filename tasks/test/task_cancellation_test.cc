// The cancellation machine of Task. Times are virtual: an hour takes none.

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

Coro<int> sleep_an_hour() {
  co_await sleep(1h);
  co_return 1;
}

Coro<int> wait_for_future(Future<int> future) { co_return co_await future; }

Coro<int> wait_for_task(Task<int> task) { co_return co_await task; }

class TaskCancellationTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(TaskCancellationTest, ThrowsCancelledErrorWhereTheTaskWaits) {
  std::vector<std::string> log;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      log.push_back("begin");
      try {
        co_await sleep(1h);
        log.push_back("slept");
      } catch (const CancelledError& error) {
        log.push_back("caught " + error.message().value_or("no message"));
        throw;
      }
    };
    auto task = create_task(body);
    co_await sleep(1s);
    EXPECT_TRUE(task.cancel("enough"));
    EXPECT_FALSE(task.done());
    EXPECT_EQ(co_await ending_of(task), "cancelled: enough");
    EXPECT_TRUE(task.done());
    EXPECT_TRUE(task.cancelled());
  });
  EXPECT_EQ(log, (std::vector<std::string>{"begin", "caught enough"}));
  EXPECT_EQ(loop_.time().time_since_epoch(), 1s);
}

TEST_F(TaskCancellationTest, WithoutAMessageTheErrorHasNone) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    co_await sleep(0s);
    task.cancel();
    EXPECT_EQ(co_await ending_of(task), "cancelled");
  });
}

TEST_F(TaskCancellationTest, AnEmptyMessageIsAMessage) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    co_await sleep(0s);
    task.cancel("");
    EXPECT_EQ(co_await ending_of(task), "cancelled: ");
  });
}

TEST_F(TaskCancellationTest, ResultAndExceptionOfACancelledTaskThrowItsErrorEachTime) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    task.cancel("gone");
    co_await sleep(0s);
    EXPECT_EQ(ending(task), "cancelled: gone");
    EXPECT_EQ(ending(task), "cancelled");
    EXPECT_EQ(ending_of_call([&] { task.exception(); }), "cancelled");
    EXPECT_EQ(co_await ending_of(task), "cancelled");
  });
}

TEST_F(TaskCancellationTest, ADoneTaskCannotBeCancelled) {
  loop_.run([&]() -> Coro<> {
    auto finished = create_task([]() -> Coro<int> { co_return 3; });
    EXPECT_EQ(co_await finished, 3);
    EXPECT_FALSE(finished.cancel());
    EXPECT_FALSE(finished.cancelled());
    EXPECT_EQ(finished.cancelling(), 0);
    EXPECT_EQ(finished.result(), 3);

    auto cancelled = create_task(sleep_an_hour());
    EXPECT_TRUE(cancelled.cancel("first"));
    co_await sleep(0s);
    EXPECT_FALSE(cancelled.cancel("second"));
    EXPECT_EQ(cancelled.cancelling(), 1);
    EXPECT_EQ(ending(cancelled), "cancelled: first");
  });
}

TEST_F(TaskCancellationTest, ATaskCancelledBeforeItsFirstStepNeverRunsItsBody) {
  Counts counts;
  bool ran = false;
  auto body = [&ran](Counted) -> Coro<> {
    ran = true;
    co_return;
  };
  loop_.run([&]() -> Coro<> {
    auto task = create_task(body, Counted(counts));
    EXPECT_EQ(counts.alive, 1);
    task.cancel("too early");
    EXPECT_EQ(co_await ending_of(task), "cancelled: too early");
    EXPECT_EQ(counts.alive, 0);
  });
  EXPECT_FALSE(ran);
}

TEST_F(TaskCancellationTest, ACancelDuringItsOwnStepArrivesAtTheNextAwaitThatSuspends) {
  std::vector<std::string> log;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      Future<int> ready(loop_);
      ready.set_result(1);
      current_task()->cancel("myself");
      co_await ready;
      log.push_back("ready future awaited");
      co_await []() -> Coro<> { co_return; }();
      log.push_back("coroutine awaited");
      co_await sleep(0s);
      log.push_back("never");
    };
    EXPECT_EQ(co_await ending_of(create_task(body)), "cancelled: myself");
  });
  EXPECT_EQ(log, (std::vector<std::string>{"ready future awaited", "coroutine awaited"}));
}

TEST_F(TaskCancellationTest, AFutureThatACancelledTaskBeginsToAwaitIsCancelledAtOnce) {
  Future<int> pending(loop_);
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      current_task()->cancel("myself");
      loop_.call_soon([&] { EXPECT_TRUE(pending.cancelled()); });
      co_return co_await pending;
    };
    EXPECT_EQ(co_await ending_of(create_task(body)), "cancelled: myself");
  });
  EXPECT_EQ(ending(pending), "cancelled: myself");
}

TEST_F(TaskCancellationTest, AValueReturnedInTheStepOfTheCancelIsLost) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<Counted> {
      current_task()->cancel("at the end");
      co_return Counted(counts);
    };
    auto task = create_task(body);
    EXPECT_EQ(co_await ending_of(task), "cancelled: at the end");
    EXPECT_TRUE(task.cancelled());
  });
  EXPECT_GT(counts.made, 0);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TaskCancellationTest, AnotherExceptionInTheStepOfTheCancelWins) {
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      current_task()->cancel();
      throw std::runtime_error("worse");
      co_return;
    };
    auto task = create_task(body);
    EXPECT_EQ(co_await ending_of(task), "failed: worse");
    EXPECT_FALSE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 1);
  });
}

TEST_F(TaskCancellationTest, AnotherExceptionInReplyToTheCancellationWins) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        throw std::runtime_error("cannot clean up");
      }
    };
    auto task = create_task(body);
    co_await sleep(0s);
    task.cancel();
    EXPECT_EQ(co_await ending_of(task), "failed: cannot clean up");
  });
}

TEST_F(TaskCancellationTest, AFailureInReplyMayCarryTheCancellationInside) {
  loop_.run([&]() -> Coro<> {
    auto inner = create_task(sleep_an_hour());
    auto body = [&]() -> Coro<> {
      try {
        co_await inner;
      } catch (const CancelledError&) {
        std::throw_with_nested(std::runtime_error("outer"));
      }
    };
    loop_.call_later(1s, [&] { inner.cancel("message"); });
    std::string what;
    std::string cause;
    try {
      co_await create_task(body);
    } catch (const std::runtime_error& error) {
      what = error.what();
      cause = ending_of_call([&] { std::rethrow_if_nested(error); });
    }
    EXPECT_EQ(what, "outer");
    EXPECT_EQ(cause, "cancelled: message");
  });
}

TEST_F(TaskCancellationTest, ACancelledErrorThatNobodyAskedForEndsTheTaskAsCancelled) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task([]() -> Coro<> {
      throw CancelledError("of my own");
      co_return;
    });
    EXPECT_EQ(co_await ending_of(task), "cancelled: of my own");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 0);
  });
}

TEST_F(TaskCancellationTest, GoesDownAChainOfTasksToWhatTheLastOneAwaits) {
  Future<int> pending(loop_);
  loop_.run([&]() -> Coro<> {
    auto inner = create_task(wait_for_future(pending));
    auto middle = create_task(wait_for_task(inner));
    auto outer = create_task(wait_for_task(middle));
    co_await sleep(0s);
    EXPECT_TRUE(outer.cancel("all of you"));
    EXPECT_TRUE(pending.cancelled());
    EXPECT_EQ(co_await ending_of(outer), "cancelled: all of you");
    EXPECT_EQ(ending(middle), "cancelled");
    EXPECT_EQ(ending(inner), "cancelled");
    EXPECT_EQ(inner.cancelling(), 1);
    EXPECT_EQ(outer.cancelling(), 1);
  });
  EXPECT_EQ(ending(pending), "cancelled: all of you");
}

TEST_F(TaskCancellationTest, ATaskWhoseAwaitedTaskSwallowsTheCancellationGetsItsValue) {
  loop_.run([&]() -> Coro<> {
    auto stubborn = []() -> Coro<int> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      co_return 5;
    };
    auto outer = create_task(wait_for_task(create_task(stubborn)));
    co_await sleep(0s);
    co_await sleep(0s);
    EXPECT_TRUE(outer.cancel());
    EXPECT_EQ(co_await outer, 5);
    EXPECT_EQ(outer.cancelling(), 1);
  });
}

TEST_F(TaskCancellationTest, TravelsThroughTheFramesOfCoroutinesInnermostFirst) {
  std::vector<std::string> log;
  struct Note {
    Note(std::vector<std::string>& entries, std::string text)
        : entries_(entries), text_(std::move(text)) {}
    ~Note() { entries_.push_back(text_); }
    std::vector<std::string>& entries_;
    std::string text_;
  };
  loop_.run([&]() -> Coro<> {
    auto inner = [&]() -> Coro<> {
      const Note note(log, "inner");
      co_await sleep(1h);
    };
    auto outer = [&]() -> Coro<> {
      const Note note(log, "outer");
      co_await inner();
    };
    auto task = create_task(outer);
    co_await sleep(0s);
    task.cancel();
    EXPECT_EQ(co_await ending_of(task), "cancelled");
  });
  EXPECT_EQ(log, (std::vector<std::string>{"inner", "outer"}));
}

TEST_F(TaskCancellationTest, TwoRequestsBeforeTheTaskRunsMakeOneErrorWithTheFirstMessage) {
  int errors = 0;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      for (int i = 0; i < 2; ++i) {
        try {
          co_await sleep(1h);
        } catch (const CancelledError& error) {
          ++errors;
          EXPECT_EQ(error.message(), "a");
        }
      }
    };
    auto task = create_task(body);
    co_await sleep(0s);
    EXPECT_TRUE(task.cancel("a"));
    EXPECT_TRUE(task.cancel("b"));
    EXPECT_EQ(task.cancelling(), 2);
    co_await task;
    EXPECT_EQ(task.cancelling(), 2);
  });
  EXPECT_EQ(errors, 1);
}

TEST_F(TaskCancellationTest, TwoRequestsWhileATaskAwaitsAFutureKeepTheFirstMessage) {
  Future<int> pending(loop_);
  loop_.run([&]() -> Coro<> {
    auto task = create_task(wait_for_future(pending));
    co_await sleep(0s);
    task.cancel("a");
    task.cancel("b");
    EXPECT_EQ(co_await ending_of(task), "cancelled: a");
  });
}

TEST_F(TaskCancellationTest, TwoRequestsBeforeTheFirstStepKeepTheLastMessage) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    task.cancel("a");
    task.cancel("b");
    EXPECT_EQ(co_await ending_of(task), "cancelled: b");
    EXPECT_EQ(task.cancelling(), 2);
  });
}

TEST_F(TaskCancellationTest, TwoRequestsDuringItsOwnStepKeepTheLastMessage) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<> {
      current_task()->cancel("a");
      current_task()->cancel("b");
      co_await sleep(1h);
    };
    EXPECT_EQ(co_await ending_of(create_task(body)), "cancelled: b");
  });
}

TEST_F(TaskCancellationTest, ASecondRequestAfterTheFirstWasSwallowedRaisesAgain) {
  int errors = 0;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      while (errors < 2) {
        try {
          co_await sleep(1h);
        } catch (const CancelledError& error) {
          EXPECT_EQ(error.message(), ++errors == 1 ? "first" : "second");
        }
      }
    };
    auto task = create_task(body);
    co_await sleep(0s);
    task.cancel("first");
    co_await sleep(0s);
    task.cancel("second");
    co_await task;
  });
  EXPECT_EQ(errors, 2);
}

TEST_F(TaskCancellationTest, ATaskMaySwallowTheCancellationAndGoOn) {
  Future<int> awaited(loop_);
  Future<int> later(loop_);
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      try {
        co_await awaited;
      } catch (const CancelledError&) {
      }
      co_await sleep(10s);
      co_return co_await later;
    };
    auto task = create_task(body);
    co_await sleep(0s);
    task.cancel();
    co_await sleep(20s);
    EXPECT_TRUE(awaited.cancelled());
    EXPECT_FALSE(later.cancelled());
    later.set_result(42);
    EXPECT_EQ(co_await task, 42);
    EXPECT_FALSE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 1);
  });
}

TEST_F(TaskCancellationTest, CleaningUpMayAwait) {
  std::vector<std::string> log;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      std::exception_ptr error;
      try {
        co_await sleep(1h);
      } catch (...) {
        error = std::current_exception();
      }
      co_await sleep(5s);
      log.push_back("cleaned up");
      std::rethrow_exception(error);
    };
    auto task = create_task(body);
    co_await sleep(0s);
    task.cancel("tidily");
    EXPECT_EQ(co_await ending_of(task), "cancelled: tidily");
    log.push_back("joined");
  });
  EXPECT_EQ(log, (std::vector<std::string>{"cleaned up", "joined"}));
  EXPECT_EQ(loop_.time().time_since_epoch(), 5s);
}

TEST_F(TaskCancellationTest, ReachesATaskWhoseFutureIsDoneAlready) {
  Future<int> future(loop_);
  loop_.run([&]() -> Coro<> {
    auto task = create_task(wait_for_future(future));
    co_await sleep(0s);
    future.set_result(7);
    EXPECT_TRUE(task.cancel("just too late"));
    EXPECT_EQ(co_await ending_of(task), "cancelled: just too late");
    EXPECT_EQ(future.result(), 7);
  });
}

TEST_F(TaskCancellationTest, TakesThePlaceOfAFailureThatIsOnItsWayAndCountsAsHavingSeenIt) {
  loop_.run([&]() -> Coro<> {
    Future<int> future(loop_);
    auto task = create_task(wait_for_future(future));
    co_await sleep(0s);
    future.set_exception(std::runtime_error("on its way"));
    task.cancel("first");
    EXPECT_EQ(co_await ending_of(task), "cancelled: first");
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(TaskCancellationTest, ACancellationOfTheFutureThatIsOnItsWayKeepsItsMessage) {
  Future<int> future(loop_);
  int errors = 0;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      for (int i = 0; i < 2; ++i) {
        try {
          co_await (i == 0 ? future : create_future<int>(loop_));
        } catch (const CancelledError& error) {
          ++errors;
          EXPECT_EQ(error.message(), i == 0 ? "the future" : "the end");
        }
      }
    };
    auto task = create_task(body);
    co_await sleep(0s);
    future.cancel("the future");
    task.cancel("the task");
    EXPECT_EQ(task.cancelling(), 1);
    co_await sleep(1s);
    EXPECT_EQ(errors, 1);
    task.cancel("the end");
    co_await task;
  });
  EXPECT_EQ(errors, 2);
}

TEST_F(TaskCancellationTest, CancellingTheAwaitedFutureCancelsTheTask) {
  Future<int> future(loop_);
  loop_.run([&]() -> Coro<> {
    auto task = create_task(wait_for_future(future));
    co_await sleep(0s);
    EXPECT_TRUE(future.cancel("the future"));
    EXPECT_EQ(co_await ending_of(task), "cancelled: the future");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 0);
  });
}

TEST_F(TaskCancellationTest, OfOneTaskEndsTheFutureThatAnotherOneAwaitsToo) {
  Future<int> shared(loop_);
  loop_.run([&]() -> Coro<> {
    auto one = create_task(wait_for_future(shared));
    auto other = create_task(wait_for_future(shared));
    co_await sleep(0s);
    one.cancel("shared");
    EXPECT_EQ(co_await ending_of(other), "cancelled: shared");
    EXPECT_EQ(ending(one), "cancelled: shared");
    EXPECT_EQ(other.cancelling(), 0);
  });
}

TEST_F(TaskCancellationTest, ReachesATaskThatLetsOthersRun) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<> {
      while (true) co_await sleep(0s);
    };
    auto task = create_task(body);
    co_await sleep(0s);
    EXPECT_TRUE(task.cancel("stop spinning"));
    EXPECT_EQ(co_await ending_of(task), "cancelled: stop spinning");
  });
}

TEST_F(TaskCancellationTest, CanComeFromATimer) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    loop_.call_later(10s, [&] { task.cancel("too slow"); });
    EXPECT_EQ(co_await ending_of(task), "cancelled: too slow");
  });
  EXPECT_EQ(loop_.time().time_since_epoch(), 10s);
}

TEST_F(TaskCancellationTest, AWokenWaiterIsTooLateForItsCancelledTask) {
  Waiter waiter;
  loop_.run([&]() -> Coro<> {
    auto task = create_task([&]() -> Coro<> { co_await waiter; });
    co_await sleep(0s);
    task.cancel("first");
    waiter.wake();
    EXPECT_TRUE(waiter.cancelled());
    EXPECT_FALSE(waiter.woken());
    EXPECT_EQ(co_await ending_of(task), "cancelled: first");
  });
}

TEST_F(TaskCancellationTest, ATaskCancelledAfterItsWaiterWasWokenLearnsOfBoth) {
  Waiter waiter;
  loop_.run([&]() -> Coro<> {
    auto task = create_task([&]() -> Coro<> { co_await waiter; });
    co_await sleep(0s);
    waiter.wake();
    EXPECT_TRUE(task.cancel("second"));
    EXPECT_TRUE(waiter.woken());
    EXPECT_FALSE(waiter.cancelled());
    EXPECT_EQ(co_await ending_of(task), "cancelled: second");
    EXPECT_TRUE(waiter.woken());
  });
}

TEST_F(TaskCancellationTest, OfADoneTaskCountsAsHavingSeenItsFailure) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task([]() -> Coro<> {
      throw std::runtime_error("unread");
      co_return;
    });
    co_await sleep(0s);
    EXPECT_TRUE(task.done());
    EXPECT_FALSE(task.cancel());
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(TaskCancellationTest, OfATaskThatDiedWithItsLoopDoesNothing) {
  std::optional<Task<int>> task;
  {
    ObservedLoop loop;
    task = create_task(loop, sleep_an_hour());
    loop.settle();
  }
  task->cancel("nobody listens");
  EXPECT_FALSE(task->done());
}

TEST_F(TaskCancellationTest, ASystemExitInReplyEndsTheLoopAndIsStored) {
  auto body = []() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw SystemExit(3);
    }
    co_return 1;
  };
  const Task<int> task = create_task(loop_, body());
  loop_.settle();
  task.cancel();
  EXPECT_THROW(loop_.settle(), SystemExit);
  EXPECT_TRUE(task.done());
  EXPECT_THROW(task.result(), SystemExit);
  EXPECT_EQ(loop_.run([]() -> Coro<int> { co_return 8; }), 8);
}

TEST_F(TaskCancellationTest, IsNoFailureThatAHandlerForFailuresEats) {
  static_assert(!std::is_base_of_v<std::exception, CancelledError>);
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const std::exception&) {
        ADD_FAILURE();
      }
    };
    auto task = create_task(body);
    co_await sleep(0s);
    task.cancel();
    EXPECT_EQ(co_await ending_of(task), "cancelled");
  });
}

class UncancelTest : public TaskCancellationTest {};

TEST_F(UncancelTest, TakesRequestsBackOneByOneAndNotBelowZero) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    EXPECT_EQ(task.cancelling(), 0);
    EXPECT_EQ(task.uncancel(), 0);
    task.cancel();
    task.cancel();
    EXPECT_EQ(task.cancelling(), 2);
    EXPECT_EQ(task.uncancel(), 1);
    EXPECT_EQ(task.uncancel(), 0);
    EXPECT_EQ(task.uncancel(), 0);
    EXPECT_EQ(task.cancelling(), 0);
    EXPECT_EQ(co_await task, 1);
  });
}

TEST_F(UncancelTest, ToZeroWithdrawsACancellationBeforeTheFirstStep) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    task.cancel();
    task.uncancel();
    EXPECT_EQ(co_await task, 1);
    EXPECT_FALSE(task.cancelled());
  });
}

TEST_F(UncancelTest, ToZeroWithdrawsACancellationOfTheOwnStep) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<int> {
      current_task()->cancel();
      current_task()->uncancel();
      co_await sleep(1s);
      co_return 2;
    };
    EXPECT_EQ(co_await create_task(body), 2);
  });
}

TEST_F(UncancelTest, AboveZeroWithdrawsNothing) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    task.cancel();
    task.cancel();
    EXPECT_EQ(task.uncancel(), 1);
    EXPECT_EQ(co_await ending_of(task), "cancelled");
  });
}

TEST_F(UncancelTest, CannotCallBackACancellationThatIsOnItsWay) {
  Future<int> future(loop_);
  loop_.run([&]() -> Coro<> {
    auto task = create_task(wait_for_future(future));
    co_await sleep(0s);
    task.cancel("sent");
    EXPECT_EQ(task.uncancel(), 0);
    EXPECT_EQ(co_await ending_of(task), "cancelled: sent");
    EXPECT_EQ(task.cancelling(), 0);
  });
}

TEST_F(UncancelTest, LetsATaskSurviveAndBeCancelledLater) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        EXPECT_EQ(current_task()->uncancel(), 0);
      }
      co_await sleep(1h);
    };
    auto task = create_task(body);
    co_await sleep(0s);
    task.cancel("first");
    co_await sleep(1s);
    EXPECT_FALSE(task.done());
    EXPECT_EQ(task.cancelling(), 0);
    task.cancel("second");
    EXPECT_EQ(co_await ending_of(task), "cancelled: second");
    EXPECT_EQ(task.cancelling(), 1);
  });
}

// The pattern under timeout(): who cancelled the task by itself takes the request back and tells by
// what is left whether somebody else wants it to end, too.
TEST_F(UncancelTest, TellsTheOwnRequestFromThoseOfOthers) {
  for (const bool own : {false, true}) {
    for (const bool others : {false, true}) {
      std::string seen = "nothing";
      loop_.run([&]() -> Coro<> {
        auto body = [&]() -> Coro<> {
          AnyTask self = *current_task();
          bool mine = false;
          auto timer = loop_.call_later(10s, [&] {
            mine = true;
            self.cancel();
          });
          try {
            co_await sleep(own || others ? 1h : 1s);
            timer.cancel();
          } catch (const CancelledError&) {
            timer.cancel();
            if (!mine) throw;
            if (self.uncancel() > 0) throw;
            seen = "timeout";
          }
        };
        auto task = create_task(body);
        // At the same moment, so that both are there before the task runs.
        if (others) loop_.call_later(own ? 10s : 5s, [&] { task.cancel("outer"); });
        const std::string end = co_await ending_of(task);
        EXPECT_EQ(end.substr(0, 9), others ? "cancelled" : "value");
      });
      EXPECT_EQ(seen, own && !others ? "timeout" : "nothing");
    }
  }
}

// Who gets the message of a cancellation.

TEST_F(TaskCancellationTest, TheMessageReachesTheFirstWhoAsks) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    co_await sleep(0s);
    task.cancel("enough");
    EXPECT_EQ(co_await ending_of(task), "cancelled: enough");
    EXPECT_EQ(co_await ending_of(task), "cancelled");
    EXPECT_EQ(ending(task), "cancelled");
  });
}

TEST_F(TaskCancellationTest, OfATaskThatNeverStartsTheMessageReachesTheFirstWhoAsks) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep_an_hour());
    task.cancel("too late");
    EXPECT_EQ(co_await ending_of(task), "cancelled: too late");
    EXPECT_EQ(ending(task), "cancelled");
  });
}

TEST_F(TaskCancellationTest, OfATaskThatReturnsInThatStepTheMessageReachesAll) {
  loop_.run([&]() -> Coro<> {
    auto body = []() -> Coro<> {
      current_task()->cancel("in passing");
      co_return;
    };
    auto task = create_task(body);
    EXPECT_EQ(co_await ending_of(task), "cancelled: in passing");
    EXPECT_EQ(ending(task), "cancelled: in passing");
  });
}

TEST_F(TaskCancellationTest, OfAFutureTheMessageReachesAll) {
  loop_.run([&]() -> Coro<> {
    const Future<> future(loop_);
    future.cancel("gone");
    EXPECT_EQ(co_await ending_of(future), "cancelled: gone");
    EXPECT_EQ(ending(future), "cancelled: gone");
  });
}

}  // namespace
}  // namespace asyncio
