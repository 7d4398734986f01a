#include "asyncio/sync/queue.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/sync/until_ready.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "sync/test/sync_test.h"

namespace asyncio {
namespace {

static_assert(!std::is_aggregate_v<QueueGet<Queue<int>>>);
static_assert(!std::is_aggregate_v<QueuePut<Queue<int>>>);
static_assert(!std::is_aggregate_v<UntilReady<QueueGet<Queue<int>>>>);
static_assert(std::is_constructible_v<Queue<int>, int>);
static_assert(!std::is_constructible_v<Queue<int>, double>, "no fraction of an item");
static_assert(!std::is_base_of_v<std::runtime_error, QueueEmpty>, "as in Python");

class QueueTest : public SyncTest {
 protected:
  void begin(int maxsize) { queue_ = std::make_unique<Queue<int>>(maxsize); }

  Task<int> get() { return create_task(queue_->get()); }
  Task<> put(int item) { return create_task(queue_->put(item)); }

  std::vector<int> rest() {
    std::vector<int> items;
    while (!queue_->empty()) items.push_back(queue_->get_nowait());
    return items;
  }

  std::unique_ptr<Queue<int>> queue_ = std::make_unique<Queue<int>>();
};

using Items = std::vector<int>;

TEST_F(QueueTest, KnowsWhetherItIsEmptyOrFull) {
  Queue<int> two({.maxsize = 2});
  EXPECT_EQ(two.maxsize(), 2);
  EXPECT_TRUE(two.empty());
  two.put_nowait(1);
  EXPECT_FALSE(two.empty() || two.full());
  two.put_nowait(2);
  EXPECT_TRUE(two.full());
  EXPECT_EQ(two.qsize(), 2u);
}

TEST_F(QueueTest, WithoutALimitItIsNeverFull) {
  for (const int limit : {0, -1}) {
    begin(limit);
    for (int i = 0; i < 100; ++i) queue_->put_nowait(i);
    EXPECT_FALSE(queue_->full());
    EXPECT_EQ(queue_->maxsize(), limit);
  }
}

TEST_F(QueueTest, GivesBackInTheOrderOfPutting) {
  for (const int item : {1, 3, 2}) queue_->put_nowait(item);
  EXPECT_EQ(rest(), (Items{1, 3, 2}));
}

TEST_F(QueueTest, KeepsTheOrderHoweverItGrowsAndTurns) {
  int next_put = 0;
  int next_got = 0;
  for (int round = 1; round < 40; ++round) {
    for (int i = 0; i < round; ++i) queue_->put_nowait(next_put++);
    for (int i = 0; i < round / 2; ++i) EXPECT_EQ(queue_->get_nowait(), next_got++);
  }
  while (!queue_->empty()) EXPECT_EQ(queue_->get_nowait(), next_got++);
  EXPECT_EQ(next_got, next_put);
}

TEST_F(QueueTest, TakesItemsThatCanOnlyBeMoved) {
  Queue<std::unique_ptr<int>> queue(1);
  run([&]() -> Coro<> {
    co_await queue.put(std::make_unique<int>(1));
    auto putting = create_task(queue.put(std::make_unique<int>(2)));
    co_await turns(1);
    const std::unique_ptr<int> first = co_await queue.get();
    co_await putting;
    EXPECT_EQ(*first + **std::make_unique<std::unique_ptr<int>>(queue.get_nowait()), 3);
    queue.put_nowait(std::make_unique<int>(3));  // destroyed with the queue
  });
}

TEST_F(QueueTest, GettingWhatIsThereAndPuttingWhereThereIsRoomTakesNoTurn) {
  begin(1);
  run([&]() -> Coro<> {
    bool others_ran = false;
    auto other = [&]() -> Coro<> {
      others_ran = true;
      co_return;
    };
    auto task = create_task(other);
    co_await queue_->put(7);
    const int item = co_await queue_->get();
    EXPECT_EQ(item, 7);
    EXPECT_FALSE(others_ran);
    co_await task;
  });
}

TEST_F(QueueTest, AGetterWaitsForAnItem) {
  run([&]() -> Coro<> {
    auto getting = get();
    co_await turns(3);
    EXPECT_FALSE(getting.done());
    EXPECT_EQ(to_string(*queue_), "<asyncio::Queue maxsize=0 getters=1>");
    queue_->put_nowait(1);
    EXPECT_FALSE(getting.done()) << "nobody runs inside put_nowait()";
    co_await turns(1);
    EXPECT_EQ(getting.result(), 1);
  });
}

TEST_F(QueueTest, APutterWaitsForRoom) {
  begin(2);
  run([&]() -> Coro<> {
    co_await queue_->put(1);
    co_await queue_->put(2);
    auto putting = put(3);
    co_await turns(3);
    EXPECT_FALSE(putting.done());
    EXPECT_EQ(to_string(*queue_), "<asyncio::Queue maxsize=2 items=2 putters=1 tasks=2>");
    EXPECT_EQ(queue_->get_nowait(), 1);
    co_await turns(1);
    EXPECT_TRUE(putting.done());
    EXPECT_EQ(rest(), (Items{2, 3}));
  });
}

TEST_F(QueueTest, NobodyWaitsInTheNowaitFunctions) {
  begin(1);
  EXPECT_THROW(queue_->get_nowait(), QueueEmpty);
  queue_->put_nowait(1);
  EXPECT_THROW(queue_->put_nowait(2), QueueFull);
  EXPECT_EQ(queue_->get_nowait(), 1);
  EXPECT_THROW(queue_->get_nowait(), QueueEmpty);
}

TEST_F(QueueTest, TakingAnItemWakesTheNextPutter) {
  begin(1);
  run([&]() -> Coro<> {
    queue_->put_nowait(0);
    auto first = put(1);
    auto second = put(2);
    co_await turns(1);
    for (int expected = 0; expected < 3; ++expected) {
      const int item = co_await queue_->get();
      EXPECT_EQ(item, expected);
      co_await turns(1);
    }
    EXPECT_TRUE(first.done() && second.done());
  });
}

TEST_F(QueueTest, PuttingAnItemWakesTheNextGetter) {
  run([&]() -> Coro<> {
    auto first = get();
    auto second = get();
    co_await turns(1);
    queue_->put_nowait(1);
    co_await turns(2);
    EXPECT_TRUE(first.done());
    EXPECT_FALSE(second.done());
    queue_->put_nowait(2);
    EXPECT_EQ(co_await second, 2);
  });
}

TEST_F(QueueTest, WhoComesLaterMayBeFasterThanOneWhoWasWoken) {
  run([&]() -> Coro<> {
    auto woken = get();
    auto behind = get();
    co_await turns(1);
    queue_->put_nowait(1);
    EXPECT_EQ(queue_->get_nowait(), 1);
    co_await turns(1);
    queue_->put_nowait(2);
    queue_->put_nowait(3);
    co_await turns(1);
    EXPECT_EQ(behind.result(), 2);
    EXPECT_EQ(woken.result(), 3) << "at the end of the line again";
  });
}

TEST_F(QueueTest, AGetterCancelledAfterItWasWokenSwallowsNoItem) {
  run([&]() -> Coro<> {
    auto first = get();
    auto second = get();
    co_await turns(1);
    queue_->put_nowait(1);
    first.cancel();
    co_await turns(2);
    EXPECT_TRUE(first.cancelled());
    EXPECT_EQ(second.result(), 1);
  });
}

TEST_F(QueueTest, AGetterCancelledAfterItsItemWasTakenBySomebodyElseEndsNextTurn) {
  run([&]() -> Coro<> {
    auto first = get();
    auto second = get();
    co_await turns(1);
    queue_->put_nowait(1);
    first.cancel("enough");
    queue_->get_nowait();
    co_await turns(1);
    EXPECT_EQ(ending(first), "cancelled: enough");
    queue_->put_nowait(2);
    co_await turns(1);
    EXPECT_EQ(second.result(), 2);
  });
}

TEST_F(QueueTest, AGetterThatWaitsAgainMayBeCancelled) {
  run([&]() -> Coro<> {
    auto getting = get();
    co_await turns(1);
    queue_->put_nowait(1);
    queue_->get_nowait();
    co_await turns(1);
    getting.cancel("enough");
    co_await turns(1);
    EXPECT_EQ(ending(getting), "cancelled: enough");
    EXPECT_EQ(to_string(*queue_), "<asyncio::Queue maxsize=0 tasks=1>");
  });
}

TEST_F(QueueTest, AGetterWhoseItemWasTakenWhileItsTaskIsCancelledEndsInThatTurn) {
  run([&]() -> Coro<> {
    auto getting = get();
    co_await turns(1);
    for (int i = 0; i < 2; ++i) {
      queue_->put_nowait(1);
      queue_->get_nowait();
      co_await turns(1);
      EXPECT_EQ(ending(getting), "pending") << "waits again";
    }
    queue_->put_nowait(1);
    queue_->get_nowait();
    getting.cancel();
    co_await turns(1);
    EXPECT_EQ(ending(getting), "cancelled");
  });
}

TEST_F(QueueTest, AnItemForACancelledGetterStaysForThoseWhoCome) {
  run([&]() -> Coro<> {
    auto reader = get();
    co_await turns(1);
    queue_->put_nowait(1);
    queue_->put_nowait(2);
    reader.cancel();
    co_await turns(1);
    EXPECT_TRUE(reader.cancelled());
    const int item = co_await queue_->get();
    EXPECT_EQ(item, 1);
  });
}

TEST_F(QueueTest, CancellingManyGettersInAnyStateLosesNoItem) {
  run([&]() -> Coro<> {
    std::vector<Task<int>> readers;
    for (int i = 0; i < 8; ++i) readers.push_back(get());
    co_await turns(1);
    for (int i = 0; i < 4; ++i) queue_->put_nowait(i);
    for (const int i : {0, 2, 3, 5}) readers[static_cast<std::size_t>(i)].cancel();
    co_await turns(4);
    Items got;
    for (const int i : {1, 4, 6, 7}) {
      const Task<int>& reader = readers[static_cast<std::size_t>(i)];
      EXPECT_TRUE(reader.done()) << i;
      if (reader.done()) got.push_back(reader.result());
    }
    EXPECT_EQ(got, (Items{0, 1, 2, 3}));
  });
}

TEST_F(QueueTest, APutterCancelledAfterThereWasRoomPutsNothingAndWakesTheNext) {
  begin(1);
  run([&]() -> Coro<> {
    queue_->put_nowait(0);
    auto first = put(1);
    auto second = put(2);
    auto third = put(3);
    co_await turns(1);
    EXPECT_EQ(queue_->get_nowait(), 0);
    first.cancel("enough");
    co_await turns(2);
    EXPECT_EQ(ending(first), "cancelled: enough");
    EXPECT_TRUE(second.done());
    EXPECT_FALSE(third.done());
    EXPECT_EQ(queue_->get_nowait(), 2);
    co_await third;
    EXPECT_EQ(rest(), Items{3});
  });
}

TEST_F(QueueTest, APutThatWasCancelledMayBeAwaitedAgain) {
  Queue<std::unique_ptr<int>> queue(1);
  run([&]() -> Coro<> {
    queue.put_nowait(std::make_unique<int>(0));
    auto body = [&]() -> Coro<> {
      auto putting = queue.put(std::make_unique<int>(1));
      bool cancelled = false;
      try {
        co_await putting;
      } catch (const CancelledError&) {
        cancelled = true;
      }
      EXPECT_TRUE(cancelled);
      co_await putting;
    };
    auto task = create_task(body);
    co_await turns(1);
    task.cancel();
    co_await turns(1);
    EXPECT_EQ(*queue.get_nowait(), 0);
    co_await task;
    EXPECT_EQ(*queue.get_nowait(), 1);
  });
}

TEST_F(QueueTest, CancelledGettersAndPuttersLeaveTheirLines) {
  begin(1);
  run([&]() -> Coro<> {
    auto getting = get();
    co_await turns(1);
    getting.cancel();
    co_await turns(1);
    EXPECT_EQ(to_string(*queue_), "<asyncio::Queue maxsize=1>");
    queue_->put_nowait(1);
    auto putting = put(2);
    co_await turns(1);
    putting.cancel();
    co_await turns(1);
    EXPECT_EQ(to_string(*queue_), "<asyncio::Queue maxsize=1 items=1 tasks=1>");
    EXPECT_EQ(queue_->get_nowait(), 1);
    EXPECT_TRUE(queue_->empty());
  });
}

TEST_F(QueueTest, ACancelledPutInAnUncontendedQueueHasPutItsItem) {
  run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      co_await queue_->put(1);
      co_await turns(5);
    };
    auto task = create_task(body);
    co_await turns(1);
    task.cancel();
    co_await turns(1);
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(rest(), Items{1});
  });
}

