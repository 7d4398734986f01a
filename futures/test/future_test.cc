#include "asyncio/futures/future.h"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/activity.h"
#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/policy.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future_state.h"
#include "events/test/captured_log.h"
#include "events/test/thrown_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr char kClosed[] = "Event loop is closed";
constexpr char kNeverRetrieved[] = "Future exception was never retrieved";

class FutureTest : public ::testing::Test {
 protected:
  FutureTest() {
    loop_->set_exception_handler(
        [this](EventLoop&, const ExceptionContext& context) { reports_.push_back(context); });
  }

  void turn() {
    loop_->stop();
    loop_->run_forever();
  }

  // A done callback that leaves its mark.
  auto mark(int number) {
    return [this, number](AnyFuture) { log_.push_back(number); };
  }

  std::vector<int> log_;
  std::vector<ExceptionContext> reports_;
  std::unique_ptr<VirtualTimeLoop> loop_ = std::make_unique<VirtualTimeLoop>();
};

// The words of the CancelledError that `call` throws.
std::string cancellation_of(auto&& call) {
  try {
    call();
  } catch (const CancelledError& error) {
    return error.message().value_or("no message");
  } catch (...) {
    return "another exception";
  }
  return "no exception";
}

std::string words_of(auto&& call) { return thrown_words<std::runtime_error>(call); }

class Sleeper final : public Runnable {
 public:
  explicit Sleeper(std::function<void()> resume) : resume_(std::move(resume)) {}
  void run() override { resume_(); }
  void abandon() noexcept override { abandoned = true; }

  bool abandoned = false;

 private:
  std::function<void()> resume_;
};

// State.

TEST_F(FutureTest, ANewFutureIsPending) {
  const Future<int> future(*loop_);
  EXPECT_FALSE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(thrown_words<InvalidStateError>([&] { future.result(); }), "Result is not ready.");
  EXPECT_EQ(thrown_words<InvalidStateError>([&] { future.exception(); }), "Exception is not set.");
  EXPECT_FALSE(future.done());
}

TEST_F(FutureTest, AResultIsGivenOutAsOftenAsAsked) {
  const Future<std::string> future(*loop_);
  future.set_result("text");
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.result(), "text");
  EXPECT_EQ(future.result(), "text");
  EXPECT_EQ(future.exception(), nullptr);
}

TEST_F(FutureTest, AResultMayBeNothing) {
  const Future<> future(*loop_);
  EXPECT_EQ(thrown_words<InvalidStateError>([&] { future.result(); }), "Result is not ready.");
  future.set_result();
  EXPECT_TRUE(future.done());
  future.result();
}

TEST_F(FutureTest, AResultMayBeMadeInPlaceAndNeverMove) {
  struct Fixed {
    Fixed(int a, int b) : sum(a + b) {}
    Fixed(const Fixed&) = delete;
    int sum;
  };
  const Future<Fixed> future(*loop_);
  future.set_result(3, 4);
  EXPECT_EQ(future.result().sum, 7);
}

TEST_F(FutureTest, AResultMayBeMoveOnly) {
  const Future<std::unique_ptr<int>> future(*loop_);
  future.set_result(std::make_unique<int>(7));
  EXPECT_EQ(*future.result(), 7);
}

TEST_F(FutureTest, ADoneFutureCannotBeSetAgain) {
  const auto refuses_all = [](const Future<int>& future) {
    EXPECT_THROW(future.set_result(2), InvalidStateError);
    EXPECT_THROW(future.set_exception(std::logic_error("again")), InvalidStateError);
    EXPECT_THROW(future.set_exception(std::make_exception_ptr(1)), InvalidStateError);
    EXPECT_FALSE(future.cancel());
  };
  const Future<int> finished(*loop_), failed(*loop_), cancelled(*loop_);
  finished.set_result(1);
  failed.set_exception(std::runtime_error("boom"));
  cancelled.cancel("first");
  refuses_all(finished);
  refuses_all(failed);
  refuses_all(cancelled);
  EXPECT_EQ(finished.result(), 1);
  EXPECT_EQ(words_of([&] { failed.result(); }), "boom");
  EXPECT_FALSE(failed.cancelled());
  EXPECT_EQ(cancellation_of([&] { cancelled.result(); }), "first");
}

