#include "asyncio/utils/task_group.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "asyncio/tasks/task_options.h"
#include "asyncio/tasks/with.h"
#include "asyncio/utils/exception_group.h"
#include "asyncio/utils/timeout.h"
#include "gtest/gtest.h"
#include "tasks/test/ending.h"
#include "tasks/test/observed_loop.h"
#include "utils/test/number_after.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

Coro<> failure_after(Duration delay, std::string what) {
  co_await sleep(delay);
  throw std::runtime_error(what);
}
// Sleeps, and writes when it is cancelled.
Coro<> sleeper(std::string* trace, std::string name) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    *trace += name;
    throw;
  }
}
// Fails when it is cancelled.
Coro<> fails_when_cancelled(std::string what) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    throw std::runtime_error(what);
  }
}

// How waiting ends.
Coro<std::string> ending_of_sleep() {
  std::exception_ptr error;
  try {
    co_await sleep(1s);
  } catch (...) {
    error = std::current_exception();
  }
  co_return ending_of_call([&] {
    if (error != nullptr) std::rethrow_exception(error);
  });
}

// What the error is, with the members of groups: "(a, (b, c))".
std::string shape(const std::exception_ptr& error) {
  if (error == nullptr) return "none";
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& group) {
    std::string text;
    for (const std::exception_ptr& member : group.exceptions()) {
      text += (text.empty() ? "" : ", ") + shape(member);
    }
    return "(" + text + ")";
  } catch (const std::exception& known) {
    return known.what();
  } catch (const CancelledError& cancelled) {
    return cancelled.message().has_value() ? "cancelled: " + *cancelled.message() : "cancelled";
  } catch (const FatalError& fatal) {
    return fatal.what();
  } catch (...) {
    return "unknown";
  }
}

// The body of a TaskGroup, plain or a coroutine function. What runs it is compiled for these two
// kinds and not for each body.
template <class R>
using Body = std::function<R(TaskGroup&)>;
template <class F>
Body<std::invoke_result_t<F&, TaskGroup&>> body_of(F function) {
  return function;
}

template <class R>
Coro<std::string> end_of_group_with(Body<R> body) {
  std::exception_ptr error;
  try {
    co_await with(TaskGroup(), std::ref(body));
  } catch (...) {
    error = std::current_exception();
  }
  co_return shape(error);
}

// How a TaskGroup with this body ends.
template <class F>
Coro<std::string> end_of_group(F body) {
  return end_of_group_with(body_of(body));
}

class TaskGroupTest : public ::testing::Test {
 protected:
  // Runs a group with this body in a task; how it ended.
  template <class F>
  std::string run(F body) {
    return run_body(body_of(body));
  }

  // The same in a task that is cancelled after a second; what the task ended with.
  template <class F>
  std::string run_cancelled(F body, int times = 1) {
    return run_body_cancelled(body_of(body), times);
  }

  ObservedLoop loop_;

 private:
  template <class R>
  std::string run_body(const Body<R>& body) {
    return loop_.run([&]() -> Coro<std::string> {
      std::string end = co_await end_of_group_with(body);
      EXPECT_EQ(current_task()->cancelling(), 0);
      co_return end;
    });
  }

  template <class R>
  std::string run_body_cancelled(const Body<R>& body, int times) {
    return loop_.run([&]() -> Coro<std::string> {
      auto in_group = [&body]() -> Coro<> { co_await with(TaskGroup(), std::ref(body)); };
      const Task<> task = create_task(in_group);
      for (int i = 0; i < times; ++i) {
        co_await sleep(1s);
        EXPECT_FALSE(task.done());
        task.cancel("outside");
      }
      std::exception_ptr error;
      try {
        co_await task;
      } catch (...) {
        error = std::current_exception();
      }
      co_return shape(error);
    });
  }
};

TEST_F(TaskGroupTest, WaitsForAllItsTasks) {
  std::optional<Task<int>> one;
  std::optional<Task<int>> two;
  EXPECT_EQ(run([&](TaskGroup& group) {
              one = group.create_task(number_after(42, 2s));
              two = group.create_task(number_after(11, 1s));
            }),
            "none");
  EXPECT_EQ(one->result(), 42);
  EXPECT_EQ(two->result(), 11);
}