TEST_F(QueueTest, ProducersAndConsumersOverAQueueOfOneComeToAnEnd) {
  begin(1);
  run([&]() -> Coro<> {
    auto produce = [&](int count) -> Coro<> {
      for (int i = 0; i < count; ++i) {
        co_await queue_->put(i);
        co_await turns(i % 3);
      }
    };
    auto consume = [&](int count) -> Coro<int> {
      int sum = 0;
      for (int i = 0; i < count; ++i) {
        const int item = co_await queue_->get();
        sum += item;
      }
      co_return sum;
    };
    std::vector<Task<>> producers;
    for (int i = 0; i < 3; ++i) producers.push_back(create_task(produce, 10));
    auto one = create_task(consume, 20);
    auto two = create_task(consume, 10);
    for (auto& producer : producers) co_await producer;
    const int first = co_await one;
    const int second = co_await two;
    EXPECT_EQ(first + second, 3 * 45);
  });
}

TEST_F(QueueTest, ManyWaitingPuttersAllFinishWhileItIsDrained) {
  begin(1);
  run([&]() -> Coro<> {
    queue_->put_nowait(0);
    std::vector<Task<>> putters;
    for (int i = 1; i <= 5; ++i) putters.push_back(put(i));
    co_await turns(1);
    for (int i = 0; i <= 5; ++i) {
      const int item = co_await queue_->get();
      EXPECT_EQ(item, i);
    }
    for (auto& putter : putters) co_await putter;
  });
}

