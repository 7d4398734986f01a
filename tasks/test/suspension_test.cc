// What a coroutine may await beside coroutines: futures, waiters, and awaiters that derive from
// Suspension.

#include "asyncio/tasks/suspension.h"

#include <chrono>
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "asyncio/events/activity.h"
#include "asyncio/events/runnable.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using ::testing::MatchesRegex;
using ::testing::StartsWith;

using namespace std::chrono_literals;

// g++ 12 destroys temporary awaiters twice if they are aggregates.
static_assert(!std::is_aggregate_v<Suspension>);
static_assert(!std::is_aggregate_v<WaiterAwaiter>);
static_assert(!std::is_aggregate_v<FutureAwaiter<int>> &&
              !std::is_aggregate_v<FutureAwaiter<void>>);
static_assert(!std::is_aggregate_v<Waiter> && !std::is_aggregate_v<Future<int>>);

static_assert(SuspensionAwaiter<WaiterAwaiter> && SuspensionAwaiter<WaiterAwaiter&>);
static_assert(HasSuspensionAwaiter<Sleep> && HasSuspensionAwaiter<const Sleep&>);
static_assert(!SuspensionAwaiter<std::suspend_always> &&
              !HasSuspensionAwaiter<std::suspend_always>);
static_assert(!HasSuspensionAwaiter<int> && !HasSuspensionAwaiter<Coro<int>>);

class SuspensionTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(SuspensionTest, AWaiterThatIsWokenBeforeItIsAwaitedTakesNoTurn) {
  loop_.run([&]() -> Coro<> {
    Waiter waiter;
    waiter.wake();
    const int before = loop_.turns();
    co_await waiter;
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(SuspensionTest, AWaiterResumesItsTaskInTheNextTurn) {
  loop_.run([&]() -> Coro<> {
    Waiter waiter;
    int woken_in = 0;
    loop_.call_soon([&] {
      woken_in = loop_.turns();
      EXPECT_TRUE(waiter.parked());
      waiter.wake();
      waiter.wake();
    });
    co_await waiter;
    EXPECT_EQ(loop_.turns() - woken_in, 1);
    EXPECT_TRUE(waiter.woken());
  });
}

TEST_F(SuspensionTest, AWaiterThatIsCancelledByItselfThrowsInItsTask) {
  Waiter waiter;
  loop_.run([&]() -> Coro<> {
    auto task = create_task([&]() -> Coro<> { co_await waiter; });
    co_await sleep(0s);
    EXPECT_TRUE(waiter.cancel());
    EXPECT_FALSE(waiter.cancel());
    EXPECT_EQ(co_await ending_of(task), "cancelled");
  });
}

// A user's own awaiter: hands over the number it is given.
class Box final : public Suspension {
 public:
  Box() {}

  bool await_ready() const noexcept { return content_.has_value(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    park(frame, waiter_);
  }
  int await_resume() {
    finish(waiter_);
    return *content_;
  }

  void put(int content) {
    content_ = content;
    waiter_.wake();
  }

 private:
  Waiter waiter_;
  std::optional<int> content_;
};

TEST_F(SuspensionTest, UsersMayWriteAwaitersOfTheirOwn) {
  loop_.run([&]() -> Coro<> {
    Box box;
    loop_.call_later(5s, [&] { box.put(7); });
    EXPECT_EQ(co_await box, 7);
    Box full;
    full.put(8);
    EXPECT_EQ(co_await full, 8);
  });
  EXPECT_EQ(loop_.time().time_since_epoch(), 5s);
}

TEST_F(SuspensionTest, AnAwaiterOfTheirOwnIsCancelledLikeAnyOther) {
  Box box;
  loop_.run([&]() -> Coro<> {
    auto task = create_task([&]() -> Coro<int> { co_return co_await box; });
    co_await sleep(0s);
    task.cancel("empty box");
    EXPECT_EQ(co_await ending_of(task), "cancelled: empty box");
  });
}

// A user's own awaiter that has to be woken several times.
class Knocks final : public Suspension, private Runnable {
 public:
  explicit Knocks(int count) : left_(count) {}

  bool await_ready() const noexcept { return left_ == 0; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    park(frame, waiter_.emplace(), *this);
  }
  void await_resume() { finish(*waiter_); }

  void knock() {
    --left_;
    waiter_->wake();
  }

 private:
  void run() override {
    if (left_ == 0 || interrupted() || waiter_->cancelled()) return go_on();
    park_again(waiter_.emplace(), *this);
  }
  Activity activity() const noexcept override { return waiting_task().activity(); }

  int left_;
  std::optional<Waiter> waiter_;
};

TEST_F(SuspensionTest, AnAwaiterMayLookAgainWhenItIsWokenAndWaitOn) {
  loop_.run([&]() -> Coro<> {
    Knocks knocks(2);
    auto task = create_task([&]() -> Coro<std::string> {
      co_await knocks;
      const Activity activity = *loop_.current_activity();
      co_return activity.kind;
    });
    co_await sleep(0s);
    knocks.knock();
    co_await sleep(0s);
    EXPECT_FALSE(task.done());
    knocks.knock();
    co_await sleep(0s);
    EXPECT_EQ(task.result(), "Task") << "and the awaiter is gone";
  });
}

TEST_F(SuspensionTest, AnAwaiterThatLooksAgainIsCancelledAtAnyTime) {
  loop_.run([&]() -> Coro<> {
    for (const int turns_in_between : {0, 1}) {
      Knocks knocks(2);
      auto task = create_task([&]() -> Coro<> { co_await knocks; });
      co_await sleep(0s);
      knocks.knock();
      for (int i = 0; i < turns_in_between; ++i) co_await sleep(0s);
      task.cancel("enough");
      co_await sleep(0s);
      EXPECT_TRUE(task.cancelled());
      EXPECT_EQ(co_await ending_of(task), "cancelled: enough");
    }
  });
}

// An awaiter that lets others run a number of times.
class Turns final : public Suspension {
 public:
  Turns() {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    yield(frame);
    EXPECT_NE(&loop(), nullptr);
  }
  void await_resume() { finish(); }
};

TEST_F(SuspensionTest, YieldSuspendsForOneTurn) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    co_await Turns();
    EXPECT_EQ(loop_.turns() - before, 1);
    Turns kept;
    co_await kept;
    co_await kept;
    EXPECT_EQ(loop_.turns() - before, 3);
  });
}

class RefusesToSuspend final : public Suspension {
 public:
  RefusesToSuspend() {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise>) {
    throw std::runtime_error("not now");
  }
  void await_resume() { finish(); }
};

TEST_F(SuspensionTest, AnAwaiterThatThrowsInsteadOfSuspendingThrowsFromTheAwait) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto inner = [&](Counted) -> Coro<> {
      const Counted local(counts);
      co_await RefusesToSuspend();
    };
    for (int i = 0; i < 3; ++i) {
      EXPECT_THROW(co_await inner(Counted(counts)), std::runtime_error);
      EXPECT_EQ(counts.alive, 0);
      EXPECT_THROW(co_await RefusesToSuspend(), std::runtime_error);
      co_await sleep(1s);
    }
  });
}

class FutureAwaiterTest : public SuspensionTest {};

TEST_F(FutureAwaiterTest, GivesTheValueOrThrowsTheException) {
  loop_.run([&]() -> Coro<> {
    const Future<int> value(loop_);
    const Future<> failure(loop_);
    const Future<> cancelled(loop_);
    loop_.call_soon([&] {
      value.set_result(3);
      failure.set_exception(std::runtime_error("future"));
      cancelled.cancel("future");
    });
    EXPECT_EQ(co_await value, 3);
    EXPECT_EQ(co_await ending_of(failure), "failed: future");
    EXPECT_EQ(co_await ending_of(failure), "failed: future");
    EXPECT_EQ(co_await ending_of(cancelled), "cancelled: future");
  });
}

