#include "asyncio/utils/timeout.h"

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<EventLoop> virtual_loop() { return std::make_unique<VirtualTimeLoop>(); }

template <class F>
void in_virtual_time(F test) {
  Runner runner({.loop_factory = virtual_loop});
  runner.run(test());
}

TEST(TimeoutTest, ABodyThatEndsInTimeIsNotTouched) {
  in_virtual_time([]() -> Coro<> {
    const std::string got = co_await with(timeout(2s), [](Timeout& limit) -> Coro<std::string> {
      co_await sleep(1s);
      EXPECT_FALSE(limit.expired());
      co_return "in time";
    });
    EXPECT_EQ(got, "in time");
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST(TimeoutTest, ABodyThatTakesTooLongThrowsTimeoutErrorAtTheDeadline) {
  in_virtual_time([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const TimePoint start = loop.time();
    bool seen = false;
    try {
      co_await with(timeout(1s), [&](Timeout& limit) -> Coro<> {
        try {
          co_await sleep(1h);
        } catch (const CancelledError&) {
          seen = limit.expired();
          throw;
        }
      });
      ADD_FAILURE() << "no TimeoutError";
    } catch (const TimeoutError&) {
    }
    EXPECT_TRUE(seen);
    EXPECT_EQ(loop.time() - start, 1s);
    EXPECT_EQ(current_task()->cancelling(), 0);
    co_await sleep(0s);  // nothing is left to cancel this
  });
}

TEST(TimeoutTest, NoDelayMeansNoDeadline) {
  in_virtual_time([]() -> Coro<> {
    co_await with(timeout(std::nullopt), [](Timeout& limit) -> Coro<> {
      EXPECT_EQ(limit.when(), std::nullopt);
      co_await sleep(1000h);
    });
  });
}

TEST(TimeoutTest, AnAbsoluteDeadlineIsTheLoopsTime) {
  in_virtual_time([]() -> Coro<> {
    const TimePoint when = get_running_loop().time() + 3s;
    EXPECT_THROW(co_await with(timeout_at(when),
                               [&](Timeout& limit) -> Coro<> {
                                 EXPECT_EQ(limit.when(), when);
                                 co_await sleep(4s);
                               }),
                 TimeoutError);
    EXPECT_EQ(get_running_loop().time(), when);
  });
}

TEST(TimeoutTest, AZeroDelayLetsABodyCompleteThatNeverSuspends) {
  in_virtual_time([]() -> Coro<> {
    const int got = co_await with(timeout(0s), [](Timeout&) { return 7; });
    EXPECT_EQ(got, 7);
  });
}

TEST(TimeoutTest, AZeroDelayInterruptsTheFirstSuspension) {
  in_virtual_time([]() -> Coro<> {
    bool resumed = false;
    auto body = [&](Timeout&) -> Coro<> {
      co_await sleep(0s);
      resumed = true;
    };
    EXPECT_THROW(co_await with(timeout(-1s), std::ref(body)), TimeoutError);
    EXPECT_FALSE(resumed);
  });
}

TEST(TimeoutTest, OnlyTheOuterOfTwoExpiresIfItsDeadlineIsEarlier) {
  in_virtual_time([]() -> Coro<> {
    bool inner_saw_cancellation = false;
    auto body = [&](Timeout&) -> Coro<> {
      try {
        co_await with(timeout(2s), [](Timeout&) -> Coro<> { co_await sleep(1h); });
      } catch (const CancelledError&) {
        inner_saw_cancellation = true;
        throw;
      }
    };
    EXPECT_THROW(co_await with(timeout(1s), std::ref(body)), TimeoutError);
    EXPECT_TRUE(inner_saw_cancellation);
  });
}

TEST(TimeoutTest, OnlyTheInnerOfTwoExpiresIfItsDeadlineIsEarlier) {
  in_virtual_time([]() -> Coro<> {
    co_await with(timeout(2s), [](Timeout& outer) -> Coro<> {
      EXPECT_THROW(co_await with(timeout(1s), [](Timeout&) -> Coro<> { co_await sleep(1h); }),
                   TimeoutError);
      EXPECT_FALSE(outer.expired());
      co_await sleep(0s);
    });
  });
}

TEST(TimeoutTest, TwoThatExpireTogetherMakeOneTimeoutErrorFromTheOuter) {
  in_virtual_time([]() -> Coro<> {
    bool inner_passed_it_on = false;
    auto body = [&](Timeout&) -> Coro<> {
      try {
        co_await with(timeout(1s), [](Timeout&) -> Coro<> { co_await sleep(1h); });
      } catch (const CancelledError&) {
        inner_passed_it_on = true;
        throw;
      }
    };
    EXPECT_THROW(co_await with(timeout(1s), std::ref(body)), TimeoutError);
    EXPECT_TRUE(inner_passed_it_on);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST(TimeoutTest, ACancellationFromElsewherePassesThrough) {
  in_virtual_time([]() -> Coro<> {
    auto sleeper = []() -> Coro<> {
      co_await with(timeout(1h), [](Timeout&) -> Coro<> { co_await sleep(2h); });
    };
    Task<> task = create_task(sleeper);
    co_await sleep(1s);
    task.cancel("enough");
    try {
      co_await task;
      ADD_FAILURE() << "not cancelled";
    } catch (const CancelledError& error) {
      EXPECT_EQ(error.message(), "enough");
    }
  });
}

TEST(TimeoutTest, ACancellationInTheTurnOfTheDeadlineIsNotSwallowed) {
  in_virtual_time([]() -> Coro<> {
    auto sleeper = []() -> Coro<> {
      co_await with(timeout(1s), [](Timeout&) -> Coro<> { co_await sleep(2h); });
    };
    Task<> task = create_task(sleeper);
    get_running_loop().call_later(1s, [task] { task.cancel(); });
    EXPECT_THROW(co_await task, CancelledError);
    EXPECT_TRUE(task.cancelled());
  });
}

TEST(TimeoutTest, AnotherExceptionOfTheBodyPassesEvenAfterTheDeadline) {
  in_virtual_time([]() -> Coro<> {
    auto body = [](Timeout&) -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      throw std::range_error("mine");
    };
    EXPECT_THROW(co_await with(timeout(1s), body), std::range_error);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST(TimeoutTest, RescheduleMovesTheDeadline) {
  in_virtual_time([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const TimePoint start = loop.time();
    auto body = [&](Timeout& limit) -> Coro<> {
      limit.reschedule(start + 5s);
      co_await sleep(4s);
      limit.reschedule(std::nullopt);
      co_await sleep(10s);
      limit.reschedule(start);
      co_await sleep(1h);
    };
    EXPECT_THROW(co_await with(timeout(1s), std::ref(body)), TimeoutError);
    EXPECT_EQ(loop.time() - start, 14s);
  });
}

TEST(TimeoutTest, RescheduleOutsideTheBlockOrAfterTheDeadlineIsAnError) {
  in_virtual_time([]() -> Coro<> {
    Timeout unused = timeout(1s);
    EXPECT_THROW(unused.reschedule(std::nullopt), std::runtime_error);
    auto body = [](Timeout& limit) -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        EXPECT_THROW(limit.reschedule(std::nullopt), std::runtime_error);
        throw;
      }
    };
    EXPECT_THROW(co_await with(timeout(1s), body), TimeoutError);
  });
}

TEST(TimeoutTest, RescheduleOfOneThatHasFinishedOrExpiredIsAnError) {
  in_virtual_time([]() -> Coro<> {
    Timeout finished = timeout(1s);
    finished.enter();
    finished.exit(nullptr);
    EXPECT_THROW(finished.reschedule(std::nullopt), std::runtime_error);
    Timeout expired = timeout(0s);
    expired.enter();
    std::exception_ptr cancellation;
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
      cancellation = std::current_exception();
    }
    EXPECT_THROW(expired.exit(cancellation), TimeoutError);
    EXPECT_TRUE(expired.expired());
    EXPECT_THROW(expired.reschedule(std::nullopt), std::runtime_error);
  });
}

TEST(TimeoutTest, EnteringTwiceOrOutsideOfATaskIsAnError) {
  VirtualTimeLoop loop;
  loop.call_soon([&] {
    Timeout limit = timeout(1s);
    EXPECT_THROW(limit.enter(), std::runtime_error);
    loop.stop();
  });
  loop.run_forever();
  in_virtual_time([]() -> Coro<> {
    Timeout limit = timeout(1s);
    limit.enter();
    EXPECT_THROW(limit.enter(), std::runtime_error);
    limit.exit(nullptr);
    co_return;
  });
}

TEST(TimeoutTest, ADeadlineThatIsNotReachedLeavesNoTrace) {
  in_virtual_time([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    Timeout seen = timeout(10s);
    auto body = [&](Timeout& limit) -> Coro<> {
      co_await sleep(10ms);
      EXPECT_GT(limit.when(), loop.time());
      EXPECT_FALSE(limit.expired());
    };
    co_await with(std::move(seen), std::ref(body));
    const TimePoint end = loop.time();
    co_await sleep(100s);
    EXPECT_EQ(loop.time() - end, 100s);
  });
}

TEST(TimeoutTest, AnExceptionBeforeTheDeadlinePassesAndExpiresNothing) {
  in_virtual_time([]() -> Coro<> {
    auto body = [](Timeout& limit) -> Coro<> {
      co_await sleep(10ms);
      EXPECT_FALSE(limit.expired());
      throw std::range_error("mine");
    };
    EXPECT_THROW(co_await with(timeout(1s), body), std::range_error);
  });
}

TEST(TimeoutTest, ATaskThatHandledATimeoutIsNotCancelled) {
  in_virtual_time([]() -> Coro<> {
    auto handles = []() -> Coro<> {
      EXPECT_THROW(co_await with(timeout(1s), []() -> Coro<> { co_await sleep(1h); }),
                   TimeoutError);
    };
    const Task<> task = create_task(handles);
    co_await task;
    EXPECT_FALSE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 0);
  });
}

// Pretends that the body computes for so long.
void compute(Duration span) { static_cast<VirtualTimeLoop&>(get_running_loop()).advance(span); }

TEST(TimeoutTest, AnOuterTimeoutStillWorksAfterAnInnerHasExpiredWhileTheLoopWasBusy) {
  in_virtual_time([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const TimePoint start = loop.time();
    auto busy = []() -> Coro<> {
      compute(2s);
      co_await sleep(1h);
    };
    auto body = [&](Timeout&) -> Coro<> {
      EXPECT_THROW(co_await with(timeout(1s), std::ref(busy)), TimeoutError);
      co_await sleep(10h);
    };
    EXPECT_THROW(co_await with(timeout(3s), std::ref(body)), TimeoutError);
    EXPECT_EQ(loop.time() - start, 3s);
  });
}

TEST(TimeoutTest, OfTwoThatExpireWhileTheLoopIsBusyTheOuterThrows) {
  in_virtual_time([]() -> Coro<> {
    auto busy = []() -> Coro<> {
      compute(20s);
      co_await sleep(1h);
    };
    auto body = [&](Timeout&) -> Coro<> {
      EXPECT_THROW(co_await with(timeout(10s), std::ref(busy)), CancelledError);
      throw CancelledError();
    };
    EXPECT_THROW(co_await with(timeout(2s), std::ref(body)), TimeoutError);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST(TimeoutTest, ATimeoutMayStandInTheCleanUpOfAnotherThatHasExpired) {
  in_virtual_time([]() -> Coro<> {
    auto body = [](Timeout&) -> Coro<> {
      std::exception_ptr cancellation;
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        cancellation = std::current_exception();
      }
      EXPECT_THROW(co_await with(timeout(1s), []() -> Coro<> { co_await sleep(1h); }),
                   TimeoutError);
      std::rethrow_exception(cancellation);
    };
    EXPECT_THROW(co_await with(timeout(1s), body), TimeoutError);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

// Cancels itself, and goes on with the request still counted.
Coro<> swallow_a_cancellation() {
  current_task()->cancel();
  try {
    co_await sleep(1s);
  } catch (const CancelledError&) {
  }
}

TEST(TimeoutTest, WorksAfterACancellationThatWasSwallowed) {
  in_virtual_time([]() -> Coro<> {
    co_await swallow_a_cancellation();
    EXPECT_THROW(co_await with(timeout(0s), []() -> Coro<> { co_await sleep(1s); }), TimeoutError);
    EXPECT_EQ(current_task()->cancelling(), 1);
  });
}

TEST(TimeoutTest, ACancellationInsideOfItAfterOneThatWasSwallowedPassesThrough) {
  in_virtual_time([]() -> Coro<> {
    co_await swallow_a_cancellation();
    auto body = []() -> Coro<> {
      current_task()->cancel();
      co_await sleep(2s);
    };
    EXPECT_THROW(co_await with(timeout(1s), body), CancelledError);
  });
}

TEST(TimeoutTest, ATimeoutNeedsARunningLoop) {
  EXPECT_THROW((void)timeout(1s), std::runtime_error);
}

}  // namespace
}  // namespace asyncio