TEST_F(QueueTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  run_elsewhere([&]() -> Coro<> {
    auto getting = get();
    co_await turns(1);
    queue_->put_nowait(1);
    co_await getting;
  });
  run([&]() -> Coro<> {
    co_await queue_->put(2);
    co_await queue_->get();
    auto getting = get();
    co_await turns(1);
    EXPECT_EQ(ending(getting),
              "failed: <asyncio::Queue maxsize=0 tasks=2> is bound to a different event loop");
  });
}

TEST_F(QueueTest, ItMayBeDestroyedWhileTasksWait) {
  begin(1);
  run([&]() -> Coro<> {
    auto woken = get();
    auto waiting = get();
    auto joining = create_task([&]() -> Coro<> { co_await queue_->join(); });
    co_await turns(1);
    queue_->put_nowait(1);
    queue_.reset();
    co_await turns(2);
    EXPECT_EQ(ending(woken), "failed: destroyed while a task waited for it");
    EXPECT_TRUE(joining.done());
    EXPECT_FALSE(waiting.done());
    waiting.cancel();
    co_await turns(1);
    EXPECT_TRUE(waiting.cancelled());
  });
}

TEST_F(QueueTest, TasksThatTheirLoopDestroysLeaveTheLinesAndTheirItems) {
  Queue<std::shared_ptr<int>> queue(1);
  Queue<int> empty;
  auto item = std::make_shared<int>(1);
  VirtualTimeLoop other;
  silence(other);
  auto main = [&]() -> Coro<> {
    queue.put_nowait(nullptr);
    create_task(queue.put(item));
    create_task(empty.get());
    create_task(empty.get());
    co_await turns(1);
  };
  run_until_complete(other, main());
  EXPECT_EQ(item.use_count(), 2);
  empty.put_nowait(1);  // for one who will never run
  other.close();
  EXPECT_EQ(item.use_count(), 1);
  EXPECT_EQ(to_string(queue), "<asyncio::Queue maxsize=1 items=1 tasks=1>");
  EXPECT_EQ(to_string(empty), "<asyncio::Queue maxsize=0 items=1 tasks=1>");
}

