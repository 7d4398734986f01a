#include "asyncio/sync/lock.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

static_assert(!std::is_aggregate_v<InLine<Lock>> && !std::is_aggregate_v<LineAwaiter<Lock>>);
static_assert(!SuspensionAwaiter<Lock&> && !HasSuspensionAwaiter<Lock&>, "a lock is no awaitable");
static_assert(!std::is_copy_constructible_v<Lock> && !std::is_move_constructible_v<Lock>);

class LockTest : public SyncTest {
 protected:
  // A task that acquires the lock and keeps it.
  Task<> acquire(std::string name) {
    auto body = [this](std::string who) -> Coro<> {
      const bool acquired = co_await lock_->acquire();
      EXPECT_TRUE(acquired);
      log_.push_back(who);
    };
    return create_task(body, std::move(name));
  }

  std::unique_ptr<Lock> lock_ = std::make_unique<Lock>();
};

TEST_F(LockTest, AFreeLockIsAcquiredWithoutATurn) {
  run([&]() -> Coro<> {
    acquire("later");
    EXPECT_FALSE(lock_->locked());
    const bool acquired = co_await lock_->acquire();
    EXPECT_TRUE(acquired);
    EXPECT_TRUE(lock_->locked());
    EXPECT_EQ(log_, Log{}) << "nobody else has run";
    lock_->release();
    EXPECT_FALSE(lock_->locked());
  });
}

TEST_F(LockTest, ContendersGetItInTheOrderInWhichTheyCameOneForEachRelease) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    acquire("a");
    acquire("b");
    co_await turns(2);
    EXPECT_EQ(log_, Log{});
    lock_->release();
    acquire("c");
    co_await turns(1);
    EXPECT_EQ(log_, Log{"a"}) << "in the turn after the release";
    co_await turns(3);
    lock_->release();
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"a", "b"}));
    lock_->release();
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"a", "b", "c"}));
  });
}

TEST_F(LockTest, BetweenTheReleaseAndTheNextTurnItIsUnlockedAndNobodyOvertakes) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    acquire("a");
    co_await turns(1);
    lock_->release();
    EXPECT_FALSE(lock_->locked());
    EXPECT_THROW(lock_->release(), std::runtime_error) << "not acquired by anybody yet";
    auto self = create_task(lock_->acquire());
    co_await turns(2);
    EXPECT_EQ(log_, Log{"a"});
    EXPECT_TRUE(lock_->locked());
    EXPECT_FALSE(self.done());
    lock_->release();
    EXPECT_TRUE(co_await self);
  });
}

TEST_F(LockTest, ACancelledWaiterLeavesTheLine) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    auto a = acquire("a");
    auto b = acquire("b");
    co_await turns(1);
    a.cancel("enough");
    co_await turns(1);
    EXPECT_EQ(ending(a), "cancelled: enough");
    EXPECT_EQ(to_string(*lock_), "<asyncio::Lock [locked, waiters:1]>");
    lock_->release();
    co_await b;
    EXPECT_EQ(log_, Log{"b"});
  });
}

TEST_F(LockTest, TheHolderEndsAndTheNextIsCancelledInTheSameTurnAndTheThirdGetsIt) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    auto a = acquire("a");
    auto b = acquire("b");
    co_await turns(1);
    lock_->release();
    a.cancel();
    co_await turns(2);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, Log{"b"});
    EXPECT_TRUE(lock_->locked());
  });
}

TEST_F(LockTest, ACancellationBeforeTheReleaseInTheSameTurnGrantsItOnce) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    auto a = acquire("a");
    auto b = acquire("b");
    auto c = acquire("c");
    co_await turns(1);
    a.cancel();
    lock_->release();
    co_await turns(4);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, Log{"b"});
    EXPECT_FALSE(c.done());
    lock_->release();
    co_await c;
  });
}

