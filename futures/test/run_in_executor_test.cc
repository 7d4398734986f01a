#include "asyncio/futures/run_in_executor.h"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/events/thread_pool.h"
#include "asyncio/futures/delivery.h"
#include "asyncio/futures/errors.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

class RunInExecutorTest : public testing::Test {
 protected:
  // Runs the loop until the future is done.
  template <class T>
  void run_until_done(const Future<T>& future) {
    future.add_done_callback([&](const AnyFuture&) { loop_.stop(); });
    loop_.run_forever();
  }

  SelectorEventLoop loop_;
};

TEST_F(RunInExecutorTest, TheFunctionRunsInAnotherThreadAndItsResultComesToTheLoop) {
  const auto future = run_in_executor(
      loop_, nullptr,
      [](const std::string& text) { return std::pair(text + "!", std::this_thread::get_id()); },
      std::string("hello"));
  EXPECT_FALSE(future.done());
  run_until_done(future);
  EXPECT_EQ(future.result().first, "hello!");
  EXPECT_NE(future.result().second, std::this_thread::get_id());
}

TEST_F(RunInExecutorTest, TheLoopExpectsTheResultUntilItHasCome) {
  EXPECT_FALSE(internal::Delivery::expected_by(loop_));
  const auto future = run_in_executor(loop_, nullptr, [] {});
  EXPECT_TRUE(internal::Delivery::expected_by(loop_));
  run_until_done(future);
  EXPECT_FALSE(internal::Delivery::expected_by(loop_));
}

TEST_F(RunInExecutorTest, AnExceptionOfTheFunctionIsTheFutures) {
  const auto future = run_in_executor(loop_, nullptr, [] { throw std::range_error("job failed"); });
  run_until_done(future);
  EXPECT_THROW(future.result(), std::range_error);
}

TEST_F(RunInExecutorTest, WhatHasArrivedIsTheLoopsAloneWhateverTheJobsThreadStillDoes) {
  for (int i = 0; i < 200; ++i) {
    auto witness = std::make_shared<int>();
    const std::weak_ptr<int> alive = witness;
    {
      const auto future = run_in_executor(
          loop_, nullptr, [witness = std::move(witness)]() mutable { throw std::move(witness); });
      run_until_done(future);
      EXPECT_FALSE(alive.expired());
      EXPECT_NE(future.exception(), nullptr);
    }
    EXPECT_TRUE(alive.expired());
  }
}

TEST_F(RunInExecutorTest, AMoveOnlyResultArrives) {
  const auto future = run_in_executor(loop_, nullptr, [] { return std::make_unique<int>(7); });
  run_until_done(future);
  EXPECT_EQ(*future.result(), 7);
}

TEST_F(RunInExecutorTest, CancellingTheFutureCancelsAJobThatHasNotBegun) {
  ThreadPool pool(1);
  absl::Notification released;
  bool ran = false;
  const auto busy = run_in_executor(loop_, &pool, [&] { released.WaitForNotification(); });
  const auto queued = run_in_executor(loop_, &pool, [&] { ran = true; });
  EXPECT_TRUE(queued.cancel());
  run_until_done(queued);
  released.Notify();
  run_until_done(busy);
  pool.shutdown();
  EXPECT_TRUE(pool.wait(10s));
  EXPECT_FALSE(ran);
  EXPECT_TRUE(queued.cancelled());
}

TEST_F(RunInExecutorTest, TheResultOfAJobWhoseFutureWasCancelledMeanwhileIsDropped) {
  ThreadPool pool(1);
  absl::Notification begun, released;
  const auto future = run_in_executor(loop_, &pool, [&] {
    begun.Notify();
    released.WaitForNotification();
    return 7;
  });
  begun.WaitForNotification();
  EXPECT_TRUE(future.cancel());
  released.Notify();
  const auto after = run_in_executor(loop_, &pool, [] {});
  run_until_done(after);
  EXPECT_THROW((void)future.result(), CancelledError);
}

TEST_F(RunInExecutorTest, ACancelledJobMayEndAfterItsLoopHasClosed) {
  ThreadPool pool(1);
  absl::Notification begun, released;
  const auto future = run_in_executor(loop_, &pool, [&] {
    begun.Notify();
    released.WaitForNotification();
    return 7;
  });
  begun.WaitForNotification();
  EXPECT_TRUE(future.cancel());
  run_until_done(future);
  loop_.close();
  released.Notify();
  pool.shutdown();
  EXPECT_TRUE(pool.wait(10s));
  EXPECT_TRUE(future.cancelled());
}

TEST_F(RunInExecutorTest, ALoopMayCloseBeforeItsJobsEnd) {
  ThreadPool pool(1);
  absl::Notification begun, released;
  auto future = std::make_unique<Future<int>>(run_in_executor(loop_, &pool, [&] {
    begun.Notify();
    released.WaitForNotification();
    return 7;
  }));
  begun.WaitForNotification();
  loop_.close();
  EXPECT_FALSE(future->done());
  future = nullptr;
  released.Notify();
  pool.shutdown();
  EXPECT_TRUE(pool.wait(10s));
}

TEST_F(RunInExecutorTest, AClosedLoopRefuses) {
  loop_.close();
  EXPECT_THROW((void)run_in_executor(loop_, nullptr, [] {}), std::runtime_error);
}

TEST_F(RunInExecutorTest, SetDefaultExecutorReplacesThePool) {
  auto pool = std::make_shared<ThreadPool>(1, "mine");
  set_default_executor(loop_, pool);
  const auto future =
      run_in_executor(loop_, nullptr, [pool] { return pool->running_jobs().size(); });
  run_until_done(future);
  EXPECT_EQ(future.result(), 1u);
  EXPECT_THROW(set_default_executor(loop_, nullptr), std::invalid_argument);
}

TEST_F(RunInExecutorTest, AfterTheShutdownTheDefaultExecutorRefuses) {
  run_until_done(run_in_executor(loop_, nullptr, [] {}));
  run_until_done(shutdown_default_executor(loop_));
  EXPECT_THROW((void)run_in_executor(loop_, nullptr, [] {}), std::runtime_error);
  ThreadPool own(1);
  run_until_done(run_in_executor(loop_, &own, [] {}));
}

TEST_F(RunInExecutorTest, ShutdownWaitsForTheJobs) {
  bool ran = false;
  const auto job = run_in_executor(loop_, nullptr, [&] { ran = true; });
  run_until_done(shutdown_default_executor(loop_));
  EXPECT_TRUE(ran);
}

TEST_F(RunInExecutorTest, ShutdownWithoutAnExecutorIsDoneAtOnce) {
  EXPECT_TRUE(shutdown_default_executor(loop_).done());
}

TEST_F(RunInExecutorTest, AShutdownThatTakesTooLongWarnsAndNamesTheStuckJob) {
  std::string warning;
  LogSink old = set_log_sink([&](LogSeverity severity, std::string_view message) {
    if (severity == LogSeverity::kWarning) warning = message;
  });
  absl::Notification released, ended;
  const auto stuck = run_in_executor(loop_, nullptr, [&] {
    released.WaitForNotification();
    ended.Notify();
  });
  run_until_done(shutdown_default_executor(loop_, 10ms));
  set_log_sink(std::move(old));
  EXPECT_NE(warning.find("run_in_executor_test.cc"), std::string::npos) << warning;
  EXPECT_FALSE(stuck.done());
  released.Notify();
  ended.WaitForNotification();
}

}  // namespace
}  // namespace asyncio
