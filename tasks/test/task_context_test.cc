#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/run_in_executor.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

ContextVar<std::string> color("color", "none");

Coro<std::string> color_after_a_sleep() {
  co_await sleep(1ms);
  co_return color.get();
}

Coro<> paint(std::string value) {
  color.set(value);
  co_await sleep(0s);
  EXPECT_EQ(color.get(), value);
}

TEST(TaskContextTest, ATaskRunsInACopyOfTheContextInWhichItWasMade) {
  run([]() -> Coro<> {
    color.set("red");
    const Task<std::string> task = create_task(color_after_a_sleep());
    color.set("too late");
    EXPECT_EQ(co_await task, "red");
  });
}

TEST(TaskContextTest, WhatATaskSetsStaysInIt) {
  run([]() -> Coro<> {
    co_await create_task(paint("blue"));
    EXPECT_EQ(color.get(), "none");
  });
}

TEST(TaskContextTest, ATaskKeepsWhatItSetWhileOthersRun) {
  run([]() -> Coro<> {
    const Task<> red = create_task(paint("red"));
    const Task<> blue = create_task(paint("blue"));
    co_await red;
    co_await blue;
  });
}

TEST(TaskContextTest, AnAwaitedCoroutineSharesTheContextOfItsTask) {
  run([]() -> Coro<> {
    co_await paint("green");
    EXPECT_EQ(color.get(), "green");
  });
}

TEST(TaskContextTest, AnExplicitContextIsUsedItself) {
  run([]() -> Coro<> {
    const Context context;
    co_await create_task(paint("white"), {.context = &context});
    EXPECT_EQ(context.run([] { return color.get(); }), "white");
    EXPECT_EQ(color.get(), "none");
  });
}

TEST(TaskContextTest, TasksOneAfterTheOtherMayShareAContext) {
  static const ContextVar<int> counter("counter", 0);
  auto increase = []() -> Coro<int> {
    counter.set(counter.get() + 1);
    co_await sleep(0s);
    co_return counter.get();
  };
  VirtualTimeLoop loop;
  const Context context;
  const Task<int> first = create_task(loop, increase(), {.context = &context});
  EXPECT_EQ(run_until_complete(loop, first), 1);
  auto main = [&]() -> Coro<> {
    EXPECT_EQ(co_await create_task(increase(), {.context = &context}), 2);
    EXPECT_EQ(co_await create_task(increase(), {.context = &context, .eager_start = true}), 3);
    EXPECT_EQ(counter.get(), 0);
  };
  run_until_complete(loop, main());
}

TEST(TaskContextTest, ATaskMayShareTheContextThatIsEnteredAtTheMoment) {
  run([]() -> Coro<> {
    const Context context;
    const Task<> painting = context.run([&] {
      color.set("before");
      const Task<> task = create_task(paint("shared"), {.context = &context, .eager_start = true});
      EXPECT_EQ(color.get(), "shared");
      return task;
    });
    co_await painting;
    EXPECT_EQ(color.get(), "none");
  });
}

TEST(TaskContextTest, AHundredTasksKeepAHundredContexts) {
  static const ContextVar<int> counter("counter");
  auto count = [](int from) -> Coro<int> {
    counter.set(from);
    for (int i = 0; i < 10; ++i) {
      counter.set(counter.get() + 1);
      co_await sleep(0s);
    }
    co_return counter.get();
  };
  run([&]() -> Coro<> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 100; ++i) tasks.push_back(create_task(count(i)));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(co_await tasks[static_cast<std::size_t>(i)], i + 10);
  });
}

TEST(TaskContextTest, ANameIsGivenWithTheTask) {
  run([]() -> Coro<> {
    const Task<> task = create_task(paint("black"), {.name = "painter"});
    EXPECT_EQ(task.get_name(), "painter");
    co_await task;
  });
}

TEST(TaskContextTest, ADoneCallbackRunsInTheContextInWhichItWasAdded) {
  run([]() -> Coro<> {
    std::string seen;
    const Future<> future;
    color.set("added");
    future.add_done_callback([&](const AnyFuture&) { seen = color.get(); });
    color.set("completed");
    future.set_result();
    co_await sleep(0s);
    EXPECT_EQ(seen, "added");
  });
}

TEST(TaskContextTest, TheRunsOfARunnerShareAContext) {
  Runner runner;
  runner.run(paint("kept"));
  EXPECT_EQ(runner.run(color_after_a_sleep()), "kept");
  EXPECT_EQ(color.get(), "none");
}

TEST(TaskContextTest, ATaskThatFailsLeavesItsContext) {
  auto fail = []() -> Coro<> {
    color.set("failing");
    throw std::range_error("oops");
    co_return;
  };
  EXPECT_THROW(run(fail), std::range_error);
  EXPECT_EQ(color.get(), "none");
}

TEST(TaskContextTest, ClosingARunnerWaitsForTheJobsOfTheDefaultExecutor) {
  bool ended = false;
  run([&]() -> Coro<> {
    (void)run_in_executor(nullptr, [&] { ended = true; });
    co_return;
  });
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace asyncio
