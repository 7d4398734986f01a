#include "asyncio/tasks/run.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/policy.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "asyncio/tasks/task_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::StartsWith;

using namespace std::chrono_literals;

std::unique_ptr<EventLoop> virtual_time() { return std::make_unique<VirtualTimeLoop>(); }

constexpr RunnerOptions kVirtualTime{.loop_factory = virtual_time};

Coro<int> main_that_gives(int number) { co_return number; }

Coro<> main_that_fails(std::string what) {
  throw std::runtime_error(what);
  co_return;
}

TEST(RunTest, GivesTheResultOfTheMainCoroutine) {
  EXPECT_EQ(run(main_that_gives(3)), 3);
  bool ran = false;
  run([&]() -> Coro<> {
    ran = true;
    co_return;
  });
  EXPECT_TRUE(ran);
}

TEST(RunTest, ThrowsTheExceptionOfTheMainCoroutine) {
  EXPECT_EQ(ending_of_call([] { run(main_that_fails("main")); }), "failed: main");
}

TEST(RunTest, MovesTheResultOut) {
  Counts counts;
  EXPECT_EQ(run([&]() -> Coro<Counted> { co_return Counted(counts, 4); }()).value(), 4);
  EXPECT_EQ(counts.copied, 0);
  EXPECT_EQ(counts.alive, 0);
  EXPECT_EQ(*run([]() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); }), 5);
}

TEST(RunTest, TakesACallableAndItsArguments) {
  struct Server {
    Coro<int> serve(int extra) {
      co_await sleep(0s);
      co_return port + extra;
    }
    int port;
  };
  Server server{80};
  EXPECT_EQ(run(main_that_gives, 6), 6);
  EXPECT_EQ(run(&Server::serve, &server, 1), 81);
  const auto own = std::make_unique<int>(7);
  auto body = [&own](std::unique_ptr<int> given) -> Coro<int> { co_return *own + *given; };
  EXPECT_EQ(run(body, std::make_unique<int>(8)), 15);
}

TEST(RunTest, MainRunsAsATaskOfARunningLoop) {
  run([]() -> Coro<> {
    EXPECT_TRUE(current_task().has_value());
    EXPECT_TRUE(get_running_loop().is_running());
    co_return;
  });
  EXPECT_EQ(running_loop_or_null(), nullptr);
}

TEST(RunTest, UsesTheLoopOfTheFactory) {
  run(
      []() -> Coro<> {
        EXPECT_NE(dynamic_cast<VirtualTimeLoop*>(&get_running_loop()), nullptr);
        co_await sleep(24h);
      }(),
      {.loop_factory = virtual_time});
}

TEST(RunTest, LeavesTheLoopThatIsSetForTheThreadAlone) {
  ObservedLoop loop;
  set_event_loop(&loop);
  run([&]() -> Coro<> {
    EXPECT_NE(&get_event_loop(), &loop);
    co_return;
  });
  EXPECT_EQ(&get_event_loop(), &loop);
  set_event_loop(nullptr);
}

TEST(RunTest, CancelsAndJoinsTheTasksThatAreLeft) {
  std::vector<std::string> log;
  std::optional<Task<>> left;
  auto body = [&]() -> Coro<> {
    std::exception_ptr error;
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      error = std::current_exception();
    }
    co_await sleep(10s);
    log.push_back("cleaned up");
    std::rethrow_exception(error);
  };
  run(
      [&]() -> Coro<> {
        left = create_task(body);
        co_await sleep(0s);
        log.push_back("main ends");
      }(),
      kVirtualTime);
  EXPECT_EQ(log, (std::vector<std::string>{"main ends", "cleaned up"}));
  EXPECT_TRUE(left->cancelled());
}

TEST(RunTest, CancelsTheTasksThatAreLeftAlsoWhenMainFails) {
  std::optional<Task<>> left;
  EXPECT_EQ(ending_of_call([&] {
              run(
                  [&]() -> Coro<> {
                    left = create_task(sleep(1h));
                    co_await main_that_fails("main");
                  }(),
                  kVirtualTime);
            }),
            "failed: main");
  EXPECT_TRUE(left->cancelled());
}

