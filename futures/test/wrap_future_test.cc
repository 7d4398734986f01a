#include "asyncio/futures/wrap_future.h"

#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/policy.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/futures/concurrent_future.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "events/test/thrown_words.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

class WrapFutureTest : public ::testing::Test {
 protected:
  void run_until_done(const AnyFuture& future) {
    future.add_done_callback([this](const AnyFuture&) { loop_->stop(); });
    loop_->run_forever();
  }
  void turn() {
    loop_->stop();
    loop_->run_forever();
  }

  std::unique_ptr<SelectorEventLoop> loop_ = std::make_unique<SelectorEventLoop>();
};

TEST_F(WrapFutureTest, AResultArrivesFromAnotherThread) {
  const ConcurrentFuture<std::string> source;
  const Future<std::string> wrapped = wrap_future(source, *loop_);
  std::thread producing([&] { source.set_result("far away"); });
  run_until_done(wrapped);
  producing.join();
  EXPECT_EQ(wrapped.result(), "far away");
}

TEST_F(WrapFutureTest, OneThatIsDoneAlreadyArrivesNextTurn) {
  const ConcurrentFuture<> source;
  source.set_result();
  const Future<> wrapped = wrap_future(source, *loop_);
  EXPECT_FALSE(wrapped.done());
  turn();
  EXPECT_TRUE(wrapped.done());
}

TEST_F(WrapFutureTest, AnExceptionArrives) {
  const ConcurrentFuture<int> source;
  const Future<int> wrapped = wrap_future(source, *loop_);
  source.set_exception(std::make_exception_ptr(std::runtime_error("no")));
  turn();
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { wrapped.result(); }), "no");
}

TEST_F(WrapFutureTest, ACancellationArrives) {
  const ConcurrentFuture<int> source;
  const Future<int> wrapped = wrap_future(source, *loop_);
  source.cancel();
  turn();
  EXPECT_TRUE(wrapped.cancelled());
}

TEST_F(WrapFutureTest, CancellingTheWrapperCancelsTheSource) {
  const ConcurrentFuture<int> source;
  const Future<int> wrapped = wrap_future(source, *loop_);
  wrapped.cancel();
  turn();
  EXPECT_TRUE(source.cancelled());
  turn();
}

TEST_F(WrapFutureTest, ALateResultOfACancelledWrapperIsDropped) {
  const ConcurrentFuture<int> source;
  source.set_running_or_notify_cancel();
  const Future<int> wrapped = wrap_future(source, *loop_);
  wrapped.cancel();
  turn();
  EXPECT_FALSE(source.cancelled());
  source.set_result(1);
  turn();
  EXPECT_TRUE(wrapped.cancelled());
}

TEST_F(WrapFutureTest, AResultThatFindsItsLoopGoneIsDropped) {
  const ConcurrentFuture<int> source;
  const ConcurrentFuture<int> source_of_forgotten;
  const Future<int> wrapped = wrap_future(source, *loop_);
  wrap_future(source_of_forgotten, *loop_);
  loop_.reset();
  source.set_result(1);
  source_of_forgotten.set_result(2);
  EXPECT_FALSE(wrapped.done());
}

TEST_F(WrapFutureTest, AClosedLoopIsRefused) {
  loop_->close();
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { wrap_future(ConcurrentFuture<int>(), *loop_); }),
            "Event loop is closed");
}

TEST_F(WrapFutureTest, TheLoopIsTheRunningOneOrTheOneThatIsSet) {
  EXPECT_THROW(wrap_future(ConcurrentFuture<int>()), std::runtime_error);
  set_event_loop(loop_.get());
  EXPECT_EQ(&wrap_future(ConcurrentFuture<int>()).get_loop(), loop_.get());
  set_event_loop(nullptr);
  EventLoop* used = nullptr;
  loop_->call_soon([&] { used = &wrap_future(ConcurrentFuture<int>()).get_loop(); });
  turn();
  EXPECT_EQ(used, loop_.get());
}

TEST_F(WrapFutureTest, AFutureOfALoopIsGivenBack) {
  const Future<int> future(*loop_);
  EXPECT_EQ(wrap_future(future), future);
}

TEST_F(WrapFutureTest, AStdFutureIsWaitedForOnAThread) {
  std::promise<std::unique_ptr<int>> promise;
  Future<std::unique_ptr<int>> wrapped = wrap_future(promise.get_future(), *loop_);
  promise.set_value(std::make_unique<int>(7));
  run_until_done(wrapped);
  EXPECT_EQ(*wrapped.result(), 7);
}

TEST_F(WrapFutureTest, WhatAStdFutureThrowsArrives) {
  std::promise<void> promise;
  const Future<> wrapped = wrap_future(promise.get_future(), *loop_);
  promise.set_exception(std::make_exception_ptr(std::runtime_error("no")));
  run_until_done(wrapped);
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { wrapped.result(); }), "no");
}

}  // namespace
}  // namespace asyncio