TEST_F(TaskGroupTest, WaitsForThoseThatWereMadeAfterAPauseToo) {
  std::optional<Task<int>> two;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(number_after(42, 1s));
              co_await sleep(2s);
              two = group.create_task(number_after(11, 1s));
            }),
            "none");
  EXPECT_EQ(two->result(), 11);
}

TEST_F(TaskGroupTest, ABodyThatFailedKeepsItsExceptionThoughItsTaskIsCancelledMeanwhile) {
  std::string failure;
  std::string next;
  auto body = [](TaskGroup& group) -> Coro<> {
    auto slow = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      co_await sleep(2s);
    };
    group.create_task(slow);
    co_await sleep(0s);
    throw std::runtime_error("body");
  };
  auto main = [&]() -> Coro<> {
    try {
      co_await with(TaskGroup(), body);
    } catch (const ExceptionGroup& group) {
      failure = group.what();
    }
    next = co_await ending_of_sleep();
  };
  loop_.run([&]() -> Coro<> {
    const Task<> task = create_task(main);
    co_await sleep(1s);
    task.cancel();
    co_await task;
  });
  EXPECT_TRUE(failure.starts_with("unhandled errors in a TaskGroup")) << failure;
  EXPECT_EQ(next, "cancelled");
}

TEST_F(TaskGroupTest, WithoutTasksTakesNoTurn) {
  loop_.run([&]() -> Coro<> {
    const int turns = loop_.turns();
    co_await with(TaskGroup(), [] {});
    EXPECT_EQ(loop_.turns(), turns);
  });
}

TEST_F(TaskGroupTest, ResumesInTheTurnAfterItHasHeardOfTheLastEnd) {
  loop_.run([&]() -> Coro<> {
    const int turns = loop_.turns();
    auto nothing = []() -> Coro<> { co_return; };
    co_await with(TaskGroup(), [&](TaskGroup& group) { group.create_task(nothing); });
    EXPECT_EQ(loop_.turns() - turns, 3);  // it runs, the group hears, the body's task resumes
  });
}

TEST_F(TaskGroupTest, ATaskThatIsCancelledAloneDisturbsNobody) {
  std::optional<Task<int>> other;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              const Task<int> task = group.create_task(number_after(42, 5s));
              other = group.create_task(number_after(11, 2s));
              co_await sleep(1s);
              task.cancel();
              const std::string end = co_await ending_of<int>(task);
              EXPECT_EQ(end, "cancelled");
            }),
            "none");
  EXPECT_EQ(other->result(), 11);
}

TEST_F(TaskGroupTest, AFailureCancelsTheOthersAndTheBody) {
  std::string trace;
  bool went_on = false;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(sleeper(&trace, "a"));
              group.create_task(failure_after(1s, "bad"));
              co_await sleep(1h);
              went_on = true;
            }),
            "(bad)");
  EXPECT_EQ(trace, "a");
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(TaskGroupTest, ThrowsAnExceptionGroupWithPythonsMessage) {
  loop_.run([]() -> Coro<> {
    try {
      co_await with(TaskGroup(),
                    [](TaskGroup& group) { group.create_task(failure_after(0s, "bad")); });
      ADD_FAILURE() << "no exception";
    } catch (const ExceptionGroup& group) {
      EXPECT_EQ(group.message(), "unhandled errors in a TaskGroup");
    }
  });
}

TEST_F(TaskGroupTest, AFailureWhileLeavingCancelsTheOthers) {
  std::string trace;
  EXPECT_EQ(run([&](TaskGroup& group) {
              group.create_task(sleeper(&trace, "a"));
              group.create_task(failure_after(1s, "bad"));
            }),
            "(bad)");
  EXPECT_EQ(trace, "a");
}

TEST_F(TaskGroupTest, SeveralFailuresMakeOneGroupInTheOrderOfTheirEnds) {
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(fails_when_cancelled("third"));
              group.create_task(failure_after(1s, "first"));
              group.create_task(failure_after(1s, "second"));
              co_await sleep(1h);
            }),
            "(first, second, third)");
}

