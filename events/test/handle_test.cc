#include "asyncio/events/handle.h"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash_testing.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/timer_queue.h"
#include "asyncio/events/virtual_time_loop.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

class HandleTest : public ::testing::Test {
 protected:
  // One turn that does not wait.
  void turn() {
    loop_->stop();
    loop_->run_forever();
  }

  void destroy_loop() { loop_.reset(); }

  std::unique_ptr<VirtualTimeLoop> loop_ = std::make_unique<VirtualTimeLoop>();
};

// Something that a callback captures, to see when it goes.
struct Captured {
  std::shared_ptr<int> object = std::make_shared<int>(1);
  std::weak_ptr<int> watch = object;

  std::shared_ptr<int> give() { return std::move(object); }
  bool gone() const { return watch.expired(); }
};

TEST_F(HandleTest, ADefaultHandleRefersToNothing) {
  Handle handle;
  EXPECT_TRUE(handle.cancelled());
  handle.cancel();
  TimerHandle timer;
  EXPECT_TRUE(timer.cancelled());
  timer.cancel();
  EXPECT_TRUE(timer.cancelled());
}

TEST_F(HandleTest, ACallbackRunsWhetherOrNotAnybodyKeepsItsHandle) {
  int runs = 0;
  loop_->call_soon([&] { ++runs; });
  loop_->call_later(0s, [&] { ++runs; });
  turn();
  EXPECT_EQ(runs, 2);
}

TEST_F(HandleTest, ACancelledCallbackNeverRuns) {
  bool ran = false;
  Handle handle = loop_->call_soon([&] { ran = true; });
  TimerHandle timer = loop_->call_later(0s, [&] { ran = true; });
  EXPECT_FALSE(handle.cancelled());
  EXPECT_FALSE(timer.cancelled());
  handle.cancel();
  timer.cancel();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_TRUE(timer.cancelled());
  turn();
  EXPECT_FALSE(ran);
}

TEST_F(HandleTest, CancellingDestroysTheCallbackAtOnce) {
  Captured captured, captured_by_timer;
  Handle handle = loop_->call_soon([object = captured.give()] {});
  TimerHandle timer = loop_->call_later(1h, [object = captured_by_timer.give()] {});
  EXPECT_FALSE(captured.gone());
  handle.cancel();
  EXPECT_TRUE(captured.gone());
  EXPECT_FALSE(captured_by_timer.gone());
  timer.cancel();
  EXPECT_TRUE(captured_by_timer.gone());
}

TEST_F(HandleTest, CancellingTwiceIsCancellingOnce) {
  Handle handle = loop_->call_soon([] { FAIL(); });
  TimerHandle timer = loop_->call_later(0s, [] { FAIL(); });
  handle.cancel();
  handle.cancel();
  timer.cancel();
  timer.cancel();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_TRUE(timer.cancelled());
  turn();
}

TEST_F(HandleTest, AHandleIsNotCancelledByRunning) {
  Handle handle = loop_->call_soon([] {});
  TimerHandle timer = loop_->call_later(0s, [] {});
  turn();
  EXPECT_FALSE(handle.cancelled());
  EXPECT_FALSE(timer.cancelled());
}

TEST_F(HandleTest, CancellingAfterTheRunHasNoEffectButTheFlag) {
  int runs = 0;
  Handle handle = loop_->call_soon([&] { ++runs; });
  TimerHandle timer = loop_->call_later(0s, [&] { ++runs; });
  turn();
  handle.cancel();
  timer.cancel();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_TRUE(timer.cancelled());
  turn();
  EXPECT_EQ(runs, 2);
}

TEST_F(HandleTest, ACallbackIsDestroyedOnceItHasRunAlthoughItsHandleIsKept) {
  Captured captured, captured_by_timer;
  Handle handle = loop_->call_soon([object = captured.give()] {});
  TimerHandle timer = loop_->call_later(0s, [object = captured_by_timer.give()] {});
  turn();
  EXPECT_TRUE(captured.gone());
  EXPECT_TRUE(captured_by_timer.gone());
}

TEST_F(HandleTest, AnEarlierCallbackOfTheSameTurnCanStillCancelALaterOne) {
  Handle later;
  TimerHandle timer;
  loop_->call_soon([&] {
    later.cancel();
    timer.cancel();
  });
  later = loop_->call_soon([] { FAIL(); });
  timer = loop_->call_later(0s, [] { FAIL(); });
  turn();
  EXPECT_TRUE(later.cancelled());
  EXPECT_TRUE(timer.cancelled());
  turn();
}

TEST_F(HandleTest, CopiesMeanTheSameCallback) {
  bool ran = false;
  Handle handle = loop_->call_soon([&] { ran = true; });
  Handle copy = handle;
  Handle assigned;
  assigned = copy;
  Handle moved = std::move(copy);
  moved.cancel();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_TRUE(assigned.cancelled());
  turn();
  EXPECT_FALSE(ran);
}

