// What a loop knows of its tasks: their names, which of them runs, which are left when it closes.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/policy.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::StartsWith;

using namespace std::chrono_literals;

Coro<int> give_back(int number) { co_return number; }

Coro<int> give_later(int number, Duration delay) {
  co_await sleep(delay);
  co_return number;
}

class TaskNameTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(TaskNameTest, CountsUpwardsUnlessOneIsGiven) {
  loop_.run([&]() -> Coro<> {
    auto first = create_task(give_back(1));
    auto second = create_task(give_back(2));
    const std::string prefix = "Task-";
    EXPECT_EQ(first.get_name().substr(0, prefix.size()), prefix);
    EXPECT_EQ(std::stoi(second.get_name().substr(prefix.size())),
              std::stoi(first.get_name().substr(prefix.size())) + 1);
    first.set_name("my own");
    EXPECT_EQ(first.get_name(), "my own");
    first.set_name("");
    EXPECT_EQ(first.get_name(), "");
    co_await first;
    EXPECT_EQ(first.get_name(), "");
    second.set_name("late");
    co_await second;
    second.set_name("later");
    EXPECT_EQ(second.get_name(), "later");
  });
}

TEST_F(TaskNameTest, IsUniqueAcrossThreads) {
  auto name_on_a_loop = [](std::string& name) {
    ObservedLoop loop;
    name = create_task(loop, give_back(1)).get_name();
    loop.settle();
  };
  std::string here;
  std::string there;
  std::thread thread([&] { name_on_a_loop(there); });
  name_on_a_loop(here);
  thread.join();
  EXPECT_NE(here, there);
}

class TaskRegistryTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(TaskRegistryTest, CurrentTaskIsTheOneWhoseStepRuns) {
  auto body = [](Task<>* expected, Task<>* other) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(*current_task(), *expected);
      EXPECT_FALSE(*current_task() == *other);
      co_await []() -> Coro<> { co_await sleep(0s); }();
    }
  };
  loop_.run([&]() -> Coro<> {
    std::optional<AnyTask> main = current_task();
    std::vector<Task<>> tasks;
    tasks.reserve(2);
    tasks.push_back(create_task(body, tasks.data(), tasks.data() + 1));
    tasks.push_back(create_task(body, tasks.data() + 1, tasks.data()));
    co_await tasks[0];
    co_await tasks[1];
    EXPECT_EQ(*current_task(), *main);
    EXPECT_EQ(*current_task(loop_), *main);
  });
}

TEST_F(TaskRegistryTest, OutsideOfTasksThereIsNoCurrentOne) {
  EXPECT_EQ(current_task(loop_), std::nullopt);
  bool asked = false;
  loop_.call_soon([&] {
    asked = true;
    EXPECT_EQ(current_task(), std::nullopt);
  });
  auto exit = []() -> Coro<> {
    throw SystemExit(1);
    co_return;
  };
  create_task(loop_, exit());
  EXPECT_THROW(loop_.run_forever(), SystemExit);
  EXPECT_EQ(current_task(loop_), std::nullopt);
  EXPECT_TRUE(asked);
}

TEST_F(TaskRegistryTest, AsksTheRunningLoopAndThrowsIfThereIsNone) {
  EXPECT_EQ(ending_of_call([] { current_task(); }), "failed: no running event loop");
  EXPECT_EQ(ending_of_call([] { all_tasks(); }), "failed: no running event loop");
  EXPECT_TRUE(all_tasks(loop_).empty());
}

TEST_F(TaskRegistryTest, ALoopThatIsOnlySetForTheThreadDoesNotCount) {
  set_event_loop(&loop_);
  EXPECT_THROW(current_task(), std::runtime_error);
  EXPECT_THROW(all_tasks(), std::runtime_error);
  set_event_loop(nullptr);
}

