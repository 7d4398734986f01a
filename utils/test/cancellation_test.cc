// What a cancellation leaves behind, for every public awaitable of tasks, sync and utils: each
// scenario is cancelled at each of its awaits: as it begins to wait, while everything waits, and
// when it has been woken.
//
// Others always wait behind the scenario, so that whatever it loses they wait for in vain; which
// cancel_at_every_await() reports.

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/sync/barrier.h"
#include "asyncio/sync/condition.h"
#include "asyncio/sync/event.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/queue.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/sync/semaphore.h"
#include "asyncio/tasks/async_generator.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "asyncio/utils/gather.h"
#include "asyncio/utils/shield.h"
#include "asyncio/utils/staggered_race.h"
#include "asyncio/utils/task_group.h"
#include "asyncio/utils/testing.h"
#include "asyncio/utils/timeout.h"
#include "asyncio/utils/wait.h"
#include "asyncio/utils/wait_for.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using testing::cancel_at_every_await;
using namespace std::chrono_literals;

// Comes after `pause`, and holds a permit for a second.
template <class L>
Coro<> hold(L* lock, Duration pause) {
  co_await sleep(pause);
  auto held = co_await scoped(*lock);
  co_await sleep(1s);
}

TEST(CancellationTest, ALockIsNeitherKeptNorLost) {
  std::optional<Lock> lock;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        lock.emplace();
        create_task(hold(&*lock, 0s));
        create_task(hold(&*lock, 500ms));
        co_await hold(&*lock, 100ms);
      },
      [&] { return to_string(*lock) == "<asyncio::Lock [unlocked]>"; });
  EXPECT_EQ(awaits, 3);
}

TEST(CancellationTest, ASemaphoreKeepsAllItsPermits) {
  std::optional<Semaphore> semaphore;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        semaphore.emplace(1);
        create_task(hold(&*semaphore, 0s));
        create_task(hold(&*semaphore, 500ms));
        co_await hold(&*semaphore, 100ms);
      },
      [&] { return to_string(*semaphore) == "<asyncio::Semaphore [unlocked, value:1]>"; });
  EXPECT_EQ(awaits, 3);
}

TEST(CancellationTest, AnEventIsSeenByAllOthersAndForgetsWhoLeft) {
  std::optional<Event> event;
  int seen = 0;
  const auto watch = [&]() -> Coro<> {
    co_await event->wait();
    ++seen;
  };
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        event.emplace();
        seen = 0;
        create_task(watch);
        get_running_loop().call_later(1s, [&] { event->set(); });
        co_await sleep(0s);
        create_task(watch);
        co_await event->wait();
      },
      [&] { return seen >= 1 && to_string(*event) == "<asyncio::Event [set]>"; });
  EXPECT_EQ(awaits, 2);
}

// Jobs that are announced one by one, so that a notification which gets lost is missed.
struct Office {
  Condition condition;
  int jobs = 0;
  int done = 0;

  Coro<> post() {
    auto held = co_await scoped(condition);
    ++jobs;
    condition.notify();
  }
  Coro<> work() {
    auto held = co_await scoped(condition);
    co_await condition.wait_for([this] { return jobs > 0; });
    --jobs;
    ++done;
  }
  Coro<> post_at(Duration pause) {
    co_await sleep(pause);
    co_await post();
  }
};

TEST(CancellationTest, AConditionsNotificationGoesToTheNext) {
  std::optional<Office> office;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        office.emplace();
        create_task([&]() -> Coro<> {
          co_await sleep(0s);
          co_await office->work();
        });
        create_task([&]() -> Coro<> { co_await office->post_at(1s); });
        co_await office->work();
        co_await office->post();
      },
      [&] {
        return office->jobs == 0 && office->done >= 1 && !office->condition.locked() &&
               to_string(office->condition) == "<asyncio::Condition [unlocked]>";
      });
  EXPECT_EQ(awaits, 1);
}

TEST(CancellationTest, AConditionIsLeftWithTheLockHeldHoweverLongThatTakes) {
  std::optional<Condition> condition;
  bool locked_inside = true;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        condition.emplace();
        create_task([&]() -> Coro<> {
          co_await sleep(1s);
          auto held = co_await scoped(*condition);
          condition->notify();
          co_await sleep(1s);
        });
        auto held = co_await scoped(*condition);
        const absl::Cleanup look = [&] { locked_inside &= condition->locked(); };
        co_await condition->wait();
      },
      [&] { return locked_inside && !condition->locked(); });
  EXPECT_EQ(awaits, 2);
}

