// Compiler probes: neither many awaits nor deep chains of them may use up the stack, whatever the
// compiler makes of the transfer from one coroutine to the next. Everything runs in threads whose
// stacks have the size that is promised: 8 MiB to await, 512 KiB to destroy.

#include <pthread.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <vector>

#include "absl/functional/function_ref.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kAwaitStack = 8 * kMiB;
constexpr std::size_t kDestroyStack = kMiB / 2;

constexpr int kMany = 1'000'000;
constexpr int kDeep = 100'000;
constexpr int kDeepThrow = 10'000;

// Runs `work` in a thread with a stack of its own of this size.
void run_in_stack(std::size_t size, absl::FunctionRef<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, size), 0);
  auto start = [](void* function) -> void* {
    (*static_cast<absl::FunctionRef<void()>*>(function))();
    return nullptr;
  };
  pthread_t thread;
  ASSERT_EQ(::pthread_create(&thread, &attributes, start, &work), 0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  ::pthread_attr_destroy(&attributes);
}

Coro<int> one() { co_return 1; }
Coro<> nothing() { co_return; }
Coro<> fail() {
  throw std::runtime_error("thrown");
  co_return;
}

TEST(ManyAwaitsTest, OfCoroutinesThatAreReady) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    loop.run([&]() -> Coro<> {
      int sum = 0;
      for (int i = 0; i < kMany; ++i) {
        sum += co_await one();
        co_await nothing();
      }
      EXPECT_EQ(sum, kMany);
    });
    EXPECT_LE(loop.turns(), 2);
  });
}

TEST(ManyAwaitsTest, OfFuturesThatAreReady) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    const Future<int> future(loop);
    future.set_result(1);
    loop.run([&]() -> Coro<> {
      int sum = 0;
      for (int i = 0; i < kMany; ++i) sum += co_await future;
      EXPECT_EQ(sum, kMany);
    });
  });
}

TEST(ManyAwaitsTest, ThatThrow) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    loop.run([&]() -> Coro<> {
      int caught = 0;
      for (int i = 0; i < kDeepThrow; ++i) {
        try {
          co_await fail();
        } catch (const std::runtime_error&) {
          ++caught;
        }
      }
      EXPECT_EQ(caught, kDeepThrow);
    });
  });
}

TEST(ManyAwaitsTest, ThatLetOthersRun) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    loop.run([&]() -> Coro<> {
      for (int i = 0; i < kDeep; ++i) co_await sleep(0s);
    });
    EXPECT_GE(loop.turns(), kDeep);
  });
}

Coro<int> sum_to(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await sum_to(n - 1);
}

Coro<> descend(int n, int& deepest) {
  if (n == 0) {
    ++deepest;
    co_return;
  }
  co_await descend(n - 1, deepest);
}

Coro<> descend_and_throw(int n, Counts& counts) {
  const Counted local(counts);
  if (n == 0) throw std::runtime_error("from below");
  co_await descend_and_throw(n - 1, counts);
}

Coro<int> descend_and_sleep(int n, Counts& counts) {
  const Counted local(counts);
  if (n > 0) co_return 1 + co_await descend_and_sleep(n - 1, counts);
  co_await sleep(1h);
  co_return 0;
}

TEST(DeepAwaitsTest, GiveTheirValues) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    EXPECT_EQ(run_until_complete(loop, sum_to(kDeep)), kDeep);
  });
}

TEST(DeepAwaitsTest, GiveNothing) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    int deepest = 0;
    run_until_complete(loop, descend(kDeep, deepest));
    EXPECT_EQ(deepest, 1);
  });
}

TEST(DeepAwaitsTest, ThrowThroughAllLevels) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    Counts counts;
    EXPECT_EQ(
        ending_of_call([&] { run_until_complete(loop, descend_and_throw(kDeepThrow, counts)); }),
        "failed: from below");
    EXPECT_EQ(counts.made, kDeepThrow + 1);
    EXPECT_EQ(counts.alive, 0);
  });
}

