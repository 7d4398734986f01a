#include "asyncio/sync/lock_recorder.h"

#include <optional>
#include <source_location>
#include <thread>
#include <vector>

#include "asyncio/sync/condition.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

class LockRecorderTest : public SyncTest {
 protected:
  // Acquires on the line given, and keeps it.
  Coro<> keep(std::source_location* where) {
    *where = std::source_location::current();
    co_await lock_->acquire();
  }

  std::optional<Lock> lock_{std::in_place};
};

TEST_F(LockRecorderTest, KnowsWhoHoldsALockSinceWhichLineAndWhoWaitsForIt) {
  const LockRecorder recorder;
  run([&]() -> Coro<> {
    std::source_location acquired;
    const Task<> holder = create_task(keep(&acquired));
    co_await turns(1);
    const Task<> next = create_task(keep(&acquired));
    const Task<> last = create_task(keep(&acquired));
    co_await turns(1);
    const std::vector<HeldLock> locks = LockRecorder::held_locks();
    EXPECT_EQ(locks.size(), 1U);
    EXPECT_EQ(locks.at(0).holder, holder);
    EXPECT_EQ(locks.at(0).acquired.size(), 1U);
    EXPECT_EQ(locks.at(0).acquired.at(0).line(), acquired.line() + 1);
    EXPECT_EQ(locks.at(0).waiting.size(), 2U);
    EXPECT_EQ(locks.at(0).waiting.at(0), next);
    EXPECT_EQ(locks.at(0).waiting.at(1), last);
  });
}

TEST_F(LockRecorderTest, ForgetsALockThatIsReleasedOrGone) {
  const LockRecorder recorder;
  run([&]() -> Coro<> {
    std::source_location where;
    {
      const auto held = co_await scoped(*lock_);
      EXPECT_EQ(LockRecorder::held_locks().size(), 1U);
    }
    EXPECT_TRUE(LockRecorder::held_locks().empty());
    co_await keep(&where);
    EXPECT_EQ(LockRecorder::held_locks().size(), 1U);
    lock_.reset();
    EXPECT_TRUE(LockRecorder::held_locks().empty());
  });
}

TEST_F(LockRecorderTest, ALockThatIsHandedOverBelongsToTheNextWhenThatRuns) {
  const LockRecorder recorder;
  run([&]() -> Coro<> {
    std::source_location where;
    co_await lock_->acquire();
    const Task<> next = create_task(keep(&where));
    co_await turns(1);
    lock_->release();
    EXPECT_TRUE(LockRecorder::held_locks().empty());
    co_await turns(1);
    EXPECT_EQ(LockRecorder::held_locks().size(), 1U);
    EXPECT_EQ(LockRecorder::held_locks().at(0).holder, next);
  });
}

TEST_F(LockRecorderTest, ALockIsHeldByTheOneWhoAcquiredItEvenIfThatHasEnded) {
  const LockRecorder recorder;
  run([&]() -> Coro<> {
    std::source_location where;
    const Task<> holder = create_task(keep(&where));
    co_await holder;
    EXPECT_EQ(LockRecorder::held_locks().size(), 1U);
    EXPECT_EQ(LockRecorder::held_locks().at(0).holder, holder);
  });
}

TEST_F(LockRecorderTest, NamesAllCoroutinesThatLedToTheLock) {
  const LockRecorder recorder;
  run([&]() -> Coro<> {
    Condition condition;
    auto notified = [&]() -> Coro<> {
      const auto held = co_await scoped(condition);
      co_await condition.wait();
      EXPECT_EQ(LockRecorder::held_locks().at(0).acquired.size(), 3U);
    };
    const Task<> task = create_task(notified);
    co_await turns(1);
    {
      const auto held = co_await scoped(condition);
      condition.notify();
    }
    co_await task;
  });
}

TEST_F(LockRecorderTest, RecordsNothingBeforeItBeginsNorForOtherThreads) {
  run([&]() -> Coro<> {
    std::source_location where;
    co_await keep(&where);
    const LockRecorder recorder;
    EXPECT_TRUE(LockRecorder::held_locks().empty());
    std::thread other([] {
      run_elsewhere([]() -> Coro<> {
        Lock lock;
        const auto held = co_await scoped(lock);
        EXPECT_TRUE(LockRecorder::held_locks().empty());
      });
    });
    other.join();
    lock_->release();
  });
}

TEST_F(LockRecorderTest, OneOfSeveralGoesOnWhenAnotherEnds) {
  const LockRecorder recorder;
  run([&]() -> Coro<> {
    {
      const LockRecorder inner;
      co_await lock_->acquire();
    }
    EXPECT_EQ(LockRecorder::held_locks().size(), 1U);
    lock_->release();
    EXPECT_TRUE(LockRecorder::held_locks().empty());
  });
  EXPECT_TRUE(LockRecorder::recording());
}

}  // namespace
}  // namespace asyncio
