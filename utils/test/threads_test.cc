#include "asyncio/utils/threads.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/futures/concurrent_future.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "asyncio/tasks/task_options.h"
#include "events/test/captured_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

// to_thread().

TEST(ToThreadTest, RunsInAnotherThreadAndGivesTheResult) {
  auto main = []() -> Coro<> {
    const std::thread::id here = std::this_thread::get_id();
    auto thread_id = [] { return std::this_thread::get_id(); };
    const std::thread::id there = co_await to_thread(thread_id);
    EXPECT_NE(here, there);
  };
  run(main());
}

TEST(ToThreadTest, KeepsItsArgumentsAndPassesThem) {
  auto main = []() -> Coro<> {
    auto join = [](const std::string& a, const std::unique_ptr<int>& b) {
      return a + std::to_string(*b);
    };
    std::string text = "seven: ";
    auto seven = std::make_unique<int>(7);
    const std::string joined = co_await to_thread(join, std::move(text), std::move(seven));
    EXPECT_EQ(joined, "seven: 7");
  };
  run(main());
}

TEST(ToThreadTest, ThrowsWhatTheFunctionThrows) {
  auto main = []() -> Coro<> {
    auto fail = [] { throw std::runtime_error("no"); };
    co_await to_thread(fail);
  };
  EXPECT_THROW(run(main()), std::runtime_error);
}

TEST(ToThreadTest, TheFunctionSeesTheContextOfWhoeverAwaits) {
  static const auto* variable = new ContextVar<int>("variable", 0);
  auto main = []() -> Coro<> {
    variable->set(1);
    auto change = [] {
      const int seen = variable->get();
      variable->set(2);
      return seen;
    };
    const int seen = co_await to_thread(change);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(variable->get(), 1);
  };
  run(main());
}

TEST(ToThreadTest, TenAtOnceAreEachCalledOnce) {
  std::atomic<int> calls{0};
  auto call = [&]() -> Coro<> {
    auto count = [&] { ++calls; };
    co_await to_thread(count);
  };
  auto main = [&]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(create_task(call));
    for (const Task<>& task : tasks) co_await task;
  };
  run(main());
  EXPECT_EQ(calls, 10);
}

TEST(ToThreadTest, ACancelledWaitEndsAtOnceAndTheWorkGoesOn) {
  ConcurrentFuture<> begun;
  ConcurrentFuture<> may_end;
  auto main = [&]() -> Coro<> {
    auto work = [&] {
      begun.set_result();
      may_end.result();
    };
    auto waiting = [](decltype(work) job) -> Coro<> { co_await to_thread(job); };
    const Task<> task = create_task(waiting(work));
    auto wait_for_begin = [&] { begun.result(); };
    co_await run_in_executor(nullptr, wait_for_begin);
    task.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(task.cancelled());
    may_end.set_result();
  };
  run(main());
}

// run_coroutine_threadsafe().

// A loop that runs in a thread of its own.
class RunCoroutineThreadsafeTest : public ::testing::Test {
 protected:
  RunCoroutineThreadsafeTest() : thread_([this] { loop_.run_forever(); }) {}
  ~RunCoroutineThreadsafeTest() override { end(); }

  void end() {
    if (!thread_.joinable()) return;
    loop_.call_soon_threadsafe([this] { loop_.stop(); });
    thread_.join();
  }

  SelectorEventLoop loop_;
  std::thread thread_;
};

Coro<int> add(int a, int b) {
  co_await sleep(1ms);
  co_return a + b;
}

Coro<> fail() {
  co_await sleep(1ms);
  throw std::runtime_error("no");
}

Coro<> wait_for_ever() { co_await sleep(Duration::infinite()); }

TEST_F(RunCoroutineThreadsafeTest, TheResultIsWaitedForInThisThread) {
  EXPECT_EQ(run_coroutine_threadsafe(add(1, 2), loop_).result(), 3);
}

TEST_F(RunCoroutineThreadsafeTest, AnExceptionIsThrownInThisThread) {
  EXPECT_THROW(run_coroutine_threadsafe(fail(), loop_).result(), std::runtime_error);
}

TEST_F(RunCoroutineThreadsafeTest, WaitingMayEndBeforeTheTask) {
  const ConcurrentFuture<> result = run_coroutine_threadsafe(wait_for_ever(), loop_);
  EXPECT_THROW(result.result(1ms), TimeoutError);
  EXPECT_FALSE(result.done());
  result.cancel();
}

