#include "asyncio/utils/call_graph.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/events/activity.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/async_generator.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "asyncio/utils/gather.h"
#include "asyncio/utils/shield.h"
#include "asyncio/utils/task_group.h"
#include "asyncio/utils/timeout.h"
#include "asyncio/utils/wait.h"
#include "asyncio/utils/wait_for.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// This file's line, `offset` lines below the call.
std::string line_below(unsigned offset,
                       std::source_location here = std::source_location::current()) {
  return "utils/test/call_graph_test.cc:" + std::to_string(here.line() + offset);
}

// Names of those who wait, directly.
std::vector<std::string> awaited_by(const FutureCallGraph& graph) {
  std::vector<std::string> names;
  for (const FutureCallGraph& waiting : graph.awaited_by) {
    const std::string text = waiting.future.state().describe();
    names.push_back(text.substr(1, text.find(" created") - 1));
  }
  return names;
}

Coro<> wait_for_ever() { co_await sleep(Duration::infinite()); }

class CallGraphTest : public ::testing::Test {
 protected:
  // Runs `main` as a task called "main" for as long as it goes on without time passing.
  template <class F>
  Task<> start(F main) {
    const Task<> task = create_task(loop_, main);
    task.set_name("main");
    for (int turn = 0; turn < 20; ++turn) {
      loop_.stop();
      loop_.run_forever();
    }
    return task;
  }

  // Cancels what still waits.
  ~CallGraphTest() override {
    for (const AnyTask& task : all_tasks(loop_)) task.cancel();
    for (int turn = 0; turn < 20; ++turn) {
      loop_.stop();
      loop_.run_forever();
    }
  }

  VirtualTimeLoop loop_;
  std::optional<Task<>> inner_;

  Task<> start_inner() {
    inner_.emplace(create_task(wait_for_ever()));
    inner_->set_name("inner");
    return *inner_;
  }
};

TEST_F(CallGraphTest, ATasksStackHasTheLineOfEveryAwaitInnermostFirst) {
  const std::string leaf_line = line_below(1);
  auto leaf = []() -> Coro<> { co_await sleep(1h); };
  const std::string middle_line = line_below(1);
  auto middle = [&]() -> Coro<> { co_await leaf(); };
  const std::string main_line = line_below(1);
  const Task<> task = start([&]() -> Coro<> { co_await middle(); });
  const FutureCallGraph graph = capture_call_graph(task);
  ASSERT_THAT(graph.call_stack, SizeIs(4U));  // the last is the frame that owns the lambda
  EXPECT_EQ(to_string(graph.call_stack[0].place), leaf_line);
  EXPECT_EQ(to_string(graph.call_stack[1].place), middle_line);
  EXPECT_EQ(to_string(graph.call_stack[2].place), main_line);
  EXPECT_THAT(capture_call_graph(task, 2).call_stack, SizeIs(2U));
  EXPECT_THAT(capture_call_graph(task, 0).call_stack, IsEmpty());
}

TEST_F(CallGraphTest, ATaskThatAwaitsATaskIsSeen) {
  start([&]() -> Coro<> { co_await start_inner(); });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, AFutureIsAwaitedByAllItsWaitersInOrder) {
  Future<> future(loop_);
  auto wait = [](Future<> what) -> Coro<> { co_await what; };
  const Task<> one = create_task(loop_, wait(future), TaskOptions{.name = "one"});
  const Task<> two = create_task(loop_, wait(future), TaskOptions{.name = "two"});
  start([]() -> Coro<> { co_return; });
  EXPECT_THAT(awaited_by(capture_call_graph(future)), ElementsAre("Task 'one'", "Task 'two'"));
  EXPECT_THAT(capture_call_graph(future).call_stack, IsEmpty());
}

TEST_F(CallGraphTest, GatherStandsBetween) {
  start([&]() -> Coro<> { co_await gather(start_inner(), create_task(wait_for_ever())); });
  const FutureCallGraph graph = capture_call_graph(*inner_);
  ASSERT_THAT(graph.awaited_by, SizeIs(1U));
  EXPECT_THAT(awaited_by(graph.awaited_by[0]), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, ShieldStandsBetween) {
  start([&]() -> Coro<> { co_await shield(start_inner()); });
  const FutureCallGraph graph = capture_call_graph(*inner_);
  ASSERT_THAT(graph.awaited_by, SizeIs(1U));
  EXPECT_THAT(awaited_by(graph.awaited_by[0]), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, ATaskThatWaitsForSeveralIsSeen) {
  start([&]() -> Coro<> {
    const std::vector<Task<>> tasks{start_inner()};
    co_await wait(tasks);
  });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, ATaskThatTakesThemAsTheyCompleteIsSeen) {
  start([&]() -> Coro<> {
    const std::vector<Task<>> tasks{start_inner()};
    auto completed = as_completed(tasks);
    co_await completed.next();
  });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, ATaskGroupsParentIsSeenWhileItRunsAndWhileItWaits) {
  start([&]() -> Coro<> {
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      inner_.emplace(group.create_task(wait_for_ever()));
      EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
      co_return;
    });
  });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, TimeoutsAndWaitForLeaveTheGraphAsItIs) {
  start([&]() -> Coro<> {
    co_await with(timeout(1h), [&](Timeout&) -> Coro<> { co_await start_inner(); });
  });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
  start([&]() -> Coro<> { co_await wait_for(start_inner(), 1h); });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, AWaitThatIsOverLeavesNoEdge) {
  start([&]() -> Coro<> {
    auto fail = []() -> Coro<> {
      throw std::runtime_error("early");
      co_return;
    };
    try {
      co_await gather(start_inner(), create_task(fail()));
    } catch (const std::runtime_error&) {
    }
    co_await sleep(1h);
  });
  const FutureCallGraph graph = capture_call_graph(*inner_);
  for (const FutureCallGraph& waiting : graph.awaited_by) {
    EXPECT_THAT(waiting.awaited_by, IsEmpty());
  }
}

