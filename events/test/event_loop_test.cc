// What every loop does, on a VirtualTimeLoop. Descriptors and real waiting:
// selector_event_loop_test.

#include "asyncio/events/event_loop.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/idle_observer.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/timer_queue.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/selectors/duration.h"
#include "events/test/captured_log.h"
#include "events/test/thrown_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using namespace std::chrono_literals;

constexpr char kClosed[] = "Event loop is closed";
constexpr char kRunning[] = "This event loop is already running";
constexpr char kOtherRuns[] = "Cannot run the event loop while another loop is running";
constexpr char kCannotClose[] = "Cannot close a running event loop";
constexpr char kWrongThread[] =
    "Non-thread-safe operation invoked on an event loop other than the current one";

class EventLoopTest : public ::testing::Test {
 protected:
  // One turn that does not wait.
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  // Runs until nothing is due before `end`.
  void run_until(Duration end) {
    TimerHandle stop = loop_.call_at(TimePoint() + end.nanoseconds(), [&] { loop_.stop(); });
    loop_.run_forever();
    stop.cancel();
  }

  // A callback that leaves its mark.
  Callback mark(int number) {
    return [this, number] { log_.push_back(number); };
  }

  std::vector<ExceptionContext>& collect_reports() {
    loop_.set_exception_handler(
        [this](EventLoop&, const ExceptionContext& context) { reports_.push_back(context); });
    return reports_;
  }

  std::vector<int> log_;
  std::vector<ExceptionContext> reports_;
  VirtualTimeLoop loop_;
};

class Node final : public Runnable {
 public:
  explicit Node(std::function<void()> action) : action_(std::move(action)) {}
  void run() override { action_(); }
  void abandon() noexcept override { abandoned = true; }

  bool abandoned = false;

 private:
  std::function<void()> action_;
};

class Substitute final : public Runnable {
 public:
  explicit Substitute(std::function<void()> action) : action_(std::move(action)) {}
  void run() override { action_(); }
  Activity activity() const noexcept override { return {.kind = "Substitute"}; }

 private:
  std::function<void()> action_;
};

// Turns.

