#include "asyncio/tasks/coro.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_same_v<Coro<>, Coro<void>>);
static_assert(!std::is_copy_constructible_v<Coro<int>> && !std::is_move_constructible_v<Coro<int>>);
static_assert(!std::is_copy_assignable_v<Coro<int>> && !std::is_move_assignable_v<Coro<int>>);
static_assert(!std::is_aggregate_v<Coro<int>> && !std::is_aggregate_v<internal::CoroAwaiter<int>>);

Coro<int> plus_one(int number) { co_return number + 1; }

Coro<Counted> pass_on(Counted counted) { co_return counted; }

Coro<int> fail(std::string what) {
  throw std::runtime_error(what);
  co_return 0;
}

class CoroTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
};

TEST_F(CoroTest, CallingACoroutineFunctionRunsNothingOfIt) {
  bool ran = false;
  auto body = [&]() -> Coro<> {
    ran = true;
    co_return;
  };
  {
    const Coro<> dropped = body();
  }
  EXPECT_FALSE(ran);
  loop_.run(body);
  EXPECT_TRUE(ran);
}

TEST_F(CoroTest, ACoroutineThatIsDroppedDestroysItsArguments) {
  Counts counts;
  {
    const Coro<Counted> dropped = pass_on(Counted(counts));
    EXPECT_EQ(counts.alive, 1);
  }
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(CoroTest, AwaitingGivesTheReturnedValue) {
  loop_.run([]() -> Coro<> {
    EXPECT_EQ(co_await plus_one(1), 2);
    EXPECT_EQ(co_await plus_one(co_await plus_one(1)), 3);
  });
}

TEST_F(CoroTest, AwaitingCostsNoTurnOfTheLoop) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    for (int i = 0; i < 10; ++i) co_await plus_one(i);
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(CoroTest, ArgumentsAndFrameAreGoneAtTheEndOfTheExpressionThatAwaits) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ((co_await pass_on(Counted(counts, 4))).value(), 4);
    EXPECT_EQ(counts.alive, 0);
    const Counted kept = co_await pass_on(Counted(counts, 5));
    EXPECT_EQ(counts.alive, 1);
    EXPECT_EQ(kept.value(), 5);
  });
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(CoroTest, AResultIsMovedAndNeverCopied) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto local = [&]() -> Coro<Counted> {
      Counted counted(counts, 6);
      co_return counted;
    };
    EXPECT_EQ((co_await local()).value(), 6);
    EXPECT_EQ((co_await pass_on(Counted(counts, 7))).value(), 7);
  });
  EXPECT_EQ(counts.copied, 0);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(CoroTest, LocalsAreDestroyedOnceAndBeforeTheAwaiterGoesOn) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      const Counted first(counts);
      const Counted second(counts);
      co_await sleep(1s);
      EXPECT_EQ(counts.alive, 2);
      co_return 1;
    };
    EXPECT_EQ(co_await body() + counts.alive, 1);
  });
  EXPECT_EQ(counts.made, 2);
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(CoroTest, AResultMayBeMoveOnlyOrWithoutADefaultOrAPointer) {
  loop_.run([]() -> Coro<> {
    auto unique = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
    EXPECT_EQ(*co_await unique(), 8);

    struct NoDefault {
      explicit NoDefault(int n) : number(n) {}
      int number;
    };
    auto no_default = []() -> Coro<NoDefault> { co_return NoDefault(9); };
    EXPECT_EQ((co_await no_default()).number, 9);

    int here = 10;
    auto pointer = [&]() -> Coro<int*> { co_return &here; };
    EXPECT_EQ(co_await pointer(), &here);
    auto reference = [&]() -> Coro<std::reference_wrapper<int>> { co_return here; };
    (co_await reference()).get() = 11;
    EXPECT_EQ(here, 11);
  });
}

TEST_F(CoroTest, AResultConvertsOnReturn) {
  loop_.run([]() -> Coro<> {
    auto text = []() -> Coro<std::string> { co_return "text"; };
    EXPECT_EQ(co_await text(), "text");
    auto braces = []() -> Coro<std::pair<int, std::string>> { co_return {1, "one"}; };
    EXPECT_EQ(co_await braces(), std::pair(1, std::string("one")));
    auto nothing = []() -> Coro<std::optional<int>> { co_return std::nullopt; };
    EXPECT_EQ(co_await nothing(), std::nullopt);
  });
}