TEST(CancellationTest, ABarrierLetsAnotherComeInItsPlace) {
  std::optional<Barrier> barrier;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        barrier.emplace(2);
        create_task([&]() -> Coro<> {
          co_await sleep(1s);
          co_await barrier->wait();
        });
        create_task([&]() -> Coro<> {
          co_await sleep(2s);
          if (barrier->n_waiting() == 1) co_await barrier->wait();
        });
        co_await barrier->wait();
      },
      [&] { return to_string(*barrier) == "<asyncio::Barrier [filling, waiters:0/2]>"; });
  EXPECT_EQ(awaits, 1);
}

TEST(CancellationTest, ABarrierIsDrainedByThoseWhoWaitForThat) {
  std::optional<Barrier> barrier;
  const auto pass = [&]() -> Coro<> { co_await barrier->wait(); };
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        barrier.emplace(2);
        create_task(pass);
        create_task(pass);
        create_task([&]() -> Coro<> {
          co_await sleep(1s);
          co_await barrier->wait();
        });
        create_task([&]() -> Coro<> {
          co_await sleep(2s);
          if (barrier->n_waiting() == 1) co_await barrier->wait();
        });
        co_await sleep(0s);
        co_await barrier->wait();
      },
      [&] { return to_string(*barrier) == "<asyncio::Barrier [filling, waiters:0/2]>"; });
  EXPECT_EQ(awaits, 3);
}

struct Post {
  Queue<int> queue{1};
  int put = 0;
  std::vector<int> got;

  Coro<> put_some(int count, Duration pause) {
    for (int i = 0; i < count; ++i) {
      co_await queue.put(i);
      ++put;
      co_await sleep(pause);
    }
  }
  Coro<> get_some(int count, Duration pause) {
    for (int i = 0; i < count; ++i) {
      got.push_back(co_await queue.get());
      queue.task_done();
      co_await sleep(pause);
    }
  }
  Coro<> get_rest(Duration pause) {
    try {
      co_await get_some(100, pause);
    } catch (const QueueShutDown&) {
    }
  }
  bool complete() const { return queue.empty() && static_cast<int>(got.size()) == put; }
};

TEST(CancellationTest, AnItemOfAQueueThatIsNotGotIsGotByAnother) {
  std::optional<Post> post;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        post.emplace();
        create_task([&]() -> Coro<> {
          co_await sleep(1s);
          co_await post->put_some(4, 1s);
          post->queue.shutdown();
        });
        create_task([&]() -> Coro<> {
          co_await sleep(500ms);
          co_await post->get_rest(0s);
        });
        co_await post->get_some(2, 0s);
      },
      [&] { return post->complete() && post->put == 4; });
  EXPECT_EQ(awaits, 4);
}

TEST(CancellationTest, RoomInAQueueThatIsNotUsedIsUsedByAnother) {
  std::optional<Post> post;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        post.emplace();
        create_task([&]() -> Coro<> {
          co_await sleep(1s);
          co_await post->get_rest(1s);
        });
        create_task([&]() -> Coro<> {
          co_await sleep(500ms);
          co_await post->put_some(2, 0s);
        });
        get_running_loop().call_later(1h, [&] { post->queue.shutdown(); });
        co_await post->put_some(3, 0s);
      },
      [&] { return post->complete() && post->put >= 3; });
  EXPECT_GE(awaits, 5);
}

TEST(CancellationTest, JoiningAQueueLeavesTheWorkToTheWorker) {
  std::optional<Post> post;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        post.emplace();
        create_task([&]() -> Coro<> {
          co_await sleep(1s);
          co_await post->get_some(1, 0s);
        });
        post->queue.put_nowait(1);
        ++post->put;
        co_await post->queue.join();
      },
      [&] { return post->complete(); });
  EXPECT_EQ(awaits, 1);
}

// Counts those that have begun and not ended, those that came to their end, and those that had not
// ended when the scenario had.
struct Children {
  int running = 0;
  int finished = 0;
  int outlived = 0;