TEST(DeepAwaitsTest, ResumeFromTheDeepestLevel) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    Counts counts;
    EXPECT_EQ(run_until_complete(loop, descend_and_sleep(kDeep, counts)), kDeep);
    EXPECT_EQ(counts.alive, 0);
  });
}

TEST(DeepAwaitsTest, AreCancelledFromTheDeepestLevel) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    Counts counts;
    const Task<int> task = create_task(loop, descend_and_sleep(kDeepThrow, counts));
    loop.settle();
    EXPECT_EQ(counts.alive, kDeepThrow + 1);
    task.cancel("all the way up");
    loop.settle();
    EXPECT_EQ(ending(task), "cancelled: all the way up");
    EXPECT_EQ(counts.alive, 0);
  });
}

Coro<int> wait_for(std::optional<Task<int>> task) {
  if (task.has_value()) co_return 1 + co_await *task;
  co_await sleep(1h);
  co_return 0;
}

TEST(DeepAwaitsTest, OfTasksThatAwaitTasksAreCancelledToo) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    std::optional<Task<int>> last;
    for (int i = 0; i < kDeepThrow; ++i) last = create_task(loop, wait_for(last));
    loop.settle();
    EXPECT_TRUE(last->cancel("all the way down"));
    EXPECT_EQ(ending_of_call([&] { run_until_complete(loop, *last); }),
              "cancelled: all the way down");
    EXPECT_TRUE(all_tasks(loop).empty());
  });
}

TEST(DeepAwaitsTest, OfTasksThatAwaitTasksGiveTheirValues) {
  run_in_stack(kAwaitStack, [] {
    ObservedLoop loop;
    std::optional<Task<int>> last;
    for (int i = 0; i < kDeep; ++i) last = create_task(loop, wait_for(last));
    EXPECT_EQ(run_until_complete(loop, *last), kDeep - 1);
  });
}

TEST(DeepTeardownTest, OfAPendingTaskWhoseLoopCloses) {
  run_in_stack(kDestroyStack, [] {
    Counts counts;
    ObservedLoop loop;
    create_task(loop, descend_and_sleep(kDeep, counts));
    loop.settle();
    EXPECT_EQ(counts.alive, kDeep + 1);
    loop.close();
    EXPECT_EQ(counts.alive, 0);
    EXPECT_EQ(loop.reports().size(), 1U);
  });
}

TEST(DeepTeardownTest, OfTasksThatAwaitEachOtherWhenTheirLoopCloses) {
  run_in_stack(kDestroyStack, [] {
    ObservedLoop loop;
    std::optional<Task<int>> last;
    for (int i = 0; i < kDeepThrow; ++i) last = create_task(loop, wait_for(last));
    loop.settle();
    last.reset();
    loop.close();
    EXPECT_EQ(loop.reports().size(), static_cast<std::size_t>(kDeepThrow));
  });
}

TEST(DeepTeardownTest, OfTasksThatAreCancelledBeforeTheyStart) {
  run_in_stack(kDestroyStack, [] {
    Counts counts;
    ObservedLoop loop;
    auto body = [](Counted, int) -> Coro<> { co_return; };
    std::vector<Task<>> tasks;
    for (int i = 0; i < kDeep; ++i) tasks.push_back(create_task(loop, body, Counted(counts), i));
    for (const Task<>& task : tasks) task.cancel();
    loop.settle();
    EXPECT_EQ(counts.alive, 0);
    EXPECT_TRUE(tasks.front().cancelled() && tasks.back().cancelled());
  });
}

TEST(DeepTeardownTest, OfACancelledChainThatUnwinds) {
  run_in_stack(kDestroyStack, [] {
    Counts counts;
    ObservedLoop loop;
    const Task<int> task = create_task(loop, descend_and_sleep(kDeepThrow, counts));
    loop.settle();
    task.cancel();
    loop.settle();
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(counts.alive, 0);
  });
}

}  // namespace
}  // namespace asyncio