TEST_F(HandleTest, AHandleThatWasMovedFromRefersToNothing) {
  bool ran = false;
  Handle handle = loop_->call_soon([&] { ran = true; });
  Handle moved = std::move(handle);
  handle.cancel();  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(moved.cancelled());
  turn();
  EXPECT_TRUE(ran);
}

TEST_F(HandleTest, AssigningAHandleToItselfKeepsIt) {
  bool ran = false;
  Handle handle = loop_->call_soon([&] { ran = true; });
  const Handle& same = handle;
  handle = same;
  turn();
  EXPECT_TRUE(ran);
  EXPECT_FALSE(handle.cancelled());
}

TEST_F(HandleTest, ATimerHandleMayBeKeptAsAHandle) {
  bool ran = false;
  Handle handle = loop_->call_later(1h, [&] { ran = true; });
  handle.cancel();
  loop_->advance(2h);
  turn();
  EXPECT_FALSE(ran);
}

TEST_F(HandleTest, ACallbackThatCancelsItsOwnHandleIsDestroyedOnlyAfterwards) {
  Captured captured;
  std::optional<bool> gone_inside;
  Handle handle;
  handle = loop_->call_soon([&, object = captured.give()] {
    handle.cancel();
    gone_inside = captured.gone();
  });
  turn();
  EXPECT_EQ(gone_inside, false);
  EXPECT_TRUE(captured.gone());
  EXPECT_TRUE(handle.cancelled());
}

TEST_F(HandleTest, ATimerThatCancelsItsOwnHandleIsDestroyedOnlyAfterwards) {
  Captured captured;
  std::optional<bool> gone_inside;
  TimerHandle handle;
  handle = loop_->call_later(0s, [&, object = captured.give()] {
    handle.cancel();
    gone_inside = captured.gone();
  });
  turn();
  EXPECT_EQ(gone_inside, false);
  EXPECT_TRUE(captured.gone());
}

// What keeps itself alive by its timer, and withdraws the timer when it goes.
struct Session {
  ~Session() { timeout.cancel(); }
  Handle timeout;
};

TEST_F(HandleTest, AnObjectHeldByItsOwnCallbackGoesWhenItIsCancelled) {
  auto session = std::make_shared<Session>();
  const std::weak_ptr<Session> watch = session;
  Session& reference = *session;
  session->timeout = loop_->call_later(1h, [session] {});
  session.reset();
  ASSERT_FALSE(watch.expired());
  reference.timeout.cancel();  // destroys the session, which cancels once more
  EXPECT_TRUE(watch.expired());
}

TEST_F(HandleTest, AnObjectHeldByItsOwnQueuedCallbackGoesWhenItIsCancelled) {
  auto session = std::make_shared<Session>();
  const std::weak_ptr<Session> watch = session;
  Session& reference = *session;
  session->timeout = loop_->call_soon([session] {});
  session.reset();
  reference.timeout.cancel();
  EXPECT_TRUE(watch.expired());
  turn();
}

TEST_F(HandleTest, AnObjectHeldByItsOwnCallbackGoesWhenThatHasRun) {
  auto session = std::make_shared<Session>();
  const std::weak_ptr<Session> watch = session;
  session->timeout = loop_->call_later(0s, [session] {});
  session.reset();
  turn();
  EXPECT_TRUE(watch.expired());
}

TEST_F(HandleTest, AnObjectHeldByItsOwnCallbackGoesWhenTheLoopCloses) {
  auto queued = std::make_shared<Session>();
  auto waiting = std::make_shared<Session>();
  const std::weak_ptr<Session> watch_queued = queued, watch_waiting = waiting;
  queued->timeout = loop_->call_soon([queued] {});
  waiting->timeout = loop_->call_later(1h, [waiting] {});
  queued.reset();
  waiting.reset();
  loop_->close();
  EXPECT_TRUE(watch_queued.expired());
  EXPECT_TRUE(watch_waiting.expired());
}

TEST_F(HandleTest, ATimerHandleTellsItsDeadline) {
  const TimePoint start = loop_->time();
  EXPECT_EQ(loop_->call_later(3s, [] {}).when(), start + 3s);
  EXPECT_EQ(loop_->call_at(start - 5s, [] {}).when(), start - 5s);
  EXPECT_EQ(loop_->call_later(Duration::infinite(), [] {}).when(), TimePoint::max());
}

TEST_F(HandleTest, TheDeadlineIsStillThereAfterTheTimerFiredOrWasCancelled) {
  const TimePoint start = loop_->time();
  TimerHandle fired = loop_->call_later(0s, [] {});
  TimerHandle cancelled = loop_->call_later(1h, [] {});
  cancelled.cancel();
  turn();
  EXPECT_EQ(fired.when(), start);
  EXPECT_EQ(cancelled.when(), start + 1h);
}

TEST_F(HandleTest, AHandleMayOutliveItsLoop) {
  Captured captured;
  Handle ran = loop_->call_soon([] {});
  turn();
  Handle queued = loop_->call_soon([object = captured.give()] {});
  Handle cancelled = loop_->call_soon([] {});
  cancelled.cancel();
  TimerHandle waiting = loop_->call_later(1h, [] {});
  destroy_loop();
  EXPECT_TRUE(captured.gone());
  EXPECT_FALSE(queued.cancelled());
  EXPECT_EQ(waiting.when(), TimePoint() + 1h);
  for (Handle handle : {ran, queued, cancelled, Handle(waiting)}) {
    handle.cancel();
    EXPECT_TRUE(handle.cancelled());
  }
}