  Coro<> child(Duration time) {
    ++running;
    const absl::Cleanup ended = [this] { --running; };
    co_await sleep(time);
    ++finished;
  }
  // Takes its time to end when it is cancelled.
  Coro<> slow_child(Duration time) {
    ++running;
    const absl::Cleanup ended = [this] { --running; };
    std::exception_ptr error;
    try {
      co_await sleep(time);
    } catch (const CancelledError&) {
      error = std::current_exception();
    }
    if (error != nullptr) {
      co_await sleep(1s);
      std::rethrow_exception(error);
    }
    ++finished;
  }
};

// Runs `body(children)`, and none of the children is to outlive it.
template <class Body>
int cancel_with_children(Body body) {
  Children children;
  return cancel_at_every_await(
      [&]() -> Coro<> {
        children = Children();
        const absl::Cleanup count = [&] { children.outlived = children.running; };
        co_await body(&children);
      },
      [&] { return children.outlived == 0; });
}

Coro<> gathers(Children* children) {
  auto quick = [children]() -> Coro<> { co_await children->child(1s); };
  auto slow = [children]() -> Coro<> { co_await children->slow_child(2s); };
  co_await gather(return_exceptions, create_task(quick), create_task(slow));
}

TEST(CancellationTest, AGatherOfOutcomesEndsWhenItsChildrenHave) {
  EXPECT_EQ(cancel_with_children(gathers), 1);
}

// It ends with the first child that does.
TEST(CancellationTest, GatherCancelsAllItsChildren) {
  Children children;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        children = Children();
        auto quick = [&]() -> Coro<> { co_await children.child(1s); };
        auto slow = [&]() -> Coro<> { co_await children.slow_child(2s); };
        co_await gather(create_task(quick), create_task(slow));
      },
      [&] { return children.running == 0 && children.finished != 1; });
  EXPECT_EQ(awaits, 1);
}

Coro<> groups(Children* children) {
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    auto quick = [children]() -> Coro<> { co_await children->child(1s); };
    auto slow = [children]() -> Coro<> { co_await children->slow_child(2s); };
    group.create_task(quick);
    group.create_task(slow);
    co_await sleep(500ms);
  });
}

TEST(CancellationTest, ATaskGroupEndsWhenItsChildrenHave) {
  EXPECT_EQ(cancel_with_children(groups), 2);
}

Coro<> awaits_a_task(Children* children) {
  auto slow = [children]() -> Coro<> { co_await children->slow_child(2s); };
  co_await create_task(slow);
}

TEST(CancellationTest, ATaskThatIsAwaitedIsCancelledAndEndsFirst) {
  EXPECT_EQ(cancel_with_children(awaits_a_task), 1);
}

Coro<> waits_for_a_coroutine(Children* children) {
  auto slow = [children]() -> Coro<> { co_await children->slow_child(2s); };
  co_await wait_for(slow, 5s);
}

TEST(CancellationTest, WaitForEndsWhenItsCoroutineHas) {
  EXPECT_GE(cancel_with_children(waits_for_a_coroutine), 1);
}

Coro<> waits_for_a_task(Children* children) {
  auto slow = [children]() -> Coro<> { co_await children->slow_child(2s); };
  co_await wait_for(create_task(slow), 5s);
}

TEST(CancellationTest, WaitForEndsWhenItsTaskHas) {
  EXPECT_GE(cancel_with_children(waits_for_a_task), 1);
}

Coro<> waits_too_long(Children* children) {
  auto slow = [children]() -> Coro<> { co_await children->slow_child(5s); };
  try {
    co_await wait_for(create_task(slow), 1s);
  } catch (const TimeoutError&) {
  }
}

TEST(CancellationTest, ACancellationIsNoTimeoutEvenWhenWaitForHasTimedOut) {
  EXPECT_GE(cancel_with_children(waits_too_long), 1);
}

Coro<> times_out(Children* children) {
  try {
    co_await with(timeout(1s), [&](Timeout&) -> Coro<> { co_await children->slow_child(5s); });
  } catch (const TimeoutError&) {
  }
}

TEST(CancellationTest, ACancellationIsNoTimeoutEvenWhenItsTimeIsOver) {
  EXPECT_EQ(cancel_with_children(times_out), 2);
}

Coro<> races(Children* children) {
  auto slow = [children]() -> Coro<int> {
    co_await children->slow_child(5s);
    co_return 1;
  };
  auto quick = [children]() -> Coro<int> {
    co_await children->child(1s);
    co_return 2;
  };
  const std::vector<std::function<Coro<int>()>> runners{slow, quick};
  co_await staggered_race(runners, 500ms);
}

