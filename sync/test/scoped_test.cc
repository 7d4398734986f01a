#include "asyncio/sync/scoped.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "asyncio/sync/condition.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/semaphore.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

static_assert(!std::is_aggregate_v<Scoped<Lock>> && !std::is_aggregate_v<ScopedAwaiter<Lock>>);
static_assert(!std::is_move_constructible_v<Held<Lock>> &&
              !std::is_copy_constructible_v<Held<Lock>>);

using ScopedTest = SyncTest;

TEST_F(ScopedTest, HoldsALockToTheEndOfTheScope) {
  Lock lock;
  run([&]() -> Coro<> {
    {
      auto held = co_await scoped(lock);
      EXPECT_TRUE(lock.locked());
    }
    EXPECT_FALSE(lock.locked());
  });
}

TEST_F(ScopedTest, ReleasesWhenTheScopeIsLeftByAnException) {
  Lock lock;
  run([&]() -> Coro<> {
    try {
      auto held = co_await scoped(lock);
      throw std::logic_error("out");
    } catch (const std::logic_error&) {
      EXPECT_FALSE(lock.locked());
    }
  });
}

TEST_F(ScopedTest, WaitsInLineAndHoldsNothingWhenCancelled) {
  Lock lock;
  run([&]() -> Coro<> {
    auto work = [&](std::string who) -> Coro<> {
      auto held = co_await scoped(lock);
      log_.push_back(who);
      co_await turns(1);
    };
    auto a = create_task(work, "a");
    auto b = create_task(work, "b");
    auto c = create_task(work, "c");
    co_await turns(1);
    b.cancel();
    co_await c;
    EXPECT_TRUE(b.cancelled());
    EXPECT_EQ(log_, (Log{"a", "c"}));
    EXPECT_FALSE(lock.locked());
  });
}

TEST_F(ScopedTest, HoldsAPermitOfEitherKindOfSemaphore) {
  Semaphore semaphore(2);
  BoundedSemaphore bounded;
  run([&]() -> Coro<> {
    {
      auto one = co_await scoped(semaphore);
      auto two = co_await scoped(semaphore);
      auto other = co_await scoped(bounded);
      EXPECT_TRUE(semaphore.locked() && bounded.locked());
    }
    EXPECT_EQ(to_string(semaphore), "<asyncio::Semaphore [unlocked, value:2]>");
    EXPECT_FALSE(bounded.locked());
  });
}

TEST_F(ScopedTest, HoldsTheLockOfACondition) {
  Condition condition;
  run([&]() -> Coro<> {
    {
      auto held = co_await scoped(condition);
      EXPECT_TRUE(condition.locked());
    }
    EXPECT_FALSE(condition.locked());
  });
}

TEST_F(ScopedTest, GivesTheIndexAtABarrier) {
  Barrier barrier(2);
  run([&]() -> Coro<> {
    auto visit = [&]() -> Coro<int> { co_return co_await scoped(barrier); };
    auto first = create_task(visit);
    auto second = create_task(visit);
    EXPECT_EQ(co_await first, 0);
    EXPECT_EQ(co_await second, 1);
  });
}

TEST_F(ScopedTest, LeavesALockAloneThatWasReleasedByHand) {
  Lock lock;
  run([&]() -> Coro<> {
    {
      auto held = co_await scoped(lock);
      lock.release();
    }
    EXPECT_FALSE(lock.locked());
  });
}

TEST_F(ScopedTest, MayOutliveWhatItHolds) {
  auto lock = std::make_unique<Lock>();
  auto semaphore = std::make_unique<Semaphore>(2);
  run([&]() -> Coro<> {
    auto first = co_await scoped(*semaphore);
    auto second = co_await scoped(*semaphore);
    auto held = co_await scoped(*lock);
    lock.reset();
    semaphore.reset();
  });
}

TEST_F(ScopedTest, ATaskMayBeDestroyedWhileItsConditionHasReleasedWhatItHolds) {
  Condition condition;
  VirtualTimeLoop other;
  silence(other);
  auto main = [&]() -> Coro<> {
    auto wait = [&]() -> Coro<> {
      auto held = co_await scoped(condition);
      co_await condition.wait();
    };
    create_task(wait);
    create_task(wait);
    co_await turns(1);
  };
  run_until_complete(other, main());
  other.close();
  EXPECT_EQ(to_string(condition), "<asyncio::Condition [unlocked]>");
}

}  // namespace
}  // namespace asyncio