TEST_F(TaskRegistryTest, AllTasksAreThoseOfTheLoopThatAreNotDoneInOrderOfCreation) {
  ObservedLoop other;
  const Task<int> elsewhere = create_task(other, give_back(1));
  loop_.run([&]() -> Coro<> {
    const AnyTask main = *current_task();
    auto first = create_task(give_later(1, 10s));
    auto second = create_task(give_back(2));
    auto third = create_task(give_later(3, 20s));
    EXPECT_EQ(all_tasks(), (std::vector<AnyTask>{main, first, second, third}));
    co_await second;
    EXPECT_EQ(all_tasks(), (std::vector<AnyTask>{main, first, third}));
    third.cancel();
    EXPECT_EQ(all_tasks(), (std::vector<AnyTask>{main, first, third}));
    co_await sleep(0s);
    EXPECT_EQ(all_tasks(), (std::vector<AnyTask>{main, first}));
    EXPECT_EQ(all_tasks(other), (std::vector<AnyTask>{elsewhere}));
    co_await first;
  });
  EXPECT_TRUE(all_tasks(loop_).empty());
  other.settle();
}

TEST_F(TaskRegistryTest, LoopsOfSeveralThreadsKnowTheirOwnTasksAlone) {
  auto spawn_and_count = [] {
    ObservedLoop loop;
    loop.run([]() -> Coro<> {
      for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 20; ++i) create_task(give_later(i, 1s));
        EXPECT_EQ(all_tasks().size(), 21U);
        co_await sleep(2s);
        EXPECT_EQ(all_tasks().size(), 1U);
      }
    });
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(spawn_and_count);
  for (std::thread& thread : threads) thread.join();
}

TEST(PendingTaskTest, AreReportedAndDestroyedWhenTheirLoopCloses) {
  Counts counts;
  ObservedLoop loop;
  auto inner = [&]() -> Coro<> {
    const Counted local(counts);
    co_await sleep(1h);
  };
  auto outer = [&](Counted) -> Coro<> {
    const Counted local(counts);
    co_await inner();
  };
  std::vector<Task<>> tasks;
  tasks.push_back(create_task(loop, outer, Counted(counts)));
  tasks.push_back(create_task(loop, outer, Counted(counts)));
  tasks[0].set_name("one");
  tasks[1].set_name("two");
  loop.settle();
  EXPECT_GE(counts.alive, 6);
  loop.close();
  EXPECT_EQ(counts.alive, 0);
  ASSERT_EQ(loop.reports().size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loop.reports()[i].message, "Task was destroyed but it is pending!");
    EXPECT_EQ(loop.reports()[i].exception, nullptr);
    EXPECT_THAT(
        loop.reports()[i].details,
        ElementsAre(Pair("task", StartsWith(i == 0 ? "<Task 'one' created at tasks/test/"
                                                   : "<Task 'two' created at tasks/test/"))));
    EXPECT_FALSE(tasks[i].done());
  }
  EXPECT_TRUE(all_tasks(loop).empty());
}

TEST(PendingTaskTest, ThatNeverStartedAreReportedAndDestroyedToo) {
  Counts counts;
  {
    ObservedLoop loop;
    auto body = [](Counted) -> Coro<> { co_return; };
    create_task(loop, body, Counted(counts));
    loop.close();
    EXPECT_EQ(loop.reports().size(), 1U);
  }
  EXPECT_EQ(counts.alive, 0);
}

TEST(PendingTaskTest, WithAResultOnItsWayAreDestroyedAsWell) {
  Counts counts;
  ObservedLoop loop;
  Future<int> future(loop);
  auto body = [&](Counted) -> Coro<int> { co_return co_await future; };
  create_task(loop, body, Counted(counts));
  loop.settle();
  future.set_result(1);
  loop.close();
  EXPECT_EQ(loop.reports().size(), 1U);
  EXPECT_EQ(counts.alive, 0);
}

TEST(PendingTaskTest, MayWaitForEachOtherWhenTheirLoopCloses) {
  Counts counts;
  ObservedLoop loop;
  std::vector<Task<>> tasks;
  auto body = [&](std::size_t other, Counted) -> Coro<> {
    co_await sleep(0s);
    co_await tasks[other];
  };
  for (std::size_t i = 0; i < 3; ++i) {
    tasks.push_back(create_task(loop, body, (i + 1) % 3, Counted(counts)));
  }
  loop.settle();
  loop.close();
  EXPECT_EQ(loop.reports().size(), 3U);
  EXPECT_EQ(counts.alive, 0);
}