TEST(RunTest, ReportsTheFailuresOfTheTasksThatAreLeft) {
  std::vector<ExceptionContext> reports;
  auto bad = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw std::runtime_error("cannot clean up");
    }
  };
  run(
      [&]() -> Coro<> {
        get_running_loop().set_exception_handler(
            [&](EventLoop&, const ExceptionContext& context) { reports.push_back(context); });
        create_task(bad).set_name("bad");
        co_await sleep(0s);
      }(),
      kVirtualTime);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].message, "unhandled exception during asyncio.run() shutdown");
  EXPECT_EQ(ending_of_call([&] { std::rethrow_exception(reports[0].exception); }),
            "failed: cannot clean up");
  EXPECT_THAT(reports[0].details,
              ElementsAre(Pair("task", StartsWith("<Task 'bad' created at tasks/test/"))));
}

// As where gather() waits for them: it ends a turn after the last, and the loop a turn after that.
TEST(RunTest, ReportsTheFailuresTwoTurnsAfterTheLastTaskHasEnded) {
  std::vector<std::string> log;
  auto bad = [&]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      for (const char* turn : {"one", "two", "three"}) {
        loop.call_soon([&log, &loop, turn] {
          log.emplace_back(turn);
          loop.call_soon([&log, turn] { log.push_back(std::string(turn) + " later"); });
        });
      }
      throw std::runtime_error("cannot clean up");
    }
  };
  run(
      [&]() -> Coro<> {
        get_running_loop().set_exception_handler(
            [&](EventLoop&, const ExceptionContext&) { log.emplace_back("report"); });
        create_task(bad);
        co_await sleep(0s);
      }(),
      kVirtualTime);
  EXPECT_THAT(
      log, ElementsAre("one", "two", "three", "one later", "two later", "three later", "report"));
}

TEST(RunTest, AFatalErrorOfMainLeavesThroughIt) {
  auto body = []() -> Coro<> {
    throw SystemExit(4);
    co_return;
  };
  int code = 0;
  try {
    run(body);
  } catch (const SystemExit& exit) {
    code = exit.code();
  }
  EXPECT_EQ(code, 4);
}

TEST(RunTest, AFatalErrorOfATaskThatIsLeftLeavesThroughIt) {
  auto bad = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw SystemExit(5);
    }
  };
  auto with_result = [&]() -> Coro<int> {
    create_task(bad);
    co_await sleep(0s);
    co_return 1;
  };
  auto without = [&]() -> Coro<> { co_await with_result(); };
  EXPECT_THROW(run(with_result(), kVirtualTime), SystemExit);
  EXPECT_THROW(run(without(), kVirtualTime), SystemExit);
}

TEST(RunTest, RefusesToRunInsideARunningLoopWhichLivesOn) {
  Counts counts;
  auto inner = [](Counted) -> Coro<> { co_return; };
  const int result = run(
      [&]() -> Coro<int> {
        EXPECT_EQ(ending_of_call([&] { run(inner(Counted(counts))); }),
                  "failed: asyncio.run() cannot be called from a running event loop");
        EXPECT_EQ(counts.alive, 0);
        co_await sleep(1s);
        co_return 9;
      }(),
      kVirtualTime);
  EXPECT_EQ(result, 9);
}

TEST(RunTest, ARefusedCoroutineDestroysItsArguments) {
  Counts counts;
  auto body = [](Counted) -> Coro<> { co_return; };
  Runner runner;
  runner.get_loop();
  runner.close();
  EXPECT_THROW(runner.run(body(Counted(counts))), std::runtime_error);
  EXPECT_EQ(counts.alive, 0);
}

class RunUntilCompleteTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(RunUntilCompleteTest, RunsACoroutineAFutureOrATask) {
  EXPECT_EQ(run_until_complete(loop_, main_that_gives(1)), 1);
  EXPECT_EQ(run_until_complete(loop_, create_task(loop_, main_that_gives(2))), 2);
  const Future<int> future(loop_);
  loop_.call_later(10s, [&] { future.set_result(3); });
  EXPECT_EQ(run_until_complete(loop_, future), 3);
  EXPECT_EQ(run_until_complete(loop_, future), 3);
}

TEST_F(RunUntilCompleteTest, AsksTheTaskFactory) {
  set_task_factory(loop_, [](EventLoop&, TaskOptions options) {
    options.name = "made to order";
    return options;
  });
  EXPECT_EQ(loop_.run([]() -> Coro<std::string> { co_return current_task()->get_name(); }),
            "made to order");
}