TEST_F(CoroTest, AnExceptionOfTheBodyIsThrownByTheAwait) {
  loop_.run([]() -> Coro<> {
    std::string caught;
    try {
      co_await fail("of the body");
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    EXPECT_EQ(caught, "of the body");
  });
}

TEST_F(CoroTest, AnExceptionPassesThroughFramesThatDoNotCatchItAndDestroysTheirLocals) {
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto middle = [&](Counted) -> Coro<int> {
      const Counted local(counts);
      co_return co_await fail("deep");
    };
    EXPECT_THROW(co_await middle(Counted(counts)), std::runtime_error);
    EXPECT_EQ(counts.alive, 0);
  });
}

TEST_F(CoroTest, ExceptionsNeedNotBeStdExceptions) {
  loop_.run([]() -> Coro<> {
    auto body = []() -> Coro<> {
      throw 42;
      co_return;
    };
    EXPECT_THROW(co_await body(), int);
  });
}

TEST_F(CoroTest, SeveralAwaitsInOneExpressionEachKeepTheirOwnCoroutine) {
  Counts counts;
  auto value = [&](int number, Counted) -> Coro<int> {
    co_await sleep(1s);
    co_return number;
  };
  loop_.run([&]() -> Coro<> {
    const int sum = co_await value(1, Counted(counts)) + co_await value(2, Counted(counts)) * 10 +
                    co_await value(3, Counted(counts)) * 100;
    EXPECT_EQ(sum, 321);
    EXPECT_EQ(counts.alive, 0);
  });
}

TEST_F(CoroTest, ACoroutineMayAwaitInALoopWithExceptions) {
  loop_.run([]() -> Coro<> {
    int caught = 0;
    for (int i = 0; i < 1000; ++i) {
      try {
        co_await fail("again");
      } catch (const std::runtime_error&) {
        ++caught;
      }
    }
    EXPECT_EQ(caught, 1000);
  });
}

TEST_F(CoroTest, RecursionIsJustAwaiting) {
  struct Fibonacci {
    static Coro<int> of(int n) {
      if (n < 2) co_return n;
      co_return co_await of(n - 1) + co_await of(n - 2);
    }
  };
  loop_.run([]() -> Coro<> { EXPECT_EQ(co_await Fibonacci::of(15), 610); });
}

// What may not be handed to a task may well be awaited where it is made.

Coro<std::size_t> length_of(const std::string& text) {
  co_await sleep(1s);
  co_return text.size();
}
Coro<std::size_t> length_of_view(std::string_view text) {
  co_await sleep(1s);
  co_return text.size();
}
Coro<int> last_of(std::span<const int> numbers) {
  co_await sleep(1s);
  co_return numbers.back();
}

TEST_F(CoroTest, ParametersThatBorrowATemporaryAreAllowedWhereTheCoroutineIsAwaited) {
  loop_.run([]() -> Coro<> {
    EXPECT_EQ(co_await length_of(std::string(100, 'x')), 100U);
    EXPECT_EQ(co_await length_of_view(std::string(100, 'x')), 100U);
    const std::vector<int> numbers = {1, 2, 3};
    EXPECT_EQ(co_await last_of(numbers), 3);
  });
}

TEST_F(CoroTest, ACapturingLambdaMayBeCalledWhereItIsAwaited) {
  loop_.run([]() -> Coro<> {
    const std::string text(100, 'x');
    const std::size_t length = co_await [&]() -> Coro<std::size_t> {
      co_await sleep(1s);
      co_return text.size();
    }();
    EXPECT_EQ(length, 100U);
  });
}

TEST_F(CoroTest, AMemberFunctionOfAConstantObjectMayBeAwaited) {
  struct Box {
    Coro<int> open() const {
      co_await sleep(1s);
      co_return content;
    }
    int content;
  };
  loop_.run([]() -> Coro<> {
    const Box box{12};
    EXPECT_EQ(co_await box.open(), 12);
  });
}

struct ThrowsWhenMoved {
  ThrowsWhenMoved() = default;
  ThrowsWhenMoved(const ThrowsWhenMoved&) { throw std::runtime_error("cannot be copied"); }
};

TEST_F(CoroTest, AParameterThatCannotBeCopiedIntoTheFrameThrowsFromTheCall) {
  Counts counts;
  auto body = [](Counted, ThrowsWhenMoved, Counted) -> Coro<> { co_return; };
  loop_.run([&]() -> Coro<> {
    EXPECT_THROW(co_await body(Counted(counts), ThrowsWhenMoved(), Counted(counts)),
                 std::runtime_error);
    EXPECT_EQ(counts.alive, 0);
  });
}

TEST_F(CoroTest, AResultThatCannotBeStoredThrowsFromTheAwait) {
  auto body = []() -> Coro<ThrowsWhenMoved> {
    const ThrowsWhenMoved local;
    co_return local;
  };
  loop_.run([&]() -> Coro<> { EXPECT_THROW(co_await body(), std::runtime_error); });
}

}  // namespace
}  // namespace asyncio
