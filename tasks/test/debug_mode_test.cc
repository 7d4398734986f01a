// What reports tell of tasks and coroutines: names, and the lines to look at.

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/events/activity.h"
#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/watchdog.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "events/test/captured_log.h"
#include "events/test/thrown_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// This file's line, `offset` lines below the call.
std::string line_below(unsigned offset,
                       std::source_location here = std::source_location::current()) {
  return "tasks/test/debug_mode_test.cc:" + std::to_string(here.line() + offset);
}

class TaskDebugTest : public ::testing::Test {
 protected:
  TaskDebugTest() { loop_.set_debug(true); }

  CapturedLog log_;
  ObservedLoop loop_;
};

// Slow steps.

TEST_F(TaskDebugTest, ASlowStepIsLoggedWithTheTaskAndBothItsLines) {
  const std::string suspended = line_below(2);
  auto work = [](ObservedLoop* loop) -> Coro<> {
    co_await sleep(1s);
    loop->advance(300ms);
  };
  const std::string created = line_below(1);
  const Task<> task = create_task(loop_, work(&loop_), TaskOptions{.name = "worker"});
  loop_.settle();
  loop_.run([&]() -> Coro<> { co_await task; });
  EXPECT_THAT(log_.messages, ElementsAre("Executing <Task 'worker' created at " + created +
                                         ", suspended at " + suspended + "> took 0.300 seconds"));
}

TEST_F(TaskDebugTest, ATaskThatHasNotStartedIsSuspendedAtItsCoroutinesLine) {
  const std::string own = line_below(1);
  auto work = [](ObservedLoop* loop) -> Coro<> { co_return loop->advance(1s); };
  const Task<> task = create_task(loop_, work(&loop_));
  loop_.settle();
  EXPECT_THAT(log_.messages, ElementsAre(HasSubstr("suspended at " + own)));
}

TEST_F(TaskDebugTest, TheInnermostAwaitIsTheOneThatIsNamed) {
  const std::string innermost = line_below(1);
  auto inner = [&]() -> Coro<> { co_await sleep(1s); };
  auto outer = [&]() -> Coro<> {
    co_await inner();
    loop_.advance(1s);
  };
  loop_.run([&]() -> Coro<> { co_await outer(); });
  EXPECT_THAT(log_.messages, ElementsAre(HasSubstr("suspended at " + innermost)));
}

TEST_F(TaskDebugTest, EveryKindOfAwaitIsNamedByItsLine) {
  Future<> future(loop_);
  std::vector<std::string> expected;
  auto main = [&]() -> Coro<> {
    loop_.call_soon([future] { future.set_result(); });
    expected.push_back(line_below(1));
    co_await future;
    loop_.advance(1s);
    expected.push_back(line_below(1));
    co_await sleep(0s);
    loop_.advance(1s);
    const Task<> task = create_task(sleep(1s));
    expected.push_back(line_below(1));
    co_await task;
    loop_.advance(1s);
  };
  loop_.run(main);
  ASSERT_EQ(log_.messages.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(log_.messages[i], HasSubstr("suspended at " + expected[i]));
  }
}

TEST_F(TaskDebugTest, ATaskMadeOfACallableIsCreatedWhereItWasHandedOver) {
  auto work = [&]() -> Coro<> {
    loop_.advance(1s);
    co_return;
  };
  const std::string created = line_below(1);
  const Task<> task = create_task(loop_, work);
  loop_.settle();
  EXPECT_THAT(log_.messages, ElementsAre(HasSubstr("created at " + created)));
}

// The option of run().

TEST(RunDebugTest, RunSwitchesItsLoopsDebugMode) {
  auto debug = []() -> Coro<bool> { co_return get_running_loop().get_debug(); };
  EXPECT_TRUE(run(debug(), RunnerOptions{.debug = true}));
  EXPECT_FALSE(run(debug(), RunnerOptions{.debug = false}));
}

TEST(RunDebugTest, TheMainTaskIsCreatedWhereRunWasCalled) {
  auto main = []() -> Coro<std::string> {
    co_return to_string(*get_running_loop().current_activity());
  };
  const std::string here = line_below(1);
  EXPECT_THAT(run(main()), HasSubstr("created at " + here));
}

// The leaf at which the task last waited is gone by then.
TEST_F(TaskDebugTest, WhileATaskRunsItsLineIsThatOfTheFrameThatRuns) {
  auto inner = []() -> Coro<> { co_await sleep(0s); };
  loop_.run([&]() -> Coro<> {
    const std::string line = line_below(1);
    co_await inner();
    EXPECT_THAT(to_string(*loop_.current_activity()), HasSubstr("suspended at " + line));
  });
}

// Coroutines that nobody awaited.

Coro<> forgotten() { co_return; }

TEST_F(TaskDebugTest, ACoroutineThatWasNeverAwaitedIsLoggedWithItsLine) {
  const std::string own = line_below(1);
  auto work = []() -> Coro<> { co_return; };
  static_cast<void>(work());
  EXPECT_THAT(log_.messages, ElementsAre("coroutine at " + own + " was never awaited"));
  static_cast<void>(forgotten());
  EXPECT_EQ(log_.messages.size(), 2U);
}