TEST_F(RunUntilCompleteTest, LeavesOtherTasksPending) {
  const Task<int> later = create_task(loop_, sleep(10s, 1));
  run_until_complete(loop_, main_that_gives(1));
  EXPECT_FALSE(later.done());
  EXPECT_EQ(run_until_complete(loop_, later), 1);
}

TEST_F(RunUntilCompleteTest, ThrowsIfTheLoopIsStoppedBefore) {
  auto body = [&]() -> Coro<int> {
    loop_.stop();
    co_await sleep(1s);
    co_return 1;
  };
  const Task<int> task = create_task(loop_, body);
  EXPECT_EQ(ending_of_call([&] { run_until_complete(loop_, task); }),
            "failed: Event loop stopped before Future completed.");
  EXPECT_FALSE(task.done());
  EXPECT_EQ(run_until_complete(loop_, task), 1);
}

TEST_F(RunUntilCompleteTest, ATaskThatWasStoppedCanStillBeCancelled) {
  auto body = [&]() -> Coro<> {
    loop_.stop();
    co_await sleep(1h);
  };
  const Task<> task = create_task(loop_, body);
  EXPECT_THROW(run_until_complete(loop_, task), std::runtime_error);
  EXPECT_TRUE(task.cancel("too long"));
  EXPECT_EQ(ending_of_call([&] { run_until_complete(loop_, task); }), "cancelled: too long");
}

TEST_F(RunUntilCompleteTest, DoesNotStopTheNextRun) {
  const Task<int> first = create_task(loop_, main_that_gives(1));
  auto stopper = [&]() -> Coro<> {
    loop_.stop();
    co_return;
  };
  create_task(loop_, stopper);
  EXPECT_THROW(run_until_complete(loop_, sleep(1s, 1)), std::runtime_error);
  EXPECT_EQ(run_until_complete(loop_, sleep(5s, 2)), 2);
  EXPECT_TRUE(first.done());
}

TEST_F(RunUntilCompleteTest, RefusesAFutureOfAnotherLoop) {
  ObservedLoop other;
  const Future<int> future(other);
  EXPECT_THROW(run_until_complete(loop_, future), std::invalid_argument);
}

TEST_F(RunUntilCompleteTest, RefusesAClosedLoop) {
  Counts counts;
  auto body = [](Counted) -> Coro<> { co_return; };
  loop_.close();
  EXPECT_EQ(ending_of_call([&] { run_until_complete(loop_, body(Counted(counts))); }),
            "failed: Event loop is closed");
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(RunUntilCompleteTest, RefusesALoopThatRunsAndAnyLoopInsideOfOne) {
  ObservedLoop other;
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ(ending_of_call([&] { run_until_complete(loop_, main_that_gives(1)); }),
              "failed: This event loop is already running");
    EXPECT_EQ(ending_of_call([&] { run_until_complete(other, main_that_gives(1)); }),
              "failed: Cannot run the event loop while another loop is running");
    co_return;
  });
  EXPECT_TRUE(all_tasks(other).empty());
  EXPECT_TRUE(all_tasks(loop_).empty());
}

