// Tasks whose first step runs inside create_task(), and factories that make them so.

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "asyncio/tasks/task_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TaskOptions kEager{.eager_start = true};

Coro<int> answer() { co_return 42; }

class EagerTaskTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

// One task.

TEST_F(EagerTaskTest, ACoroutineThatNeverWaitsIsDoneAtOnce) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const Task<int> task = create_task(answer(), kEager);
    EXPECT_TRUE(task.done());
    EXPECT_EQ(task.result(), 42);
    EXPECT_FALSE(task.cancel());
    EXPECT_EQ(co_await task, 42);
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(EagerTaskTest, AnExceptionOfTheFirstStepIsTheTasks) {
  auto fail = []() -> Coro<> {
    throw std::runtime_error("at once");
    co_return;
  };
  loop_.run([&]() -> Coro<> {
    const Task<> task = create_task(fail(), kEager);
    EXPECT_EQ(ending(task), "failed: at once");
    co_return;
  });
}

TEST_F(EagerTaskTest, ACoroutineThatWaitsGoesOnAsAnyTask) {
  std::vector<std::string> log;
  auto work = [&]() -> Coro<int> {
    log.push_back("begin");
    co_await sleep(1s);
    log.push_back("end");
    co_return 1;
  };
  loop_.run([&]() -> Coro<> {
    set_task_factory(loop_, eager_task_factory);
    const Task<int> task = create_task(work);
    log.push_back("created");
    EXPECT_FALSE(task.done());
    EXPECT_EQ(co_await task, 1);
  });
  EXPECT_THAT(log, ElementsAre("begin", "created", "end"));
}

TEST_F(EagerTaskTest, OnceItWaitsItIsCancelledWithItsMessage) {
  auto wait = []() -> Coro<> { co_await sleep(1h); };
  loop_.run([&]() -> Coro<> {
    const Task<> task = create_task(wait(), kEager);
    EXPECT_TRUE(task.cancel("enough"));
    EXPECT_EQ(co_await ending_of(Future<>(task)), "cancelled: enough");
  });
}

TEST_F(EagerTaskTest, WithoutARunningLoopItIsLazy) {
  const Task<int> task = create_task(loop_, answer(), kEager);
  EXPECT_FALSE(task.done());
  loop_.settle();
  EXPECT_EQ(task.result(), 42);
}

TEST_F(EagerTaskTest, TheFirstStepIsTheCurrentTaskAndGivesThePlaceBack) {
  std::vector<std::string> names;
  auto note = [&] { names.push_back(current_task()->get_name()); };
  auto inner = [](decltype(note)* log) -> Coro<> {
    (*log)();
    co_await sleep(0s);
    (*log)();
  };
  loop_.run([&]() -> Coro<> {
    current_task()->set_name("outer");
    const Task<> task =
        create_task(inner(&note), TaskOptions{.name = "inner", .eager_start = true});
    note();
    co_await task;
    note();
  });
  EXPECT_THAT(names, ElementsAre("inner", "outer", "inner", "outer"));
}

TEST_F(EagerTaskTest, DuringTheFirstStepItIsAmongAllTasksAndOnceDoneItIsNot) {
  std::size_t during = 0;
  auto count = [](std::size_t* number) -> Coro<> {
    *number = all_tasks().size();
    co_return;
  };
  loop_.run([&]() -> Coro<> {
    create_task(count(&during), kEager);
    EXPECT_EQ(all_tasks().size(), 1U);
    co_return;
  });
  EXPECT_EQ(during, 2U);
}

TEST_F(EagerTaskTest, OnceItWaitsItIsAmongAllTasksUntilItsEnd) {
  auto wait = []() -> Coro<> { co_await sleep(1s); };
  loop_.run([&]() -> Coro<> {
    const AnyTask main = *current_task();
    const Task<> task = create_task(wait(), kEager);
    EXPECT_THAT(all_tasks(), ElementsAre(main, task));
    co_await task;
    EXPECT_THAT(all_tasks(), ElementsAre(main));
  });
}

TEST_F(EagerTaskTest, TheFirstStepSeesTheCreatorsContextAndKeepsItsChangesToItself) {
  static const auto* variable = new ContextVar<int>("variable", 0);
  auto change = []() -> Coro<int> {
    const int seen = variable->get();
    variable->set(2);
    co_await sleep(0s);
    co_return seen * 10 + variable->get();
  };
  loop_.run([&]() -> Coro<> {
    variable->set(1);
    const Task<int> task = create_task(change(), kEager);
    EXPECT_EQ(variable->get(), 1);
    EXPECT_EQ(co_await task, 12);
    EXPECT_EQ(variable->get(), 1);
  });
}