TEST_F(TaskGroupTest, ACancellationFromOutsideCancelsItsTasks) {
  std::string trace;
  EXPECT_EQ(run_cancelled([&](TaskGroup& group) {
              for (int i = 0; i < 5; ++i) group.create_task(sleeper(&trace, "x"));
            }),
            "cancelled: outside");
  EXPECT_EQ(trace, "xxxxx");
}

TEST_F(TaskGroupTest, ACancellationFromOutsideReachesTheBodyAndItsTasks) {
  std::string trace;
  EXPECT_EQ(run_cancelled([&](TaskGroup& group) -> Coro<> {
              group.create_task(sleeper(&trace, "x"));
              co_await sleeper(&trace, "body ");
            }),
            "cancelled: outside");
  EXPECT_EQ(trace, "body x");
}

TEST_F(TaskGroupTest, ManyCancellationsFromOutsideDoNotEndTheWait) {
  bool ended = false;
  EXPECT_EQ(run_cancelled(
                [&](TaskGroup& group) {
                  auto slow = [&ended]() -> Coro<> {
                    try {
                      co_await sleep(1h);
                    } catch (const CancelledError&) {
                    }
                    co_await sleep(10s);
                    ended = true;
                  };
                  group.create_task(slow);
                },
                4),
            "cancelled: outside");
  EXPECT_TRUE(ended);
}

TEST_F(TaskGroupTest, FailuresDuringACancellationReplaceIt) {
  EXPECT_EQ(run_cancelled([&](TaskGroup& group) -> Coro<> {
              group.create_task(fails_when_cancelled("bad"));
              co_await sleep(1h);
            }),
            "(bad)");
}

TEST_F(TaskGroupTest, FailuresDuringACancellationReplaceItInNestedGroupsToo) {
  auto inner = [](TaskGroup& group) -> Coro<> {
    group.create_task(fails_when_cancelled("bad"));
    co_await sleep(1h);
  };
  auto middle = [&](TaskGroup&) -> Coro<> { co_await with(TaskGroup(), std::ref(inner)); };
  auto outer = [&](TaskGroup&) -> Coro<> { co_await with(TaskGroup(), std::ref(middle)); };
  EXPECT_EQ(run_cancelled(std::ref(middle)), "((bad))");
  EXPECT_EQ(run_cancelled(std::ref(outer)), "(((bad)))");
}

TEST_F(TaskGroupTest, AFailureOfTheBodyCancelsTheTasks) {
  std::string trace;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(sleeper(&trace, "x"));
              co_await sleep(1s);
              throw std::runtime_error("body");
            }),
            "(body)");
  EXPECT_EQ(trace, "x");
}

TEST_F(TaskGroupTest, AFailureOfABodyThatNeverWaitedKeepsTheTasksFromStarting) {
  bool started = false;
  EXPECT_EQ(run([&](TaskGroup& group) {
              auto start = [&started]() -> Coro<> {
                started = true;
                co_return;
              };
              group.create_task(start);
              throw std::runtime_error("body");
            }),
            "(body)");
  EXPECT_FALSE(started);
}

TEST_F(TaskGroupTest, TheFailureOfTheBodyComesLast) {
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(fails_when_cancelled("task"));
              co_await sleep(1s);
              throw std::runtime_error("body");
            }),
            "(task, body)");
}

TEST_F(TaskGroupTest, AFailureInTheOuterGroupCancelsTheInner) {
  std::string trace;
  EXPECT_EQ(run([&](TaskGroup& outer) -> Coro<> {
              outer.create_task(failure_after(1s, "outer"));
              co_await with(TaskGroup(),
                            [&](TaskGroup& inner) { inner.create_task(sleeper(&trace, "inner")); });
            }),
            "(outer)");
  EXPECT_EQ(trace, "inner");
}