TEST_F(EventLoopTest, CallbacksRunInTheOrderInWhichTheyWereScheduled) {
  for (int i = 0; i < 10; ++i) loop_.call_soon(mark(i));
  turn();
  EXPECT_THAT(log_, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(EventLoopTest, NothingRunsInsideTheCallThatSchedulesIt) {
  loop_.call_soon(mark(1));
  loop_.call_soon_threadsafe(mark(2));
  loop_.call_later(0s, mark(3));
  EXPECT_THAT(log_, IsEmpty());
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

TEST_F(EventLoopTest, ACallbackScheduledByACallbackWaitsForTheNextTurn) {
  loop_.call_soon([&] {
    loop_.call_soon(mark(3));
    log_.push_back(1);
  });
  loop_.call_soon(mark(2));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

TEST_F(EventLoopTest, ATimerOfNoDelaySetByATimerWaitsForTheNextTurn) {
  loop_.call_later(0s, [&] {
    log_.push_back(1);
    loop_.call_later(0s, mark(2));
    loop_.call_later(-5s, mark(3));
  });
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 3, 2));
}

TEST_F(EventLoopTest, WhatATimerSchedulesWaitsForTheNextTurn) {
  loop_.call_later(0s, [&] {
    loop_.call_soon(mark(2));
    log_.push_back(1);
  });
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

TEST_F(EventLoopTest, DueTimersComeAfterWhatWasDueAlready) {
  loop_.call_later(0s, mark(3));
  loop_.call_later(-1s, mark(2));
  loop_.call_soon(mark(0));
  loop_.call_soon(mark(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(0, 1, 2, 3));
}

TEST_F(EventLoopTest, WhatACallbackSchedulesComesBeforeTimersOfThatTurn) {
  loop_.call_later(1s, mark(3));
  loop_.call_soon([&] {
    loop_.advance(1s);
    loop_.call_soon(mark(2));
    log_.push_back(1);
  });
  turn();
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

TEST_F(EventLoopTest, ARunnableStandsInLineWithCallbacks) {
  Node node([&] { log_.push_back(2); });
  loop_.call_soon(mark(1));
  loop_.enqueue(node);
  loop_.call_soon(mark(3));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
  EXPECT_FALSE(node.linked());
}

TEST_F(EventLoopTest, ARunnableMayEnqueueItselfForTheNextTurn) {
  int runs = 0;
  Node* self = nullptr;
  Node node([&] {
    if (++runs < 3) loop_.enqueue(*self);
  });
  self = &node;
  loop_.enqueue(node);
  turn();
  EXPECT_EQ(runs, 1);
  turn();
  turn();
  turn();
  EXPECT_EQ(runs, 3);
}

TEST_F(EventLoopTest, WhatRunsInsteadOfARunnableMayDestroyThatAndIsWhatReportsName) {
  std::unique_ptr<Node> node;
  Substitute instead([&] {
    node.reset();
    log_.push_back(std::string(loop_.current_activity()->kind) == "Substitute" ? 1 : 0);
  });
  node = std::make_unique<Node>([&] { loop_.run_instead(instead); });
  loop_.enqueue(*node);
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, ARunnableThatIsDestroyedWhileDueDoesNotRun) {
  auto node = std::make_unique<Node>([] { FAIL(); });
  loop_.call_soon([&] { node.reset(); });
  loop_.enqueue(*node);
  loop_.call_soon(mark(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, ATimersActionIsARunnableInLineWithTimerHandles) {
  Node node([&] { log_.push_back(2); });
  Timer timer(node);
  loop_.call_later(1s, mark(1));
  loop_.schedule(timer, loop_.deadline(1s));
  loop_.call_later(1s, mark(3));
  run_until(2s);
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

// Arguments.

TEST_F(EventLoopTest, ArgumentsArePassedOn) {
  std::vector<std::string> seen;
  const auto note = [&](const std::string& text, int number) {
    seen.push_back(text + std::to_string(number));
  };
  loop_.call_soon(note, "soon", 1);
  loop_.call_soon_threadsafe(note, "threadsafe", 2);
  loop_.call_later(0s, note, "later", 3);
  loop_.call_at(loop_.time(), note, "at", 4);
  turn();
  EXPECT_THAT(seen, ElementsAre("soon1", "threadsafe2", "later3", "at4"));
}

TEST_F(EventLoopTest, ArgumentsAreKeptByValueUnlessWrappedInARef) {
  std::string copied = "before", referred = "before";
  std::string seen;
  loop_.call_soon([&](const std::string& a, const std::string& b) { seen = a + " " + b; }, copied,
                  std::ref(referred));
  copied = referred = "after";
  turn();
  EXPECT_EQ(seen, "before after");
}

TEST_F(EventLoopTest, AnArgumentMayBeMoveOnly) {
  int seen = 0;
  loop_.call_soon([&](std::unique_ptr<int>& number) { seen = *number; }, std::make_unique<int>(7));
  loop_.call_soon([&, number = std::make_unique<int>(8)] { seen += *number; });
  turn();
  EXPECT_EQ(seen, 15);
}

TEST_F(EventLoopTest, AMemberFunctionMayBeCalledOnAnObject) {
  struct Counter {
    void add(int number) { total += number; }
    int total = 0;
  } counter;
  loop_.call_soon(&Counter::add, &counter, 5);
  turn();
  EXPECT_EQ(counter.total, 5);
}

// Timers.

TEST_F(EventLoopTest, TimersFireByDeadline) {
  loop_.call_later(3s, mark(3));
  loop_.call_later(1s, mark(1));
  loop_.call_at(loop_.time() + 2s, mark(2));
  run_until(10s);
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

TEST_F(EventLoopTest, EqualDeadlinesAreFirstInFirstOut) {
  std::vector<int> expected;
  for (int i = 0; i < 50; ++i) {
    loop_.call_at(TimePoint() + 1s, mark(i));
    expected.push_back(i);
  }
  run_until(2s);
  EXPECT_THAT(log_, ElementsAreArray(expected));
}

TEST_F(EventLoopTest, ATimerIsNeverEarly) {
  loop_.call_later(10ns, mark(1));
  loop_.advance(9ns);
  turn();
  EXPECT_THAT(log_, IsEmpty());
  loop_.advance(1ns);
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, NegativeDelaysAreDueNextTurnByDeadline) {
  loop_.call_later(-1s, mark(2));
  loop_.call_later(-2s, mark(1));
  loop_.call_later(0s, mark(4));
  loop_.call_later(-500ms, mark(3));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3, 4));
}

TEST_F(EventLoopTest, ADeadlineInThePastIsDueNextTurn) {
  loop_.advance(1h);
  loop_.call_at(TimePoint() + 1s, mark(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, TheLowestDelayIsDueNextTurnFirstOfAll) {
  loop_.call_later(-1h, mark(2));
  loop_.call_later(Duration::lowest(), mark(0));
  loop_.advance(1h);
  loop_.call_at(TimePoint::min(), mark(1));
  loop_.call_soon([&] { loop_.stop(); });
  loop_.run_forever();
  EXPECT_THAT(log_, ElementsAre(0, 1, 2));
}

TEST_F(EventLoopTest, AnInfiniteDelayNeverFires) {
  loop_.call_later(Duration::infinite(), [] { FAIL(); });
  loop_.call_later(std::chrono::duration<double>(std::numeric_limits<double>::infinity()),
                   [] { FAIL(); });
  loop_.call_at(TimePoint::max(), [] { FAIL(); });
  run_until(24h * 365 * 200);
  EXPECT_EQ(loop_.time(), TimePoint() + 24h * 365 * 200);
}

TEST_F(EventLoopTest, ADelayBeyondTheEndOfTimeNeverFiresEither) {
  loop_.advance(24h);
  EXPECT_EQ(loop_.call_later(Duration::infinite(), [] {}).when(), TimePoint::max());
  EXPECT_EQ(loop_.deadline(Duration(std::chrono::nanoseconds::max() - 1h)), TimePoint::max());
  EXPECT_EQ(loop_.deadline(1s), loop_.time() + 1s);
  EXPECT_EQ(loop_.deadline(-1s), loop_.time() - 1s);
}

TEST_F(EventLoopTest, ADelayThatIsNoNumberIsRefused) {
  const auto nan = std::chrono::duration<double>(std::nan(""));
  EXPECT_THROW(loop_.call_later(nan, [] { FAIL(); }), std::invalid_argument);
  turn();
}

TEST_F(EventLoopTest, DelaysOfAnyUnitAreTaken) {
  loop_.call_later(0.5s, mark(2));
  loop_.call_later(1ms, mark(1));
  loop_.call_later(1min, mark(4));
  loop_.call_later(absl::Seconds(2), mark(3));
  run_until(1h);
  EXPECT_THAT(log_, ElementsAre(1, 2, 3, 4));
}

TEST_F(EventLoopTest, ACancelledTimerIsNotWaitedFor) {
  TimerHandle handle = loop_.call_later(1s, [] { FAIL(); });
  loop_.call_later(1h, [&] { loop_.stop(); });
  handle.cancel();
  std::vector<Duration> times;
  loop_.call_soon([&] { times.push_back(loop_.time() - TimePoint()); });
  loop_.run_forever();
  EXPECT_EQ(loop_.time(), TimePoint() + 1h);
}

// run_forever and stop.

TEST_F(EventLoopTest, StoppingBeforehandRunsExactlyOneTurnThatDoesNotWait) {
  loop_.call_soon([&] {
    log_.push_back(1);
    loop_.call_soon(mark(3));
  });
  loop_.call_later(0s, mark(2));
  loop_.call_later(1s, [] { FAIL(); });
  loop_.stop();
  EXPECT_FALSE(loop_.is_running());
  loop_.run_forever();
  EXPECT_THAT(log_, ElementsAre(1, 2));
  EXPECT_EQ(loop_.time(), TimePoint());
}

TEST_F(EventLoopTest, StoppingBeforehandEndsARunWithoutAnythingToDo) {
  loop_.stop();
  loop_.run_forever();
  EXPECT_FALSE(loop_.is_running());
}

TEST_F(EventLoopTest, StoppingTwiceIsStoppingOnce) {
  loop_.stop();
  loop_.stop();
  loop_.run_forever();
  loop_.call_later(1s, [&] {
    log_.push_back(1);
    loop_.stop();
  });
  loop_.run_forever();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, StopLetsTheTurnFinishAndLeavesWhatThatSchedulesForTheNextRun) {
  loop_.call_soon([&] {
    loop_.stop();
    loop_.call_soon(mark(3));
    loop_.call_later(0s, mark(4));
    log_.push_back(1);
  });
  loop_.call_soon(mark(2));
  loop_.run_forever();
  EXPECT_THAT(log_, ElementsAre(1, 2));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3, 4));
}

TEST_F(EventLoopTest, TheRequestToStopDoesNotSurviveTheRun) {
  turn();
  bool second_turn = false;
  loop_.call_soon([&] {
    loop_.call_soon([&] {
      second_turn = true;
      loop_.stop();
    });
  });
  loop_.run_forever();
  EXPECT_TRUE(second_turn);
}

TEST_F(EventLoopTest, ALoopKnowsWhetherItRuns) {
  EXPECT_FALSE(loop_.is_running());
  bool inside = false;
  loop_.call_soon([&] { inside = loop_.is_running(); });
  turn();
  EXPECT_TRUE(inside);
  EXPECT_FALSE(loop_.is_running());
}

TEST_F(EventLoopTest, ARunningLoopCannotBeRun) {
  std::string words;
  bool still_running = false;
  loop_.call_soon([&] {
    words = thrown_words<std::runtime_error>([&] { loop_.run_forever(); });
    still_running = loop_.is_running() && running_loop_or_null() == &loop_;
  });
  loop_.call_soon(mark(1));
  turn();
  EXPECT_EQ(words, kRunning);
  EXPECT_TRUE(still_running);
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, ARunningLoopCannotBeRunByAnotherThread) {
  std::string words;
  loop_.call_soon([&] {
    std::thread([&] {
      words = thrown_words<std::runtime_error>([&] { loop_.run_forever(); });
    }).join();
  });
  turn();
  EXPECT_EQ(words, kRunning);
}

TEST_F(EventLoopTest, InsideARunningLoopNoOtherCanBeRun) {
  VirtualTimeLoop other;
  other.call_soon(mark(9));
  std::string words;
  bool undisturbed = false;
  loop_.call_soon([&] {
    words = thrown_words<std::runtime_error>([&] { other.run_forever(); });
    undisturbed = &get_running_loop() == &loop_ && !other.is_running();
  });
  loop_.call_soon(mark(1));
  turn();
  EXPECT_EQ(words, kOtherRuns);
  EXPECT_TRUE(undisturbed);
  EXPECT_THAT(log_, ElementsAre(1));
  other.stop();
  other.run_forever();
  EXPECT_THAT(log_, ElementsAre(1, 9));
}

TEST_F(EventLoopTest, ALoopMayRunInOneThreadAfterAnother) {
  loop_.call_soon(mark(1));
  turn();
  std::thread([&] {
    loop_.call_soon(mark(2));
    turn();
  }).join();
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

// Closing.

TEST_F(EventLoopTest, AClosedLoopRefusesEverything) {
  loop_.close();
  EXPECT_TRUE(loop_.is_closed());
  const auto refused = [](auto&& call) { return thrown_words<std::runtime_error>(call); };
  EXPECT_EQ(refused([&] { loop_.run_forever(); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.call_soon([] {}); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.call_soon([](int) {}, 1); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.call_soon_threadsafe([] {}); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.call_later(1s, [] {}); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.call_at(TimePoint(), [] {}); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.add_reader(0, [] {}); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.add_writer(0, [] {}); }), kClosed);
  EXPECT_EQ(refused([&] { loop_.add_signal_handler(SIGUSR1, [] {}); }), kClosed);
  EXPECT_FALSE(loop_.is_running());
  EXPECT_EQ(running_loop_or_null(), nullptr);
}

TEST_F(EventLoopTest, RefusedCallbacksAreDestroyed) {
  loop_.close();
  auto object = std::make_shared<int>(1);
  EXPECT_THROW(loop_.call_soon([object] {}), std::runtime_error);
  EXPECT_THROW(loop_.call_soon_threadsafe([object] {}), std::runtime_error);
  EXPECT_THROW(loop_.call_later(1s, [object] {}), std::runtime_error);
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(EventLoopTest, AClosedLoopStillTellsTheTimeAndMayBeStopped) {
  loop_.close();
  loop_.stop();
  EXPECT_EQ(loop_.time(), TimePoint());
  EXPECT_FALSE(loop_.is_running());
}

TEST_F(EventLoopTest, ClosingTwiceIsClosingOnce) {
  loop_.close();
  loop_.close();
  EXPECT_TRUE(loop_.is_closed());
}

TEST_F(EventLoopTest, ARunningLoopCannotBeClosed) {
  std::string words;
  loop_.call_soon([&] { words = thrown_words<std::runtime_error>([&] { loop_.close(); }); });
  loop_.call_soon(mark(1));
  turn();
  EXPECT_EQ(words, kCannotClose);
  EXPECT_FALSE(loop_.is_closed());
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, ClosingDropsWhatWasScheduledWithoutRunningIt) {
  auto object = std::make_shared<int>(1);
  loop_.call_soon([object] { FAIL(); });
  loop_.call_later(0s, [object] { FAIL(); });
  loop_.call_later(1h, [object] { FAIL(); });
  loop_.call_soon_threadsafe([object] { FAIL(); });
  EXPECT_EQ(object.use_count(), 5);
  loop_.close();
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(EventLoopTest, ClosingTellsRunnablesThatTheyNeverRun) {
  Node queued([] { FAIL(); }), waiting([] { FAIL(); }), idle([] { FAIL(); });
  Timer timer(waiting);
  loop_.enqueue(queued);
  loop_.schedule(timer, TimePoint() + 1h);
  loop_.close();
  EXPECT_TRUE(queued.abandoned);
  EXPECT_TRUE(waiting.abandoned);
  EXPECT_FALSE(idle.abandoned);
  EXPECT_FALSE(timer.scheduled());
}

TEST_F(EventLoopTest, WhatIsDestroyedByClosingMaySeeAClosedLoop) {
  struct Probe {
    ~Probe() { seen.push_back(loop.is_closed() && !loop.remove_reader(0)); }
    EventLoop& loop;
    std::vector<bool>& seen;
  };
  std::vector<bool> seen;
  loop_.call_soon([probe = std::unique_ptr<Probe>(new Probe{loop_, seen})] {});
  loop_.call_later(1h, [probe = std::unique_ptr<Probe>(new Probe{loop_, seen})] {});
  loop_.close();
  EXPECT_THAT(seen, ElementsAre(true, true));
}

TEST_F(EventLoopTest, WhatIsDestroyedByClosingMayCancelOtherHandles) {
  struct Canceller {
    ~Canceller() { other.cancel(); }
    Handle other;
  };
  auto object = std::make_shared<int>(1);
  auto canceller = std::make_unique<Canceller>();
  Canceller& reference = *canceller;
  loop_.call_soon([canceller = std::move(canceller)] {});
  reference.other = loop_.call_later(1h, [object] {});
  loop_.close();
  EXPECT_EQ(object.use_count(), 1);
}

TEST(EventLoopLifeTest, DestroyingALoopClosesIt) {
  auto object = std::make_shared<int>(1);
  {
    VirtualTimeLoop loop;
    loop.call_soon([object] { FAIL(); });
    loop.call_later(1s, [object] { FAIL(); });
    loop.call_soon_threadsafe([object] { FAIL(); });
  }
  EXPECT_EQ(object.use_count(), 1);
}

TEST(EventLoopLifeTest, ALoopIsAliveFromConstructionToDestruction) {
  auto loop = std::make_unique<VirtualTimeLoop>();
  const EventLoop* address = loop.get();
  EXPECT_TRUE(EventLoop::is_alive(address));
  loop->close();
  EXPECT_TRUE(EventLoop::is_alive(address));
  loop.reset();
  EXPECT_FALSE(EventLoop::is_alive(address));
  EXPECT_FALSE(EventLoop::is_alive(nullptr));
}

TEST(EventLoopLifeTest, TheClockOfALoopIsTheMachinesMonotonicOne) {
  class Plain : public VirtualTimeLoop {
   public:
    TimePoint time() const override { return EventLoop::time(); }
  };
  const Plain loop;
  const TimePoint before = std::chrono::steady_clock::now();
  const TimePoint one = loop.time();
  const TimePoint two = loop.time();
  const TimePoint after = std::chrono::steady_clock::now();
  EXPECT_LE(before, one);
  EXPECT_LE(one, two);
  EXPECT_LE(two, after);
}

// Wrong thread.

TEST_F(EventLoopTest, WhileItRunsALoopRefusesWhatAnotherThreadSchedules) {
  std::vector<std::string> words;
  loop_.call_soon([&] {
    std::thread([&] {
      const auto ask = [&](auto&& call) {
        words.push_back(thrown_words<std::runtime_error>(call));
      };
      ask([&] { loop_.call_soon([] {}); });
      ask([&] { loop_.call_later(1s, [] {}); });
      ask([&] { loop_.call_at(TimePoint(), [] {}); });
      ask([&] { loop_.add_reader(0, [] {}); });
      ask([&] { loop_.add_writer(0, [] {}); });
      ask([&] { loop_.add_signal_handler(SIGUSR1, [] {}); });
    }).join();
  });
  turn();
  EXPECT_EQ(words, std::vector<std::string>(6, kWrongThread));
}

TEST_F(EventLoopTest, AThreadWithALoopOfItsOwnIsRefusedToo) {
  std::string words;
  loop_.call_soon([&] {
    std::thread([&] {
      VirtualTimeLoop own;
      own.call_soon([&] {
        words = thrown_words<std::runtime_error>([&] { loop_.call_soon([] {}); });
        own.stop();
      });
      own.run_forever();
    }).join();
  });
  turn();
  EXPECT_EQ(words, kWrongThread);
}

// The thread runs since before the loop does, so that only the loop's own care keeps TSan silent.
TEST_F(EventLoopTest, AThreadMayAskWhetherALoopRunsAtAnyTime) {
  std::thread other([&] {
    while (!loop_.is_running()) std::this_thread::yield();
    EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_.call_soon([] {}); }), kWrongThread);
    EXPECT_FALSE(loop_.is_closed());
    loop_.call_soon_threadsafe([&] { loop_.stop(); });
  });
  loop_.run_forever();
  other.join();
}

TEST_F(EventLoopTest, WhileItDoesNotRunAnyThreadMaySchedule) {
  std::thread([&] {
    loop_.call_soon(mark(1));
    loop_.call_later(0s, mark(2));
  }).join();
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

// Exceptions.

TEST_F(EventLoopTest, ACallbackThatThrowsDoesNotStopTheLoop) {
  std::vector<ExceptionContext>& reports = collect_reports();
  loop_.call_soon([] { throw std::runtime_error("boom"); });
  loop_.call_soon(mark(1));
  loop_.call_later(1s, [&] { loop_.stop(); });
  loop_.run_forever();
  EXPECT_THAT(log_, ElementsAre(1));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].message, "Exception in callback");
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { std::rethrow_exception(reports[0].exception); }),
            "boom");
}

TEST_F(EventLoopTest, TheHandlerIsToldTheLoopAndRunsInItsThread) {
  EventLoop* told = nullptr;
  EventLoop* running = nullptr;
  loop_.set_exception_handler([&](EventLoop& loop, const ExceptionContext&) {
    told = &loop;
    running = running_loop_or_null();
  });
  loop_.call_soon([] { throw 1; });
  turn();
  EXPECT_EQ(told, &loop_);
  EXPECT_EQ(running, &loop_);
}

TEST_F(EventLoopTest, AHandlerIsGivenTheContextAsItIs) {
  std::vector<ExceptionContext>& reports = collect_reports();
  const auto error = std::make_exception_ptr(1);
  loop_.call_exception_handler(
      {.message = "no way", .exception = error, .details = {{"task", "Task-3"}}});
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].message, "no way");
  EXPECT_EQ(reports[0].exception, error);
  EXPECT_THAT(reports[0].details, ElementsAre(std::pair("task", "Task-3")));
}

TEST_F(EventLoopTest, TheHandlerThatWasSetCanBeAskedForAndCalled) {
  EXPECT_EQ(loop_.get_exception_handler(), nullptr);
  std::vector<std::string> messages;
  loop_.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { messages.push_back(context.message); });
  const auto handler = loop_.get_exception_handler();
  loop_.set_exception_handler(nullptr);
  EXPECT_EQ(loop_.get_exception_handler(), nullptr);
  (*handler)(loop_, {.message = "still there"});
  EXPECT_THAT(messages, ElementsAre("still there"));
}

TEST_F(EventLoopTest, WithoutAHandlerAnExceptionIsLoggedAsOneError) {
  CapturedLog log;
  loop_.call_soon([] { throw std::runtime_error("boom"); });
  turn();
  EXPECT_THAT(log.severities, ElementsAre(LogSeverity::kError));
  EXPECT_THAT(
      log.messages,
      ElementsAre(MatchesRegex("Exception in callback\n"
                               "handle: <Handle created at events/test/event_loop_test.cc:[0-9]+>\n"
                               "exception: std::runtime_error: boom")));
}

TEST_F(EventLoopTest, TheDefaultHandlerLogsTheDetailsSortedByKey) {
  CapturedLog log;
  loop_.call_exception_handler(
      {.message = "no way",
       .exception = std::make_exception_ptr(std::logic_error("sad")),
       .details = {{"transport", "T"}, {"protocol", "P"}, {"socket", "S"}}});
  EXPECT_THAT(
      log.messages,
      ElementsAre(
          "no way\nprotocol: P\nsocket: S\ntransport: T\nexception: std::logic_error: sad"));
}

TEST_F(EventLoopTest, TheDefaultHandlerDoesWithoutAnException) {
  CapturedLog log;
  loop_.default_exception_handler({});
  EXPECT_THAT(log.messages, ElementsAre("Unhandled exception in event loop"));
}

TEST_F(EventLoopTest, TheDefaultHandlerNamesAnyKindOfException) {
  CapturedLog log;
  loop_.default_exception_handler({.exception = std::make_exception_ptr(5)});
  loop_.default_exception_handler({.exception = std::make_exception_ptr(SystemExit(1))});
  EXPECT_THAT(
      log.messages,
      ElementsAre("Unhandled exception in event loop\nexception: an exception that is no "
                  "std::exception",
                  "Unhandled exception in event loop\nexception: asyncio::SystemExit: SystemExit"));
}

TEST_F(EventLoopTest, ANullHandlerRestoresTheDefault) {
  loop_.set_exception_handler([](EventLoop&, const ExceptionContext&) { FAIL(); });
  loop_.set_exception_handler(nullptr);
  CapturedLog log;
  loop_.call_soon([] { throw std::runtime_error("boom"); });
  turn();
  EXPECT_EQ(log.messages.size(), 1U);
}

TEST_F(EventLoopTest, ASecondHandlerReplacesTheFirst) {
  loop_.set_exception_handler([](EventLoop&, const ExceptionContext&) { FAIL(); });
  const std::vector<ExceptionContext>& reports = collect_reports();
  loop_.call_soon([] { throw 1; });
  turn();
  EXPECT_EQ(reports.size(), 1U);
}

TEST_F(EventLoopTest, AHandlerThatThrowsIsReportedByTheDefaultOneTogetherWithItsContext) {
  CapturedLog log;
  loop_.set_exception_handler(
      [](EventLoop&, const ExceptionContext&) { throw std::logic_error("handler is broken"); });
  loop_.call_soon([] { throw std::runtime_error("boom"); });
  loop_.call_soon(mark(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
  ASSERT_EQ(log.messages.size(), 1U);
  EXPECT_THAT(log.messages[0], ::testing::StartsWith("Unhandled error in exception handler\n"));
  EXPECT_THAT(log.messages[0],
              ::testing::HasSubstr("exception: std::logic_error: handler is broken"));
  EXPECT_THAT(log.messages[0], ::testing::HasSubstr("Exception in callback"));
  EXPECT_THAT(log.messages[0], ::testing::HasSubstr("boom"));
}

TEST_F(EventLoopTest, AHandlerAndALogThatBothThrowDoNotStopTheLoop) {
  LogSink original =
      set_log_sink([](LogSeverity, std::string_view) { throw std::runtime_error("full"); });
  loop_.set_exception_handler(
      [](EventLoop&, const ExceptionContext&) { throw std::logic_error("broken"); });
  loop_.call_soon([] { throw std::runtime_error("boom"); });
  loop_.call_soon(mark(1));
  turn();
  set_log_sink(std::move(original));
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, AHandlerMayReplaceItselfWhileItRuns) {
  std::vector<std::string> seen;
  loop_.set_exception_handler([&, words = std::string("a text too long for a small string")](
                                  EventLoop& loop, const ExceptionContext&) {
    loop.set_exception_handler(
        [&](EventLoop&, const ExceptionContext&) { seen.push_back("second"); });
    seen.push_back(words);
  });
  loop_.call_soon([] { throw 1; });
  loop_.call_soon([] { throw 2; });
  turn();
  EXPECT_THAT(seen, ElementsAre("a text too long for a small string", "second"));
}

TEST_F(EventLoopTest, AHandlerMayReportAgain) {
  std::vector<std::string> seen;
  loop_.set_exception_handler([&](EventLoop& loop, const ExceptionContext& context) {
    seen.push_back(context.message);
    if (seen.size() == 1) loop.call_exception_handler({.message = "inner"});
  });
  loop_.call_exception_handler({.message = "outer"});
  EXPECT_THAT(seen, ElementsAre("outer", "inner"));
}

// Fatal errors.

TEST_F(EventLoopTest, AFatalErrorLeavesRunForeverWithoutAReport) {
  const std::vector<ExceptionContext>& reports = collect_reports();
  loop_.call_soon([] { throw SystemExit(3); });
  int code = 0;
  try {
    loop_.run_forever();
  } catch (const SystemExit& exit) {
    code = exit.code();
  }
  EXPECT_EQ(code, 3);
  EXPECT_THAT(reports, IsEmpty());
  EXPECT_FALSE(loop_.is_running());
  EXPECT_FALSE(loop_.is_closed());
  EXPECT_EQ(running_loop_or_null(), nullptr);
  loop_.call_soon([] { throw KeyboardInterrupt(); });
  EXPECT_THROW(loop_.run_forever(), KeyboardInterrupt);
}

TEST_F(EventLoopTest, AFatalErrorLeavesTheRestOfTheTurnDueInOrder) {
  loop_.call_soon([&] {
    log_.push_back(1);
    loop_.call_soon(mark(5));
  });
  loop_.call_soon([&] {
    log_.push_back(2);
    throw KeyboardInterrupt();
  });
  loop_.call_soon(mark(3));
  loop_.call_later(0s, mark(4));
  EXPECT_THROW(loop_.run_forever(), KeyboardInterrupt);
  EXPECT_THAT(log_, ElementsAre(1, 2));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3, 4, 5));
  turn();
  EXPECT_EQ(log_.size(), 5U);
}

TEST_F(EventLoopTest, AFatalErrorTakesTheRequestToStopWithIt) {
  loop_.call_soon([&] {
    loop_.stop();
    throw KeyboardInterrupt();
  });
  EXPECT_THROW(loop_.run_forever(), KeyboardInterrupt);
  loop_.call_later(1s, [&] {
    log_.push_back(1);
    loop_.stop();
  });
  loop_.run_forever();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, AFatalErrorLeavesFromEveryKindOfCallback) {
  loop_.call_later(0s, [] { throw SystemExit(1); });
  EXPECT_THROW(loop_.run_forever(), SystemExit);
  loop_.call_soon_threadsafe([] { throw SystemExit(2); });
  EXPECT_THROW(loop_.run_forever(), SystemExit);
  Node node([] { throw SystemExit(3); });
  loop_.enqueue(node);
  EXPECT_THROW(loop_.run_forever(), SystemExit);
}

TEST_F(EventLoopTest, AFatalErrorOfTheExceptionHandlerLeavesToo) {
  loop_.set_exception_handler(
      [](EventLoop&, const ExceptionContext&) { throw KeyboardInterrupt(); });
  loop_.call_soon([] { throw std::runtime_error("boom"); });
  loop_.call_soon(mark(1));
  EXPECT_THROW(loop_.run_forever(), KeyboardInterrupt);
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
}

TEST_F(EventLoopTest, ALoopThatAFatalErrorHasLeftCanBeClosed) {
  auto object = std::make_shared<int>(1);
  loop_.call_soon([object] { throw KeyboardInterrupt(); });
  loop_.call_soon([object] { FAIL(); });
  EXPECT_THROW(loop_.run_forever(), KeyboardInterrupt);
  loop_.close();
  EXPECT_EQ(object.use_count(), 1);
}

// Other threads.

TEST_F(EventLoopTest, APostFromTheLoopsOwnThreadStandsInLine) {
  loop_.call_soon(mark(1));
  loop_.call_soon_threadsafe(mark(2));
  loop_.call_soon(mark(3));
  loop_.call_soon([&] {
    loop_.call_soon_threadsafe(mark(4));
    loop_.call_soon(mark(5));
  });
  turn();
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(EventLoopTest, APostFromAnotherThreadComesBeforeWhatIsScheduledAfterIt) {
  loop_.call_soon([&] {
    loop_.call_soon(mark(1));
    std::thread([&] { loop_.call_soon_threadsafe(mark(2)); }).join();
    loop_.call_soon(mark(3));
  });
  turn();
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2, 3));
}