TEST(CancellationTest, ARaceEndsWhenItsRunnersHave) { EXPECT_GE(cancel_with_children(races), 1); }

// Runs `body(children)`, and all of the children are to come to their end, whoever is cancelled.
template <class Body>
int cancel_beside_children(int count, Body body) {
  Children children;
  return cancel_at_every_await(
      [&]() -> Coro<> {
        children = Children();
        co_await body(&children);
      },
      [&] { return children.running == 0 && children.finished == count; });
}

std::vector<Task<>> two_tasks(Children* children) {
  auto first = [children]() -> Coro<> { co_await children->child(1s); };
  auto second = [children]() -> Coro<> { co_await children->child(2s); };
  return {create_task(first), create_task(second)};
}

Coro<> waits_for_all(Children* children) {
  const std::vector<Task<>> tasks = two_tasks(children);
  co_await wait(tasks);
}

TEST(CancellationTest, WaitLeavesItsTasksAlone) {
  EXPECT_EQ(cancel_beside_children(2, waits_for_all), 1);
}

Coro<> takes_as_completed(Children* children) {
  auto arriving = as_completed(two_tasks(children));
  while (auto next = co_await arriving.next()) continue;
}

TEST(CancellationTest, AsCompletedLeavesItsTasksAlone) {
  EXPECT_EQ(cancel_beside_children(2, takes_as_completed), 2);
}

Coro<> shields(Children* children) {
  auto child = [children]() -> Coro<> { co_await children->child(1s); };
  co_await shield(create_task(child));
}

TEST(CancellationTest, ShieldLeavesItsTaskAlone) {
  EXPECT_EQ(cancel_beside_children(1, shields), 1);
}

TEST(CancellationTest, AFutureThatIsAwaitedIsCancelledUnlessItIsDone) {
  std::optional<Future<>> future;
  bool had_result = false;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        future.emplace(get_running_loop());
        get_running_loop().call_later(1s, [&] {
          had_result = !future->done();
          if (had_result) future->set_result();
        });
        co_await *future;
      },
      [&] { return future->done() && future->cancelled() != had_result; });
  EXPECT_EQ(awaits, 1);
}

TEST(CancellationTest, ASleepLeavesNoTimer) {
  EventLoop* loop = nullptr;
  TimePoint ended;
  const int awaits = cancel_at_every_await(
      [&]() -> Coro<> {
        loop = &get_running_loop();
        const absl::Cleanup end = [&] { ended = loop->time(); };
        co_await sleep(1h);
      },
      [&] { return loop->time() == ended; });
  EXPECT_EQ(awaits, 1);
}

// An object that a timer may use after the scenario has ended.
template <class Object, class... Arguments>
std::shared_ptr<Object> shared(Arguments&&... arguments) {
  return std::make_shared<Object>(std::forward<Arguments>(arguments)...);
}

// Calls it in a second.
template <class F>
void soon(F function) {
  get_running_loop().call_later(1s, std::move(function));
}

template <class L>
Coro<> acquires() {
  auto lock = shared<L>();
  co_await lock->acquire();
  soon([lock] { lock->release(); });
  auto held = co_await scoped(*lock);
}

template <class Q>
Coro<> gets() {
  auto queue = shared<Q>();
  soon([queue] { queue->put_nowait(1); });
  co_await queue->get();
}

template <class Q>
Coro<> puts() {
  auto queue = shared<Q>(1);
  queue->put_nowait(1);
  soon([queue] { queue->get_nowait(); });
  co_await queue->put(2);
}

AsyncGenerator<int> two_numbers() {
  std::exception_ptr exit;
  try {
    co_await sleep(1s);
    co_yield 1;
  } catch (const GeneratorExit&) {
    exit = std::current_exception();
  }
  co_await sleep(1s);
  if (exit != nullptr) std::rethrow_exception(exit);
  co_yield 2;
}

Coro<int> sleeps() { return sleep(1s, 1); }

struct Row {
  const char* awaitable;
  int awaits;
  Coro<> (*scenario)();
};

