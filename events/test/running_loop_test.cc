#include "asyncio/events/running_loop.h"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "absl/synchronization/barrier.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "events/test/child_process.h"
#include "events/test/thrown_words.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

TEST(RunningLoopTest, OutsideOfALoopThereIsNone) {
  EXPECT_EQ(running_loop_or_null(), nullptr);
  EXPECT_EQ(thrown_words<std::runtime_error>([] { get_running_loop(); }), "no running event loop");
}

TEST(RunningLoopTest, ALoopThatDoesNotRunIsNotFound) {
  VirtualTimeLoop loop;
  EXPECT_EQ(running_loop_or_null(), nullptr);
}

TEST(RunningLoopTest, CallbacksFindTheLoopThatRunsThem) {
  VirtualTimeLoop loop;
  EventLoop* found = nullptr;
  EventLoop* found_or_null = nullptr;
  loop.call_soon([&] {
    found = &get_running_loop();
    found_or_null = running_loop_or_null();
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(found, &loop);
  EXPECT_EQ(found_or_null, &loop);
  EXPECT_EQ(running_loop_or_null(), nullptr);
}

TEST(RunningLoopTest, EachThreadHasItsOwn) {
  absl::Barrier both(2);
  const auto run = [&](std::atomic<int>& right) {
    VirtualTimeLoop loop;
    loop.call_soon([&] {
      both.Block();  // both loops run now
      right = &get_running_loop() == &loop;
      loop.stop();
    });
    loop.run_forever();
  };
  // absl::Barrier tells one caller to delete it; this one lives on the stack until both are
  // through.
  std::atomic<int> here{-1}, there{-1};
  std::thread other([&] { run(there); });
  run(here);
  other.join();
  EXPECT_EQ(here, 1);
  EXPECT_EQ(there, 1);
}

TEST(RunningLoopTest, AnotherThreadDoesNotSeeIt) {
  VirtualTimeLoop loop;
  EventLoop* seen = &loop;
  loop.call_soon([&] {
    std::thread([&] { seen = running_loop_or_null(); }).join();
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(seen, nullptr);
}

TEST(RunningLoopTest, WhoImplementsALoopSetsItAndGetsWhatItWas) {
  VirtualTimeLoop one, two;
  EXPECT_EQ(set_running_loop(&one), nullptr);
  EXPECT_EQ(&get_running_loop(), &one);
  EXPECT_EQ(set_running_loop(&two), &one);
  EXPECT_EQ(&get_running_loop(), &two);
  EXPECT_EQ(set_running_loop(nullptr), &two);
  EXPECT_EQ(running_loop_or_null(), nullptr);
}

TEST(RunningLoopTest, AForkedChildSeesNone) {
  VirtualTimeLoop loop;
  int child = -1;
  EventLoop* parent_sees = nullptr;
  loop.call_soon([&] {
    child = exit_code_of([] { return running_loop_or_null() == nullptr ? 0 : 1; });
    parent_sees = running_loop_or_null();
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(child, 0);
  EXPECT_EQ(parent_sees, &loop);
}

TEST(RunningLoopTest, AForkedChildMayRunALoopOfItsOwn) {
  VirtualTimeLoop loop;
  int child = -1;
  loop.call_soon([&] {
    child = exit_code_of([] {
      VirtualTimeLoop own;
      int result = 1;
      own.call_soon([&] {
        result = &get_running_loop() == &own ? 0 : 2;
        own.stop();
      });
      own.run_forever();
      return result;
    });
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(child, 0);
}

TEST(RunningLoopTest, AForkedChildIsKeptFromItsParentsLoop) {
  VirtualTimeLoop loop;
  int child = -1;
  loop.call_soon([&] {
    child = exit_code_of([&] {
      try {
        loop.call_soon([] {});
      } catch (const std::runtime_error&) {
        return 0;
      }
      return 1;
    });
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(child, 0);
}

}  // namespace
}  // namespace asyncio