TEST_F(RunUntilCompleteTest, AFailureOfAFutureIsThrownAndNotReported) {
  EXPECT_EQ(ending_of_call([&] { run_until_complete(loop_, main_that_fails("told")); }),
            "failed: told");
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(RunUntilCompleteTest, AfterAFatalErrorTheLoopRunsAgain) {
  auto exit = []() -> Coro<> {
    throw SystemExit(6);
    co_return;
  };
  EXPECT_THROW(run_until_complete(loop_, exit()), SystemExit);
  EXPECT_EQ(run_until_complete(loop_, sleep(1s, 7)), 7);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST(RunnerTest, SharesItsLoopBetweenRuns) {
  Runner runner(kVirtualTime);
  EventLoop& loop = runner.get_loop();
  Task<int> background = runner.run([&]() -> Coro<Task<int>> {
    EXPECT_EQ(&get_running_loop(), &loop);
    co_return create_task(sleep(10s, 5));
  });
  EXPECT_FALSE(background.done());
  auto join = [](Task<int> task) -> Coro<int> { co_return co_await task; };
  EXPECT_EQ(runner.run(join(background)), 5);
  EXPECT_EQ(loop.time().time_since_epoch(), 10s);
}

TEST(RunnerTest, MakesItsLoopOnFirstUse) {
  static int made = 0;
  made = 0;
  const RunnerOptions options{.loop_factory = [] {
    ++made;
    return virtual_time();
  }};
  {
    Runner unused(options);
  }
  EXPECT_EQ(made, 0);
  Runner runner(options);
  EXPECT_EQ(runner.run(main_that_gives(1)), 1);
  EXPECT_EQ(runner.run(main_that_gives(2)), 2);
  EXPECT_FALSE(runner.get_loop().is_closed());
  EXPECT_EQ(made, 1);
}

TEST(RunnerTest, CanRunAgainAfterAFailure) {
  Runner runner(kVirtualTime);
  EXPECT_EQ(ending_of_call([&] { runner.run(main_that_fails("first")); }), "failed: first");
  EXPECT_EQ(runner.run(main_that_gives(2)), 2);
}

TEST(RunnerTest, CloseCancelsTheTasksThatAreLeftAndIsIdempotent) {
  Runner runner(kVirtualTime);
  auto spawn = []() -> Coro<Task<>> { co_return create_task(sleep(1h)); };
  const Task<> left = runner.run(spawn());
  EXPECT_FALSE(left.done());
  runner.close();
  EXPECT_TRUE(left.cancelled());
  runner.close();
  EXPECT_EQ(ending_of_call([&] { runner.run(main_that_gives(1)); }), "failed: Runner is closed");
  EXPECT_EQ(ending_of_call([&] { runner.get_loop(); }), "failed: Runner is closed");
}

TEST(RunnerTest, CloseBeforeItsFirstUseDoesNothing) {
  Runner runner(kVirtualTime);
  runner.close();
  EXPECT_EQ(runner.run(main_that_gives(1)), 1);
}

TEST(RunnerTest, AsksTheTaskFactoryForTheMainTaskWhichCannotBeEager) {
  Runner runner(kVirtualTime);
  std::vector<bool> has_context;
  set_task_factory(runner.get_loop(), [&](EventLoop& loop, TaskOptions options) {
    has_context.push_back(options.context != nullptr);
    options.name = "made to order";
    return eager_task_factory(loop, options);
  });
  auto name = []() -> Coro<std::string> { co_return current_task()->get_name(); };
  EXPECT_EQ(runner.run(name), "made to order");
  EXPECT_THAT(has_context, ElementsAre(true));
}

TEST(RunnerTest, ThrowsWhatTheTaskFactoryThrows) {
  Runner runner(kVirtualTime);
  set_task_factory(runner.get_loop(), [](EventLoop&, TaskOptions) -> TaskOptions {
    throw std::runtime_error("no tasks today");
  });
  EXPECT_EQ(ending_of_call([&] { runner.run(main_that_gives(1)); }), "failed: no tasks today");
}

TEST(RunnerTest, KnowsTheLineThatRunsACallableWithoutArguments) {
  Runner runner(kVirtualTime);
  auto line = []() -> Coro<unsigned> { co_return current_task()->state().created().line(); };
  EXPECT_EQ(runner.run(line), static_cast<unsigned>(__LINE__));
  EXPECT_EQ(run(line, kVirtualTime), static_cast<unsigned>(__LINE__));
}

TEST(RunnerTest, CannotBeClosedByItsOwnTasks) {
  Runner runner(kVirtualTime);
  auto body = [&]() -> Coro<int> {
    EXPECT_EQ(ending_of_call([&] { runner.close(); }), "failed: Cannot close a running event loop");
    co_await sleep(1s);
    co_return 1;
  };
  EXPECT_EQ(runner.run(body), 1);
  EXPECT_EQ(runner.run(main_that_gives(2)), 2);
}

TEST(RunnerTest, RefusesToRunInsideItself) {
  Runner runner(kVirtualTime);
  auto body = [&]() -> Coro<> {
    EXPECT_EQ(&runner.get_loop(), &get_running_loop());
    EXPECT_EQ(ending_of_call([&] { runner.run(main_that_gives(1)); }),
              "failed: Runner.run() cannot be called from a running event loop");
    co_return;
  };
  runner.run(body);
}

TEST(RunnerTest, CloseThrowsWhenATaskStopsTheLoopInsteadOfEnding) {
  auto stubborn = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      get_running_loop().stop();
    }
    co_await sleep(1h);
  };
  Counts counts;
  Runner runner(kVirtualTime);
  auto spawn = [&](Counted) -> Coro<> {
    create_task(stubborn);
    co_await sleep(0s);
  };
  runner.run(spawn(Counted(counts)));
  std::vector<std::string> reports;
  runner.get_loop().set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { reports.push_back(context.message); });
  EXPECT_EQ(ending_of_call([&] { runner.close(); }),
            "failed: Event loop stopped before Future completed.");
  EXPECT_EQ(reports, (std::vector<std::string>{"Task was destroyed but it is pending!"}));
  EXPECT_THROW(runner.get_loop(), std::runtime_error);
}