TEST_F(TaskGroupTest, AFailureInTheInnerGroupMakesAGroupInAGroup) {
  std::string trace;
  EXPECT_EQ(run([&](TaskGroup& outer) -> Coro<> {
              outer.create_task(sleeper(&trace, "outer"));
              co_await with(TaskGroup(), [](TaskGroup& inner) {
                inner.create_task(failure_after(1s, "inner"));
              });
            }),
            "((inner))");
  EXPECT_EQ(trace, "outer");
}

TEST_F(TaskGroupTest, ATaskThatFailsAfterACancellationFromOutsideMakesAGroup) {
  EXPECT_EQ(run_cancelled([&](TaskGroup& group) -> Coro<> {
              auto late = []() -> Coro<> {
                try {
                  co_await sleep(1h);
                } catch (const CancelledError&) {
                }
                co_await sleep(5s);
                throw std::runtime_error("late");
              };
              group.create_task(late);
              co_await sleep(1h);
            }),
            "(late)");
}

TEST_F(TaskGroupTest, ATaskThatFailsLateMakesAGroupThroughATaskInBetweenToo) {
  EXPECT_EQ(run_cancelled([&](TaskGroup& group) {
              auto between = []() -> Coro<> { co_await create_task(fails_when_cancelled("late")); };
              group.create_task(between);
            }),
            "(late)");
}

TEST_F(TaskGroupTest, WithoutTasksACancellationPassesThrough) {
  EXPECT_EQ(run_cancelled([](TaskGroup&) -> Coro<> { co_await sleep(1h); }), "cancelled: outside");
}

TEST_F(TaskGroupTest, ABodyThatMakesAFailureOfACancellationIsAFailure) {
  EXPECT_EQ(run_cancelled([](TaskGroup&) -> Coro<> { co_await fails_when_cancelled("converted"); }),
            "(converted)");
}

TEST_F(TaskGroupTest, ACancelledErrorThatTheBodyThrowsItselfPassesThrough) {
  std::string trace;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(sleeper(&trace, "x"));
              co_await sleep(1s);
              throw CancelledError("own");
            }),
            "cancelled: own");
  EXPECT_EQ(trace, "x");
}

TEST_F(TaskGroupTest, AFatalErrorOfTheBodyIsThrownBareWhenAllHaveEnded) {
  std::string trace;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(sleeper(&trace, "x"));
              group.create_task(fails_when_cancelled("task"));
              co_await sleep(1s);
              throw KeyboardInterrupt();
            }),
            "KeyboardInterrupt");
  EXPECT_EQ(trace, "x");
}

TEST_F(TaskGroupTest, AFatalErrorOfATaskIsThrownBareWhenTheLoopGoesOn) {
  std::string end;
  auto main = [&]() -> Coro<> {
    end = co_await end_of_group([](TaskGroup& group) {
      auto fatal = []() -> Coro<> {
        co_await sleep(1s);
        throw SystemExit(3);
      };
      group.create_task(fails_when_cancelled("task"));
      group.create_task(fatal);
    });
    EXPECT_EQ(current_task()->cancelling(), 0);
  };
  const Task<> task = create_task(loop_, main);
  EXPECT_THROW(run_until_complete(loop_, task), SystemExit);
  run_until_complete(loop_, task);
  EXPECT_EQ(end, "SystemExit");
}

TEST_F(TaskGroupTest, AnExceptionThatIsNoStdExceptionMakesABaseExceptionGroup) {
  loop_.run([]() -> Coro<> {
    auto throws = []() -> Coro<> {
      co_await sleep(0s);
      throw 7;
    };
    auto of_task = [&](TaskGroup& group) { group.create_task(throws); };
    auto of_body = [](TaskGroup&) { throw 7; };
    bool plain = false;
    try {
      co_await with(TaskGroup(), of_task);
    } catch (const BaseExceptionGroup& group) {
      plain = dynamic_cast<const std::exception*>(&group) == nullptr;
    }
    EXPECT_TRUE(plain);
    plain = false;
    try {
      co_await with(TaskGroup(), of_body);
    } catch (const BaseExceptionGroup& group) {
      plain = dynamic_cast<const std::exception*>(&group) == nullptr;
    }
    EXPECT_TRUE(plain);
  });
}

