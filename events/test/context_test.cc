#include "asyncio/events/context.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/virtual_time_loop.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

ContextVar<std::string> color("color", "none");
ContextVar<int> number("number");

TEST(ContextTest, AnUnsetVariableGivesItsFallback) { EXPECT_EQ(color.get(), "none"); }

TEST(ContextTest, AnUnsetVariableWithoutFallbackIsAnErrorUnlessTheCallerHasOne) {
  EXPECT_THROW((void)number.get(), std::out_of_range);
  EXPECT_EQ(number.get(7), 7);
}

TEST(ContextTest, WhatIsSetInAContextStaysInIt) {
  Context context;
  context.run([] {
    color.set("red");
    EXPECT_EQ(color.get(), "red");
  });
  EXPECT_EQ(color.get(), "none");
  EXPECT_EQ(context.size(), 1u);
  EXPECT_EQ(context.run([] { return color.get(); }), "red");
}

TEST(ContextTest, ACopyGoesItsOwnWay) {
  Context context;
  context.run([] { color.set("red"); });
  const Context copy = context.copy();
  copy.run([] { color.set("blue"); });
  EXPECT_EQ(context.run([] { return color.get(); }), "red");
  EXPECT_EQ(copy.run([] { return color.get(); }), "blue");
  EXPECT_FALSE(copy == context);
}

TEST(ContextTest, CopyContextCopiesTheCurrentOne) {
  Context context;
  context.run([] {
    color.set("green");
    const Context copy = copy_context();
    color.set("black");
    EXPECT_EQ(copy.run([] { return color.get(); }), "green");
  });
}

TEST(ContextTest, ATokenRestoresWhatWasThereBefore) {
  Context context;
  context.run([] {
    ContextToken first = color.set("red");
    ContextToken second = color.set("blue");
    color.reset(second);
    EXPECT_EQ(color.get(), "red");
    color.reset(first);
    EXPECT_EQ(color.get(), "none");
  });
}

TEST(ContextTest, ATokenRestoresOnce) {
  Context context;
  context.run([] {
    ContextToken token = color.set("red");
    color.reset(token);
    EXPECT_THROW(color.reset(token), std::runtime_error);
  });
}

TEST(ContextTest, ATokenOfAnotherVariableOrContextIsRefused) {
  Context context;
  Context other;
  context.run([&] {
    ContextToken token = number.set(1);
    EXPECT_THROW(color.reset(token), std::invalid_argument);
    other.run([&] { EXPECT_THROW(number.reset(token), std::invalid_argument); });
    number.reset(token);
  });
}

TEST(ContextTest, EnteringAContextTwiceIsRefused) {
  Context context;
  context.run([&] { EXPECT_THROW(context.run([] {}), std::runtime_error); });
  context.run([] {});
}

TEST(ContextTest, AnExceptionLeavesTheContext) {
  Context context;
  auto fail = [] {
    color.set("red");
    throw std::range_error("out");
  };
  EXPECT_THROW(context.run(fail), std::range_error);
  EXPECT_EQ(color.get(), "none");
  EXPECT_EQ(context.run([] { return color.get(); }), "red");
}

TEST(ContextTest, EveryThreadHasAContextOfItsOwn) {
  Context context;
  context.run([] {
    color.set("red");
    std::thread([] {
      EXPECT_EQ(color.get(), "none");
      color.set("blue");
    }).join();
    EXPECT_EQ(color.get(), "red");
  });
}

class ContextOfCallbacksTest : public testing::Test {
 protected:
  VirtualTimeLoop loop_;
};

TEST_F(ContextOfCallbacksTest, ACallbackRunsInACopyOfTheContextInWhichItWasScheduled) {
  std::string soon, later;
  Context context;
  context.run([&] {
    color.set("red");
    loop_.call_soon([&] {
      soon = color.get();
      color.set("mine");
    });
    loop_.call_later(std::chrono::seconds(1), [&] {
      later = color.get();
      loop_.stop();
    });
    color.set("too late");
  });
  loop_.run_forever();
  EXPECT_EQ(soon, "red");
  EXPECT_EQ(later, "red");
  EXPECT_EQ(color.get(), "none");
}

TEST_F(ContextOfCallbacksTest, AnExplicitContextIsUsedItselfAndNotCopied) {
  Context context;
  loop_.call_soon([] { color.set("set by the callback"); }, context);
  loop_.call_soon([&] { loop_.stop(); });
  loop_.run_forever();
  EXPECT_EQ(context.run([] { return color.get(); }), "set by the callback");
}

TEST_F(ContextOfCallbacksTest, WhatACallbackSetsIsSeenByWhatItSchedules) {
  std::string seen;
  loop_.call_soon([&] {
    color.set("inherited");
    loop_.call_soon([&] {
      seen = color.get();
      loop_.stop();
    });
  });
  loop_.run_forever();
  EXPECT_EQ(seen, "inherited");
}

TEST_F(ContextOfCallbacksTest, APostFromAnotherThreadCarriesThatThreadsContext) {
  std::string seen;
  std::thread([&] {
    Context context;
    context.run([&] {
      color.set("posted");
      loop_.call_soon_threadsafe([&] {
        seen = color.get();
        loop_.stop();
      });
    });
  }).join();
  loop_.run_forever();
  EXPECT_EQ(seen, "posted");
}

TEST_F(ContextOfCallbacksTest, TheExceptionHandlerRunsInTheContextOfTheCallbackThatFailed) {
  std::string seen;
  loop_.set_exception_handler([&](EventLoop&, const ExceptionContext&) { seen = color.get(); });
  loop_.call_soon([&] {
    color.set("failing");
    loop_.stop();
    throw std::range_error("oops");
  });
  loop_.run_forever();
  EXPECT_EQ(seen, "failing");
}

// A block pool gives the next context the memory of the last.
TEST(ContextTokenTest, ATokenOfAContextThatIsGoneIsRefusedByTheNext) {
  const ContextVar<std::string> variable("variable");
  std::optional<ContextToken> token;
  copy_context().run([&] {
    variable.set("one");
    token.emplace(variable.set("two"));
  });
  copy_context().run([&] {
    variable.set("mine");
    EXPECT_THROW(variable.reset(*token), std::invalid_argument);
    EXPECT_EQ(variable.get(), "mine");
  });
}

}  // namespace
}  // namespace asyncio
