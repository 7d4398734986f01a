// Tasks made of a callable and its arguments, which they own.

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

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

Coro<int> give(int number) { co_return number; }

class CallableTaskTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(CallableTaskTest, OwnsACapturingLambdaUntilItsEnd) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [kept = Counted(counts, 7)]() -> Coro<int> {
      co_await sleep(1s);
      co_return kept.value();
    };
    auto task = create_task(std::move(body));
    EXPECT_EQ(co_await task, 7);
    EXPECT_EQ(counts.alive, 1);  // the one that was moved from, in `body`
  });
  EXPECT_EQ(counts.copied, 0);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(CallableTaskTest, CopiesACallableThatIsStillWanted) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    const auto body = [kept = Counted(counts, 7)]() -> Coro<int> { co_return kept.value(); };
    auto one = create_task(body);
    auto two = create_task(body);
    EXPECT_EQ(co_await one + co_await two, 14);
  });
  EXPECT_EQ(counts.copied, 2);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(CallableTaskTest, OwnsArgumentsThatTheFunctionTakesByReference) {
  Counts counts;
  auto body = [](const std::string& text, const Counted& counted) -> Coro<std::string> {
    co_await sleep(1s);
    co_return text + std::to_string(counted.value());
  };
  loop_.run([&]() -> Coro<> {
    auto task = create_task(body, std::string(100, 'x'), Counted(counts, 8));
    EXPECT_EQ(co_await task, std::string(100, 'x') + "8");
    EXPECT_EQ(counts.alive, 0);
  });
  EXPECT_EQ(counts.copied, 0);
}

// `const char*` makes a temporary string, which must live as long as the coroutine.
TEST_F(CallableTaskTest, KeepsWhatAnArgumentIsConvertedTo) {
  struct Owner {
    Coro<std::string> twice(const std::string& text) {
      co_await sleep(1s);
      co_return text + text;
    }
    Coro<std::string> once(const std::string& text) const {
      co_await sleep(1s);
      co_return text;
    }
  };
  const char* const text = "a text that is too long to be stored inside of a string";
  auto body = [](const std::string& converted) -> Coro<std::string> {
    co_await sleep(1s);
    co_return converted;
  };
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ(co_await create_task(body, text), text);
    Owner owner;
    EXPECT_EQ(co_await create_task(&Owner::once, &owner, text), text);
    EXPECT_EQ(co_await create_task(&Owner::once, owner, text), text);
    EXPECT_EQ(co_await create_task(&Owner::once, std::cref(owner), text), text);
    EXPECT_EQ(co_await create_task(&Owner::twice, &owner, text), std::string(text) + text);
  });
}

TEST_F(CallableTaskTest, TakesMoveOnlyArgumentsAndCallables) {
  loop_.run([&]() -> Coro<> {
    auto body = [own = std::make_unique<int>(1)](std::unique_ptr<int> given) -> Coro<int> {
      co_await sleep(1s);
      co_return *own + *given;
    };
    EXPECT_EQ(co_await create_task(std::move(body), std::make_unique<int>(2)), 3);
  });
}

TEST_F(CallableTaskTest, CopiesAnArgumentOnceAndMovesATemporary) {
  Counts kept;
  Counts temporary;
  loop_.run([&]() -> Coro<> {
    auto body = [](Counted, Counted) -> Coro<> { co_await sleep(1s); };
    Counted lvalue(kept);
    auto task = create_task(body, lvalue, Counted(temporary));
    co_await task;
  });
  EXPECT_EQ(kept.copied, 1);
  EXPECT_EQ(temporary.copied, 0);
  EXPECT_EQ(kept.alive + temporary.alive, 0);
}

TEST_F(CallableTaskTest, PassesAReferenceWhereOneIsAskedFor) {
  loop_.run([&]() -> Coro<> {
    int number = 1;
    auto body = [](int& changed, const int& seen) -> Coro<> {
      co_await sleep(1s);
      changed = seen + 1;
    };
    const int other = 4;
    auto task = create_task(body, std::ref(number), std::cref(other));
    co_await task;
    EXPECT_EQ(number, 5);
  });
}