TEST_F(EventLoopTest, APostDuringATurnWaitsForTheNextOne) {
  loop_.call_soon([&] { std::thread([&] { loop_.call_soon_threadsafe(mark(2)); }).join(); });
  loop_.call_soon(mark(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1));
  turn();
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

TEST_F(EventLoopTest, PostsOfManyThreadsAllRunOnceAndInEachThreadsOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 500;
  std::vector<std::vector<int>> seen(kThreads);
  std::atomic<int> left{kThreads};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        loop_.call_soon_threadsafe([&, t, i] { seen[t].push_back(i); });
      }
      if (--left == 0) loop_.call_soon_threadsafe([&] { loop_.stop(); });
    });
  }
  loop_.run_forever();
  for (std::thread& thread : threads) thread.join();
  turn();
  for (const std::vector<int>& numbers : seen) {
    ASSERT_EQ(numbers.size(), static_cast<std::size_t>(kPosts));
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

TEST_F(EventLoopTest, PostsToALoopThatIsBeingClosedAreRunDroppedOrRefused) {
  for (int round = 0; round < 20; ++round) {
    auto loop = std::make_unique<VirtualTimeLoop>();
    std::atomic<int> posted{0}, refused{0};
    std::atomic<int> living{0};
    struct Counted {
      explicit Counted(std::atomic<int>& count) : count(count) { ++count; }
      ~Counted() { --count; }
      std::atomic<int>& count;
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (true) {
          try {
            loop->call_soon_threadsafe([counted = std::make_unique<Counted>(living)] {});
            ++posted;
          } catch (const std::runtime_error& error) {
            EXPECT_STREQ(error.what(), kClosed);
            ++refused;
            return;
          }
        }
      });
    }
    while (posted < 10) {
      loop->stop();
      loop->run_forever();
    }
    loop->close();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(living, 0);
  }
}