TEST_F(TaskGroupTest, ACancellationShortlyAfterTheStartCancelsItsTasks) {
  std::string trace;
  loop_.run([&]() -> Coro<> {
    auto in_group = [&trace]() -> Coro<> {
      co_await with(TaskGroup(), [&trace](TaskGroup& group) {
        group.create_task(sleeper(&trace, "x"));
        current_task()->cancel();
      });
    };
    const Task<> task = create_task(in_group);
    const std::string end = co_await ending_of<void>(task);
    EXPECT_EQ(end, "cancelled");
  });
  EXPECT_EQ(trace, "x");
}

TEST_F(TaskGroupTest, ForgetsTasksThatHaveEnded) {
  auto value = std::make_shared<int>(7);
  const std::weak_ptr<int> seen = value;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              auto give = [](std::shared_ptr<int> value) -> Coro<std::shared_ptr<int>> {
                co_return value;
              };
              group.create_task(give(std::move(value)));
              co_await sleep(1s);
              EXPECT_TRUE(seen.expired());
            }),
            "none");
}

// Adds one like itself after a second, `times` times.
Coro<> grow(TaskGroup* group, int* ran, int times) {
  ++*ran;
  co_await sleep(1s);
  if (times > 0) group->create_task(grow(group, ran, times - 1));
}

TEST_F(TaskGroupTest, TasksMayAddTasksWhileItIsLeft) {
  int ran = 0;
  EXPECT_EQ(run([&](TaskGroup& group) { group.create_task(grow(&group, &ran, 3)); }), "none");
  EXPECT_EQ(ran, 4);
}

TEST_F(TaskGroupTest, TasksThatAddTasksWithoutEndAreStoppedByAFailure) {
  int ran = 0;
  EXPECT_EQ(run([&](TaskGroup& group) {
              group.create_task(grow(&group, &ran, 1000000));
              group.create_task(failure_after(Duration(4500ms), "enough"));
            }),
            "(enough)");
  EXPECT_EQ(ran, 5);
}

TEST_F(TaskGroupTest, PassesNameAndContextOn) {
  static ContextVar<int> variable("variable");
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              const Task<int> named = group.create_task(number_after(1, 1s), {.name = "yolo"});
              EXPECT_EQ(named.get_name(), "yolo");
              Context context;
              auto set = []() -> Coro<> {
                variable.set(7);
                co_return;
              };
              const Task<> task = group.create_task(set(), {.context = &context});
              co_await task;
              EXPECT_EQ(context.run([] { return variable.get(); }), 7);
            }),
            "none");
}

TEST_F(TaskGroupTest, ATaskWhoseOwnChildFailsWhileItIsBeingMadeIsCancelled) {
  auto fail = []() -> Coro<> {
    throw std::runtime_error("bad");
    co_return;
  };
  for (const bool eager : {false, true}) {
    set_task_factory(loop_, eager ? eager_task_factory : TaskFactory());
    bool cancelled = false;
    EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
                group.create_task([&]() -> Coro<> {
                  group.create_task(fail);
                  try {
                    co_await sleep(1h);
                  } catch (const CancelledError&) {
                    cancelled = true;
                    throw;
                  }
                });
                co_return;
              }),
              "(bad)");
    EXPECT_TRUE(cancelled);
  }
}

// A tree of groups, each with `width` children that are groups.
Coro<> nested_groups(int width, int depth) {
  if (depth == 0) co_return;
  auto body = [&](TaskGroup& group) -> Coro<> {
    for (int i = 0; i < width; ++i) group.create_task(nested_groups(width, depth - 1));
    co_return;
  };
  co_await with(TaskGroup(), std::ref(body));
}

TEST_F(TaskGroupTest, NestedGroupsMakeATaskForEachChildWhetherEagerOrNot) {
  for (const bool eager : {false, true}) {
    int made = 0;
    set_task_factory(loop_, [&](EventLoop&, TaskOptions options) {
      ++made;
      options.eager_start = eager;
      return options;
    });
    loop_.run([]() -> Coro<> { co_await nested_groups(5, 4); });
    EXPECT_EQ(made, 1 + 5 + 25 + 125 + 625);
  }
}