TEST(LifoQueueTest, GivesWhatWasPutLastFirst) {
  LifoQueue<int> queue;
  for (const int item : {1, 3, 2}) queue.put_nowait(item);
  for (const int item : {2, 3, 1}) EXPECT_EQ(queue.get_nowait(), item);
}

TEST(PriorityQueueTest, GivesTheSmallestFirst) {
  PriorityQueue<int> queue;
  for (const int item : {1, 3, 2}) queue.put_nowait(item);
  for (const int item : {1, 2, 3}) EXPECT_EQ(queue.get_nowait(), item);
}

TEST(PriorityQueueTest, TakesAnotherOrder) {
  PriorityQueue<std::string, std::greater<>> queue;
  for (const char* item : {"a", "c", "b"}) queue.put_nowait(item);
  for (const char* item : {"c", "b", "a"}) EXPECT_EQ(queue.get_nowait(), item);
}

template <class Q>
class EveryQueueTest : public SyncTest {
 protected:
  void begin(int maxsize) { queue_ = std::make_unique<Q>(maxsize); }

  Task<int> get() { return create_task(queue_->get()); }
  Task<> put(int item) { return create_task(queue_->put(item)); }
  Task<> join() {
    return create_task([this]() -> Coro<> { co_await queue_->join(); });
  }