TEST(RunnerTest, ItsDestructorLogsWhatCloseThrows) {
  std::vector<std::string> records;
  LogSink before =
      set_log_sink([&](LogSeverity, std::string_view message) { records.emplace_back(message); });
  {
    Runner runner(kVirtualTime);
    auto exits = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        throw SystemExit(1);
      }
    };
    auto spawn = [&]() -> Coro<> {
      create_task(exits);
      co_await sleep(0s);
    };
    runner.run(spawn);
  }
  set_log_sink(std::move(before));
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records.back().find("closing the Runner failed"), 0U) << records.back();
}

// Ctrl-C. The signal's action is the process's: each case begins and ends with the default.
class InterruptTest : public ::testing::Test {
 protected:
  InterruptTest() {
    ::signal(SIGINT, SIG_DFL);
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
  ~InterruptTest() override { ::signal(SIGINT, SIG_DFL); }

  static bool sigint_has_its_default() {
    struct sigaction action{};
    return ::sigaction(SIGINT, nullptr, &action) == 0 && action.sa_handler == SIG_DFL;
  }
};

TEST_F(InterruptTest, CancelsTheMainTaskAndThrowsKeyboardInterrupt) {
  std::string inside;
  auto body = [&]() -> Coro<> {
    get_running_loop().call_soon([] { ::raise(SIGINT); });
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      inside = "cancelled";
      throw;
    }
  };
  EXPECT_THROW(run(body), KeyboardInterrupt);
  EXPECT_EQ(inside, "cancelled");
  EXPECT_TRUE(sigint_has_its_default());
}

TEST_F(InterruptTest, WakesALoopThatWaits) {
  std::thread thread;
  auto body = [&]() -> Coro<> {
    thread = std::thread([] { ::kill(::getpid(), SIGINT); });
    co_await sleep(1h);
  };
  EXPECT_THROW(run(body), KeyboardInterrupt);
  thread.join();
}

TEST_F(InterruptTest, OfABusyTaskArrivesWhenItNextWaits) {
  bool went_on = false;
  auto body = [&]() -> Coro<> {
    ::raise(SIGINT);
    went_on = true;
    co_await sleep(1h);
  };
  EXPECT_THROW(run(body), KeyboardInterrupt);
  EXPECT_TRUE(went_on);
}

TEST_F(InterruptTest, ThatTheTaskSwallowsGivesItsResult) {
  auto body = []() -> Coro<int> {
    try {
      ::raise(SIGINT);
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    co_return 11;
  };
  EXPECT_EQ(run(body), 11);
  EXPECT_TRUE(sigint_has_its_default());
}

TEST_F(InterruptTest, OfATaskThatIsCancelledOtherwiseTooThrowsCancelledError) {
  auto before = []() -> Coro<> {
    current_task()->cancel("by itself");
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    ::raise(SIGINT);
    co_await sleep(1h);
  };
  auto after = [&]() -> Coro<> {
    const AnyTask self = *current_task();
    ::raise(SIGINT);
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      self.cancel("by itself");
      throw;
    }
  };
  EXPECT_EQ(ending_of_call([&] { run(before); }), "cancelled");
  EXPECT_EQ(ending_of_call([&] { run(after); }), "cancelled");
}

