#include "asyncio/sync/condition.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/sync/lock.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

class ConditionTest : public SyncTest {
 protected:
  // A task that waits once.
  Task<> wait(std::string name) {
    auto body = [this](std::string who) -> Coro<> {
      auto held = co_await scoped(*condition_);
      const bool woken = co_await condition_->wait();
      EXPECT_TRUE(woken);
      EXPECT_TRUE(condition_->locked());
      log_.push_back(who);
    };
    return create_task(body, std::move(name));
  }

  Coro<> notify(std::size_t n) {
    auto held = co_await scoped(*condition_);
    condition_->notify(n);
  }

  std::unique_ptr<Condition> condition_ = std::make_unique<Condition>();
};

TEST_F(ConditionTest, WaitsUntilItIsNotifiedAndTheLockIsFree) {
  run([&]() -> Coro<> {
    wait("a");
    wait("b");
    co_await turns(2);
    EXPECT_FALSE(condition_->locked()) << "who waits does not hold the lock";
    co_await condition_->acquire();
    condition_->notify(2);
    co_await turns(3);
    EXPECT_EQ(log_, Log{}) << "the lock is held";
    condition_->release();
    co_await turns(1);
    EXPECT_EQ(log_, Log{"a"});
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"a", "b"})) << "one after the other, as each gets the lock";
  });
}

TEST_F(ConditionTest, NotifiesOneOrSeveralFirstComeFirst) {
  run([&]() -> Coro<> {
    for (const char* name : {"a", "b", "c", "d"}) wait(name);
    co_await turns(2);
    co_await notify(1);
    co_await turns(5);
    EXPECT_EQ(log_, Log{"a"});
    co_await notify(2);
    co_await turns(5);
    EXPECT_EQ(log_, (Log{"a", "b", "c"}));
    co_await notify(2048);
    co_await turns(5);
    EXPECT_EQ(log_, (Log{"a", "b", "c", "d"}));
    co_await notify(1);
  });
}

TEST_F(ConditionTest, NotifiesOnlyThoseWhoHaveNotBeenNotifiedYet) {
  run([&]() -> Coro<> {
    wait("a");
    wait("b");
    wait("c");
    co_await turns(2);
    co_await condition_->acquire();
    condition_->notify();
    condition_->notify();
    condition_->release();
    co_await turns(5);
    EXPECT_EQ(log_, (Log{"a", "b"}));
  });
}

TEST_F(ConditionTest, NotifiesAll) {
  run([&]() -> Coro<> {
    for (const char* name : {"a", "b", "c"}) wait(name);
    co_await turns(2);
    co_await condition_->acquire();
    condition_->notify_all();
    condition_->release();
    co_await turns(5);
    EXPECT_EQ(log_, (Log{"a", "b", "c"}));
  });
}

TEST_F(ConditionTest, ACancelledWaiterHoldsTheLockAgainAndLeavesTheLine) {
  run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      co_await condition_->acquire();
      try {
        co_await condition_->wait();
      } catch (const CancelledError& error) {
        log_.push_back(*error.message() + (condition_->locked() ? ", locked" : ""));
        condition_->release();
        throw;
      }
    };
    auto a = create_task(body);
    co_await turns(1);
    a.cancel("enough");
    co_await turns(1);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, Log{"enough, locked"});
    EXPECT_EQ(to_string(*condition_), "<asyncio::Condition [unlocked]>");
  });
}

TEST_F(ConditionTest, ACancelledWaiterWaitsForTheLockHoweverOftenItIsCancelled) {
  run([&]() -> Coro<> {
    auto a = wait("a");
    co_await turns(1);
    co_await condition_->acquire();
    for (const char* message : {"first", "second", "third"}) {
      a.cancel(message);
      co_await turns(2);
      EXPECT_FALSE(a.done()) << "the lock is held";
    }
    condition_->release();
    co_await turns(1);
    EXPECT_EQ(ending(a), "cancelled: third") << "the last one";
    EXPECT_FALSE(condition_->locked());
  });
}

TEST_F(ConditionTest, AWaiterCancelledAfterItWasNotifiedStillTakesTheLockFirst) {
  run([&]() -> Coro<> {
    auto a = wait("a");
    co_await turns(1);
    co_await condition_->acquire();
    condition_->notify();
    a.cancel("late");
    co_await turns(3);
    EXPECT_FALSE(a.done());
    condition_->release();
    co_await turns(1);
    EXPECT_EQ(ending(a), "cancelled: late");
  });
}

TEST_F(ConditionTest, AWaiterCancelledBeforeANotificationPassesItByStillTakesTheLockFirst) {
  run([&]() -> Coro<> {
    auto a = wait("a");
    co_await turns(1);
    co_await condition_->acquire();
    a.cancel();
    condition_->notify();
    co_await turns(3);
    EXPECT_FALSE(a.done()) << "the lock is held";
    EXPECT_TRUE(condition_->locked());
    condition_->release();
    co_await turns(1);
    EXPECT_TRUE(a.cancelled());
    EXPECT_FALSE(condition_->locked());
  });
}

TEST_F(ConditionTest, AWaiterCancelledBeforeItRunsPassesItsNotificationOn) {
  run([&]() -> Coro<> {
    auto a = wait("a");
    auto b = wait("b");
    co_await turns(1);
    co_await notify(1);
    a.cancel();
    co_await turns(3);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, Log{"b"});
  });
}

