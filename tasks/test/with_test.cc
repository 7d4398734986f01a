#include "asyncio/tasks/with.h"

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

using Log = std::vector<std::string>;

std::string word_for(const std::exception_ptr& error) {
  if (error == nullptr) return "null";
  return ending_of_call([&] { std::rethrow_exception(error); });
}

// Notes when it is entered and left, in turns of their own.
class Noting {
 public:
  Noting(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}

  Coro<> enter() {
    co_await sleep(1s);
    log_->push_back("enter " + name_);
  }
  Coro<> exit(std::exception_ptr error) {
    co_await sleep(1s);
    log_->push_back("exit " + name_ + " " + word_for(error));
  }

 private:
  Log* log_;
  std::string name_;
};

// The same with ordinary functions.
class PlainNoting {
 public:
  PlainNoting(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}

  void enter() { log_->push_back("enter " + name_); }
  void exit(std::exception_ptr error) { log_->push_back("exit " + name_ + " " + word_for(error)); }

 private:
  Log* log_;
  std::string name_;
};

// Deals with all exceptions but cancellations, in a coroutine or not.
class Silencing {
 public:
  explicit Silencing(Log& log) : log_(&log) {}
  void enter() {}
  Coro<bool> exit(std::exception_ptr error) {
    co_await sleep(0s);
    log_->push_back("silences " + word_for(error));
    co_return true;
  }

 private:
  Log* log_;
};
class PlainSilencing {
 public:
  PlainSilencing() {}
  void enter() {}
  bool exit(std::exception_ptr) { return true; }
};

class FailingToExit {
 public:
  FailingToExit() {}
  void enter() {}
  Coro<> exit(std::exception_ptr) {
    throw std::runtime_error("exit");
    co_return;
  }
};
class FailingToEnter {
 public:
  explicit FailingToEnter(Log& log) : log_(&log) {}
  Coro<> enter() {
    throw std::runtime_error("enter");
    co_return;
  }
  void exit(std::exception_ptr) { log_->push_back("never"); }

 private:
  Log* log_;
};

static_assert(AsyncContext<Noting> && AsyncContext<PlainNoting> && AsyncContext<Silencing>);
static_assert(!AsyncContext<int> && !AsyncContext<std::string>);

class WithTest : public ::testing::Test {
 protected:
  ObservedLoop loop_;
  Log log_;
};

TEST_F(WithTest, EntersRunsTheBodyAndLeaves) {
  loop_.run([&]() -> Coro<> {
    co_await with(Noting(log_, "a"), [&](Noting&) -> Coro<> {
      co_await sleep(1s);
      log_.push_back("body");
    });
    log_.push_back("after");
  });
  EXPECT_EQ(log_, (Log{"enter a", "body", "exit a null", "after"}));
  EXPECT_EQ(loop_.time().time_since_epoch(), 3s);
}

TEST_F(WithTest, ContextAndBodyMayBeOrdinaryFunctions) {
  loop_.run([&]() -> Coro<> {
    const int turns = loop_.turns();
    co_await with(PlainNoting(log_, "a"), [&](PlainNoting&) { log_.push_back("body"); });
    EXPECT_EQ(loop_.turns(), turns);
  });
  EXPECT_EQ(log_, (Log{"enter a", "body", "exit a null"}));
}

TEST_F(WithTest, GivesTheResultOfTheBody) {
  loop_.run([&]() -> Coro<> {
    auto coroutine = [](Noting&) -> Coro<std::unique_ptr<int>> {
      co_return std::make_unique<int>(1);
    };
    EXPECT_EQ(*co_await with(Noting(log_, "a"), coroutine), 1);
    auto plain = [](Noting&) { return std::string("text"); };
    EXPECT_EQ(co_await with(Noting(log_, "a"), plain), "text");
  });
}

TEST_F(WithTest, EntersFromLeftToRightAndLeavesFromRightToLeft) {
  loop_.run([&]() -> Coro<> {
    const int result = co_await with(Noting(log_, "a"), PlainNoting(log_, "b"), Noting(log_, "c"),
                                     [&](Noting&, PlainNoting&, Noting&) -> Coro<int> {
                                       log_.push_back("body");
                                       co_return 3;
                                     });
    EXPECT_EQ(result, 3);
    co_await with(Noting(log_, "d"), Noting(log_, "e"),
                  [&](auto&, auto&) { log_.push_back("body"); });
  });
  EXPECT_EQ(log_, (Log{"enter a", "enter b", "enter c", "body", "exit c null", "exit b null",
                       "exit a null", "enter d", "enter e", "body", "exit e null", "exit d null"}));
}