TEST_F(TaskGroupTest, RefusesNewTasksOnceItIsShuttingDown) {
  loop_.run([]() -> Coro<> {
    auto body = [](TaskGroup& group) -> Coro<> {
      group.create_task(failure_after(0s, "bad"));
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        EXPECT_EQ(ending_of_call([&] { group.create_task(number_after(1, 1s)); }),
                  "failed: TaskGroup is shutting down");
        throw;
      }
    };
    EXPECT_THROW(co_await with(TaskGroup(), body), ExceptionGroup);
  });
}

TEST_F(TaskGroupTest, RefusesTasksBeforeAndAfterTheBlock) {
  loop_.run([]() -> Coro<> {
    TaskGroup group;
    EXPECT_EQ(ending_of_call([&] { group.create_task(number_after(1, 1s)); }),
              "failed: TaskGroup has not been entered");
    group.enter();
    const bool silenced = co_await group.exit(nullptr);
    EXPECT_TRUE(silenced);
    EXPECT_EQ(ending_of_call([&] { group.create_task(number_after(1, 1s)); }),
              "failed: TaskGroup is finished");
  });
}

TEST_F(TaskGroupTest, IsEnteredOnce) {
  loop_.run([]() -> Coro<> {
    TaskGroup group;
    group.enter();
    EXPECT_EQ(ending_of_call([&] { group.enter(); }), "failed: TaskGroup has already been entered");
    co_await group.exit(nullptr);
    EXPECT_THROW(group.enter(), std::runtime_error);
  });
}

TEST_F(TaskGroupTest, NeedsATaskAndStaysNotEnteredWithoutOne) {
  TaskGroup group;
  loop_.call_soon([&] {
    EXPECT_EQ(ending_of_call([&] { group.enter(); }),
              "failed: TaskGroup cannot determine the parent task");
  });
  loop_.settle();
  loop_.run([&]() -> Coro<> {
    group.enter();
    co_await group.exit(nullptr);
  });
}

TEST_F(TaskGroupTest, AnInnerContextThatFailsWhileTheGroupIsCancelledKeepsBothErrors) {
  class Failing {
   public:
    void enter() {}
    void exit(std::exception_ptr) { throw std::runtime_error("context"); }
  };
  EXPECT_EQ(run([](TaskGroup& group) -> Coro<> {
              group.create_task(failure_after(1s, "task"));
              co_await with(Failing(), []() -> Coro<> { co_await sleep(1h); });
            }),
            "(task, context)");
}

TEST_F(TaskGroupTest, InnerAndOuterFailingTogetherLeaveTheOutersCancellation) {
  EXPECT_EQ(run([](TaskGroup& outer) -> Coro<> {
              outer.create_task(failure_after(1s, "outer"));
              const std::string end = co_await end_of_group(
                  [](TaskGroup& inner) { inner.create_task(failure_after(1s, "inner")); });
              EXPECT_EQ(end, "(inner)");
              EXPECT_EQ(current_task()->cancelling(), 1);
              const std::string next = co_await ending_of_sleep();
              EXPECT_EQ(next, "cancelled");
            }),
            "(outer)");
}

TEST_F(TaskGroupTest, AFailureAndACancellationFromOutsideTogetherKeepTheCancellation) {
  loop_.run([]() -> Coro<> {
    auto parent = []() -> Coro<> {
      const std::string end = co_await end_of_group(
          [](TaskGroup& group) { group.create_task(fails_when_cancelled("bad")); });
      EXPECT_EQ(end, "(bad)");
      EXPECT_EQ(current_task()->cancelling(), 1);
      const std::string next = co_await ending_of_sleep();
      EXPECT_EQ(next, "cancelled");
    };
    const Task<> task = create_task(parent);
    get_running_loop().call_later(1s, [task] { task.cancel(); });
    co_await task;
  });
}

Coro<> borrow_text(std::string_view) { co_return; }

