#include "asyncio/sync/barrier.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

class BarrierTest : public SyncTest {
 protected:
  // A task that waits once and tells its index.
  Task<int> wait() { return create_task(barrier_->wait()); }

  std::vector<Task<int>> several(int count) {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(wait());
    return tasks;
  }

  static std::vector<std::string> endings(const std::vector<Task<int>>& tasks) {
    std::vector<std::string> endings;
    for (const Task<int>& task : tasks) {
      const std::string word = ending(task);
      endings.push_back(word == "value" ? std::to_string(task.result()) : word);
    }
    return endings;
  }

  std::unique_ptr<Barrier> barrier_ = std::make_unique<Barrier>(3);
};

constexpr const char* kReset = "failed: Abort or reset of barrier";
constexpr const char* kAborted = "failed: Barrier aborted";

TEST_F(BarrierTest, TakesOneTaskAtLeast) {
  EXPECT_EQ(barrier_->parties(), 3);
  EXPECT_EQ(barrier_->n_waiting(), 0);
  EXPECT_FALSE(barrier_->broken());
  EXPECT_EQ(ending_of_call([] { Barrier(0); }), "failed: parties must be >= 1");
  EXPECT_THROW(Barrier(-4), std::invalid_argument);
}

TEST_F(BarrierTest, OneOfOnePassesAtOnceAgainAndAgain) {
  Barrier one(1);
  run([&]() -> Coro<> {
    wait();
    for (int i = 0; i < 2; ++i) {
      const int index = co_await one.wait();
      EXPECT_EQ(index, 0);
      EXPECT_EQ(one.n_waiting(), 0);
      EXPECT_EQ(to_string(one), "<asyncio::Barrier [filling, waiters:0/1]>");
    }
    EXPECT_EQ(barrier_->n_waiting(), 0) << "no turn has passed";
  });
}

TEST_F(BarrierTest, CountsThoseWhoWaitAndNumbersThemInTheOrderOfComing) {
  run([&]() -> Coro<> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 2; ++i) {
      tasks.push_back(wait());
      co_await turns(1);
      EXPECT_EQ(barrier_->n_waiting(), i + 1);
      EXPECT_FALSE(tasks.back().done());
    }
    const int last = co_await barrier_->wait();
    EXPECT_EQ(last, 2);
    EXPECT_EQ(barrier_->n_waiting(), 0);
    EXPECT_EQ(endings(tasks), (Log{"pending", "pending"})) << "the last goes on at once";
    co_await turns(1);
    EXPECT_EQ(endings(tasks), (Log{"0", "1"})) << "the others next turn";
  });
}

TEST_F(BarrierTest, TheSameTasksMayComeAgainAndAgain) {
  run([&]() -> Coro<> {
    auto worker = [&](std::string name) -> Coro<> {
      for (int round = 0; round < 3; ++round) {
        const int index = co_await barrier_->wait();
        log_.push_back(std::to_string(round) + ":" + std::to_string(index) + name);
      }
    };
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) tasks.push_back(create_task(worker, name));
    for (auto& task : tasks) co_await task;
    EXPECT_EQ(log_.size(), 9u);
    for (std::size_t i = 0; i < log_.size(); ++i) {
      EXPECT_EQ(log_[i].substr(0, 2), std::to_string(i / 3) + ":") << "round by round";
    }
    EXPECT_EQ(barrier_->n_waiting(), 0);
  });
}

TEST_F(BarrierTest, WhoComesWhileItDrainsWaitsForTheNextRound) {
  run([&]() -> Coro<> {
    auto first = several(2);
    co_await turns(1);
    co_await barrier_->wait();
    EXPECT_EQ(to_string(*barrier_), "<asyncio::Barrier [draining, waiters:0/3]>");
    auto early = create_task([&]() -> Coro<int> { co_return co_await barrier_->wait(); });
    auto second = several(2);
    co_await turns(1);
    EXPECT_EQ(endings(first), (Log{"0", "1"}));
    EXPECT_FALSE(early.done());
    co_await turns(4);
    EXPECT_TRUE(early.done() && second[0].done() && second[1].done());
  });
}

TEST_F(BarrierTest, WhoIsBlockedWhileItDrainsFillsTheNextRound) {
  run([&]() -> Coro<> {
    auto first = several(5);
    co_await turns(1);
    EXPECT_EQ(endings(first), (Log{"pending", "pending", "2", "pending", "pending"}));
    EXPECT_EQ(barrier_->n_waiting(), 0);
    co_await turns(2);
    EXPECT_EQ(endings(first), (Log{"0", "1", "2", "pending", "pending"}));
    EXPECT_EQ(barrier_->n_waiting(), 2);
    const int last = co_await barrier_->wait();
    EXPECT_EQ(last, 2);
    co_await turns(1);
    EXPECT_EQ(endings(first), (Log{"0", "1", "2", "0", "1"}));
  });
}

