#include "asyncio/futures/concurrent_future.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

std::exception_ptr failure() { return std::make_exception_ptr(std::runtime_error("no")); }

TEST(ConcurrentFutureTest, IsPendingAtFirst) {
  const ConcurrentFuture<int> future;
  EXPECT_FALSE(future.done());
  EXPECT_FALSE(future.running());
  EXPECT_FALSE(future.cancelled());
}

TEST(ConcurrentFutureTest, AResultIsWaitedForByAnotherThread) {
  const ConcurrentFuture<std::string> future;
  std::string seen;
  std::thread waiting([&] { seen = future.result(); });
  future.set_result("done");
  waiting.join();
  EXPECT_EQ(seen, "done");
  EXPECT_EQ(future.result(), "done");
  EXPECT_EQ(future.exception(), nullptr);
  EXPECT_TRUE(future.done());
}

TEST(ConcurrentFutureTest, AnExceptionIsThrownEachTime) {
  const ConcurrentFuture<> future;
  future.set_exception(failure());
  EXPECT_THROW(future.result(), std::runtime_error);
  EXPECT_THROW(future.result(), std::runtime_error);
  EXPECT_NE(future.exception(), nullptr);
}

TEST(ConcurrentFutureTest, WaitingEndsWithItsLimit) {
  const ConcurrentFuture<> future;
  EXPECT_THROW(future.result(1ms), TimeoutError);
  EXPECT_THROW(future.exception(0s), TimeoutError);
  EXPECT_FALSE(future.done());
}

TEST(ConcurrentFutureTest, CancelledItThrowsCancelledError) {
  const ConcurrentFuture<> future;
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(future.done());
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_THROW(future.exception(), CancelledError);
}

TEST(ConcurrentFutureTest, WhatRunsOrHasEndedCannotBeCancelled) {
  const ConcurrentFuture<int> future;
  EXPECT_TRUE(future.set_running_or_notify_cancel());
  EXPECT_TRUE(future.running());
  EXPECT_FALSE(future.cancel());
  future.set_result(1);
  EXPECT_FALSE(future.running());
  EXPECT_FALSE(future.cancel());
}

TEST(ConcurrentFutureTest, WhatWasCancelledNeedNotBegin) {
  const ConcurrentFuture<> future;
  future.cancel();
  EXPECT_FALSE(future.set_running_or_notify_cancel());
}

TEST(ConcurrentFutureTest, ItBeginsAndEndsOnce) {
  const ConcurrentFuture<int> future;
  future.set_running_or_notify_cancel();
  EXPECT_THROW(future.set_running_or_notify_cancel(), InvalidStateError);
  future.set_result(1);
  EXPECT_THROW(future.set_result(2), InvalidStateError);
  EXPECT_THROW(future.set_exception(failure()), InvalidStateError);
  EXPECT_EQ(future.result(), 1);
  const ConcurrentFuture<int> cancelled;
  cancelled.cancel();
  EXPECT_THROW(cancelled.set_result(2), InvalidStateError);
}

TEST(ConcurrentFutureTest, CallbacksRunInOrderInTheThreadThatEndsIt) {
  const ConcurrentFuture<int> future;
  std::vector<std::pair<int, std::thread::id>> calls;
  for (const int i : {1, 2}) {
    future.add_done_callback([&calls, i](const ConcurrentFuture<int>& done) {
      calls.emplace_back(i * done.result(), std::this_thread::get_id());
    });
  }
  std::thread ending([&] { future.set_result(10); });
  const std::thread::id id = ending.get_id();
  ending.join();
  EXPECT_THAT(calls, ElementsAre(std::pair(10, id), std::pair(20, id)));
}

TEST(ConcurrentFutureTest, ACallbackAddedLateRunsAtOnce) {
  const ConcurrentFuture<> future;
  future.cancel();
  bool called = false;
  future.add_done_callback([&](const ConcurrentFuture<>& done) { called = done.cancelled(); });
  EXPECT_TRUE(called);
}

TEST(ConcurrentFutureTest, OneThatNobodyCanEndAnyMoreGoesWithItsCallbacks) {
  auto captured = std::make_shared<int>(1);
  std::weak_ptr<int> watch = captured;
  {
    const ConcurrentFuture<> future;
    future.add_done_callback([captured = std::move(captured)](const ConcurrentFuture<>&) {});
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(ConcurrentFutureTest, AValueThatCannotBeCopiedIsMovedOut) {
  const ConcurrentFuture<std::unique_ptr<int>> future;
  future.set_result(std::make_unique<int>(7));
  EXPECT_EQ(*future.result(), 7);
}

TEST(ConcurrentFutureTest, CopiesMeanTheSameResult) {
  const ConcurrentFuture<int> future;
  const ConcurrentFuture<int> copy = future;
  EXPECT_EQ(copy, future);
  EXPECT_NE(copy, ConcurrentFuture<int>());
  copy.set_result(1);
  EXPECT_EQ(future.result(), 1);
}

// Many threads cancel, end and wait at the same time: exactly one of them ends it.
TEST(ConcurrentFutureTest, ExactlyOneEndWins) {
  for (int round = 0; round < 100; ++round) {
    const ConcurrentFuture<int> future;
    std::atomic<int> ends{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        try {
          if (i == 0) {
            future.add_done_callback([](const ConcurrentFuture<int>&) {});
            if (future.cancel()) ++ends;
          } else {
            future.set_result(i);
            ++ends;
          }
        } catch (const InvalidStateError&) {
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(ends, 1);
    EXPECT_TRUE(future.done());
  }
}

}  // namespace
}  // namespace asyncio
