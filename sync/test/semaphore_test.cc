#include "asyncio/sync/semaphore.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

static_assert(!SuspensionAwaiter<Semaphore&> && !HasSuspensionAwaiter<Semaphore&>, "no awaitable");

class SemaphoreTest : public SyncTest {
 protected:
  void begin(int value) { semaphore_ = std::make_unique<Semaphore>(value); }

  // A task that takes a permit and keeps it.
  Task<> acquire(std::string name) {
    auto body = [this](std::string who) -> Coro<> {
      const bool acquired = co_await semaphore_->acquire();
      EXPECT_TRUE(acquired);
      log_.push_back(who);
    };
    return create_task(body, std::move(name));
  }

  std::unique_ptr<Semaphore> semaphore_ = std::make_unique<Semaphore>();
};

TEST_F(SemaphoreTest, HasOnePermitUnlessItIsGivenMoreOrNone) {
  EXPECT_FALSE(semaphore_->locked());
  EXPECT_TRUE(Semaphore(0).locked());
  EXPECT_FALSE(Semaphore(3).locked());
  EXPECT_EQ(ending_of_call([] { Semaphore(-1); }), "failed: Semaphore initial value must be >= 0");
  EXPECT_THROW(BoundedSemaphore(-1), std::invalid_argument);
}

TEST_F(SemaphoreTest, GivesItsPermitsAtOnceAndMoreInTheOrderOfComing) {
  begin(3);
  run([&]() -> Coro<> {
    acquire("later");
    const bool acquired = co_await semaphore_->acquire();
    EXPECT_TRUE(acquired);
    EXPECT_EQ(log_, Log{}) << "no turn has passed";
    co_await semaphore_->acquire();
    co_await turns(1);
    EXPECT_TRUE(semaphore_->locked());
    for (const char* name : {"b", "c", "d"}) acquire(name);
    co_await turns(2);
    EXPECT_EQ(log_, Log{"later"});
    semaphore_->release();
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"later", "b"}));
    semaphore_->release();
    semaphore_->release();
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"later", "b", "c", "d"}));
    EXPECT_TRUE(semaphore_->locked());
    semaphore_->release();
    EXPECT_FALSE(semaphore_->locked());
  });
}

TEST_F(SemaphoreTest, ACancelledWaiterLeavesTheLine) {
  begin(0);
  run([&]() -> Coro<> {
    auto a = acquire("a");
    auto b = acquire("b");
    co_await turns(1);
    a.cancel();
    semaphore_->release();
    co_await turns(1);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, Log{"b"});
    EXPECT_EQ(to_string(*semaphore_), "<asyncio::Semaphore [locked]>");
  });
}

TEST_F(SemaphoreTest, TwoCancelledBeforeAReleaseAndTheThirdGetsThePermit) {
  begin(0);
  run([&]() -> Coro<> {
    auto a = acquire("a");
    auto b = acquire("b");
    auto c = acquire("c");
    auto d = acquire("d");
    co_await turns(1);
    a.cancel();
    b.cancel();
    semaphore_->release();
    co_await turns(1);
    EXPECT_TRUE(a.cancelled() && b.cancelled());
    EXPECT_TRUE(c.done());
    EXPECT_FALSE(d.done());
    semaphore_->release();
    co_await d;
  });
}

TEST_F(SemaphoreTest, AWaiterThatIsCancelledAfterItWasWokenHandsThePermitOn) {
  begin(0);
  run([&]() -> Coro<> {
    auto a = acquire("a");
    auto b = acquire("b");
    co_await turns(1);
    semaphore_->release();
    a.cancel();
    EXPECT_TRUE(semaphore_->locked());
    co_await turns(2);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, Log{"b"});
  });
}

TEST_F(SemaphoreTest, APermitHandedToACancelledWaiterIsThereIfNobodyElseWaits) {
  begin(0);
  run([&]() -> Coro<> {
    auto a = acquire("a");
    co_await turns(1);
    semaphore_->release();
    a.cancel();
    co_await turns(1);
    EXPECT_TRUE(a.cancelled());
    EXPECT_FALSE(semaphore_->locked());
    co_await semaphore_->acquire();
  });
}

TEST_F(SemaphoreTest, SeveralReleasesInATurnAndACancellationLoseNoPermit) {
  begin(0);
  run([&]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c", "d"}) tasks.push_back(acquire(name));
    co_await turns(1);
    for (int i = 0; i < 3; ++i) semaphore_->release();
    tasks[0].cancel();
    tasks[2].cancel();
    co_await turns(2);
    EXPECT_EQ(log_, (Log{"b", "d"}));
    EXPECT_FALSE(semaphore_->locked()) << "one of three is left";
  });
}

TEST_F(SemaphoreTest, AHolderThatReleasesAndCancelsTheNextLeavesThePermitForOthers) {
  run([&]() -> Coro<> {
    Task<>* next = nullptr;
    auto hold = [&]() -> Coro<> {
      co_await semaphore_->acquire();
      co_await turns(1);
      semaphore_->release();
      next->cancel();
    };
    auto holder = create_task(hold);
    auto waiting = acquire("next");
    next = &waiting;
    co_await holder;
    co_await turns(1);
    EXPECT_TRUE(waiting.cancelled());
    co_await semaphore_->acquire();
  });
}

