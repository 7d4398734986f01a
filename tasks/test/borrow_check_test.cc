// Which signatures may refer to a temporary, and what the user is told when one of them reaches a
// door. What may be awaited all the same is tested in coro_test.

#include "asyncio/tasks/borrow_check.h"

#include <array>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using internal::borrows;

struct Empty {};

static_assert(borrows<const std::string&>());
static_assert(borrows<const int&>());
static_assert(borrows<const std::vector<int>&>());
static_assert(borrows<const volatile int&>());
static_assert(borrows<std::string_view>());
static_assert(borrows<const std::wstring_view>());
static_assert(borrows<std::span<int>>());
static_assert(borrows<std::span<const char, 4>>());
static_assert(borrows<std::initializer_list<int>>());
static_assert(borrows<const std::string_view&>());

static_assert(!borrows<int>());
static_assert(!borrows<const int>());
static_assert(!borrows<std::string>());
static_assert(!borrows<std::string&>());
static_assert(!borrows<const char*>());
static_assert(!borrows<std::reference_wrapper<const std::string>>());
static_assert(!borrows<std::shared_ptr<const std::string>>());
static_assert(!borrows<const Empty&>());
static_assert(!borrows<std::vector<int>>());

using internal::is_closure;

// Names and places that only look like a lambda's.
struct lambda_client {
  int connections = 0;
};
template <class T>
struct Holder {
  T held;
};

TEST(BorrowCheckTest, KnowsClosuresFromOtherClasses) {
  int number = 1;
  const auto plain = [] {};
  const auto capturing = [number] { return number; };
  const auto generic = [number](auto other) { return number + other; };
  const auto with_classes = [number](const std::vector<std::string>& texts, int (*function)(int)) {
    return function(number) + static_cast<int>(texts.size());
  };
  const auto inside = [number] {
    struct Local {
      int number;
    };
    return Local{number};
  };
  const auto nested = [number] { return [number] { return number; }; };
  static_assert(is_closure<std::remove_const_t<decltype(plain)>>());
  static_assert(is_closure<std::remove_const_t<decltype(capturing)>>());
  static_assert(is_closure<std::remove_const_t<decltype(generic)>>());
  static_assert(is_closure<std::remove_const_t<decltype(with_classes)>>());
  static_assert(is_closure<decltype(nested())>());
  static_assert(!is_closure<decltype(inside())>());
  static_assert(!is_closure<lambda_client>());
  static_assert(!is_closure<Holder<std::remove_const_t<decltype(capturing)>>>());
  static_assert(!is_closure<std::array<std::remove_const_t<decltype(capturing)>, 2>>());
  static_assert(!is_closure<std::string>());
  static_assert(!is_closure<int>());
  EXPECT_EQ(capturing() + generic(1) + inside().number + nested()(), 5);
  EXPECT_EQ(with_classes({}, [](int n) { return n; }), 1);
  plain();
}

class DoorTest : public ::testing::Test {
 protected:
  // What `spawn` is refused with; "" if it is not.
  template <class F>
  std::string refusal(F spawn) {
    try {
      spawn();
      return "";
    } catch (const BorrowedArgumentError& error) {
      return error.what();
    }
  }

  ObservedLoop loop_;
};

Coro<> take_string(const std::string&) { co_return; }
Coro<> take_view(std::string_view) { co_return; }
Coro<> take_span(std::span<const int>) { co_return; }
Coro<> take_list(std::initializer_list<int>) { co_return; }
Coro<> take_value_then_view(std::string, std::string_view) { co_return; }
Coro<int> take_reference(int& number) { co_return ++number; }
Coro<int> take_empty(const Empty&) { co_return 1; }

TEST_F(DoorTest, TheRefusalNamesTheFunctionTheParameterAndTheCure) {
  const std::string text = refusal([&] { create_task(loop_, take_view("text")); });
  EXPECT_EQ(text.find("create_task: the coroutine takes 'std::"), 0U) << text;
  EXPECT_NE(text.find("string_view"), std::string::npos) << text;
  EXPECT_NE(
      text.find("', which may refer to a temporary that is gone before the task runs. Let it take "
                "a value, or hand over the callable: create_task(function, arguments...), which "
                "owns them."),
      std::string::npos)
      << text;
}