TEST_F(WithTest, TheBodySeesTheVeryContextsThatWereEntered) {
  class Marked {
   public:
    Marked() {}
    void enter() { self_ = this; }
    void exit(std::exception_ptr) { EXPECT_EQ(self_, this); }
    bool entered() const { return self_ == this; }

   private:
    Marked* self_ = nullptr;
  };
  loop_.run([&]() -> Coro<> {
    co_await with(Marked(), Marked(), Marked(), [&](Marked& a, Marked& b, Marked& c) -> Coro<> {
      EXPECT_TRUE(a.entered() && b.entered() && c.entered());
      co_await sleep(1s);
      EXPECT_TRUE(a.entered() && b.entered() && c.entered());
    });
  });
}

TEST_F(WithTest, TheExitSeesTheExceptionThatLeavesTheBodyAndItGoesOn) {
  loop_.run([&]() -> Coro<> {
    auto body = [](Noting&, PlainNoting&) -> Coro<> {
      co_await sleep(1s);
      throw std::runtime_error("body");
    };
    EXPECT_THROW(co_await with(Noting(log_, "a"), PlainNoting(log_, "b"), body),
                 std::runtime_error);
  });
  EXPECT_EQ(log_, (Log{"enter a", "enter b", "exit b failed: body", "exit a failed: body"}));
}

TEST_F(WithTest, TheExitSeesWhatAnOrdinaryBodyThrows) {
  loop_.run([&]() -> Coro<> {
    auto body = [](Noting&) -> int { throw std::runtime_error("body"); };
    EXPECT_THROW(co_await with(Noting(log_, "a"), body), std::runtime_error);
  });
  EXPECT_EQ(log_, (Log{"enter a", "exit a failed: body"}));
}

TEST_F(WithTest, ACancelledBodyLeavesItsContextsWhichMayAwait) {
  auto inside = [&]() -> Coro<> {
    co_await with(Noting(log_, "a"), Noting(log_, "b"),
                  [](auto&, auto&) -> Coro<> { co_await sleep(1h); });
  };
  loop_.run([&]() -> Coro<> {
    auto task = create_task(inside);
    co_await sleep(10s);
    task.cancel("enough");
    EXPECT_EQ(co_await ending_of(task), "cancelled: enough");
  });
  EXPECT_EQ(log_,
            (Log{"enter a", "enter b", "exit b cancelled: enough", "exit a cancelled: enough"}));
  EXPECT_EQ(loop_.time().time_since_epoch(), 12s);
}

TEST_F(WithTest, ACancellationDuringTheExitTakesThePlaceOfTheException) {
  auto inside = [&]() -> Coro<> {
    co_await with(Noting(log_, "a"), Noting(log_, "b"), [](auto&, auto&) -> Coro<> {
      throw std::runtime_error("body");
      co_return;
    });
  };
  loop_.run([&]() -> Coro<> {
    auto task = create_task(inside);
    co_await sleep(2500ms);
    task.cancel("while b exits");
    EXPECT_EQ(co_await ending_of(task), "cancelled: while b exits");
  });
  EXPECT_EQ(log_, (Log{"enter a", "enter b", "exit a cancelled: while b exits"}));
}

TEST_F(WithTest, AnExitMayDealWithTheException) {
  loop_.run([&]() -> Coro<> {
    co_await with(Silencing(log_), [](auto&) { throw std::runtime_error("body"); });
    co_await with(PlainSilencing(), [](auto&) { throw std::runtime_error("body"); });
    co_await with(Silencing(log_), [](auto&) {});
  });
  EXPECT_EQ(log_, (Log{"silences failed: body", "silences null"}));
}

TEST_F(WithTest, AnInnerContextThatDealsWithTheExceptionHidesItFromTheOuterOne) {
  loop_.run([&]() -> Coro<> {
    co_await with(Noting(log_, "a"), Silencing(log_),
                  [](auto&, auto&) { throw std::runtime_error("body"); });
  });
  EXPECT_EQ(log_, (Log{"enter a", "silences failed: body", "exit a null"}));
}