TEST_F(EagerTaskTest, AFutureThatTheFirstStepSetsIsThereForItsCreator) {
  loop_.run([&]() -> Coro<> {
    Future<int> future(loop_);
    auto set = [](Future<int> result) -> Coro<> {
      result.set_result(7);
      co_return;
    };
    create_task(set(future), kEager);
    const int before = loop_.turns();
    EXPECT_EQ(co_await future, 7);
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(EagerTaskTest, DoneCallbacksRunNextTurnAllTheSame) {
  bool called = false;
  loop_.run([&]() -> Coro<> {
    create_task(answer(), kEager).add_done_callback([&](const AnyFuture&) { called = true; });
    EXPECT_FALSE(called);
    co_await sleep(0s);
    EXPECT_TRUE(called);
  });
}

TEST_F(EagerTaskTest, AFatalErrorOfTheFirstStepLeavesCreateTaskAndTheLoopStaysUsable) {
  auto exit = []() -> Coro<> {
    throw SystemExit();
    co_return;
  };
  bool thrown = false;
  loop_.run([&]() -> Coro<> {
    try {
      create_task(exit(), kEager);
    } catch (const SystemExit&) {
      thrown = true;
    }
    EXPECT_EQ(co_await create_task(answer(), kEager), 42);
  });
  EXPECT_TRUE(thrown);
}

// Factories.

TEST_F(EagerTaskTest, UnderTheEagerFactoryTasksMayStillBeLazy) {
  loop_.run([&]() -> Coro<> {
    set_task_factory(loop_, eager_task_factory);
    EXPECT_TRUE(create_task(answer()).done());
    EXPECT_TRUE(ensure_future(answer()).done());
    const Task<int> lazy = create_task(answer(), TaskOptions{.eager_start = false});
    EXPECT_FALSE(lazy.done());
    EXPECT_EQ(co_await lazy, 42);
  });
}

TEST_F(EagerTaskTest, AFactorySeesTheOptionsAndGivesThose) {
  loop_.run([&]() -> Coro<> {
    std::vector<std::string> names;
    set_task_factory(loop_, [&](EventLoop& loop, TaskOptions options) {
      EXPECT_EQ(&loop, &loop_);
      names.emplace_back(options.name);
      options.name = "renamed";
      return options;
    });
    const Task<int> task = create_task(answer(), TaskOptions{.name = "mine"});
    EXPECT_EQ(task.get_name(), "renamed");
    EXPECT_THAT(names, ElementsAre("mine"));
    co_await task;
  });
}

TEST_F(EagerTaskTest, NullRestoresTheDefault) {
  EXPECT_EQ(get_task_factory(loop_), nullptr);
  set_task_factory(loop_, eager_task_factory);
  EXPECT_NE(get_task_factory(loop_), nullptr);
  set_task_factory(loop_, nullptr);
  EXPECT_EQ(get_task_factory(loop_), nullptr);
  loop_.run([&]() -> Coro<> {
    const Task<int> task = create_task(answer());
    EXPECT_FALSE(task.done());
    co_await task;
  });
}

TEST_F(EagerTaskTest, AFactoryThatThrowsLeavesNoTask) {
  loop_.run([&]() -> Coro<> {
    set_task_factory(loop_, [](EventLoop&, TaskOptions) -> TaskOptions {
      throw std::runtime_error("no tasks today");
    });
    EXPECT_EQ(ending_of_call([] { create_task(answer()); }), "failed: no tasks today");
    EXPECT_EQ(all_tasks().size(), 1U);
    co_return;
  });
}

TEST_F(EagerTaskTest, AFactoryMayReplaceItself) {
  loop_.run([&]() -> Coro<> {
    auto guard = std::make_shared<int>(1);
    set_task_factory(loop_, [this, guard](EventLoop&, TaskOptions options) {
      set_task_factory(loop_, nullptr);
      EXPECT_EQ(*guard, 1);
      return options;
    });
    co_await create_task(answer());
    EXPECT_EQ(get_task_factory(loop_), nullptr);
  });
}

TEST_F(EagerTaskTest, AClosedLoopTakesNoFactory) {
  loop_.close();
  EXPECT_THROW(set_task_factory(loop_, eager_task_factory), std::runtime_error);
}

// What a task tells of its context.

TEST_F(EagerTaskTest, ATaskTellsTheContextInWhichItRuns) {
  const Context context = copy_context();
  const Task<int> task = create_task(loop_, answer(), TaskOptions{.context = &context});
  EXPECT_EQ(task.get_context(), context);
  loop_.settle();
}

TEST_F(EagerTaskTest, WhileItRunsATasksContextIsTheCurrentOneAlsoBelowAnEagerTask) {
  static const auto* variable = new ContextVar<int>("variable", 0);
  auto inner = [](Task<>* outer) -> Coro<> {
    variable->set(2);
    EXPECT_EQ(outer->get_context().run([] { return variable->get(); }), 1);
    co_return;
  };
  std::optional<Task<>> task;
  auto work = [&]() -> Coro<> {
    variable->set(1);
    EXPECT_EQ(task->get_context().size(), 1U);
    create_task(inner(&*task), kEager);
    EXPECT_EQ(variable->get(), 1);
    co_return;
  };
  loop_.run([&]() -> Coro<> {
    task.emplace(create_task(work));
    co_await *task;
  });
}

}  // namespace
}  // namespace asyncio
