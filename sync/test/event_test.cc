#include "asyncio/sync/event.h"

#include <memory>
#include <string>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

static_assert(!SuspensionAwaiter<Event&> && !HasSuspensionAwaiter<Event&>, "no awaitable");

class EventTest : public SyncTest {
 protected:
  Task<> wait(std::string name) {
    auto body = [this](std::string who) -> Coro<> {
      const bool set = co_await event_->wait();
      EXPECT_TRUE(set);
      log_.push_back(who);
    };
    return create_task(body, std::move(name));
  }

  std::unique_ptr<Event> event_ = std::make_unique<Event>();
};

TEST_F(EventTest, WakesAllWhoWaitFirstComeFirst) {
  run([&]() -> Coro<> {
    EXPECT_FALSE(event_->is_set());
    wait("a");
    wait("b");
    wait("c");
    co_await turns(1);
    event_->set();
    EXPECT_TRUE(event_->is_set());
    EXPECT_EQ(log_, Log{}) << "nobody runs inside set()";
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"a", "b", "c"}));
  });
}

TEST_F(EventTest, WhoFindsItSetComesBeforeThoseWhoHaveToBeWoken) {
  run([&]() -> Coro<> {
    wait("a");
    co_await turns(1);
    wait("b");
    event_->set();
    co_await turns(1);
    EXPECT_EQ(log_, (Log{"b", "a"}));
  });
}

TEST_F(EventTest, WaitingForASetEventTakesNoTurn) {
  event_->set();
  run([&]() -> Coro<> {
    wait("other");
    const bool set = co_await event_->wait();
    EXPECT_TRUE(set);
    EXPECT_EQ(log_, Log{});
  });
}

TEST_F(EventTest, SettingTwiceIsSettingOnce) {
  run([&]() -> Coro<> {
    wait("a");
    co_await turns(1);
    event_->set();
    event_->set();
    co_await turns(2);
    EXPECT_EQ(log_, Log{"a"});
  });
}

TEST_F(EventTest, AfterClearItMustBeWaitedForAgain) {
  run([&]() -> Coro<> {
    event_->clear();
    EXPECT_FALSE(event_->is_set());
    event_->set();
    event_->clear();
    auto a = wait("a");
    co_await turns(3);
    EXPECT_FALSE(a.done());
    event_->set();
    co_await a;
  });
}

TEST_F(EventTest, SetAndThenClearStillWakesThoseWhoWaited) {
  run([&]() -> Coro<> {
    wait("a");
    wait("b");
    co_await turns(1);
    event_->set();
    event_->clear();
    auto late = wait("late");
    co_await turns(2);
    EXPECT_EQ(log_, (Log{"a", "b"}));
    EXPECT_FALSE(late.done());
  });
}

TEST_F(EventTest, ACancelledWaiterLeavesTheLine) {
  run([&]() -> Coro<> {
    auto a = wait("a");
    auto b = wait("b");
    co_await turns(1);
    a.cancel();
    co_await turns(1);
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(to_string(*event_), "<asyncio::Event [unset, waiters:1]>");
    event_->set();
    b.cancel();
    co_await turns(1);
    EXPECT_TRUE(b.cancelled()) << "also after it was woken";
    EXPECT_EQ(to_string(*event_), "<asyncio::Event [set]>");
  });
}

TEST_F(EventTest, WaitingCanBeMadeATask) {
  run([&]() -> Coro<> {
    auto waiting = create_task(event_->wait());
    co_await turns(1);
    event_->set();
    EXPECT_TRUE(co_await waiting);
  });
}

TEST_F(EventTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  run_elsewhere([&]() -> Coro<> {
    auto waiting = wait("a");
    co_await turns(1);
    event_->set();
    co_await waiting;
  });
  run([&]() -> Coro<> {
    co_await event_->wait();
    event_->clear();
    auto waiting = wait("b");
    co_await turns(1);
    EXPECT_EQ(ending(waiting),
              "failed: <asyncio::Event [unset]> is bound to a different event loop");
  });
}

TEST_F(EventTest, ItMayBeDestroyedWhileTasksWait) {
  run([&]() -> Coro<> {
    auto woken = wait("woken");
    co_await turns(1);
    event_->set();
    event_->clear();
    auto waiting = wait("waiting");
    co_await turns(1);
    EXPECT_TRUE(woken.done());
    event_.reset();
    co_await turns(2);
    EXPECT_FALSE(waiting.done());
    waiting.cancel();
    co_await turns(1);
    EXPECT_TRUE(waiting.cancelled());
  });
}

TEST_F(EventTest, WhoHasBeenWokenGoesOnAfterItIsDestroyed) {
  run([&]() -> Coro<> {
    auto woken = wait("woken");
    co_await turns(1);
    event_->set();
    event_.reset();
    co_await woken;
    EXPECT_EQ(log_, Log{"woken"});
  });
}

}  // namespace
}  // namespace asyncio