TEST_F(HandleTest, AnExceptionIsReportedWithItsContext) {
  std::vector<ExceptionContext> reports;
  loop_->set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { reports.push_back(context); });
  const auto error = std::make_exception_ptr(std::runtime_error("boom"));
  Handle handle = loop_->call_soon([&] { std::rethrow_exception(error); });
  loop_->call_later(0s, [] { throw 42; });
  turn();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].message, "Exception in callback");
  EXPECT_EQ(reports[0].exception, error);
  EXPECT_EQ(reports[1].message, "Exception in callback");
  EXPECT_THROW(std::rethrow_exception(reports[1].exception), int);
  EXPECT_FALSE(handle.cancelled());
}

TEST_F(HandleTest, ACallbackThatCancelsItselfAndThrowsIsReportedAndDestroyed) {
  int reports = 0;
  loop_->set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++reports; });
  Captured captured;
  Handle handle;
  handle = loop_->call_soon([&, object = captured.give()] {
    handle.cancel();
    throw std::runtime_error("boom");
  });
  turn();
  EXPECT_EQ(reports, 1);
  EXPECT_TRUE(captured.gone());
}

// What a handle tells about itself.

TEST_F(HandleTest, AHandleSaysWhatItIsAndWhoScheduledIt) {
  const auto here = std::source_location::current();
  Handle handle = loop_->call_soon([] {}, here);
  EXPECT_EQ(to_string(handle), "<Handle created at " + to_string(here) + ">");
  handle.cancel();
  EXPECT_EQ(to_string(handle), "<Handle created at " + to_string(here) + ", cancelled>");
  EXPECT_EQ(to_string(Handle()), "<Handle cancelled>");
}

TEST_F(HandleTest, WithoutALineGivenItIsThatOfTheCall) {
  const unsigned line = std::source_location::current().line();
  const Handle handle = loop_->call_soon([] {});
  EXPECT_EQ(to_string(handle),
            "<Handle created at events/test/handle_test.cc:" + std::to_string(line + 1) + ">");
}

TEST_F(HandleTest, ATimerHandleSaysWhatItIs) {
  const auto here = std::source_location::current();
  const TimerHandle handle = loop_->call_later(1s, [] {}, here);
  EXPECT_EQ(to_string(handle), "<TimerHandle created at " + to_string(here) + ">");
}

TEST_F(HandleTest, ACallbackWithArgumentsHasNoLine) {
  const Handle handle = loop_->call_soon([](int) {}, 1);
  EXPECT_EQ(to_string(handle), "<Handle>");
}

TEST_F(HandleTest, TimersAreOrderedByDeadlineAndEqualOnlyToThemselves) {
  const TimePoint now = loop_->time();
  const TimerHandle early = loop_->call_at(now + 1s, [] {});
  const TimerHandle also_early = loop_->call_at(now + 1s, [] {});
  const TimerHandle late = loop_->call_at(now + 2s, [] {});
  EXPECT_TRUE(early < late && late > early && early <= late && late >= early);
  EXPECT_TRUE(early <= also_early && early >= also_early);
  EXPECT_FALSE(early < also_early || early > also_early);
  EXPECT_TRUE(early == TimerHandle(early));
  EXPECT_TRUE(early != also_early);
}

TEST_F(HandleTest, EqualHandlesHashEqually) {
  const Handle handle = loop_->call_soon([] {});
  const Handle copy = handle;
  const Handle other = loop_->call_soon([] {});
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({handle, copy, other, Handle()}));
}

TEST_F(HandleTest, TheContextIsTheOneInWhichTheCallbackRuns) {
  const ContextVar<int> variable("variable", 0);
  const Handle handle = loop_->call_soon([&] { variable.set(7); });
  const Context context = handle.get_context();
  EXPECT_EQ(context.run([&] { return variable.get(); }), 0);
  turn();
  EXPECT_EQ(context.run([&] { return variable.get(); }), 7);
  EXPECT_EQ(handle.get_context(), context);
}

TEST_F(HandleTest, WhileTheCallbackRunsItsContextIsTheCurrentOne) {
  const ContextVar<int> variable("variable", 0);
  std::optional<Context> seen;
  Handle handle;
  handle = loop_->call_soon([&] {
    variable.set(7);
    seen = handle.get_context();
    EXPECT_EQ(seen->size(), 1U);
  });
  turn();
  EXPECT_EQ(handle.get_context(), *seen);
}

TEST_F(HandleTest, AContextThatWasGivenIsKeptItself) {
  const Context context = copy_context();
  EXPECT_EQ(loop_->call_soon([] {}, context).get_context(), context);
  EXPECT_EQ(loop_->call_later(1s, [] {}, context).get_context(), context);
}

}  // namespace
}  // namespace asyncio