TEST_F(CallGraphTest, WaitForWithNoTimeLeftIsSeenWhileTheTaskEnds) {
  auto slow = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    co_await sleep(1h);
  };
  start([&]() -> Coro<> {
    inner_.emplace(create_task(slow));
    co_await sleep(0s);
    co_await wait_for(*inner_, 0s);
  });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), ElementsAre("Task 'main'"));
}

TEST_F(CallGraphTest, AWaitThatHasTimedOutLeavesNoEdge) {
  start([&]() -> Coro<> {
    const std::vector<Task<>> tasks{start_inner()};
    co_await wait(tasks, {.timeout = 0s});
    co_await sleep(1h);
  });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), IsEmpty());
}

TEST_F(CallGraphTest, AsCompletedThatHasTimedOutLeavesNoEdge) {
  start([&]() -> Coro<> {
    const std::vector<Task<>> tasks{start_inner()};
    auto completed = as_completed(tasks, 0s);
    try {
      co_await completed.next();
    } catch (const TimeoutError&) {
    }
    co_await sleep(1h);
  });
  EXPECT_THAT(awaited_by(capture_call_graph(*inner_)), IsEmpty());
}

TEST_F(CallGraphTest, AGatherThatEndedEarlyLeavesNoEdgeToTheSurvivor) {
  for (const bool cancelled : {false, true}) {
    start([&]() -> Coro<> {
      const Future<> sibling;
      auto end_sibling = [&] {
        cancelled ? void(sibling.cancel()) : sibling.set_exception(std::runtime_error("early"));
      };
      loop_.call_soon(end_sibling);
      try {
        co_await gather(start_inner(), sibling);
      } catch (...) {
      }
      co_await sleep(1h);
    });
    EXPECT_THAT(capture_call_graph(*inner_).awaited_by, IsEmpty()) << cancelled;
  }
}

TEST_F(CallGraphTest, AGeneratorIsAFrameLikeAnyOther) {
  std::string line;
  auto numbers = [](std::string* here) -> AsyncGenerator<int> {
    *here = line_below(1);
    co_await sleep(1h);
    co_yield 1;
  };
  const Task<> task = start([&]() -> Coro<> {
    auto generator = numbers(&line);
    co_await generator.next();
  });
  const FutureCallGraph graph = capture_call_graph(task);
  ASSERT_THAT(graph.call_stack, SizeIs(3U));
  EXPECT_EQ(to_string(graph.call_stack[0].place), line);
}

TEST_F(CallGraphTest, WhatIsDoneHasNoStackAndStillPrints) {
  auto fail = []() -> Coro<> {
    throw std::runtime_error("over");
    co_return;
  };
  const Task<> task = create_task(loop_, fail(), TaskOptions{.name = "over"});
  start([]() -> Coro<> { co_return; });
  EXPECT_THAT(capture_call_graph(task).call_stack, IsEmpty());
  EXPECT_THAT(format_call_graph(task), HasSubstr("* Task 'over' created at"));
  EXPECT_NE(task.exception(), nullptr);
}

TEST_F(CallGraphTest, TheRunningTaskIsTheDefault) {
  std::string text;
  std::string line;
  start([&]() -> Coro<> {
    line = line_below(1);
    co_await sleep(0s);
    text = format_call_graph();
  });
  EXPECT_THAT(text, HasSubstr("* Task 'main'"));
  EXPECT_THAT(text, HasSubstr("  + Call stack:\n  |   " + line + "\n"));
}

TEST_F(CallGraphTest, OutsideOfTasksThereIsNone) {
  EXPECT_THROW(capture_call_graph(), std::runtime_error);
  bool none = false;
  loop_.call_soon([&] { none = !capture_call_graph().has_value() && format_call_graph().empty(); });
  start([]() -> Coro<> { co_return; });
  EXPECT_TRUE(none);
}

TEST_F(CallGraphTest, TheTextNestsWhoWaits) {
  std::string main_line;
  start([&]() -> Coro<> {
    start_inner();
    main_line = line_below(1);
    co_await *inner_;
  });
  const std::string text = format_call_graph(*inner_);
  EXPECT_THAT(text, HasSubstr("  + Awaited by:\n     * Task 'main' created at"));
  EXPECT_THAT(text, HasSubstr("       + Call stack:\n       |   " + main_line + "\n"));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  print_call_graph(*inner_, file.get());
  EXPECT_EQ(std::ftell(file.get()), static_cast<long>(text.size()));
}

}  // namespace
}  // namespace asyncio