TEST_F(SemaphoreTest, NewcomersQueueBehindThoseWhoWereWokenEvenIfThereArePermits) {
  begin(0);
  run([&]() -> Coro<> {
    acquire("a");
    co_await turns(1);
    semaphore_->release();
    semaphore_->release();
    EXPECT_TRUE(semaphore_->locked()) << "a comes first";
    co_await semaphore_->acquire();
    EXPECT_EQ(log_, Log{"a"});
    EXPECT_TRUE(semaphore_->locked());
  });
}

TEST_F(SemaphoreTest, NewcomersAreServedAlsoIfTheOneBeforeThemWasCancelled) {
  begin(0);
  run([&]() -> Coro<> {
    auto a = acquire("a");
    co_await turns(1);
    semaphore_->release();
    semaphore_->release();
    auto b = acquire("b");
    auto c = acquire("c");
    co_await turns(0);
    a.cancel();
    co_await turns(3);
    EXPECT_TRUE(b.done() && c.done());
    EXPECT_TRUE(semaphore_->locked());
  });
}

TEST_F(SemaphoreTest, AfterACancellationEveryReleaseFindsSomebodyInOrder) {
  begin(0);
  run([&]() -> Coro<> {
    auto a = acquire("a");
    auto b = acquire("b");
    auto c = acquire("c");
    co_await turns(1);
    a.cancel();
    co_await turns(1);
    semaphore_->release();
    semaphore_->release();
    co_await turns(1);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(log_, (Log{"b", "c"}));
  });
}

TEST_F(SemaphoreTest, WhoGetsAPermitWakesAllWhoQueuedBehindItAndForWhomThereAreMore) {
  begin(0);
  run([&]() -> Coro<> {
    auto log_it = [&](std::string who) -> Coro<> {
      log_.push_back(who);
      co_return;
    };
    auto first = [&]() -> Coro<> {
      co_await semaphore_->acquire();
      log_.push_back("first");
      create_task(log_it, "created by the first");
    };
    auto second = [&]() -> Coro<> {
      for (int i = 0; i < 3; ++i) semaphore_->release();
      EXPECT_TRUE(semaphore_->locked()) << "the first has not run yet";
      co_await semaphore_->acquire();
      log_.push_back("second");
    };
    create_task(first);
    create_task(second);
    acquire("third");
    co_await turns(3);
    EXPECT_EQ(log_, (Log{"first", "second", "third", "created by the first"}));
    EXPECT_TRUE(semaphore_->locked());
  });
}

TEST_F(SemaphoreTest, WhoReleasesAndComesAgainWaitsBehindTheOthers) {
  run([&]() -> Coro<> {
    auto worker = [&](std::string who) -> Coro<> {
      for (int round = 0; round < 3; ++round) {
        co_await semaphore_->acquire();
        log_.push_back(who);
        semaphore_->release();
      }
    };
    co_await semaphore_->acquire();
    auto a = create_task(worker, "a");
    auto b = create_task(worker, "b");
    co_await turns(1);
    semaphore_->release();
    co_await a;
    co_await b;
    EXPECT_EQ(log_, (Log{"a", "b", "a", "b", "a", "b"}));
  });
}

TEST_F(SemaphoreTest, ABoundedOneRefusesToHaveMoreThanItBeganWith) {
  BoundedSemaphore bounded(2);
  EXPECT_EQ(ending_of_call([&] { bounded.release(); }),
            "failed: BoundedSemaphore released too many times");
  Semaphore& base = bounded;
  EXPECT_THROW(base.release(), std::invalid_argument) << "also by another name";
  run([&]() -> Coro<> {
    co_await bounded.acquire();
    bounded.release();
    EXPECT_THROW(bounded.release(), std::invalid_argument);
  });
}

TEST_F(SemaphoreTest, AnUnboundedOneMayBeReleasedWithoutBeingAcquired) {
  semaphore_->release();
  EXPECT_EQ(to_string(*semaphore_), "<asyncio::Semaphore [unlocked, value:2]>");
}

TEST_F(SemaphoreTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  begin(0);
  run_elsewhere([&]() -> Coro<> {
    auto waiting = acquire("a");
    co_await turns(1);
    semaphore_->release();
    co_await waiting;
  });
  run([&]() -> Coro<> {
    auto waiting = acquire("b");
    co_await turns(1);
    EXPECT_EQ(ending(waiting),
              "failed: <asyncio::Semaphore [locked]> is bound to a different event loop");
    semaphore_->release();
    co_await semaphore_->acquire();
  });
}

TEST_F(SemaphoreTest, ItMayBeDestroyedWhileTasksWait) {
  begin(0);
  run([&]() -> Coro<> {
    auto woken = acquire("woken");
    auto waiting = acquire("waiting");
    co_await turns(1);
    semaphore_->release();
    semaphore_.reset();
    co_await turns(2);
    EXPECT_EQ(ending(woken), "failed: destroyed while a task waited for it");
    waiting.cancel();
    co_await turns(1);
    EXPECT_TRUE(waiting.cancelled());
  });
}

TEST_F(SemaphoreTest, SaysItsStateAndHowManyWait) {
  EXPECT_EQ(to_string(Semaphore(3)), "<asyncio::Semaphore [unlocked, value:3]>");
  EXPECT_EQ(to_string(BoundedSemaphore(0)), "<asyncio::BoundedSemaphore [locked]>");
}

}  // namespace
}  // namespace asyncio