  static constexpr const char* kShutDown = "failed: the queue is shut down";

  std::unique_ptr<Q> queue_ = std::make_unique<Q>();
};

using EveryQueue = ::testing::Types<Queue<int>, LifoQueue<int>, PriorityQueue<int>>;
TYPED_TEST_SUITE(EveryQueueTest, EveryQueue);

TYPED_TEST(EveryQueueTest, MoreDoneThanPutIsAnError) {
  EXPECT_EQ(ending_of_call([&] { this->queue_->task_done(); }),
            "failed: task_done() called too many times");
}

TYPED_TEST(EveryQueueTest, JoinWaitsUntilAllThatWasPutIsDone) {
  this->run([&]() -> Coro<> {
    for (int i = 0; i < 100; ++i) this->queue_->put_nowait(i);
    int sum = 0;
    auto worker = [&]() -> Coro<> {
      while (true) {
        sum += co_await this->queue_->get();  // lint: allowed
        co_await this->turns(1);
        this->queue_->task_done();
      }
    };
    auto a = create_task(worker);
    auto b = create_task(worker);
    co_await this->queue_->join();
    EXPECT_EQ(sum, 99 * 50);
    EXPECT_THROW(this->queue_->task_done(), std::invalid_argument);
    a.cancel();
    b.cancel();
    co_await this->turns(1);
    EXPECT_TRUE(a.cancelled() && b.cancelled());
  });
}

TYPED_TEST(EveryQueueTest, JoinOfAnEmptyQueueTakesNoTurn) {
  this->run([&]() -> Coro<> {
    auto other = this->join();
    co_await this->queue_->join();
    co_await this->queue_->join();
    EXPECT_FALSE(other.done());
    co_await other;
  });
}

TYPED_TEST(EveryQueueTest, JoinEndsAlsoIfMoreIsPutBeforeItRuns) {
  this->run([&]() -> Coro<> {
    this->queue_->put_nowait(1);
    auto joining = this->join();
    co_await this->turns(1);
    this->queue_->get_nowait();
    this->queue_->task_done();
    this->queue_->put_nowait(2);
    co_await this->turns(1);
    EXPECT_TRUE(joining.done());
  });
}

TYPED_TEST(EveryQueueTest, ShutDownEmptyItGivesNothingAndTakesNothing) {
  this->run([&]() -> Coro<> {
    auto getting = this->get();
    co_await this->turns(1);
    this->queue_->shutdown();
    EXPECT_FALSE(getting.done());
    co_await this->turns(1);
    EXPECT_EQ(ending(getting), this->kShutDown);
    auto late_get = this->get();
    auto late_put = this->put(1);
    co_await this->turns(1);
    EXPECT_EQ(ending(late_get), this->kShutDown);
    EXPECT_EQ(ending(late_put), this->kShutDown);
    EXPECT_THROW(this->queue_->get_nowait(), QueueShutDown);
    EXPECT_THROW(this->queue_->put_nowait(1), QueueShutDown);
    co_await this->queue_->join();
    EXPECT_EQ(to_string(*this->queue_), "<asyncio::Queue maxsize=0 shutdown>");
  });
}