TEST_F(TaskDebugTest, ACallbackThatMakesACoroutineIsFoundByIt) {
  loop_.call_soon([] { static_cast<void>(forgotten()); });
  loop_.settle();
  EXPECT_THAT(log_.messages, ElementsAre(HasSubstr("was never awaited")));
}

TEST_F(TaskDebugTest, AClosedCoroutineGoesWithoutAWord) {
  auto work = []() -> Coro<> { co_return; };
  work().close();
  EXPECT_THAT(log_.messages, IsEmpty());
}

TEST_F(TaskDebugTest, ACoroutineThatIsRefusedGoesWithoutAWord) {
  auto borrow = [](const std::string&) -> Coro<> { co_return; };
  EXPECT_THROW(create_task(loop_, borrow("temporary")), BorrowedArgumentError);
  EXPECT_THROW(create_task(loop_, borrow("temporary"), TaskOptions()), BorrowedArgumentError);
  loop_.close();
  EXPECT_THROW(create_task(loop_, forgotten()), std::runtime_error);
  EXPECT_THAT(log_.messages, IsEmpty());
}

TEST_F(TaskDebugTest, ATaskCancelledBeforeItStartedGoesWithoutAWord) {
  const Task<> task = create_task(loop_, forgotten());
  task.cancel();
  loop_.settle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_THAT(log_.messages, IsEmpty());
}

// Threads.

TEST_F(TaskDebugTest, CompletingAFutureFromAnotherThreadIsRefused) {
  Future<> future(loop_);
  std::string words;
  auto main = [&]() -> Coro<> {
    const Task<> waiting = create_task(loop_, [&]() -> Coro<> { co_await future; });
    co_await sleep(0s);
    std::thread([&] {
      words = thrown_words<std::runtime_error>([&] { future.set_result(); });
    }).join();
    future.set_result();
    co_await waiting;
  };
  loop_.run(main);
  EXPECT_EQ(words, "Non-thread-safe operation invoked on an event loop other than the current one");
}

// Contexts of reports.

const ContextVar<std::string>& request_id() {
  static const auto* variable = new ContextVar<std::string>("request_id", "none");
  return *variable;
}

TEST_F(TaskDebugTest, AnExceptionNobodyReadIsReportedInItsTasksContext) {
  std::vector<std::string> seen;
  loop_.set_exception_handler(
      [&](EventLoop&, const ExceptionContext&) { seen.push_back(request_id().get()); });
  auto fail = []() -> Coro<> {
    request_id().set("42");
    throw std::runtime_error("unread");
    co_return;
  };
  create_task(loop_, fail());
  loop_.settle();
  EXPECT_THAT(seen, ElementsAre("42"));
}

TEST_F(TaskDebugTest, ADestroyedPendingTaskIsReportedInItsContext) {
  std::vector<std::string> seen;
  auto loop = std::make_unique<VirtualTimeLoop>();
  loop->set_exception_handler(
      [&](EventLoop&, const ExceptionContext&) { seen.push_back(request_id().get()); });
  auto wait = []() -> Coro<> {
    request_id().set("43");
    co_await sleep(1h);
  };
  create_task(*loop, wait());
  loop->stop();
  loop->run_forever();
  loop->close();
  EXPECT_THAT(seen, ElementsAre("43"));
}

// Results that ask who runs as they go.

struct Inquisitive {
  explicit Inquisitive(std::vector<bool>& answers) : answers_(&answers) {}
  Inquisitive(Inquisitive&& other) noexcept : answers_(std::exchange(other.answers_, nullptr)) {}
  ~Inquisitive() {
    if (answers_ != nullptr) answers_->push_back(current_task().has_value());
  }
  std::vector<bool>* answers_;
};

TEST_F(TaskDebugTest, AResultThatNobodyKeepsIsDestroyedOutsideOfItsTask) {
  std::vector<bool> answers;
  auto make = [](std::vector<bool>* list) -> Coro<Inquisitive> { co_return Inquisitive(*list); };
  loop_.run([&]() -> Coro<> {
    create_task(loop_, make(&answers));
    co_await sleep(1s);
  });
  EXPECT_THAT(answers, ElementsAre(false));
}

// The watchdog.

[[gnu::noinline]] void planted_spin(std::chrono::milliseconds span) {
  const auto end = std::chrono::steady_clock::now() + span;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(TaskWatchdogTest, ABlockingTaskIsReportedWithItsAwaitLineAndItsStack) {
  std::optional<BlockedLoop> blocked;
  std::string suspended;
  auto work = [&]() -> Coro<> {
    suspended = line_below(1);
    co_await sleep(1ms);
    planted_spin(300ms);
  };
  std::string created;
  auto main = [&]() -> Coro<> {
    const Watchdog watchdog(get_running_loop(), 100ms,
                            [&](const BlockedLoop& report) { blocked = report; });
    created = line_below(1);
    co_await create_task(work);
  };
  run(main());
  ASSERT_TRUE(blocked.has_value());
  EXPECT_THAT(to_string(blocked->activity), HasSubstr("created at " + created));
  EXPECT_THAT(to_string(blocked->activity), HasSubstr("suspended at " + suspended));
  EXPECT_THAT(blocked->stack, Contains(HasSubstr("planted_spin")));
}

}  // namespace
}  // namespace asyncio