// What waits for real threads is missing, since these are no part of virtual time.
const Row kAwaitables[] = {
    {"sleep()", 1, []() -> Coro<> { co_await sleep(1s); }},
    {"Coro", 1, []() -> Coro<> { co_await sleeps(); }},
    {"Task", 1, []() -> Coro<> { co_await create_task(sleeps()); }},
    {"Future", 1,
     []() -> Coro<> {
       const Future<> future(get_running_loop());
       soon([future] {
         if (!future.done()) future.set_result();
       });
       co_await future;
     }},
    {"AsyncGenerator::next()", 2,
     []() -> Coro<> {
       AsyncGenerator<int> numbers = two_numbers();
       while (co_await numbers.next()) continue;
     }},
    {"AsyncGenerator::aclose()", 2,
     []() -> Coro<> {
       AsyncGenerator<int> numbers = two_numbers();
       co_await numbers.next();
       co_await numbers.aclose();
     }},
    {"Lock", 1, acquires<Lock>},
    {"Semaphore", 1, acquires<Semaphore>},
    {"BoundedSemaphore", 1, acquires<BoundedSemaphore>},
    {"Condition::acquire()", 1, acquires<Condition>},
    {"Condition::wait()", 1,
     []() -> Coro<> {
       auto condition = shared<Condition>();
       create_task([condition]() -> Coro<> {
         co_await sleep(1s);
         auto held = co_await scoped(*condition);
         condition->notify();
       });
       auto held = co_await scoped(*condition);
       co_await condition->wait();
     }},
    {"Event", 1,
     []() -> Coro<> {
       auto event = shared<Event>();
       soon([event] { event->set(); });
       co_await event->wait();
     }},
    {"Barrier", 1,
     []() -> Coro<> {
       auto barrier = shared<Barrier>(2);
       soon([barrier] {
         if (barrier->n_waiting() == 1)
           create_task(get_running_loop(), [barrier]() -> Coro<> { co_await barrier->wait(); });
       });
       co_await scoped(*barrier);
     }},
    {"Queue::get()", 1, gets<Queue<int>>},
    {"LifoQueue::get()", 1, gets<LifoQueue<int>>},
    {"PriorityQueue::get()", 1, gets<PriorityQueue<int>>},
    {"Queue::put()", 1, puts<Queue<int>>},
    {"LifoQueue::put()", 1, puts<LifoQueue<int>>},
    {"PriorityQueue::put()", 1, puts<PriorityQueue<int>>},
    {"Queue::join()", 1,
     []() -> Coro<> {
       auto queue = shared<Queue<int>>();
       queue->put_nowait(1);
       soon([queue] { queue->task_done(); });
       co_await queue->join();
     }},
    {"with(TaskGroup())", 1,
     []() -> Coro<> {
       co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
         group.create_task(sleeps());
         co_return;
       });
     }},
    {"with(timeout())", 1,
     []() -> Coro<> {
       co_await with(timeout(5s), [](Timeout&) -> Coro<> { co_await sleep(1s); });
     }},
    {"wait_for()", 1, []() -> Coro<> { co_await wait_for(sleeps(), 5s); }},
    {"gather()", 1, []() -> Coro<> { co_await gather(sleeps(), sleeps()); }},
    {"gather(return_exceptions)", 1,
     []() -> Coro<> { co_await gather(return_exceptions, sleeps(), sleeps()); }},
    {"wait()", 1,
     []() -> Coro<> {
       const std::vector<Task<int>> tasks{create_task(sleeps()), create_task(sleeps())};
       co_await wait(tasks);
     }},
    {"as_completed()", 1,
     []() -> Coro<> {
       const std::vector<Task<int>> tasks{create_task(sleeps())};
       auto arriving = as_completed(tasks);
       while (auto next = co_await arriving.next()) continue;
     }},
    {"shield()", 1, []() -> Coro<> { co_await shield(create_task(sleeps())); }},
    {"staggered_race()", 2,
     []() -> Coro<> {
       const std::vector<std::function<Coro<int>()>> runners{sleeps, sleeps};
       co_await staggered_race(runners, std::nullopt);
     }},
};

TEST(CancellationTest, EveryAwaitableMayBeCancelledTwice) {
  for (const Row& row : kAwaitables) {
    SCOPED_TRACE(row.awaitable);
    EXPECT_EQ(cancel_at_every_await(row.scenario, [] { return true; }, {.twice = true}),
              row.awaits);
  }
}

}  // namespace
}  // namespace asyncio
