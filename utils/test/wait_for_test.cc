#include "asyncio/utils/wait_for.h"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "asyncio/utils/gather.h"
#include "asyncio/utils/shield.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"
#include "utils/test/number_after.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

Coro<int> mark(bool* started) {
  *started = true;
  co_return 1;
}
// Needs `cleanup` to end once it is cancelled.
Coro<int> slow_to_end(bool* ended, Duration cleanup) {
  std::exception_ptr cancellation;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancellation = std::current_exception();
  }
  co_await sleep(cleanup);
  *ended = true;
  if (cancellation != nullptr) std::rethrow_exception(cancellation);
  co_return 0;
}
Coro<int> stubborn(int value) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
  }
  co_return value;
}

class WaitForTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(WaitForTest, GivesWhatTheAwaitableGives) {
  loop_.run([]() -> Coro<> {
    const int value = co_await wait_for(number_after(7, 1s), 2s);
    EXPECT_EQ(value, 7);
    co_await wait_for(sleep(1s), 2s);
    int captured = 3;
    auto callable = [&captured]() -> Coro<int> { co_return captured; };
    const int own = co_await wait_for(callable, 1s);
    EXPECT_EQ(own, 3);
    auto make = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    const std::unique_ptr<int> moved = co_await wait_for(make(), 1s);
    EXPECT_EQ(*moved, 5);
  });
}

TEST_F(WaitForTest, WithoutATimeoutWaitsAsLongAsItTakes) {
  loop_.run([]() -> Coro<> {
    const int value = co_await wait_for(number_after(7, 1000h), std::nullopt);
    EXPECT_EQ(value, 7);
  });
}

TEST_F(WaitForTest, RunsACoroutineInTheCallingTask) {
  loop_.run([]() -> Coro<> {
    auto who = []() -> Coro<std::string> { co_return current_task()->get_name(); };
    const std::string name = co_await wait_for(who(), 1s);
    EXPECT_EQ(name, current_task()->get_name());
  });
}