TEST_F(RunCoroutineThreadsafeTest, CancellingTheResultCancelsTheTask) {
  const ConcurrentFuture<> cancelled;
  auto work = [&]() -> Coro<> {
    try {
      co_await sleep(Duration::infinite());
    } catch (const CancelledError&) {
      cancelled.set_result();
      throw;
    }
  };
  const ConcurrentFuture<> result = run_coroutine_threadsafe(loop_, work);
  run_coroutine_threadsafe(add(0, 0), loop_).result();
  EXPECT_TRUE(result.cancel());
  cancelled.result();
}

TEST_F(RunCoroutineThreadsafeTest, ATaskThatIsCancelledCancelsTheResult) {
  auto work = []() -> Coro<> {
    current_task()->cancel();
    co_await sleep(1h);
  };
  EXPECT_THROW(run_coroutine_threadsafe(work(), loop_).result(), CancelledError);
}

TEST_F(RunCoroutineThreadsafeTest, ACallableAndItsArgumentsAreOwnedByTheTask) {
  auto length = [](const std::string& text) -> Coro<std::size_t> {
    co_await sleep(1ms);
    co_return text.size();
  };
  EXPECT_EQ(run_coroutine_threadsafe(loop_, length, std::string(100, 'x')).result(), 100U);
}

TEST_F(RunCoroutineThreadsafeTest, AResultThatCannotBeCopiedIsMoved) {
  auto make = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  EXPECT_EQ(*run_coroutine_threadsafe(make(), loop_).result(), 7);
}

TEST_F(RunCoroutineThreadsafeTest, ATemporaryBehindAReferenceIsRefused) {
  auto borrow = [](const std::string&) -> Coro<> { co_return; };
  EXPECT_THROW(run_coroutine_threadsafe(borrow("temporary"), loop_), BorrowedArgumentError);
}

TEST_F(RunCoroutineThreadsafeTest, AClosedLoopIsRefused) {
  end();
  loop_.close();
  EXPECT_THROW(run_coroutine_threadsafe(wait_for_ever(), loop_), std::runtime_error);
}

TEST_F(RunCoroutineThreadsafeTest, ACoroutineThatNeverBeginsIsCancelledWhenItsLoopCloses) {
  const CapturedLog log;
  end();
  const ConcurrentFuture<> result = run_coroutine_threadsafe(wait_for_ever(), loop_);
  loop_.close();
  EXPECT_THROW(result.result(), CancelledError);
  EXPECT_THAT(log.messages, ::testing::IsEmpty());
}

TEST_F(RunCoroutineThreadsafeTest, TheTaskSeesTheContextOfTheCaller) {
  static const auto* variable = new ContextVar<int>("variable", 0);
  variable->set(5);
  auto look = []() -> Coro<int> { co_return variable->get(); };
  EXPECT_EQ(run_coroutine_threadsafe(look(), loop_).result(), 5);
}

TEST_F(RunCoroutineThreadsafeTest, KnowsTheCallersLineOfACallableWithArguments) {
  auto line = [](unsigned add) -> Coro<unsigned> {
    co_return current_task()->state().created().line() + add;
  };
  const unsigned here = __LINE__ + 1;
  EXPECT_EQ(run_coroutine_threadsafe(loop_, line, 1U).result(), here + 1);
}

TEST_F(RunCoroutineThreadsafeTest, AsksTheTaskFactoryAndGivesWhatItThrows) {
  auto name = []() -> Coro<std::string> { co_return current_task()->get_name(); };
  auto order = [](EventLoop* loop) -> Coro<> {
    set_task_factory(*loop, [](EventLoop&, TaskOptions options) {
      options.name = "made to order";
      return options;
    });
    co_return;
  };
  auto refuse = [](EventLoop* loop) -> Coro<> {
    loop->set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    set_task_factory(*loop, [](EventLoop&, TaskOptions) -> TaskOptions {
      throw std::invalid_argument("no tasks today");
    });
    co_return;
  };
  run_coroutine_threadsafe(order(&loop_), loop_).result();
  EXPECT_EQ(run_coroutine_threadsafe(name(), loop_).result(), "made to order");
  run_coroutine_threadsafe(refuse(&loop_), loop_).result();
  EXPECT_THROW(run_coroutine_threadsafe(name(), loop_).result(), std::invalid_argument);
}

TEST_F(RunCoroutineThreadsafeTest, ManyThreadsMayCallAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> sum{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 50; ++j) sum += run_coroutine_threadsafe(add(i, j), loop_).result();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, (0 + 1 + 2 + 3) * 50 + 4 * (49 * 50 / 2));
}

TEST_F(RunCoroutineThreadsafeTest, ManyThreadsMayBeToldOfFailuresAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        try {
          run_coroutine_threadsafe(fail(), loop_).result();
        } catch (const std::runtime_error&) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 80);
}

}  // namespace
}  // namespace asyncio