// A destructor of a local may do what any code may do.
TEST(PendingTaskTest, MayEndOthersAndMakeNewOnesWhileTheyAreDestroyed) {
  Counts counts;
  ObservedLoop loop;
  Future<int> future(loop);
  struct Busy {
    Busy(EventLoop& where, Future<int> what, Counts& count)
        : loop(where), future(what), counts(count) {}
    ~Busy() {
      future.set_result(1);
      auto body = [](Counted) -> Coro<> { co_return; };
      create_task(loop, body, Counted(counts));
    }
    EventLoop& loop;
    Future<int> future;
    Counts& counts;
  };
  auto busy = [&]() -> Coro<> {
    const Busy local(loop, future, counts);
    co_await sleep(1h);
  };
  auto waits = [&](Counted) -> Coro<int> { co_return co_await future; };
  create_task(loop, busy);
  create_task(loop, waits, Counted(counts));
  loop.settle();
  loop.close();
  EXPECT_EQ(loop.reports().size(), 3U);
  EXPECT_EQ(counts.alive, 0);
}

TEST(PendingTaskTest, AFatalErrorOfTheHandlerDoesNotSpareTheOthers) {
  Counts counts;
  ObservedLoop loop;
  int reports = 0;
  loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) {
    ++reports;
    throw SystemExit(1);
  });
  auto body = [](Counted) -> Coro<> { co_await sleep(1h); };
  for (int i = 0; i < 3; ++i) create_task(loop, body, Counted(counts));
  loop.settle();
  loop.close();
  EXPECT_EQ(reports, 3);
  EXPECT_EQ(counts.alive, 0);
}

TEST(PendingTaskTest, ThatAreCancelledButHaveNotEndedAreReportedToo) {
  ObservedLoop loop;
  const Task<int> task = create_task(loop, give_later(1, 1h));
  loop.settle();
  task.cancel();
  loop.close();
  EXPECT_EQ(loop.reports().size(), 1U);
}

class EnsureFutureTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(EnsureFutureTest, GivesFuturesAndTasksBackUnchanged) {
  loop_.run([&]() -> Coro<> {
    const Future<int> future(loop_);
    EXPECT_EQ(ensure_future(future), future);
    const Task<int> task = create_task(give_back(1));
    EXPECT_EQ(ensure_future(task), task);
    static_assert(std::is_same_v<decltype(ensure_future(task)), Task<int>>);
    co_await task;
  });
}

TEST_F(EnsureFutureTest, MakesATaskOfACoroutine) {
  loop_.run([&]() -> Coro<> {
    auto task = ensure_future(give_later(2, 1s));
    static_assert(std::is_same_v<decltype(task), Task<int>>);
    EXPECT_EQ(co_await task, 2);
  });
}

TEST_F(EnsureFutureTest, MakesATaskOfAnyAwaitable) {
  loop_.run([&]() -> Coro<> {
    auto task = ensure_future(sleep(3s));
    static_assert(std::is_same_v<decltype(task), Task<>>);
    co_await task;
    EXPECT_EQ(loop_.time().time_since_epoch(), 3s);
  });
}

TEST_F(EnsureFutureTest, CreateTaskTakesAnyAwaitableToo) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(sleep(3s));
    task.cancel("before it began");
    EXPECT_EQ(co_await ending_of(task), "cancelled: before it began");
  });
}

TEST_F(TaskNameTest, ATaskThatIsMadeWithANameUsesUpNoNumber) {
  loop_.run([&]() -> Coro<> {
    const auto number_of = [](const Task<int>& task) {
      return std::stoi(task.get_name().substr(std::string("Task-").size()));
    };
    auto first = create_task(give_back(1));
    auto named = create_task(give_back(2), {.name = "named"});
    auto second = create_task(give_back(3));
    EXPECT_EQ(number_of(second), number_of(first) + 1);
    EXPECT_EQ(co_await named, 2);
  });
}

}  // namespace
}  // namespace asyncio