TEST_F(EventLoopTest, TheInboxMayOutliveTheLoopAndThenRefuses) {
  std::shared_ptr<Inbox> inbox;
  {
    VirtualTimeLoop loop;
    inbox = loop.inbox();
  }
  Node late([] { FAIL(); });
  EXPECT_FALSE(inbox->post(late));
}

// Idle observers.

class IdleObserverTest : public EventLoopTest, protected IdleObserver {
 protected:
  IdleObserverTest() { loop_.set_idle_observer(this); }

  void loop_idles() override {
    ++idled_;
    loop_.stop();
  }

  int idled_ = 0;
};

TEST_F(IdleObserverTest, IsToldOnceNothingIsDueAndNoTimerIsLeft) {
  loop_.call_soon(mark(1));
  loop_.call_later(5s, mark(2));
  loop_.run_forever();
  EXPECT_EQ(idled_, 1);
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

TEST_F(IdleObserverTest, ATimerThatNeverFiresIsNone) {
  loop_.call_later(Duration::infinite(), mark(1));
  loop_.run_forever();
  EXPECT_EQ(idled_, 1);
}

TEST_F(IdleObserverTest, IsNotToldByALoopThatStops) {
  turn();
  EXPECT_EQ(idled_, 0);
}

class GivingUp : public IdleObserver {
 public:
  void loop_idles() override { throw std::range_error("idle"); }
};

TEST_F(EventLoopTest, WhatAnIdleObserverThrowsLeavesTheLoopWhichCanBeRunAgain) {
  GivingUp observer;
  loop_.set_idle_observer(&observer);
  EXPECT_THROW(loop_.run_forever(), std::range_error);
  loop_.set_idle_observer(nullptr);
  loop_.call_soon([&] { loop_.stop(); });
  loop_.run_forever();
}

}  // namespace
}  // namespace asyncio
