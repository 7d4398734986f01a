#include "asyncio/sync/wait_queue.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

using Log = std::vector<std::string>;

class WaitQueueTest : public testing::Test {
 protected:
  ~WaitQueueTest() override { loop_.close(); }

  template <class F>
  void run(F main) {
    run_until_complete(loop_, main());
  }

  // A task that waits and then says so.
  Task<> wait_in_line(std::string name) {
    auto wait = [this](std::string who) -> Coro<> {
      try {
        co_await WaitQueue::wait(&*queue_);
        log_.push_back(who + " woken");
      } catch (const CancelledError&) {
        log_.push_back(who + " cancelled");
        throw;
      }
    };
    return create_task(wait, std::move(name));
  }

  static Coro<> turns(int count) {
    for (int i = 0; i < count; ++i) co_await sleep(0s);
  }

  VirtualTimeLoop loop_;
  std::unique_ptr<WaitQueue> queue_ = std::make_unique<WaitQueue>();
  Log log_;
};

TEST_F(WaitQueueTest, WakeAllWakesEverybodyFirstComeFirst) {
  run([&]() -> Coro<> {
    EXPECT_TRUE(queue_->empty());
    wait_in_line("a");
    wait_in_line("b");
    wait_in_line("c");
    co_await turns(2);
    EXPECT_FALSE(queue_->empty());
    queue_->wake_all();
    EXPECT_TRUE(queue_->empty());
    EXPECT_EQ(log_, Log{}) << "nobody runs inside wake_all()";
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"a woken", "b woken", "c woken"}));
  });
}

TEST_F(WaitQueueTest, WakingAnEmptyQueueIsNotRememberedForThoseWhoComeLater) {
  run([&]() -> Coro<> {
    queue_->wake_all();
    wait_in_line("a");
    co_await turns(5);
    EXPECT_EQ(log_, Log{});
    queue_->wake_all();
    co_await turns(1);
    EXPECT_EQ(log_, Log{"a woken"});
  });
}

TEST_F(WaitQueueTest, WhoComesBackAfterTheWakeUpWaitsForTheNext) {
  int woken = 0;
  run([&]() -> Coro<> {
    auto again = [&]() -> Coro<> {
      while (true) {
        co_await WaitQueue::wait(&*queue_);
        ++woken;
      }
    };
    auto task = create_task(again);
    for (int i = 1; i <= 3; ++i) {
      co_await turns(3);
      queue_->wake_all();
      co_await turns(3);
      EXPECT_EQ(woken, i);
    }
    task.cancel();
    co_await turns(2);
    EXPECT_TRUE(queue_->empty());
  });
}

TEST_F(WaitQueueTest, FirstMiddleAndLastMayLeaveByCancellation) {
  for (const int leaving : {0, 1, 2}) {
    log_.clear();
    run([&]() -> Coro<> {
      std::vector<Task<>> line;
      for (const char* name : {"a", "b", "c"}) line.push_back(wait_in_line(name));
      co_await turns(2);
      line[static_cast<std::size_t>(leaving)].cancel();
      co_await turns(2);
      queue_->wake_all();
      co_await turns(2);
      const std::string left(1, static_cast<char>('a' + leaving));
      Log expected{left + " cancelled"};
      for (const std::string name : {"a", "b", "c"}) {
        if (name != left) expected.push_back(name + " woken");
      }
      EXPECT_EQ(log_, expected);
      EXPECT_TRUE(queue_->empty());
    });
  }
}

TEST_F(WaitQueueTest, EverybodyMayLeave) {
  run([&]() -> Coro<> {
    auto a = wait_in_line("a");
    auto b = wait_in_line("b");
    co_await turns(2);
    b.cancel();
    a.cancel();
    co_await turns(2);
    EXPECT_TRUE(queue_->empty());
    EXPECT_EQ(log_.size(), 2u);
    wait_in_line("c");
    co_await turns(2);
    queue_->wake_all();
    co_await turns(2);
    EXPECT_EQ(log_.back(), "c woken");
  });
}

TEST_F(WaitQueueTest, CancelledAndWokenInTheSameTurnTheCancellationIsDelivered) {
  for (const bool cancel_first : {false, true}) {
    log_.clear();
    run([&]() -> Coro<> {
      auto a = wait_in_line("a");
      wait_in_line("b");
      co_await turns(2);
      if (cancel_first) a.cancel();
      queue_->wake_all();
      if (!cancel_first) a.cancel();
      co_await turns(2);
      EXPECT_TRUE(a.cancelled());
      EXPECT_EQ(log_, (Log{"a cancelled", "b woken"}));
    });
  }
}

TEST_F(WaitQueueTest, ItMayBeDestroyedWhileTasksWait) {
  run([&]() -> Coro<> {
    auto a = wait_in_line("a");
    auto b = wait_in_line("b");
    co_await turns(2);
    queue_.reset();
    co_await turns(5);
    EXPECT_EQ(log_, Log{});
    a.cancel();
    b.cancel();
    co_await turns(2);
    EXPECT_EQ(log_, (Log{"a cancelled", "b cancelled"}));
  });
}

TEST_F(WaitQueueTest, ItMayBeDestroyedByTheFirstWhoIsWoken) {
  run([&]() -> Coro<> {
    auto wait = [&]() -> Coro<> {
      co_await WaitQueue::wait(&*queue_);
      queue_.reset();
    };
    create_task(wait);
    wait_in_line("b");
    co_await turns(2);
    queue_->wake_all();
    co_await turns(2);
    EXPECT_EQ(log_, Log{"b woken"});
  });
}

TEST_F(WaitQueueTest, TasksThatTheLoopDestroysLeaveTheQueue) {
  auto loop = std::make_unique<VirtualTimeLoop>();
  loop->set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  auto start = [&]() -> Coro<> {
    wait_in_line("a");
    wait_in_line("b");
    co_await turns(2);
  };
  run_until_complete(*loop, start());
  EXPECT_FALSE(queue_->empty());
  loop->close();
  EXPECT_TRUE(queue_->empty());
  queue_->wake_all();
}

}  // namespace
}  // namespace asyncio