TEST_F(LockTest, AWaiterThatIsCancelledAfterItWasWokenHandsTheLockOnNextTurn) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    auto a = acquire("a");
    auto b = acquire("b");
    auto c = acquire("c");
    co_await turns(1);
    lock_->release();
    a.cancel();
    b.cancel();
    co_await turns(3);
    EXPECT_TRUE(a.cancelled() && b.cancelled());
    EXPECT_EQ(log_, Log{"c"});
  });
}

TEST_F(LockTest, ACancellationThatIsWithdrawnBeforeItIsDeliveredCostsNothing) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    auto a = acquire("a");
    co_await turns(1);
    lock_->release();
    a.cancel();
    a.uncancel();
    co_await a;
    EXPECT_EQ(log_, Log{"a"});
    EXPECT_TRUE(lock_->locked());
  });
}

TEST_F(LockTest, WhenAllWhoWaitAreCancelledItIsFreeAtOnce) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    auto a = acquire("a");
    co_await turns(1);
    a.cancel();
    lock_->release();
    co_await lock_->acquire();
    EXPECT_FALSE(a.done()) << "no turn has passed";
    lock_->release();
    co_await turns(1);
    EXPECT_TRUE(a.cancelled());
    EXPECT_FALSE(lock_->locked());
  });
}

TEST_F(LockTest, ReleasingAFreeLockIsAnError) {
  EXPECT_EQ(ending_of_call([&] { lock_->release(); }), "failed: Lock is not acquired.");
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    lock_->release();
  });
  EXPECT_THROW(lock_->release(), std::runtime_error);
}

TEST_F(LockTest, AnyTaskMayReleaseIt) {
  run([&]() -> Coro<> {
    co_await acquire("a");
    lock_->release();
    EXPECT_FALSE(lock_->locked());
  });
}

TEST_F(LockTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  run([&]() -> Coro<> { co_await lock_->acquire(); });
  run_elsewhere([&]() -> Coro<> {
    lock_->release();
    co_await lock_->acquire();
    auto waiting = acquire("elsewhere");
    co_await turns(1);
    lock_->release();
    co_await waiting;
  });
  run([&]() -> Coro<> {
    auto waiting = acquire("here");
    co_await turns(1);
    EXPECT_EQ(ending(waiting),
              "failed: <asyncio::Lock [locked]> is bound to a different event loop");
    lock_->release();
    co_await lock_->acquire();
  });
}

TEST_F(LockTest, ItMayBeDestroyedWhileTasksWait) {
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    auto woken = acquire("woken");
    auto gone = acquire("gone");
    auto waiting = acquire("waiting");
    co_await turns(1);
    lock_->release();
    lock_.reset();
    gone.cancel();
    co_await turns(2);
    EXPECT_EQ(ending(woken), "failed: destroyed while a task waited for it");
    EXPECT_TRUE(gone.cancelled());
    EXPECT_FALSE(waiting.done());
    waiting.cancel();
    co_await turns(1);
    EXPECT_TRUE(waiting.cancelled());
  });
}

TEST_F(LockTest, TasksThatTheirLoopDestroysLeaveTheLine) {
  VirtualTimeLoop other;
  silence(other);
  auto main = [&]() -> Coro<> {
    co_await lock_->acquire();
    acquire("woken");
    acquire("waiting");
    co_await turns(1);
  };
  run_until_complete(other, main());
  lock_->release();
  other.close();
  EXPECT_EQ(to_string(*lock_), "<asyncio::Lock [unlocked]>");
  run([&]() -> Coro<> { co_await lock_->acquire(); });
}

TEST_F(LockTest, SaysItsStateAndHowManyWait) {
  EXPECT_EQ(to_string(*lock_), "<asyncio::Lock [unlocked]>");
  run([&]() -> Coro<> {
    co_await lock_->acquire();
    EXPECT_EQ(to_string(*lock_), "<asyncio::Lock [locked]>");
    acquire("a");
    acquire("b");
    co_await turns(1);
    EXPECT_EQ(to_string(*lock_), "<asyncio::Lock [locked, waiters:2]>");
  });
}

}  // namespace
}  // namespace asyncio