TEST_F(BarrierTest, ACancelledTaskLeavesAndAnotherMayComeInItsPlace) {
  run([&]() -> Coro<> {
    auto tasks = several(2);
    co_await turns(1);
    tasks[0].cancel();
    co_await turns(1);
    EXPECT_TRUE(tasks[0].cancelled());
    EXPECT_EQ(barrier_->n_waiting(), 1);
    EXPECT_FALSE(barrier_->broken());
    auto more = several(2);
    co_await turns(2);
    EXPECT_TRUE(tasks[1].done() && more[0].done() && more[1].done());
    EXPECT_EQ(barrier_->n_waiting(), 0);
  });
}

TEST_F(BarrierTest, ATaskThatIsBeingCancelledAsTheLastComesStillLetsTheNextRoundBegin) {
  run([&]() -> Coro<> {
    Barrier two(2);
    const Task<int> first = create_task(two.wait());
    co_await turns(1);
    first.cancel();
    EXPECT_EQ(co_await two.wait(), 1);  // the last of the round
    const Task<int> next = create_task(two.wait());
    co_await turns(1);
    EXPECT_EQ(co_await two.wait(), 1);
    EXPECT_EQ(co_await next, 0);
    EXPECT_TRUE(first.cancelled());
  });
}

TEST_F(BarrierTest, ATaskCancelledAfterTheLastHasComeDoesNotHoldUpTheOthers) {
  run([&]() -> Coro<> {
    auto tasks = several(2);
    co_await turns(1);
    co_await barrier_->wait();
    tasks[0].cancel();
    co_await turns(1);
    EXPECT_EQ(endings(tasks), (Log{"cancelled", "1"}));
    EXPECT_EQ(to_string(*barrier_), "<asyncio::Barrier [filling, waiters:0/3]>");
  });
}

TEST_F(BarrierTest, ABlockedTaskMayBeCancelled) {
  run([&]() -> Coro<> {
    auto tasks = several(4);
    co_await turns(1);
    tasks[3].cancel();
    co_await turns(2);
    EXPECT_EQ(endings(tasks), (Log{"0", "1", "2", "cancelled"}));
    EXPECT_EQ(barrier_->n_waiting(), 0);
  });
}

TEST_F(BarrierTest, ACancelledTaskWakesTheNextWhoLooksAroundAndWaitsBehindTheOthers) {
  run([&]() -> Coro<> {
    Barrier five(5);
    auto pass = [&](std::string name) -> Coro<> {
      co_await five.wait();
      log_.push_back(name);
    };
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) tasks.push_back(create_task(pass, name));
    co_await turns(1);
    tasks[0].cancel();
    co_await turns(2);
    EXPECT_EQ(five.n_waiting(), 2);
    for (const char* name : {"d", "e"}) tasks.push_back(create_task(pass, name));
    co_await turns(1);
    co_await five.wait();
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"c", "b", "d", "e"}));
  });
}

TEST_F(BarrierTest, ABlockedTaskThatIsWokenByACancelledOneGoesOnIfTheBarrierIsDrainedByThen) {
  run([&]() -> Coro<> {
    Barrier two(2);
    auto twice = [&]() -> Coro<> {
      co_await two.wait();
      co_await two.wait();
    };
    const Task<> first = create_task(twice);
    co_await turns(1);
    co_await two.wait();
    const Task<> last = create_task(twice);  // in the next turn, of the next round
    auto blocked = [&]() -> Coro<> {
      current_task()->cancel();
      try {
        co_await two.wait();
      } catch (const CancelledError&) {
        current_task()->uncancel();
      }
    };
    co_await blocked();
    EXPECT_EQ(to_string(two), "<asyncio::Barrier [draining, waiters:0/2]>");
    co_await turns(1);
    EXPECT_TRUE(first.done());
    EXPECT_EQ(two.n_waiting(), 1);
    co_await two.wait();
    co_await last;
  });
}

TEST_F(BarrierTest, ResetWithoutTasksChangesNothing) {
  run([&]() -> Coro<> {
    co_await barrier_->reset();
    EXPECT_EQ(to_string(*barrier_), "<asyncio::Barrier [filling, waiters:0/3]>");
    auto tasks = several(3);
    co_await turns(2);
    EXPECT_EQ(endings(tasks), (Log{"0", "1", "2"}));
  });
}

TEST_F(BarrierTest, ResetFailsThoseWhoWaitAndTheBarrierIsAsNew) {
  run([&]() -> Coro<> {
    auto tasks = several(2);
    co_await turns(1);
    co_await barrier_->reset();
    EXPECT_EQ(barrier_->n_waiting(), 0);
    EXPECT_FALSE(barrier_->broken());
    EXPECT_EQ(to_string(*barrier_), "<asyncio::Barrier [resetting, waiters:0/3]>");
    auto next = several(3);
    co_await turns(4);
    EXPECT_EQ(endings(tasks), (Log{kReset, kReset}));
    EXPECT_EQ(endings(next), (Log{"0", "1", "2"}));
  });
}