TEST_F(FutureTest, AnExceptionIsThrownAsOftenAsTheResultIsAskedFor) {
  const Future<int> future(*loop_);
  future.set_exception(std::runtime_error("boom"));
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(words_of([&] { future.result(); }), "boom");
  EXPECT_EQ(words_of([&] { future.result(); }), "boom");
}

TEST_F(FutureTest, AnExceptionIsKeptAsItIs) {
  const Future<> future(*loop_);
  const auto error = std::make_exception_ptr(std::runtime_error("boom"));
  future.set_exception(error);
  EXPECT_EQ(future.exception(), error);
  const Future<> odd(*loop_);
  odd.set_exception(42);
  EXPECT_THROW(odd.result(), int);
}

TEST_F(FutureTest, NoExceptionAtAllIsRefused) {
  const Future<int> future(*loop_);
  EXPECT_EQ(
      thrown_words<std::invalid_argument>([&] { future.set_exception(std::exception_ptr()); }),
      "invalid exception object");
  EXPECT_FALSE(future.done());
  future.set_result(1);
  EXPECT_EQ(future.result(), 1);
}

TEST_F(FutureTest, AValueThatCannotBeMadeLeavesTheFuturePending) {
  struct Picky {
    explicit Picky(int number) {
      if (number < 0) throw std::invalid_argument("negative");
    }
  };
  const Future<Picky> future(*loop_);
  EXPECT_THROW(future.set_result(-1), std::invalid_argument);
  EXPECT_FALSE(future.done());
  future.set_result(1);
  EXPECT_TRUE(future.done());
}

TEST_F(FutureTest, ACancelledFutureThrowsWhateverItIsAsked) {
  const Future<int> future(*loop_);
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.done());
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(cancellation_of([&] { future.result(); }), "no message");
  EXPECT_EQ(cancellation_of([&] { future.exception(); }), "no message");
  EXPECT_FALSE(future.cancel());
}

TEST_F(FutureTest, TheFirstCancellationsMessageSurvives) {
  const Future<int> future(*loop_);
  EXPECT_TRUE(future.cancel("too late"));
  EXPECT_FALSE(future.cancel("much too late"));
  EXPECT_EQ(cancellation_of([&] { future.result(); }), "too late");
  EXPECT_EQ(cancellation_of([&] { future.exception(); }), "too late");
}

TEST_F(FutureTest, ACancelledErrorSetAsExceptionIsNoCancellation) {
  const Future<int> future(*loop_);
  future.set_exception(CancelledError("from elsewhere"));
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_NE(future.exception(), nullptr);
  EXPECT_EQ(cancellation_of([&] { future.result(); }), "from elsewhere");
}

TEST_F(FutureTest, CopiesMeanTheSameResult) {
  const Future<int> future(*loop_), other(*loop_);
  const Future<int> copy = future;
  const AnyFuture any = future;
  EXPECT_EQ(copy, future);
  EXPECT_EQ(any, future);
  EXPECT_NE(other, future);
  copy.set_result(7);
  EXPECT_EQ(future.result(), 7);
  EXPECT_TRUE(any.done());
  EXPECT_FALSE(other.done());
}

TEST_F(FutureTest, AFutureBelongsToTheLoopItWasMadeFor) {
  VirtualTimeLoop other;
  EXPECT_EQ(&Future<int>(other).get_loop(), &other);
  EXPECT_EQ(&create_future<int>(*loop_).get_loop(), loop_.get());
  EXPECT_EQ(&create_future(*loop_).get_loop(), loop_.get());
}

TEST_F(FutureTest, WithoutALoopGivenItIsTheRunningOne) {
  EventLoop* found = nullptr;
  loop_->call_soon([&] { found = &Future<int>().get_loop(); });
  turn();
  EXPECT_EQ(found, loop_.get());
}