TEST_F(WaitForTest, CancelsATaskWhenTheTimeIsOver) {
  loop_.run([&]() -> Coro<> {
    const TimePoint start = loop_.time();
    const Task<int> task = create_task(number_after(1, 10s));
    EXPECT_THROW(co_await wait_for(task, 1s), TimeoutError);
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(loop_.time() - start, 1s);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST_F(WaitForTest, CancelsACoroutineWhenTheTimeIsOver) {
  loop_.run([]() -> Coro<> {
    EXPECT_THROW(co_await wait_for(number_after(1, 10s), 1s), TimeoutError);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST_F(WaitForTest, WithZeroOrLessGivesTheResultOfAFutureThatIsDone) {
  loop_.run([]() -> Coro<> {
    Future<std::string> future;
    future.set_result("done");
    EXPECT_EQ(co_await wait_for(future, 0s), "done");   // lint: allowed
    EXPECT_EQ(co_await wait_for(future, -1s), "done");  // lint: allowed
  });
}

TEST_F(WaitForTest, WithZeroOrLessNeverStartsACoroutine) {
  bool started = false;
  loop_.run([&]() -> Coro<> {
    EXPECT_THROW(co_await wait_for(mark(&started), 0s), TimeoutError);
    EXPECT_THROW(co_await wait_for(mark(&started), -1s), TimeoutError);
  });
  EXPECT_FALSE(started);
}

TEST_F(WaitForTest, WithZeroOrLessTheMessageOfTheCancelledTaskGoesToIt) {
  loop_.run([]() -> Coro<> {
    const Task<int> task = create_task(number_after(1, 1h));
    co_await sleep(0s);
    task.cancel("enough");
    EXPECT_THROW(co_await wait_for(task, 0s), TimeoutError);
    EXPECT_EQ(ending(task), "cancelled");
  });
}

TEST_F(WaitForTest, WithZeroOrLessTheCancelledErrorWithWhichAFutureFailsIsATimeout) {
  loop_.run([]() -> Coro<> {
    const Future<std::vector<int>> both = gather(std::vector{Future<int>(), Future<int>()});
    EXPECT_THROW(co_await wait_for(both, 0s), TimeoutError);
    EXPECT_FALSE(both.cancelled());
  });
}

TEST_F(WaitForTest, WithZeroOrLessCancelsATaskAndWaitsForItsEnd) {
  for (const Duration timeout : {Duration(0s), Duration(-1s)}) {
    loop_.run([&]() -> Coro<> {
      bool ended = false;
      const Task<int> task = create_task(slow_to_end(&ended, 0s));
      co_await sleep(0s);
      EXPECT_THROW(co_await wait_for(task, timeout), TimeoutError);
      EXPECT_TRUE(ended);
      EXPECT_TRUE(task.cancelled());
    });
  }
}

TEST_F(WaitForTest, WaitsForASlowEndWhateverTheTimeout) {
  for (const Duration timeout : {Duration(0s), Duration(1s)}) {
    loop_.run([&]() -> Coro<> {
      bool ended = false;
      const Task<int> task = create_task(slow_to_end(&ended, 5s));
      co_await sleep(0s);
      const TimePoint start = loop_.time();
      EXPECT_THROW(co_await wait_for(task, timeout), TimeoutError);
      EXPECT_TRUE(ended);
      EXPECT_EQ(loop_.time() - start, timeout.nanoseconds() + 5s);
    });
  }
}

TEST_F(WaitForTest, AValueThatComesAfterAllIsGiven) {
  loop_.run([]() -> Coro<> {
    const int value = co_await wait_for(stubborn(7), 1s);
    EXPECT_EQ(value, 7);
    const Task<int> task = create_task(stubborn(8));
    co_await sleep(0s);
    const int other = co_await wait_for(task, 0s);
    EXPECT_EQ(other, 8);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST_F(WaitForTest, AnotherExceptionOfTheAwaitablePasses) {
  loop_.run([]() -> Coro<> {
    auto failing = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        throw std::range_error("mine");
      }
    };
    EXPECT_THROW(co_await wait_for(failing(), 1s), std::range_error);
    const Task<> task = create_task(failing());
    co_await sleep(0s);
    EXPECT_THROW(co_await wait_for(task, 0s), std::range_error);
  });
}

TEST_F(WaitForTest, AResultBeforeTheTimeoutIsGiven) {
  loop_.run([&]() -> Coro<> {
    Future<std::string> future;
    loop_.call_soon([future] { future.set_result("in time"); });
    const std::string value = co_await wait_for(future, 1s);
    EXPECT_EQ(value, "in time");
  });
}

TEST_F(WaitForTest, AResultInTheTurnOfTheTimeoutComesTooLateButStaysInItsFuture) {
  loop_.run([&]() -> Coro<> {
    Future<std::string> future;
    loop_.call_later(1s, [future] { future.set_result("too late"); });
    EXPECT_THROW(co_await wait_for(future, 1s), TimeoutError);
    EXPECT_EQ(future.result(), "too late");
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST_F(WaitForTest, CancellingTheCallerCancelsTheAwaitable) {
  for (const std::optional<Duration> timeout : {std::optional<Duration>(1h), {}}) {
    loop_.run([&]() -> Coro<> {
      const Task<int> inner = create_task(number_after(1, 2h));
      auto caller = [&]() -> Coro<> { co_await wait_for(inner, timeout); };
      const Task<> task = create_task(caller);
      co_await sleep(1s);
      task.cancel("enough");
      const std::string end = co_await ending_of<void>(task);
      EXPECT_EQ(end, "cancelled: enough");
      EXPECT_TRUE(inner.cancelled());
    });
  }
}

TEST_F(WaitForTest, CancellingTheCallerWaitsForAnAwaitableThatIgnoresIt) {
  loop_.run([&]() -> Coro<> {
    bool ended = false;
    auto caller = [&]() -> Coro<> { co_await wait_for(slow_to_end(&ended, 5s), 1h); };
    const Task<> task = create_task(caller);
    co_await sleep(1s);
    task.cancel();
    const std::string end = co_await ending_of<void>(task);
    EXPECT_EQ(end, "cancelled");
    EXPECT_TRUE(ended);
  });
}

TEST_F(WaitForTest, AnAwaitableThatTurnsTheCallersCancellationIntoAValueIsBelieved) {
  loop_.run([]() -> Coro<> {
    auto caller = []() -> Coro<int> { co_return co_await wait_for(stubborn(7), 1h); };
    const Task<int> task = create_task(caller);
    co_await sleep(1s);
    task.cancel();
    const int value = co_await task;
    EXPECT_EQ(value, 7);
  });
}

TEST_F(WaitForTest, ACancellationAfterTheAwaitableHasEndedIsNotLost) {
  bool went_on = false;
  loop_.run([&]() -> Coro<> {
    const Task<int> inner = create_task(number_after(7, 1s));
    auto caller = [&]() -> Coro<> {
      co_await wait_for(inner, 1h);
      went_on = true;
    };
    const Task<> task = create_task(caller);
    inner.add_done_callback([task](AnyFuture) { task.cancel(); });
    const std::string end = co_await ending_of<void>(task);
    EXPECT_EQ(end, "cancelled");
    EXPECT_EQ(inner.result(), 7);
  });
  EXPECT_FALSE(went_on);
}

TEST_F(WaitForTest, AShieldedTaskRunsOn) {
  loop_.run([]() -> Coro<> {
    const Task<int> inner = create_task(number_after(7, 5s));
    EXPECT_THROW(co_await wait_for(shield(inner), 0s), TimeoutError);
    EXPECT_FALSE(inner.done());
    EXPECT_THROW(co_await wait_for(shield(inner), 1s), TimeoutError);
    EXPECT_FALSE(inner.done());
    const int value = co_await wait_for(shield(inner), std::nullopt);
    EXPECT_EQ(value, 7);
  });
}

Coro<int> size_of(std::string_view text) {
  co_await sleep(1s);
  co_return static_cast<int>(text.size());
}

TEST_F(WaitForTest, MayBorrowWhereItIsAwaitedInPlaceAndNowhereElse) {
  loop_.run([]() -> Coro<> {
    const int size = co_await wait_for(size_of(std::string(40, 'x')), 2s);
    EXPECT_EQ(size, 40);
    EXPECT_THROW((void)create_task(wait_for(size_of("text"), 2s)), BorrowedArgumentError);
    EXPECT_EQ(co_await create_task(wait_for(number_after(7, 1s), 2s)), 7);  // lint: allowed
  });
}

TEST_F(WaitForTest, WithoutTimeACoroutineIsATaskOfTheFactory) {
  loop_.run([&]() -> Coro<> {
    set_task_factory(loop_, eager_task_factory);
    bool started = false;
    EXPECT_EQ(co_await wait_for(mark(&started), 0s), 1);
    EXPECT_TRUE(started);
  });
}

}  // namespace
}  // namespace asyncio
