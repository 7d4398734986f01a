#include "asyncio/utils/timeout.h"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

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
  runner.run(test);
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

TEST(TimeoutTest, ATimeoutNeedsARunningLoop) {
  EXPECT_THROW((void)timeout(1s), std::runtime_error);
}

}  // namespace
}  // namespace asyncio