TEST_F(ConditionTest, AWaiterCancelledWhileItWaitsForTheLockPassesItsNotificationOn) {
  run([&]() -> Coro<> {
    auto a = wait("a");
    auto b = wait("b");
    co_await turns(1);
    co_await condition_->acquire();
    condition_->notify();
    co_await turns(2);
    a.cancel();
    co_await turns(2);
    condition_->release();
    co_await turns(4);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, Log{"b"});
  });
}

TEST_F(ConditionTest, AWaiterCancelledWithoutANotificationPassesNoneOn) {
  run([&]() -> Coro<> {
    auto a = wait("a");
    auto b = wait("b");
    co_await turns(1);
    a.cancel();
    co_await turns(4);
    EXPECT_TRUE(a.cancelled());
    EXPECT_FALSE(b.done());
  });
}

TEST_F(ConditionTest, WithoutTheLockNothingIsWaitedForNorNotified) {
  run([&]() -> Coro<> {
    auto a = create_task(condition_->wait());
    auto never = [] { return false; };
    auto b = create_task(condition_->wait_for(never));
    co_await turns(1);
    EXPECT_EQ(ending(a), "failed: cannot wait on un-acquired lock");
    EXPECT_EQ(ending(b), "failed: cannot wait on un-acquired lock");
    EXPECT_FALSE(condition_->locked());
  });
  const std::string refused = "failed: cannot notify on un-acquired lock";
  EXPECT_EQ(ending_of_call([&] { condition_->notify(); }), refused);
  EXPECT_EQ(ending_of_call([&] { condition_->notify_all(); }), refused);
}

TEST_F(ConditionTest, WaitForGivesWhatThePredicateGivesOnceThatIsTrue) {
  int value = 0;
  run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      auto held = co_await scoped(*condition_);
      co_return co_await condition_->wait_for([&] { return value > 1 ? value : 0; });
    };
    auto waiting = create_task(body);
    for (value = 0; value < 2; ++value) {
      co_await turns(2);
      co_await notify(1);
      co_await turns(3);
      EXPECT_FALSE(waiting.done());
    }
    co_await notify(1);
    EXPECT_EQ(co_await waiting, 2);
  });
}

TEST_F(ConditionTest, WaitForNeedsNoLockIfThePredicateIsTrueAtOnce) {
  run([&]() -> Coro<> {
    wait("other");
    const std::string given =
        *co_await condition_->wait_for([] { return std::make_shared<std::string>("yes"); });
    EXPECT_EQ(given, "yes");
    EXPECT_EQ(to_string(*condition_), "<asyncio::Condition [unlocked]>") << "no turn has passed";
  });
}

TEST_F(ConditionTest, SeveralConditionsMayShareALock) {
  Lock lock;
  Condition empty(lock);
  Condition full(lock);
  run([&]() -> Coro<> {
    auto body = [&](Condition* condition, std::string who) -> Coro<> {
      auto held = co_await scoped(lock);
      co_await condition->wait();
      log_.push_back(who);
    };
    auto a = create_task(body, &empty, "empty");
    auto b = create_task(body, &full, "full");
    co_await turns(1);
    {
      auto held = co_await scoped(empty);
      EXPECT_TRUE(full.locked() && lock.locked());
      full.notify();
    }
    co_await b;
    EXPECT_EQ(log_, Log{"full"});
    co_await lock.acquire();
    empty.notify();
    full.release();
    co_await a;
  });
}

TEST_F(ConditionTest, ItAndItsLockBelongToTheFirstLoopOnWhichATaskHadToWait) {
  Lock lock;
  Condition condition(lock);
  run_elsewhere([&]() -> Coro<> {
    co_await lock.acquire();
    auto waiting = create_task(lock.acquire());
    co_await turns(1);
    lock.release();
    co_await waiting;
  });
  run([&]() -> Coro<> {
    auto acquiring = create_task(condition.acquire());
    co_await turns(1);
    EXPECT_EQ(ending(acquiring),
              "failed: <asyncio::Lock [locked]> is bound to a different event loop");
    lock.release();
    auto body = [&]() -> Coro<> {
      auto held = co_await scoped(condition);
      co_await condition.wait();
    };
    create_task(body);
    co_await turns(1);
  });
  run_elsewhere([&]() -> Coro<> {
    co_await condition.acquire();
    auto waiting = create_task(condition.wait());
    co_await turns(1);
    EXPECT_EQ(
        ending(waiting),
        "failed: <asyncio::Condition [locked, waiters:1]> is bound to a different event loop");
    EXPECT_TRUE(condition.locked()) << "as it was";
  });
}

TEST_F(ConditionTest, ItMayBeDestroyedWhileTasksWait) {
  run([&]() -> Coro<> {
    auto woken = wait("woken");
    auto cancelled = wait("cancelled");
    auto waiting = wait("waiting");
    co_await turns(1);
    co_await notify(2);
    condition_.reset();
    cancelled.cancel();
    co_await turns(2);
    EXPECT_EQ(ending(woken), "failed: destroyed while a task waited for it");
    EXPECT_TRUE(cancelled.cancelled());
    EXPECT_FALSE(waiting.done());
    waiting.cancel();
    co_await turns(1);
    EXPECT_TRUE(waiting.cancelled());
  });
}

TEST_F(ConditionTest, ItMayBeDestroyedWhileANotifiedTaskWaitsForItsLock) {
  run([&]() -> Coro<> {
    auto notified = wait("notified");
    co_await turns(1);
    co_await condition_->acquire();
    condition_->notify();
    co_await turns(1);
    condition_.reset();
    notified.cancel();
    co_await turns(1);
    EXPECT_TRUE(notified.cancelled());
  });
}

}  // namespace
}  // namespace asyncio