TEST_F(FutureTest, WithoutARunningLoopItIsTheThreadsCurrentOne) {
  set_event_loop(loop_.get());
  EXPECT_EQ(&Future<int>().get_loop(), loop_.get());
  set_event_loop(nullptr);
}

TEST_F(FutureTest, WithoutAnyLoopItCannotBeMade) {
  EXPECT_EQ(words_of([] { Future<int>(); }),
            "There is no current event loop in thread 'MainThread'.");
}

TEST_F(FutureTest, TheValueIsMovedOutOnlyIfNobodyElseCanSeeIt) {
  const std::string text = "a text too long to be stored in a small string";
  const Future<std::string> future(*loop_);
  future.set_result(text);
  std::optional<Future<std::string>> other = future;
  EXPECT_EQ(future.typed_state().take_value(), text);
  EXPECT_EQ(future.result(), text);
  other.reset();
  const char* place = future.result().data();
  EXPECT_EQ(future.typed_state().take_value().data(), place);
}

// Done callbacks.

TEST_F(FutureTest, CallbacksRunNextTurnInTheOrderInWhichTheyWereAdded) {
  const Future<int> future(*loop_);
  for (int i = 0; i < 5; ++i) future.add_done_callback(mark(i));
  turn();
  EXPECT_THAT(log_, IsEmpty());
  future.set_result(1);
  EXPECT_THAT(log_, IsEmpty());
  turn();
  EXPECT_THAT(log_, ElementsAre(0, 1, 2, 3, 4));
  turn();
  EXPECT_EQ(log_.size(), 5U);
}

TEST_F(FutureTest, CallbacksRunAfterAnExceptionAndAfterACancellationToo) {
  const Future<int> failed(*loop_), cancelled(*loop_);
  failed.add_done_callback(mark(1));
  failed.add_done_callback(mark(2));
  cancelled.add_done_callback(mark(3));
  failed.set_exception(std::runtime_error("boom"));
  cancelled.cancel();
  EXPECT_THAT(log_, IsEmpty());
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
  failed.exception();
}

TEST_F(FutureTest, ACallbackIsGivenTheFuture) {
  const Future<int> future(*loop_);
  std::vector<int> results;
  std::optional<AnyFuture> any;
  future.add_done_callback([&](Future<int> done) { results.push_back(done.result()); });
  future.add_done_callback([&](AnyFuture done) { any = done; });
  future.add_done_callback([&](const Future<int>& done) { results.push_back(done.result() + 1); });
  future.set_result(7);
  turn();
  EXPECT_THAT(results, ElementsAre(7, 8));
  EXPECT_EQ(any, future);
}