TEST_F(TaskGroupTest, RefusesCoroutinesThatBorrow) {
  EXPECT_EQ(run([](TaskGroup& group) {
              EXPECT_THROW(group.create_task(borrow_text("text")), BorrowedArgumentError);
            }),
            "none");
}

TEST_F(TaskGroupTest, StandsInsideOfATimeout) {
  std::string trace;
  loop_.run([&]() -> Coro<> {
    auto body = [&](auto&, auto& group) { group.create_task(sleeper(&trace, "x")); };
    EXPECT_THROW(co_await with(timeout(30s), TaskGroup(), body), TimeoutError);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
  EXPECT_EQ(trace, "x");
}

TEST_F(TaskGroupTest, InsideOfATimeoutFailuresOfItsTasksAreThrownInItsPlace) {
  loop_.run([]() -> Coro<> {
    auto body = [](auto&, auto& group) { group.create_task(fails_when_cancelled("cleanup")); };
    EXPECT_THROW(co_await with(timeout(30s), TaskGroup(), body), ExceptionGroup);
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
}

TEST_F(TaskGroupTest, LeavesNothingBehindWhenTheLoopClosesFirst) {
  auto loop = std::make_unique<ObservedLoop>();
  auto waiting = []() -> Coro<> {
    co_await with(TaskGroup(), [](TaskGroup& group) { group.create_task(sleep(1h)); });
  };
  create_task(*loop, waiting);
  loop->settle();
  loop->close();
  EXPECT_EQ(loop->reports().size(), 2u);
}

// cancel().

TEST_F(TaskGroupTest, CancelEndsItsTasksInGoodOrder) {
  std::string trace;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.create_task(sleeper(&trace, "a"));
              group.create_task(sleeper(&trace, "b"));
              co_await sleep(1s);
              group.cancel();
            }),
            "none");
  EXPECT_EQ(trace, "ab");
}

TEST_F(TaskGroupTest, CancelEndsTheBodyAtItsNextAwait) {
  bool went_on = false;
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.cancel();
              co_await sleep(0s);
              went_on = true;
            }),
            "none");
  EXPECT_FALSE(went_on);
}

TEST_F(TaskGroupTest, CancelTwiceIsCancelOnce) {
  EXPECT_EQ(run([&](TaskGroup& group) -> Coro<> {
              group.cancel();
              group.cancel();
              EXPECT_EQ(current_task()->cancelling(), 1);
              co_await sleep(1h);
            }),
            "none");
}

TEST_F(TaskGroupTest, CancelAfterTheBlockDoesNothing) {
  loop_.run([]() -> Coro<> {
    TaskGroup group;
    group.enter();
    co_await group.exit(nullptr);
    group.cancel();
    EXPECT_EQ(current_task()->cancelling(), 0);
    co_await sleep(0s);
  });
}

TEST_F(TaskGroupTest, CancelBeforeTheBlockTakesEffectAtTheFirstAwait) {
  bool began = false;
  bool went_on = false;
  loop_.run([&]() -> Coro<> {
    TaskGroup group;
    group.cancel();
    co_await with(std::move(group), [&](TaskGroup&) -> Coro<> {
      began = true;
      co_await sleep(0s);
      went_on = true;
    });
    EXPECT_EQ(current_task()->cancelling(), 0);
  });
  EXPECT_TRUE(began);
  EXPECT_FALSE(went_on);
}

TEST_F(TaskGroupTest, CancelMakesItRefuseTasks) {
  EXPECT_EQ(run([&](TaskGroup& group) {
              group.cancel();
              EXPECT_THROW(group.create_task(number_after(1, 1s)), std::runtime_error);
            }),
            "none");
}

TEST_F(TaskGroupTest, CancelByATaskBeforeItFirstWaitsCancelsThatTaskToo) {
  std::optional<Task<>> task;
  EXPECT_EQ(run([&](TaskGroup& group) {
              auto cancels = [](TaskGroup* group) -> Coro<> {
                group->cancel();
                co_await sleep(1h);
              };
              task = group.create_task(cancels(&group));
            }),
            "none");
  EXPECT_TRUE(task->cancelled());
}

