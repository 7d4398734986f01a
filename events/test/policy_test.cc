#include "asyncio/events/policy.h"

#include <memory>
#include <source_location>
#include <stdexcept>
#include <thread>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"
#include "events/test/child_process.h"
#include "events/test/thrown_words.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

class PolicyTest : public ::testing::Test {
 protected:
  ~PolicyTest() override { set_event_loop(nullptr); }
};

constexpr char kNone[] = "There is no current event loop in thread 'MainThread'.";

std::string words_of_get() {
  return thrown_words<std::runtime_error>([] { get_event_loop(); });
}

TEST_F(PolicyTest, WithoutALoopSetThereIsNoneAndNoneIsMade) {
  EXPECT_EQ(words_of_get(), kNone);
  EXPECT_EQ(words_of_get(), kNone);
}

TEST_F(PolicyTest, TheLoopThatWasSetIsFound) {
  const std::unique_ptr<EventLoop> one = new_event_loop(), two = new_event_loop();
  set_event_loop(one.get());
  EXPECT_EQ(&get_event_loop(), one.get());
  set_event_loop(two.get());
  EXPECT_EQ(&get_event_loop(), two.get());
}

TEST_F(PolicyTest, UnsettingItLeavesNone) {
  const std::unique_ptr<EventLoop> loop = new_event_loop();
  set_event_loop(loop.get());
  set_event_loop(nullptr);
  EXPECT_EQ(words_of_get(), kNone);
}

TEST_F(PolicyTest, SettingALoopDoesNotMakeItRun) {
  const std::unique_ptr<EventLoop> loop = new_event_loop();
  set_event_loop(loop.get());
  EXPECT_EQ(running_loop_or_null(), nullptr);
}

TEST_F(PolicyTest, TheRunningLoopIsPreferred) {
  const std::unique_ptr<EventLoop> set = new_event_loop(), running = new_event_loop();
  set_event_loop(set.get());
  EventLoop* found = nullptr;
  running->call_soon([&] {
    found = &get_event_loop();
    running->stop();
  });
  running->run_forever();
  EXPECT_EQ(found, running.get());
  EXPECT_EQ(&get_event_loop(), set.get());
}

TEST_F(PolicyTest, TheRunningLoopIsFoundWithoutBeingSet) {
  const std::unique_ptr<EventLoop> loop = new_event_loop();
  EventLoop* found = nullptr;
  loop->call_soon([&] {
    found = &get_event_loop();
    loop->stop();
  });
  loop->run_forever();
  EXPECT_EQ(found, loop.get());
  EXPECT_EQ(words_of_get(), kNone);
}

TEST_F(PolicyTest, EachThreadHasItsOwn) {
  const std::unique_ptr<EventLoop> loop = new_event_loop();
  set_event_loop(loop.get());
  std::string there;
  std::thread([&] {
    pthread_setname_np(pthread_self(), "worker");
    there = words_of_get();
  }).join();
  EXPECT_EQ(there, "There is no current event loop in thread 'worker'.");
}

TEST_F(PolicyTest, ANewLoopIsFreshAndNotSet) {
  const std::unique_ptr<EventLoop> one = new_event_loop(), two = new_event_loop();
  EXPECT_NE(one, two);
  EXPECT_FALSE(one->is_running());
  EXPECT_FALSE(one->is_closed());
  EXPECT_NE(dynamic_cast<SelectorEventLoop*>(one.get()), nullptr);
  EXPECT_EQ(words_of_get(), kNone);
}

TEST_F(PolicyTest, AForkedChildHasNone) {
  const std::unique_ptr<EventLoop> loop = new_event_loop();
  set_event_loop(loop.get());
  EXPECT_EQ(exit_code_of([] { return words_of_get() == kNone ? 0 : 1; }), 0);
  EXPECT_EQ(&get_event_loop(), loop.get());
}

// The policy behind the functions.

TEST_F(PolicyTest, ThereIsADefaultPolicy) {
  const auto policy = get_event_loop_policy();
  EXPECT_NE(dynamic_cast<DefaultEventLoopPolicy*>(policy.get()), nullptr);
  EXPECT_EQ(get_event_loop_policy(), policy);
}

// Refuses to have a loop, and counts what it is asked.
class CountingPolicy : public DefaultEventLoopPolicy {
 public:
  EventLoop& get_event_loop() override { throw std::out_of_range("no loop here"); }
  std::unique_ptr<EventLoop> new_event_loop(std::source_location where) override {
    ++made;
    return DefaultEventLoopPolicy::new_event_loop(where);
  }

  int made = 0;
};

TEST_F(PolicyTest, APolicyIsReplacedAndNullRestoresTheDefault) {
  const auto counting = std::make_shared<CountingPolicy>();
  set_event_loop_policy(counting);
  EXPECT_EQ(get_event_loop_policy(), counting);
  new_event_loop();
  EXPECT_EQ(counting->made, 1);
  set_event_loop_policy(nullptr);
  new_event_loop();
  EXPECT_EQ(counting->made, 1);
  EXPECT_EQ(words_of_get(), kNone);
}

TEST_F(PolicyTest, WhatThePolicyThrowsIsThrownOnlyWhereNoLoopRuns) {
  set_event_loop_policy(std::make_shared<CountingPolicy>());
  EXPECT_EQ(thrown_words<std::out_of_range>([] { get_event_loop(); }), "no loop here");
  SelectorEventLoop loop;
  EventLoop* found = nullptr;
  loop.call_soon([&] {
    found = &get_event_loop();
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(found, &loop);
  set_event_loop_policy(nullptr);
}

}  // namespace
}  // namespace asyncio