TEST_F(DoorTest, RefusesConstReferencesViewsAndSpans) {
  EXPECT_NE(refusal([&] { create_task(loop_, take_string("text")); }).find("'const std::"),
            std::string::npos);
  EXPECT_NE(refusal([&] { create_task(loop_, take_view("text")); }), "");
  const std::vector<int> numbers = {1, 2};
  EXPECT_NE(refusal([&] { create_task(loop_, take_span(numbers)); }).find("span"),
            std::string::npos);
  EXPECT_NE(refusal([&] { create_task(loop_, take_list({1, 2})); }).find("initializer_list"),
            std::string::npos);
}

TEST_F(DoorTest, NamesTheFirstParameterThatBorrowsWhereverItStands) {
  const std::string text =
      refusal([&] { create_task(loop_, take_value_then_view(std::string("a"), "b")); });
  EXPECT_NE(text.find("string_view"), std::string::npos) << text;
}

TEST_F(DoorTest, RefusesACapturingLambdaThatWasCalled) {
  int number = 3;
  EXPECT_NE(refusal([&] {
              create_task(loop_, [number]() -> Coro<int> { co_return number; }());
            }).find("lambda"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              create_task(loop_, [number]() mutable -> Coro<int> { co_return ++number; }());
            }),
            "");
}

TEST_F(DoorTest, RefusesAMemberFunctionOfAConstantObject) {
  struct Server {
    Coro<> serve() const { co_return; }
    int port = 1;
  };
  const Server server;
  EXPECT_NE(refusal([&] { create_task(loop_, server.serve()); }).find("Server"), std::string::npos);
}

TEST_F(DoorTest, RefusesAlsoWhatWouldHaveLivedLongEnough) {
  static const std::string eternal = "the signature decides, not the argument";
  EXPECT_NE(refusal([&] { create_task(loop_, take_string(eternal)); }), "");
}

TEST_F(DoorTest, EnsureFutureRefusesUnderItsOwnName) {
  loop_.run([&]() -> Coro<> {
    const std::string text = refusal([&] { ensure_future(take_view("text")); });
    EXPECT_EQ(text.find("ensure_future: "), 0U) << text;
    co_return;
  });
}

TEST_F(DoorTest, ARefusedCoroutineIsDestroyedWithItsArgumentsAndNeverRuns) {
  Counts counts;
  bool ran = false;
  auto body = [&ran](Counted, const std::string&) -> Coro<> {
    ran = true;
    co_return;
  };
  EXPECT_NE(refusal([&] { create_task(loop_, body(Counted(counts), "text")); }), "");
  EXPECT_EQ(counts.alive, 0);
  loop_.settle();
  EXPECT_FALSE(ran);
  EXPECT_TRUE(all_tasks(loop_).empty());
}

TEST_F(DoorTest, LetsValuesMutableReferencesAndEmptyObjectsIn) {
  struct Server {
    Coro<int> serve() { co_return port; }
    int port = 4;
  };
  loop_.run([&]() -> Coro<> {
    int number = 1;
    EXPECT_EQ(co_await create_task(take_reference(number)), 2);
    EXPECT_EQ(co_await create_task(take_empty(Empty())), 1);
    EXPECT_EQ(co_await create_task([]() -> Coro<int> { co_return 5; }()), 5);
    Server server;
    EXPECT_EQ(co_await create_task(server.serve()), 4);
  });
}

TEST_F(DoorTest, AClassWhoseNameSpeaksOfLambdasIsNoLambda) {
  struct lambda_server {
    Coro<int> serve() { co_return port; }
    int port = 6;
  };
  loop_.run([&]() -> Coro<> {
    lambda_server server;
    EXPECT_EQ(co_await create_task(server.serve()), 6);
  });
}

TEST_F(DoorTest, RunTakesThemAllForItEndsWithinItsExpression) {
  const auto virtual_time = [] { return std::unique_ptr<EventLoop>(new VirtualTimeLoop()); };
  const RunnerOptions options{.loop_factory = virtual_time};
  auto length = [](const std::string& text, std::string_view view) -> Coro<std::size_t> {
    co_await sleep(1s);
    co_return text.size() + view.size();
  };
  EXPECT_EQ(run(length(std::string(50, 'x'), std::string(50, 'y')), options), 100U);
  EXPECT_EQ(run_until_complete(loop_, length(std::string(50, 'x'), std::string(50, 'y'))), 100U);
  int number = 7;
  EXPECT_EQ(run([number]() -> Coro<int> { co_return number; }(), options), 7);
}

}  // namespace
}  // namespace asyncio