TEST_F(FutureTest, ACallbackAddedToADoneFutureRunsNextTurn) {
  const Future<int> future(*loop_);
  future.set_result(1);
  future.add_done_callback(mark(1));
  EXPECT_THAT(log_, IsEmpty());
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(FutureTest, CallbacksStandInLineWithEverythingElseThatIsDue) {
  const Future<int> future(*loop_);
  Sleeper sleeper([&] { log_.push_back(3); });
  future.add_done_callback(mark(2));
  future.state().park(sleeper);
  future.add_done_callback(mark(4));
  loop_->call_soon([&] { log_.push_back(1); });
  future.set_result(1);
  loop_->call_soon([&] { log_.push_back(5); });
  future.add_done_callback(mark(6));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(FutureTest, WhatACallbackAddsRunsInTheTurnAfter) {
  const Future<int> future(*loop_);
  future.add_done_callback([&](AnyFuture done) {
    log_.push_back(1);
    done.add_done_callback(mark(3));
  });
  future.add_done_callback(mark(2));
  future.set_result(1);
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

TEST_F(FutureTest, ARemovedCallbackDoesNotRunAndLeavesTheOthersInOrder) {
  for (std::size_t removed = 0; removed < 3; ++removed) {
    log_.clear();
    const Future<int> future(*loop_);
    std::vector<AnyFuture::CallbackId> ids;
    std::vector<int> expected;
    for (std::size_t i = 0; i < 3; ++i) {
      ids.push_back(future.add_done_callback(mark(static_cast<int>(i))));
      if (i != removed) expected.push_back(static_cast<int>(i));
    }
    EXPECT_TRUE(future.remove_done_callback(ids[removed]));
    EXPECT_FALSE(future.remove_done_callback(ids[removed]));
    future.set_result(1);
    turn();
    EXPECT_EQ(log_, expected);
  }
}

TEST_F(FutureTest, AllCallbacksMayBeRemoved) {
  const Future<int> future(*loop_);
  const auto one = future.add_done_callback(mark(1));
  const auto two = future.add_done_callback(mark(2));
  EXPECT_TRUE(future.remove_done_callback(one));
  EXPECT_TRUE(future.remove_done_callback(two));
  future.set_result(1);
  turn();
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(FutureTest, TheSameCallbackAddedTwiceHasTwoNames) {
  const Future<int> future(*loop_);
  const auto callback = mark(1);
  const auto one = future.add_done_callback(callback);
  const auto two = future.add_done_callback(callback);
  EXPECT_NE(one, two);
  EXPECT_TRUE(future.remove_done_callback(two));
  future.set_result(1);
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(FutureTest, ANameMeansNothingToAnotherFuture) {
  const Future<int> future(*loop_), other(*loop_);
  other.add_done_callback(mark(2));
  const auto name = future.add_done_callback(mark(1));
  EXPECT_FALSE(other.remove_done_callback(name));
  EXPECT_FALSE(other.remove_done_callback(0));
  future.set_result(1);
  other.set_result(1);
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

TEST_F(FutureTest, ACallbackThatIsDueCannotBeRemovedAnyMore) {
  const Future<int> future(*loop_);
  const auto before = future.add_done_callback(mark(1));
  future.set_result(1);
  const auto after = future.add_done_callback(mark(2));
  EXPECT_FALSE(future.remove_done_callback(before));
  EXPECT_FALSE(future.remove_done_callback(after));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

TEST_F(FutureTest, ACallbackIsDestroyedWhenItHasRunIsRemovedOrCanNeverRun) {
  const auto object = std::make_shared<int>(1);
  std::optional<Future<int>> future(Future<int>{*loop_});
  const auto removed = future->add_done_callback([object](AnyFuture) {});
  future->add_done_callback([object](AnyFuture) {});
  EXPECT_EQ(object.use_count(), 3);
  future->remove_done_callback(removed);
  EXPECT_EQ(object.use_count(), 2);
  future->set_result(1);
  turn();
  EXPECT_EQ(object.use_count(), 1);
  future.emplace(*loop_);
  future->add_done_callback([object](AnyFuture) {});
  future.reset();
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(FutureTest, ACallbackMayBeMoveOnly) {
  const Future<int> future(*loop_);
  int seen = 0;
  future.add_done_callback([&, number = std::make_unique<int>(7)](AnyFuture) { seen = *number; });
  future.set_result(1);
  turn();
  EXPECT_EQ(seen, 7);
}

TEST_F(FutureTest, DueCallbacksKeepTheFutureAlive) {
  int result = 0;
  {
    const Future<int> future(*loop_);
    future.add_done_callback([&](Future<int> done) { result = done.result(); });
    future.set_result(7);
  }
  turn();
  EXPECT_EQ(result, 7);
}

TEST_F(FutureTest, ACallbackMayDropTheLastReferenceAndFinishOthers) {
  std::optional<Future<int>> future(Future<int>{*loop_});
  const Future<int> next(*loop_);
  next.add_done_callback(mark(2));
  future->add_done_callback([&](Future<int> done) {
    future.reset();
    log_.push_back(1);
    next.set_result(done.result());
  });
  future->set_result(7);
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
  EXPECT_EQ(next.result(), 7);
}

TEST_F(FutureTest, ACallbackMayOwnTheFutureItIsRemovedFrom) {
  const auto object = std::make_shared<int>(1);
  std::optional<Future<int>> future(Future<int>{*loop_});
  internal::FutureState& state = future->state();
  const auto name = future->add_done_callback([owned = *future, object](AnyFuture) {});
  future.reset();
  EXPECT_EQ(object.use_count(), 2);
  EXPECT_TRUE(state.remove_done_callback(name));  // destroys the future with the callback
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(FutureTest, ACallbackThatIsDestroyedMayRemoveAnother) {
  struct Remover {
    ~Remover() { removed = future.remove_done_callback(other); }
    Future<int> future;
    AnyFuture::CallbackId other;
    bool& removed;
  };
  const Future<int> future(*loop_);
  bool removed = false;
  const auto other = future.add_done_callback(mark(1));
  const auto name = future.add_done_callback(
      [remover = std::unique_ptr<Remover>(new Remover{future, other, removed})](AnyFuture) {});
  EXPECT_TRUE(future.remove_done_callback(name));
  EXPECT_TRUE(removed);
  future.set_result(1);
  turn();
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(FutureTest, ACallbackThatThrowsIsReportedAndTheOthersRun) {
  const Future<int> future(*loop_);
  const auto error = std::make_exception_ptr(std::runtime_error("boom"));
  future.add_done_callback([&](AnyFuture) { std::rethrow_exception(error); });
  future.add_done_callback(mark(1));
  future.set_result(1);
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(reports_[0].message, "Exception in callback");
  EXPECT_EQ(reports_[0].exception, error);
  EXPECT_THAT(
      reports_[0].details,
      ElementsAre(Pair("future", StartsWith("<Future created at futures/test/future_test.cc:"))));
}

TEST_F(FutureTest, ACallbackThatThrowsAFatalErrorLeavesTheLoopAndTheOthersDue) {
  const Future<int> future(*loop_);
  future.add_done_callback([](AnyFuture) { throw KeyboardInterrupt(); });
  future.add_done_callback(mark(1));
  future.set_result(1);
  EXPECT_THROW(loop_->run_forever(), KeyboardInterrupt);
  EXPECT_THAT(reports_, IsEmpty());
  EXPECT_THAT(log_, IsEmpty());
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(FutureTest, AParkedSleeperMayLeaveTheLine) {
  const Future<int> future(*loop_);
  future.add_done_callback(mark(1));
  {
    Sleeper sleeper([] { FAIL(); });
    future.state().park(sleeper);
    future.add_done_callback(mark(2));
  }
  future.set_result(1);
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

TEST_F(FutureTest, AFutureThatNobodyCanFinishAbandonsItsSleepers) {
  Sleeper sleeper([] { FAIL(); });
  {
    const Future<int> future(*loop_);
    future.state().park(sleeper);
  }
  EXPECT_TRUE(sleeper.abandoned);
  EXPECT_FALSE(sleeper.linked());
}

TEST_F(FutureTest, WhileACallbackRunsItIsTheLoopsCurrentActivity) {
  const auto here = std::source_location::current();
  std::string activity;
  Future<int> future(*loop_);
  future.add_done_callback(
      [&](const AnyFuture&) { activity = to_string(*loop_->current_activity()); }, here);
  future.set_result(1);
  turn();
  EXPECT_EQ(activity, "<Handle created at " + to_string(here) + ">");
}

// Exceptions that nobody looks at.

TEST_F(FutureTest, AnExceptionThatNobodyReadIsReportedOnceWhenTheLastReferenceGoes) {
  const auto error = std::make_exception_ptr(std::runtime_error("boom"));
  std::optional<Future<int>> future(Future<int>{*loop_});
  std::optional<Future<int>> copy = *future;
  future->set_exception(error);
  turn();
  future.reset();
  EXPECT_THAT(reports_, IsEmpty());
  copy.reset();
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(reports_[0].message, kNeverRetrieved);
  EXPECT_EQ(reports_[0].exception, error);
  EXPECT_THAT(
      reports_[0].details,
      ElementsAre(Pair("future", StartsWith("<Future created at futures/test/future_test.cc:"))));
}

TEST_F(FutureTest, AnExceptionThatWasReadIsNotReported) {
  {
    const Future<int> asked(*loop_), tried(*loop_);
    asked.set_exception(std::runtime_error("boom"));
    tried.set_exception(std::runtime_error("boom"));
    EXPECT_NE(asked.exception(), nullptr);
    EXPECT_THROW(tried.result(), std::runtime_error);
  }
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(FutureTest, AnExceptionIsNotReportedAfterSomebodyTriedToCancel) {
  {
    const Future<int> future(*loop_);
    future.set_exception(std::runtime_error("boom"));
    EXPECT_FALSE(future.cancel());
  }
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(FutureTest, AFutureWithoutAnExceptionIsNotReported) {
  {
    const Future<int> pending(*loop_), unread(*loop_), read(*loop_), cancelled(*loop_);
    unread.set_result(1);
    read.set_result(1);
    read.result();
    cancelled.cancel();
    EXPECT_EQ(cancellation_of([&] { cancelled.result(); }), "no message");
  }
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(FutureTest, LookingBeforeTheFailureDoesNotCountAsHavingSeenIt) {
  {
    const Future<int> future(*loop_);
    EXPECT_THROW(future.exception(), InvalidStateError);
    EXPECT_THROW(future.result(), InvalidStateError);
    future.set_exception(std::runtime_error("boom"));
    EXPECT_THROW(future.set_exception(std::runtime_error("again")), InvalidStateError);
    EXPECT_TRUE(future.done());
  }
  EXPECT_EQ(reports_.size(), 1U);
}

TEST_F(FutureTest, ACallbackThatDoesNotLookIsNoReader) {
  {
    const Future<int> ignored(*loop_), looked_at(*loop_);
    ignored.add_done_callback([](AnyFuture) {});
    looked_at.add_done_callback([](AnyFuture done) { done.exception(); });
    ignored.set_exception(std::runtime_error("ignored"));
    looked_at.set_exception(std::runtime_error("looked at"));
  }
  turn();
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(words_of([&] { std::rethrow_exception(reports_[0].exception); }), "ignored");
}

TEST_F(FutureTest, AHandlerThatAsksToEndTheLoopFromAReportIsOnlyLogged) {
  CapturedLog log;
  loop_->set_exception_handler(
      [](EventLoop&, const ExceptionContext&) { throw KeyboardInterrupt(); });
  Future<int>(*loop_).set_exception(std::runtime_error("boom"));
  EXPECT_THAT(log.messages, ElementsAre(::testing::HasSubstr("from a destructor")));
}

// Loops that are closed or gone.

TEST_F(FutureTest, AClosedLoopsFutureStillTakesAResultIfNobodyWaits) {
  loop_->close();
  const Future<int> finished(*loop_), failed(*loop_), cancelled(*loop_);
  finished.set_result(7);
  failed.set_exception(std::runtime_error("boom"));
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_EQ(finished.result(), 7);
  EXPECT_EQ(words_of([&] { failed.result(); }), "boom");
}

TEST_F(FutureTest, AClosedLoopsFutureCannotBeFinishedWhileSomebodyWaits) {
  const auto object = std::make_shared<int>(1);
  {
    const Future<int> future(*loop_);
    future.add_done_callback([object](AnyFuture) { FAIL(); });
    loop_->close();
    EXPECT_EQ(words_of([&] { future.set_result(1); }), kClosed);
    EXPECT_EQ(words_of([&] { future.set_exception(std::runtime_error("boom")); }), kClosed);
    EXPECT_EQ(words_of([&] { future.cancel(); }), kClosed);
    EXPECT_FALSE(future.done());
    EXPECT_EQ(object.use_count(), 2);
  }
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(FutureTest, WhatAClosedLoopRefusedLeavesNoTrace) {
  const Future<int> future(*loop_);
  const auto name = future.add_done_callback(mark(1));
  loop_->close();
  EXPECT_THROW(future.set_exception(std::runtime_error("boom")), std::runtime_error);
  EXPECT_TRUE(future.remove_done_callback(name));
  EXPECT_TRUE(future.cancel("after all"));
  EXPECT_EQ(cancellation_of([&] { future.result(); }), "after all");
}

TEST_F(FutureTest, AClosedLoopsDoneFutureRefusesCallbacks) {
  const auto object = std::make_shared<int>(1);
  const Future<int> future(*loop_);
  future.set_result(7);
  loop_->close();
  EXPECT_EQ(words_of([&] { future.add_done_callback([object](AnyFuture) { FAIL(); }); }), kClosed);
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_EQ(future.result(), 7);
}

TEST_F(FutureTest, ClosingTheLoopDropsDueCallbacksAndLetsGoOfTheFuture) {
  const auto object = std::make_shared<int>(1);
  std::optional<Future<std::shared_ptr<int>>> future(Future<std::shared_ptr<int>>{*loop_});
  future->add_done_callback([object](AnyFuture) { FAIL(); });
  future->set_result(object);
  future.reset();
  EXPECT_EQ(object.use_count(), 3);
  loop_->close();
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(FutureTest, AFutureMayOutliveItsLoop) {
  const auto object = std::make_shared<int>(1);
  const Future<int> done(*loop_), cancelled(*loop_);
  std::optional<Future<int>> waited_for(Future<int>{*loop_});
  const Future<int> idle(*loop_);
  done.set_result(7);
  cancelled.cancel();
  waited_for->add_done_callback([object](AnyFuture) { FAIL(); });
  loop_.reset();
  EXPECT_EQ(done.result(), 7);
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_EQ(words_of([&] { waited_for->set_result(1); }), kClosed);
  EXPECT_EQ(words_of([&] { waited_for->cancel(); }), kClosed);
  EXPECT_EQ(words_of([&] { done.add_done_callback([object](AnyFuture) { FAIL(); }); }), kClosed);
  idle.set_result(1);
  EXPECT_EQ(idle.result(), 1);
  waited_for.reset();
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(FutureTest, AnUnreadExceptionThatOutlivesItsLoopIsLoggedOnce) {
  CapturedLog log;
  std::optional<Future<int>> future(Future<int>{*loop_});
  future->set_exception(std::runtime_error("boom"));
  loop_.reset();
  EXPECT_THAT(log.messages, IsEmpty());
  future.reset();
  EXPECT_THAT(log.severities, ElementsAre(LogSeverity::kError));
  EXPECT_THAT(log.messages, ElementsAre(::testing::StartsWith(kNeverRetrieved)));
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(FutureTest, AnUnreadExceptionOfAClosedLoopStillReachesItsHandler) {
  std::optional<Future<int>> future(Future<int>{*loop_});
  future->set_exception(std::runtime_error("boom"));
  loop_->close();
  future.reset();
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(reports_[0].message, kNeverRetrieved);
}

TEST_F(FutureTest, ADoneCallbackRunsInTheContextThatIsGiven) {
  static ContextVar<int> number("number", 0);
  const Context context;
  context.run([] { number.set(7); });
  std::vector<int> seen;
  const auto look = [&](const AnyFuture&) { seen.push_back(number.get()); };
  const Future<int> future(*loop_);
  future.add_done_callback(look, context);
  AnyFuture(future).add_done_callback([&](const AnyFuture&) { number.set(8); }, context);
  future.add_done_callback(look);
  future.set_result(1);
  turn();
  future.add_done_callback(look, context);
  turn();
  EXPECT_THAT(seen, ElementsAre(7, 0, 8));
}

TEST_F(FutureTest, ADoneCallbackMayTakeWhateverAHandleBecomes) {
  const Future<int> future(*loop_);
  future.add_done_callback([&](const Future<int>& done) { log_.push_back(done.result()); });
  future.add_done_callback([&](auto done) { log_.push_back(done.result() + 1); });
  future.add_done_callback([&](AnyFuture done) { log_.push_back(done.done() ? 3 : 0); });
  future.set_result(1);
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace asyncio