TEST_F(CallableTaskTest, CallsMemberFunctionsAsStdThreadDoes) {
  struct Server {
    Coro<int> run(int extra) {
      co_await sleep(1s);
      co_return port += extra;
    }
    Coro<int> ask() const {
      co_await sleep(1s);
      co_return port;
    }
    int port;
  };
  loop_.run([&]() -> Coro<> {
    Server server{10};
    EXPECT_EQ(co_await create_task(&Server::run, &server, 1), 11);
    EXPECT_EQ(co_await create_task(&Server::run, std::ref(server), 1), 12);
    EXPECT_EQ(server.port, 12);
    EXPECT_EQ(co_await create_task(&Server::ask, server), 12);
    auto shared = std::make_shared<Server>(server);
    EXPECT_EQ(co_await create_task(&Server::run, shared, 1), 13);
    auto unique = std::make_unique<Server>(server);
    EXPECT_EQ(co_await create_task(&Server::ask, std::move(unique)), 12);
  });
}

TEST_F(CallableTaskTest, CallsFunctionsAndFunctionObjects) {
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ(co_await create_task(give, 1), 1);
    EXPECT_EQ(co_await create_task(&give, 2), 2);
    std::function<Coro<int>(int)> function = give;
    EXPECT_EQ(co_await create_task(function, 3), 3);
    auto bound = std::bind_front(give, 4);
    EXPECT_EQ(co_await create_task(bound), 4);
  });
}

TEST_F(CallableTaskTest, DestroysCallableAndArgumentsOfATaskThatNeverStarts) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [kept = Counted(counts)](Counted) -> Coro<> { co_return; };
    auto task = create_task(std::move(body), Counted(counts));
    EXPECT_EQ(counts.alive, 3);
    task.cancel();
    co_await sleep(0s);
    EXPECT_EQ(counts.alive, 1);
  });
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(CallableTaskTest, AnArgumentThatCannotBeCopiedThrowsAndLeavesNoTask) {
  struct Fragile {
    Fragile() = default;
    Fragile(const Fragile&) { throw std::runtime_error("cannot be copied"); }
  };
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [](Counted, Fragile) -> Coro<> { co_return; };
    const Fragile fragile;
    EXPECT_EQ(ending_of_call([&] { create_task(body, Counted(counts), fragile); }),
              "failed: cannot be copied");
    EXPECT_EQ(counts.alive, 0);
    EXPECT_EQ(all_tasks().size(), 1U);
    co_return;
  });
}

TEST_F(CallableTaskTest, ACallThatThrowsEndsTheTask) {
  loop_.run([&]() -> Coro<> {
    auto refuse = [](int) -> Coro<> { throw std::runtime_error("no coroutine at all"); };
    auto task = create_task(refuse, 1);
    EXPECT_EQ(co_await ending_of(task), "failed: no coroutine at all");
  });
}

TEST_F(CallableTaskTest, TakesOptionsBeforeACallableWithArgumentsElseAfterIt) {
  loop_.run([&]() -> Coro<> {
    auto with_arguments = create_task({.name = "two"}, give, 2);
    auto without = create_task([] { return give(1); }, {.name = "one"});
    auto on_a_loop = create_task(loop_, {.name = "three"}, give, 3);
    auto eager = create_task({.eager_start = true}, give, 4);
    EXPECT_TRUE(eager.done());
    EXPECT_EQ(with_arguments.get_name() + without.get_name() + on_a_loop.get_name(), "twoonethree");
    EXPECT_EQ(co_await with_arguments + co_await without + co_await on_a_loop, 6);
  });
}

TEST_F(CallableTaskTest, KnowsTheCallersLineWhereALoopIsGivenOrThereAreNoArguments) {
  const auto line_of = [](const AnyTask& task) { return task.state().created().line(); };
  const auto one = [] { return give(1); };
  loop_.run([&]() -> Coro<> {
    const unsigned line = __LINE__;
    EXPECT_EQ(line_of(create_task(loop_, give, 1)), line + 1);
    EXPECT_EQ(line_of(create_task(loop_, {.name = "named"}, give, 1)), line + 2);
    EXPECT_EQ(line_of(create_task(one)), line + 3);
    EXPECT_EQ(line_of(create_task(loop_, one, {.name = "named"})), line + 4);
    EXPECT_EQ(line_of(create_task(give, 1)), 0U);
    co_await sleep(0s);
  });
}

TEST_F(CallableTaskTest, OtherAwaitablesBecomeTasksOfALoopThatDoesNotRun) {
  const Task<int> task = create_task(loop_, sleep(1s, 5), {.name = "sleeper"});
  EXPECT_EQ(task.get_name(), "sleeper");
  EXPECT_EQ(run_until_complete(loop_, task), 5);
}

}  // namespace
}  // namespace asyncio