TEST_F(BarrierTest, WhoFailsByAResetMayWaitAgain) {
  run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      bool failed = false;
      try {
        co_await barrier_->wait();
      } catch (const BrokenBarrierError&) {
        failed = true;
      }
      EXPECT_TRUE(failed);
      co_return co_await barrier_->wait();
    };
    auto a = create_task(body);
    auto b = create_task(body);
    co_await turns(1);
    co_await barrier_->reset();
    co_await turns(3);
    EXPECT_EQ(barrier_->n_waiting(), 2);
    co_await barrier_->wait();
    co_await a;
    co_await b;
  });
}

TEST_F(BarrierTest, ResetWhileItDrainsFailsThoseWhoHaveNotLeft) {
  run([&]() -> Coro<> {
    auto tasks = several(5);
    co_await turns(1);
    EXPECT_EQ(endings(tasks), (Log{"pending", "pending", "2", "pending", "pending"}));
    co_await barrier_->reset();
    EXPECT_EQ(barrier_->n_waiting(), 0);
    co_await turns(3);
    EXPECT_EQ(endings(tasks), (Log{kReset, kReset, "2", "pending", "pending"}));
    EXPECT_EQ(barrier_->n_waiting(), 2) << "the blocked ones begin the next round";
    co_await barrier_->wait();
    co_await turns(1);
    EXPECT_EQ(endings(tasks), (Log{kReset, kReset, "2", "0", "1"}));
  });
}

TEST_F(BarrierTest, AbortBreaksItUntilItIsReset) {
  run([&]() -> Coro<> {
    auto tasks = several(2);
    co_await turns(1);
    co_await barrier_->abort();
    EXPECT_TRUE(barrier_->broken());
    EXPECT_EQ(barrier_->n_waiting(), 0);
    co_await turns(1);
    EXPECT_EQ(endings(tasks), (Log{kReset, kReset}));
    auto late = several(1);
    co_await turns(1);
    EXPECT_EQ(endings(late), Log{kAborted});
    EXPECT_EQ(to_string(*barrier_), "<asyncio::Barrier [broken]>");
    co_await barrier_->reset();
    EXPECT_FALSE(barrier_->broken());
    auto next = several(3);
    co_await turns(2);
    EXPECT_EQ(endings(next), (Log{"0", "1", "2"}));
  });
}

TEST_F(BarrierTest, AbortWithoutTasksBreaksItToo) {
  run([&]() -> Coro<> {
    co_await barrier_->abort();
    auto late = several(1);
    co_await turns(1);
    EXPECT_EQ(endings(late), Log{kAborted});
  });
}

TEST_F(BarrierTest, AbortWhileItDrainsFailsThoseWhoHaveNotLeftAndThoseWhoAreBlocked) {
  run([&]() -> Coro<> {
    auto tasks = several(5);
    co_await turns(1);
    co_await barrier_->abort();
    co_await turns(2);
    EXPECT_EQ(endings(tasks), (Log{kReset, kReset, "2", kAborted, kAborted}));
    EXPECT_TRUE(barrier_->broken());
  });
}

TEST_F(BarrierTest, ATaskThatFailsMayAbortItForTheOthersAndResetItAfterwards) {
  run([&]() -> Coro<> {
    auto tasks = several(2);
    auto failing = [&]() -> Coro<> {
      bool failed = false;
      try {
        throw std::logic_error("no");
      } catch (const std::logic_error&) {
        failed = true;
      }
      if (failed) co_await barrier_->abort();
      co_await turns(2);
      co_await barrier_->reset();
    };
    co_await create_task(failing);
    EXPECT_EQ(endings(tasks), (Log{kReset, kReset}));
    EXPECT_FALSE(barrier_->broken());
  });
}

TEST_F(BarrierTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  run_elsewhere([&]() -> Coro<> {
    several(3);
    co_await turns(3);
  });
  run([&]() -> Coro<> {
    auto tasks = several(1);
    co_await turns(1);
    EXPECT_EQ(endings(tasks), Log{"failed: <asyncio::Barrier [filling, waiters:0/3]> is bound to a "
                                  "different event loop"});
  });
}

TEST_F(BarrierTest, ItMayBeDestroyedWhileTasksWait) {
  run([&]() -> Coro<> {
    auto woken = several(5);
    co_await turns(1);
    barrier_.reset();
    woken[3].cancel();
    co_await turns(2);
    const char* gone = "failed: destroyed while a task waited for it";
    EXPECT_EQ(endings(woken), (Log{gone, gone, "2", "cancelled", "pending"}));
    woken[4].cancel();
    co_await turns(1);
    EXPECT_TRUE(woken[4].cancelled());
  });
}

}  // namespace
}  // namespace asyncio