TYPED_TEST(EveryQueueTest, ShutDownWithItemsItFailsPuttersAndGivesWhatItHas) {
  this->begin(1);
  this->run([&]() -> Coro<> {
    this->queue_->put_nowait(7);
    auto putting = this->put(8);
    auto joining = this->join();
    co_await this->turns(1);
    this->queue_->shutdown();
    co_await this->turns(1);
    EXPECT_EQ(ending(putting), this->kShutDown);
    EXPECT_FALSE(joining.done());
    EXPECT_THROW(this->queue_->put_nowait(9), QueueShutDown) << "before it is found full";
    EXPECT_EQ(this->queue_->get_nowait(), 7);
    EXPECT_THROW(this->queue_->get_nowait(), QueueShutDown);
    EXPECT_FALSE(joining.done());
    this->queue_->task_done();
    co_await this->turns(1);
    EXPECT_TRUE(joining.done());
  });
}

TYPED_TEST(EveryQueueTest, ShutDownAtOnceItDropsItsItemsAndReleasesThoseInJoin) {
  this->run([&]() -> Coro<> {
    this->queue_->put_nowait(1);
    this->queue_->put_nowait(2);
    auto joining = this->join();
    co_await this->turns(1);
    this->queue_->shutdown({.immediate = true});
    EXPECT_TRUE(this->queue_->empty());
    co_await this->turns(1);
    EXPECT_TRUE(joining.done());
    EXPECT_THROW(this->queue_->get_nowait(), QueueShutDown);
    EXPECT_THROW(this->queue_->task_done(), std::invalid_argument);
  });
}

TYPED_TEST(EveryQueueTest, ShutDownAtOnceJoinStillWaitsForWhatWasTaken) {
  this->run([&]() -> Coro<> {
    this->queue_->put_nowait(1);
    this->queue_->put_nowait(2);
    this->queue_->get_nowait();
    auto joining = this->join();
    co_await this->turns(1);
    this->queue_->shutdown({.immediate = true});
    co_await this->turns(2);
    EXPECT_FALSE(joining.done());
    this->queue_->task_done();
    co_await this->turns(1);
    EXPECT_TRUE(joining.done());
    EXPECT_THROW(this->queue_->task_done(), std::invalid_argument);
  });
}

TYPED_TEST(EveryQueueTest, ShutDownAgainItMayBeAtOnce) {
  this->run([&]() -> Coro<> {
    this->queue_->put_nowait(1);
    this->queue_->shutdown();
    this->queue_->shutdown();
    EXPECT_EQ(this->queue_->qsize(), 1u);
    this->queue_->shutdown({.immediate = true});
    this->queue_->shutdown();
    EXPECT_TRUE(this->queue_->empty());
    co_await this->queue_->join();
  });
}

TYPED_TEST(EveryQueueTest, AGetterThatIsWokenByAnItemAndThenByTheShutdownHasTheItem) {
  this->run([&]() -> Coro<> {
    auto first = this->get();
    auto second = this->get();
    co_await this->turns(1);
    this->queue_->put_nowait(1);
    this->queue_->shutdown();
    co_await this->turns(1);
    EXPECT_EQ(ending(first), "value");
    EXPECT_EQ(ending(second), this->kShutDown);
  });
}

TYPED_TEST(EveryQueueTest, AGetterWokenForAnItemThatTheShutdownDroppedFails) {
  this->run([&]() -> Coro<> {
    auto getting = this->get();
    co_await this->turns(1);
    this->queue_->put_nowait(1);
    this->queue_->shutdown({.immediate = true});
    co_await this->turns(1);
    EXPECT_EQ(ending(getting), this->kShutDown);
  });
}

TYPED_TEST(EveryQueueTest, APutterThatWasGivenRoomBeforeTheShutdownFailsToo) {
  this->begin(1);
  this->run([&]() -> Coro<> {
    this->queue_->put_nowait(1);
    auto putting = this->put(2);
    co_await this->turns(1);
    this->queue_->get_nowait();
    this->queue_->shutdown();
    co_await this->turns(1);
    EXPECT_EQ(ending(putting), this->kShutDown);
    EXPECT_TRUE(this->queue_->empty());
  });
}

TYPED_TEST(EveryQueueTest, ACancellationWinsOverAShutdownInTheSameTurn) {
  this->run([&]() -> Coro<> {
    auto first = this->get();
    auto second = this->get();
    co_await this->turns(1);
    first.cancel();
    this->queue_->shutdown();
    second.cancel();
    co_await this->turns(1);
    EXPECT_TRUE(first.cancelled() && second.cancelled());
  });
}

}  // namespace
}  // namespace asyncio