TEST_F(TaskGroupTest, CancelByATaskThatStartsEagerlyCancelsThatTaskToo) {
  std::optional<Task<>> task;
  EXPECT_EQ(run([&](TaskGroup& group) {
              auto cancels = [](TaskGroup* group) -> Coro<> {
                group->cancel();
                co_await sleep(1h);
              };
              task = group.create_task(cancels(&group), {.eager_start = true});
            }),
            "none");
  EXPECT_TRUE(task->cancelled());
}

TEST_F(TaskGroupTest, CancelSwallowsNoCancellationFromOutside) {
  EXPECT_EQ(run_cancelled([&](TaskGroup& group) -> Coro<> {
              auto slow = []() -> Coro<> {
                try {
                  co_await sleep(1h);
                } catch (const CancelledError&) {
                }
                co_await sleep(10s);
              };
              group.create_task(slow);
              co_await sleep(0s);
              group.cancel();
            }),
            "cancelled: outside");
}

TEST_F(TaskGroupTest, OfTwoCancellationsThatOfTheBodyPassesThroughAndNotThatOfTheWait) {
  auto stubborn = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    co_await sleep(10s);
  };
  auto cancels_when_cancelled = [&](TaskGroup& group) -> Coro<> {
    group.create_task(stubborn);
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      group.cancel();
      throw;
    }
  };
  auto is_cancelled_after_cancel = [&](TaskGroup& group) -> Coro<> {
    group.create_task(stubborn);
    co_await sleep(0s);
    group.cancel();
    co_await sleep(1h);
  };
  EXPECT_EQ(run_cancelled(cancels_when_cancelled), "cancelled: outside");
  EXPECT_EQ(run_cancelled(is_cancelled_after_cancel), "cancelled");
}

TEST_F(TaskGroupTest, CancelHidesNoFailures) {
  auto task_before = [](TaskGroup& group) -> Coro<> {
    group.create_task(failure_after(1s, "task"));
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      group.cancel();
      throw;
    }
  };
  auto task_after = [](TaskGroup& group) -> Coro<> {
    group.create_task(fails_when_cancelled("task"));
    co_await sleep(1s);
    group.cancel();
  };
  auto body_after = [](TaskGroup& group) -> Coro<> {
    group.cancel();
    co_await fails_when_cancelled("body");
  };
  auto body_at_once = [](TaskGroup& group) {
    group.cancel();
    throw std::runtime_error("body");
  };
  EXPECT_EQ(run(task_before), "(task)");
  EXPECT_EQ(run(task_after), "(task)");
  EXPECT_EQ(run(body_after), "(body)");
  EXPECT_EQ(run(body_at_once), "(body)");
}

TEST_F(TaskGroupTest, CancelMakesARaceWithOneWinner) {
  std::vector<int> winners;
  auto racer = [&winners](TaskGroup* group, int number) -> Coro<> {
    co_await sleep(std::chrono::seconds(number));
    winners.push_back(number);
    group->cancel();
  };
  EXPECT_EQ(run([&](TaskGroup& group) {
              for (const int number : {3, 1, 2}) {
                group.create_task(std::ref(racer), &group, number);
              }
            }),
            "none");
  EXPECT_EQ(winners, std::vector{1});
}

TEST_F(TaskGroupTest, TakesCallablesWithOptions) {
  loop_.run([]() -> Coro<> {
    auto body = [](TaskGroup& group) -> Coro<> {
      const auto one = [] { return number_after(1, 1s); };
      const unsigned line = __LINE__;
      const Task<int> first = group.create_task(one, {.name = "first"});
      const Task<int> second = group.create_task({.name = "second"}, number_after, 2, 1s);
      EXPECT_EQ(first.state().created().line(), line + 1);
      EXPECT_EQ(second.state().created().line(), 0U);
      EXPECT_EQ(first.get_name() + second.get_name(), "firstsecond");
      EXPECT_EQ(co_await first + co_await second, 3);
    };
    co_await with(TaskGroup(), body);
  });
}

}  // namespace
}  // namespace asyncio