TEST_F(FutureAwaiterTest, AwaitingAgainTakesNoTurn) {
  loop_.run([&]() -> Coro<> {
    const Future<int> future(loop_);
    loop_.call_soon([&] { future.set_result(3); });
    co_await future;
    const int before = loop_.turns();
    EXPECT_EQ(co_await future, 3);
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(FutureAwaiterTest, MovesTheValueOutOfTheLastHandleAndCopiesItElse) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    Future<Counted> future(loop_);
    future.set_result(Counted(counts, 5));
    EXPECT_EQ((co_await future).value(), 5);
    EXPECT_EQ(counts.copied, 1);
    EXPECT_EQ((co_await std::move(future)).value(), 5);
    EXPECT_EQ(counts.copied, 1);
  });
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(FutureAwaiterTest, LivesOnIfTheHandleGoesWhileItIsAwaited) {
  loop_.run([&]() -> Coro<> {
    std::optional<Future<int>> future(loop_);
    loop_.call_soon([&] {
      future->set_result(4);
      future.reset();
    });
    EXPECT_EQ(co_await *future, 4);
    EXPECT_FALSE(future.has_value());
  });
}

TEST_F(FutureAwaiterTest, RefusesAFutureOfAnotherLoopAndTheTaskGoesOn) {
  ObservedLoop other;
  const Future<int> foreign(other);
  loop_.run([&]() -> Coro<> {
    auto body = [](Future<int> future) -> Coro<std::string> {
      std::string what;
      try {
        co_await future;
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
      co_await sleep(1s);
      co_return what;
    };
    auto task = create_task(body, foreign);
    task.set_name("traveller");
    EXPECT_THAT(co_await task,
                MatchesRegex("Task <Task 'traveller' .*> got Future <Future created at .*> "
                             "attached to a different loop"));
  });
}

TEST_F(FutureAwaiterTest, ARefusalArrivesInTheNextTurnUnlessTheTaskIsCancelledMeanwhile) {
  ObservedLoop other;
  const Future<int> foreign(other);
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      const int before = loop_.turns();
      const std::string ending = co_await ending_of(foreign);
      EXPECT_EQ(loop_.turns(), before + 1);
      co_return ending == "cancelled" ? -1 : 1;
    };
    auto refused = create_task(body);
    EXPECT_EQ(co_await refused, 1);
    auto cancelled = create_task(body);
    co_await sleep(0s);
    cancelled.cancel();
    EXPECT_EQ(co_await cancelled, -1);
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(FutureAwaiterTest, ADoneFutureOfAnotherLoopMayBeAwaited) {
  ObservedLoop other;
  const Future<int> foreign(other);
  foreign.set_result(6);
  loop_.run([&]() -> Coro<> { EXPECT_EQ(co_await foreign, 6); });
}

TEST_F(FutureAwaiterTest, ATaskCannotAwaitItselfAndGoesOn) {
  std::optional<Task<int>> self;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      try {
        co_await *self;
      } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), StartsWith("Task cannot await on itself: <Task 'Task-"));
      }
      co_await sleep(1s);
      co_return 7;
    };
    self = create_task(body);
    EXPECT_EQ(co_await *self, 7);
    auto careless = [&]() -> Coro<int> { co_return co_await *self; };
    self = create_task(careless);
    EXPECT_THAT(co_await ending_of(*self),
                StartsWith("failed: Task cannot await on itself: <Task"));
  });
}

TEST_F(FutureAwaiterTest, TheValueOfACancelledWaitStaysInTheFuture) {
  loop_.run([&]() -> Coro<> {
    const Future<int> future(loop_);
    auto task = create_task([](Future<int> f) -> Coro<int> { co_return co_await f; }, future);
    co_await sleep(0s);
    future.set_result(8);
    task.cancel();
    EXPECT_EQ(co_await ending_of(task), "cancelled");
    EXPECT_EQ(co_await future, 8);
  });
}

}  // namespace
}  // namespace asyncio
