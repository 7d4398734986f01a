#include "asyncio/tasks/async_generator.h"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Log = std::vector<std::string>;

// Says in the log when it goes.
class Noted {
 public:
  Noted(Log& log, std::string text) : log_(log), text_(std::move(text)) {}
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;
  ~Noted() { log_.push_back(text_); }

 private:
  Log& log_;
  std::string text_;
};

AsyncGenerator<int> count(int end) {
  for (int i = 0; i < end; ++i) co_yield i;
}

AsyncGenerator<int> count_slowly(int end, Log* log) {
  const Noted gone(*log, "gone");
  for (int i = 0; i < end; ++i) {
    co_await sleep(1s);
    co_yield i;
  }
}

class AsyncGeneratorTest : public ::testing::Test {
 protected:
  Log log_;
  ObservedLoop loop_;
};

TEST_F(AsyncGeneratorTest, GivesOneValueAfterTheOtherAndThenNone) {
  loop_.run([&]() -> Coro<> {
    auto numbers = count(3);
    std::vector<int> seen;
    while (std::optional<int> number = co_await numbers.next()) seen.push_back(*number);
    EXPECT_THAT(seen, ElementsAre(0, 1, 2));
    EXPECT_EQ(co_await numbers.next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, NoTurnPassesByItself) {
  loop_.run([&]() -> Coro<> {
    auto numbers = count(1000);
    const int before = loop_.turns();
    while (co_await numbers.next()) {
    }
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(AsyncGeneratorTest, MayWaitBetweenItsValues) {
  loop_.run([&]() -> Coro<> {
    auto numbers = count_slowly(3, &log_);
    const auto before = loop_.time();
    int sum = 0;
    while (std::optional<int> number = co_await numbers.next()) sum += *number;
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(loop_.time() - before, 3s);
  });
}

TEST_F(AsyncGeneratorTest, RunsNothingBeforeItIsAsked) {
  loop_.run([&]() -> Coro<> {
    auto generate = [](Log* log) -> AsyncGenerator<int> {
      log->push_back("begun");
      co_yield 1;
      log->push_back("asked again");
    };
    auto numbers = generate(&log_);
    EXPECT_THAT(log_, IsEmpty());
    co_await numbers.next();
    EXPECT_THAT(log_, ElementsAre("begun"));
  });
  EXPECT_THAT(log_, ElementsAre("begun"));
}

TEST_F(AsyncGeneratorTest, OneThatWasNeverAskedGoesWithoutATrace) {
  auto numbers = count_slowly(3, &log_);
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(AsyncGeneratorTest, DroppedBeforeItsEndItDestroysWhatItHolds) {
  loop_.run([&]() -> Coro<> {
    {
      auto numbers = count_slowly(3, &log_);
      co_await numbers.next();
      EXPECT_THAT(log_, IsEmpty());
    }
    EXPECT_THAT(log_, ElementsAre("gone"));
  });
}

TEST_F(AsyncGeneratorTest, WhatItThrowsEndsIt) {
  auto fail = [](int after) -> AsyncGenerator<int> {
    co_yield after;
    throw std::runtime_error("no more");
  };
  loop_.run([&]() -> Coro<> {
    auto numbers = fail(1);
    co_await numbers.next();
    std::string text;
    try {
      co_await numbers.next();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    EXPECT_EQ(text, "no more");
    EXPECT_EQ(co_await numbers.next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, ValuesMayBeMoveOnly) {
  auto make = [](int value) -> AsyncGenerator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(value);
  };
  loop_.run([&]() -> Coro<> {
    auto pointers = make(7);
    const std::optional<std::unique_ptr<int>> pointer = co_await pointers.next();
    EXPECT_EQ(**pointer, 7);
  });
}

TEST_F(AsyncGeneratorTest, OneTaskAfterTheOtherMayAsk) {
  loop_.run([&]() -> Coro<> {
    auto numbers = count_slowly(2, &log_);
    auto ask = [](AsyncGenerator<int>* from) -> Coro<int> { co_return *co_await from->next(); };
    EXPECT_EQ(co_await create_task(ask(&numbers)), 0);
    EXPECT_EQ(co_await create_task(ask(&numbers)), 1);
  });
}

TEST_F(AsyncGeneratorTest, TwoTasksAtOnceMayNot) {
  loop_.run([&]() -> Coro<> {
    auto numbers = count_slowly(2, &log_);
    auto ask = [](AsyncGenerator<int>* from) -> Coro<int> { co_return *co_await from->next(); };
    const Task<int> first = create_task(ask(&numbers));
    const Task<int> second = create_task(ask(&numbers));
    EXPECT_EQ(co_await ending_of(Future<int>(second)),
              "failed: anext(): asynchronous generator is already running");
    EXPECT_EQ(co_await first, 0);
  });
}

TEST_F(AsyncGeneratorTest, ACancellationIsThrownWhereItWaits) {
  loop_.run([&]() -> Coro<> {
    auto numbers = count_slowly(2, &log_);
    auto ask = [](AsyncGenerator<int>* from) -> Coro<int> { co_return *co_await from->next(); };
    const Task<int> task = create_task(ask(&numbers));
    co_await sleep(0s);
    task.cancel("enough");
    EXPECT_EQ(co_await ending_of(Future<int>(task)), "cancelled: enough");
    EXPECT_THAT(log_, ElementsAre("gone"));
    EXPECT_EQ(co_await numbers.next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, OneMayAskAnother) {
  auto doubled = [](AsyncGenerator<int>* numbers) -> AsyncGenerator<int> {
    while (std::optional<int> number = co_await numbers->next()) co_yield 2 * *number;
  };
  loop_.run([&]() -> Coro<> {
    auto numbers = count(3);
    auto even = doubled(&numbers);
    std::vector<int> seen;
    while (std::optional<int> number = co_await even.next()) seen.push_back(*number);
    EXPECT_THAT(seen, ElementsAre(0, 2, 4));
  });
}

TEST_F(AsyncGeneratorTest, ATaskDestroyedWhileItAsksTakesTheFramesWithIt) {
  auto loop = std::make_unique<ObservedLoop>();
  auto consume = [](Log* log) -> Coro<> {
    auto numbers = count_slowly(2, log);
    while (co_await numbers.next()) {
    }
  };
  create_task(*loop, consume(&log_));
  loop->stop();
  loop->run_forever();
  loop.reset();
  EXPECT_THAT(log_, ElementsAre("gone"));
}

// aclose().

TEST_F(AsyncGeneratorTest, ClosedItGetsAGeneratorExitAndMayAwaitOnItsWayOut) {
  auto generate = [](Log* log) -> AsyncGenerator<int> {
    std::optional<GeneratorExit> exit;
    try {
      co_yield 1;
    } catch (const GeneratorExit& error) {
      exit = error;
    }
    co_await sleep(1s);
    log->push_back("cleaned up");
    throw *exit;
  };
  loop_.run([&]() -> Coro<> {
    auto numbers = generate(&log_);
    co_await numbers.next();
    co_await numbers.aclose();
    EXPECT_THAT(log_, ElementsAre("cleaned up"));
    EXPECT_EQ(co_await numbers.next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, ClosingWhatHasEndedOrNotBegunDoesNothing) {
  loop_.run([&]() -> Coro<> {
    auto fresh = count_slowly(1, &log_);
    co_await fresh.aclose();
    EXPECT_THAT(log_, IsEmpty());
    EXPECT_EQ(co_await fresh.next(), std::nullopt);
    auto ended = count(0);
    co_await ended.next();
    co_await ended.aclose();
    co_await ended.aclose();
  });
}

TEST_F(AsyncGeneratorTest, OneThatYieldsInAnswerToTheExitIsToldOff) {
  auto stubborn = [](int value) -> AsyncGenerator<int> {
    try {
      co_yield value;
    } catch (const GeneratorExit&) {
    }
    co_yield value + 1;
  };
  loop_.run([&]() -> Coro<> {
    auto numbers = stubborn(1);
    co_await numbers.next();
    std::string text;
    try {
      co_await numbers.aclose();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    EXPECT_EQ(text, "async generator ignored GeneratorExit");
  });
}

TEST_F(AsyncGeneratorTest, OneThatIsBeingAskedCannotBeClosed) {
  loop_.run([&]() -> Coro<> {
    auto numbers = count_slowly(2, &log_);
    auto ask = [](AsyncGenerator<int>* from) -> Coro<int> { co_return *co_await from->next(); };
    const Task<int> asking = create_task(ask(&numbers));
    co_await sleep(0s);
    bool refused = false;
    try {
      co_await numbers.aclose();
    } catch (const std::runtime_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    EXPECT_EQ(co_await asking, 0);
    EXPECT_EQ(co_await numbers.next(), 1);
  });
}

}  // namespace
}  // namespace asyncio