TEST_F(InterruptTest, CancelsOnlyTheRunInWhichItComes) {
  Runner runner;
  auto interrupted = []() -> Coro<> {
    ::raise(SIGINT);
    co_await sleep(1h);
  };
  EXPECT_THROW(runner.run(interrupted), KeyboardInterrupt);
  EXPECT_TRUE(sigint_has_its_default());
  EXPECT_EQ(runner.run(main_that_gives(1)), 1);
  EXPECT_THROW(runner.run(interrupted), KeyboardInterrupt);
}

TEST_F(InterruptTest, RunsTheCleaningUpOfAllTasks) {
  std::vector<std::string> log;
  auto child = [&]() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      log.push_back("child");
      throw;
    }
  };
  auto body = [&]() -> Coro<> {
    auto task = create_task(child);
    co_await sleep(0s);
    ::raise(SIGINT);
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      log.push_back("main");
      throw;
    }
  };
  EXPECT_THROW(run(body), KeyboardInterrupt);
  EXPECT_EQ(log, (std::vector<std::string>{"main", "child"}));
}

void ignore_signal(int) {}

TEST_F(InterruptTest, IsLeftToAHandlerThatIsThereAlready) {
  ::signal(SIGINT, ignore_signal);
  auto body = []() -> Coro<int> {
    ::raise(SIGINT);
    co_await sleep(1ms);
    co_return 12;
  };
  EXPECT_EQ(run(body), 12);
  struct sigaction action{};
  ::sigaction(SIGINT, nullptr, &action);
  EXPECT_EQ(action.sa_handler, ignore_signal);
}

TEST_F(InterruptTest, IsLeftToAHandlerThatTheMainTaskAdds) {
  int seen = 0;
  Runner runner;
  auto body = [&]() -> Coro<> {
    Future<> arrived;
    get_running_loop().add_signal_handler(SIGINT, [&, arrived] {
      ++seen;
      arrived.set_result();
    });
    ::raise(SIGINT);
    co_await arrived;
  };
  auto again = [&]() -> Coro<> {
    const int before = seen;
    Future<> arrived;
    get_running_loop().call_soon([] { ::raise(SIGINT); });
    get_running_loop().add_signal_handler(SIGINT, [&, arrived] {
      ++seen;
      arrived.set_result();
    });
    co_await arrived;
    EXPECT_EQ(seen, before + 1);
  };
  runner.run(body);
  EXPECT_EQ(seen, 1);
  EXPECT_FALSE(sigint_has_its_default());
  runner.run(again);
  EXPECT_EQ(seen, 2);
  runner.close();
  EXPECT_TRUE(sigint_has_its_default());
}

TEST_F(InterruptTest, IsLeftAloneOutsideTheMainThread) {
  bool taken = true;
  std::thread thread([&] {
    run([&]() -> Coro<> {
      taken = !sigint_has_its_default();
      co_return;
    });
  });
  thread.join();
  EXPECT_FALSE(taken);
}

using InterruptDeathTest = InterruptTest;

TEST_F(InterruptDeathTest, TheSecondEndsTheProcess) {
  auto stubborn = []() -> Coro<> {
    while (true) {
      try {
        ::raise(SIGINT);
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
    }
  };
  EXPECT_EXIT(run(stubborn), ::testing::KilledBySignal(SIGINT), "");
}

// The process then aborts, and need not unwind its stack for that.
TEST_F(InterruptDeathTest, RemainingTasksCleanUpEvenIfNobodyCatchesIt) {
  struct Cleaning {
    ~Cleaning() { std::fputs("cleaned up\n", stderr); }
  };
  auto other = []() -> Coro<> {
    const Cleaning cleaning;
    co_await sleep(1h);
  };
  auto main = [&]() -> Coro<> {
    create_task(other);
    co_await sleep(0s);
    ::raise(SIGINT);
    co_await sleep(1h);
  };
  auto run_uncaught = [&]() noexcept { run(main); };
  EXPECT_DEATH(run_uncaught(), "cleaned up");
}

TEST_F(InterruptDeathTest, TheSecondEndsTheProcessEvenIfTheLoopNoLongerTurns) {
  auto stuck = []() -> Coro<> {
    ::raise(SIGINT);
    ::raise(SIGINT);
    std::exit(0);
    co_return;
  };
  EXPECT_EXIT(run(stuck), ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace asyncio