TEST_F(WithTest, ABodyWithAResultMustNotBeSilenced) {
  loop_.run([&]() -> Coro<> {
    auto body = [](auto&) -> int { throw std::runtime_error("body"); };
    EXPECT_THROW(co_await with(PlainSilencing(), body), std::logic_error);
    auto fine = [](auto&) { return 5; };
    EXPECT_EQ(co_await with(PlainSilencing(), fine), 5);
  });
}

TEST_F(WithTest, WhatTheExitThrowsTakesThePlaceOfTheException) {
  loop_.run([&]() -> Coro<> {
    std::string thrown;
    try {
      co_await with(Noting(log_, "a"), FailingToExit(),
                    [](auto&, auto&) { throw std::logic_error("body"); });
    } catch (const std::exception& error) {
      thrown = error.what();
    }
    EXPECT_EQ(thrown, "exit");
    EXPECT_THROW(co_await with(FailingToExit(), [](auto&) { return 1; }), std::runtime_error);
  });
  EXPECT_EQ(log_, (Log{"enter a", "exit a failed: exit"}));
}

TEST_F(WithTest, AContextThatCannotBeEnteredIsNotLeftAndThoseBeforeItAre) {
  loop_.run([&]() -> Coro<> {
    auto body = [&](auto&...) { log_.push_back("never"); };
    EXPECT_THROW(co_await with(Noting(log_, "a"), FailingToEnter(log_), Noting(log_, "c"), body),
                 std::runtime_error);
  });
  EXPECT_EQ(log_, (Log{"enter a", "exit a failed: enter"}));
}

TEST_F(WithTest, ContextAndBodyLiveUntilTheExitHasEndedAndNoLonger) {
  class Counting {
   public:
    explicit Counting(Counts& counts) : counted_(counts), counts_(&counts) {}
    void enter() {}
    Coro<> exit(std::exception_ptr) {
      co_await sleep(1s);
      EXPECT_GE(counts_->alive, 2);
      EXPECT_EQ(counted_.value(), 0);
    }

   private:
    Counted counted_;
    Counts* counts_;
  };
  Counts counts;
  loop_.run([&]() -> Coro<> {
    auto body = [kept = Counted(counts, 3)](auto&...) -> Coro<int> {
      co_await sleep(1s);
      co_return kept.value();
    };
    auto copy = body;
    EXPECT_EQ(co_await with(Counting(counts), std::move(copy)), 3);
    EXPECT_EQ(counts.alive, 2);
    auto other = body;
    EXPECT_EQ(co_await with(Counting(counts), Counting(counts), std::move(other)), 3);
    EXPECT_EQ(counts.alive, 3);
  });
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(WithTest, MayRunAsATaskOfItsOwn) {
  loop_.run([&]() -> Coro<> {
    auto task = create_task(with(Noting(log_, "a"), [&](Noting&) { log_.push_back("body"); }));
    co_await task;
  });
  EXPECT_EQ(log_, (Log{"enter a", "body", "exit a null"}));
}

TEST_F(WithTest, OfATaskThatDiesWithItsLoopDoesNotExit) {
  Log log;
  {
    ObservedLoop loop;
    create_task(loop,
                with(PlainNoting(log, "a"), [](PlainNoting&) -> Coro<> { co_await sleep(1h); }));
    loop.settle();
    loop.close();
  }
  EXPECT_EQ(log, (Log{"enter a"}));
}

TEST_F(WithTest, ABodyNeedNotTakeTheContexts) {
  Log log;
  loop_.run([&]() -> Coro<> {
    co_await with(PlainNoting(log, "a"), [&] { log.push_back("plain"); });
    const int got = co_await with(PlainNoting(log, "a"), PlainNoting(log, "b"),
                                  []() -> Coro<int> { co_return 7; });
    EXPECT_EQ(got, 7);
  });
  EXPECT_EQ(log[1], "plain");
  EXPECT_EQ(log.size(), 7u);
}

TEST_F(WithTest, OutcomeOfCallKeepsAResultOrAnExceptionForLater) {
  loop_.run([&]() -> Coro<> {
    auto good = co_await internal::outcome_of_call([]() -> Coro<int> { co_return 1; });
    EXPECT_TRUE(good.has_value());
    EXPECT_EQ(good.value(), 1);
    auto bad = co_await internal::outcome_of_call([]() -> Coro<> {
      throw std::runtime_error("bad");
      co_return;
    });
    EXPECT_FALSE(bad.has_value());
    EXPECT_EQ(word_for(bad.exception()), "failed: bad");
  });
}

}  // namespace
}  // namespace asyncio
