// What a loop says in debug mode, and only then.

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>

#include "asyncio/events/activity.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/selectors/default_selector.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "events/test/captured_log.h"
#include "events/test/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DebugModeTest : public ::testing::Test {
 protected:
  DebugModeTest() { loop_.set_debug(true); }

  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  CapturedLog log_;
  VirtualTimeLoop loop_;
};

// Switching.

// Whether a new loop is in debug mode where ASYNCIO_DEBUG has this value; null: is not set.
bool debug_with(const char* value) {
  return exit_code_of([=] {
           value != nullptr ? ::setenv("ASYNCIO_DEBUG", value, 1) : ::unsetenv("ASYNCIO_DEBUG");
           return static_cast<int>(SelectorEventLoop().get_debug());
         }) == 1;
}

TEST_F(DebugModeTest, IsOffUnlessTheEnvironmentTurnsItOn) {
  EXPECT_FALSE(debug_with(nullptr));
  EXPECT_FALSE(debug_with(""));
  EXPECT_TRUE(debug_with("1"));
}

TEST_F(DebugModeTest, IsTurnedOnAndOff) {
  EXPECT_TRUE(loop_.get_debug());
  loop_.set_debug(false);
  EXPECT_FALSE(loop_.get_debug());
}

// Slow callbacks.

TEST_F(DebugModeTest, ASlowCallbackIsLoggedWithItsLine) {
  const auto here = std::source_location::current();
  loop_.call_soon([this] { loop_.advance(250ms); }, here);
  turn();
  EXPECT_THAT(log_.severities, ElementsAre(LogSeverity::kWarning));
  EXPECT_THAT(log_.messages, ElementsAre("Executing <Handle created at " + to_string(here) +
                                         "> took 0.250 seconds"));
}

TEST_F(DebugModeTest, EveryKindOfCallbackIsNamedByTheLineThatAskedForIt) {
  const auto here = std::source_location::current();
  const auto be_slow = [this] { loop_.advance(1s); };
  int pipe[2];
  check(::pipe(pipe), "pipe");
  const FileDescriptor reading(pipe[0]);
  const FileDescriptor writing(pipe[1]);
  loop_.add_writer(writing.get(), be_slow, here);
  turn();
  loop_.remove_writer(writing.get());
  loop_.add_signal_handler(SIGUSR1, be_slow, here);
  ::raise(SIGUSR1);
  turn();
  loop_.remove_signal_handler(SIGUSR1);
  loop_.call_soon_threadsafe(be_slow, here);
  turn();
  loop_.call_later(0s, be_slow, here);
  turn();
  const std::string text = " created at " + to_string(here) + "> took 1.000 seconds";
  EXPECT_THAT(log_.messages,
              ElementsAre("Executing <Handle" + text, "Executing <Handle" + text,
                          "Executing <Handle" + text, "Executing <TimerHandle" + text));
}

TEST_F(DebugModeTest, SlowMeansAtLeastSlowCallbackDuration) {
  EXPECT_EQ(loop_.slow_callback_duration, Duration(100ms));
  loop_.slow_callback_duration = 1s;
  loop_.call_soon([this] { loop_.advance(999ms); });
  turn();
  EXPECT_THAT(log_.messages, IsEmpty());
  loop_.call_soon([this] { loop_.advance(1s); });
  turn();
  EXPECT_EQ(log_.messages.size(), 1U);
}

TEST_F(DebugModeTest, OffNothingIsSlow) {
  loop_.set_debug(false);
  loop_.call_soon([this] { loop_.advance(1h); });
  turn();
  EXPECT_THAT(log_.messages, IsEmpty());
}

TEST_F(DebugModeTest, SwitchedWhileTheLoopRunsItCountsFromTheNextTurn) {
  loop_.set_debug(false);
  loop_.call_soon([this] {
    loop_.set_debug(true);
    loop_.advance(1s);
    loop_.call_soon([this] { loop_.advance(2s); });
  });
  turn();
  turn();
  EXPECT_THAT(log_.messages, ElementsAre(::testing::HasSubstr("took 2.000 seconds")));
}

TEST_F(DebugModeTest, ACallbackThatThrowsMayBeSlowToo) {
  loop_.call_soon([this] {
    loop_.advance(1s);
    throw std::runtime_error("late and wrong");
  });
  turn();
  EXPECT_THAT(log_.messages, ElementsAre(::testing::StartsWith("Exception in callback"),
                                         ::testing::HasSubstr("took 1.000 seconds")));
}

TEST_F(DebugModeTest, AReportSaysWhatWasRunning) {
  const auto here = std::source_location::current();
  loop_.call_soon([this] { loop_.call_exception_handler({.message = "help"}); }, here);
  turn();
  EXPECT_THAT(log_.messages,
              ElementsAre("help\nwhile running <Handle created at " + to_string(here) + ">"));
}

// Blocking sockets.

class BlockingSocketTest : public DebugModeTest {
 protected:
  explicit BlockingSocketTest(int flags = 0) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | flags, 0, ends), "socketpair");
    here_ = FileDescriptor(ends[0]);
    there_ = FileDescriptor(ends[1]);
  }

  FileDescriptor here_;
  FileDescriptor there_;
};

TEST_F(BlockingSocketTest, WatchingOneIsLoggedWithTheLine) {
  const auto here = std::source_location::current();
  loop_.add_reader(here_.get(), [] {}, here);
  EXPECT_THAT(log_.messages,
              ElementsAre("the socket must be non-blocking: descriptor " +
                          std::to_string(here_.get()) + ", watched at " + to_string(here)));
  loop_.remove_reader(here_.get());
}

TEST_F(BlockingSocketTest, OffNobodyLooks) {
  loop_.set_debug(false);
  loop_.add_writer(here_.get(), [] {});
  EXPECT_THAT(log_.messages, IsEmpty());
  loop_.remove_writer(here_.get());
}

class NonBlockingSocketTest : public BlockingSocketTest {
 protected:
  NonBlockingSocketTest() : BlockingSocketTest(SOCK_NONBLOCK) {}
};

TEST_F(NonBlockingSocketTest, IsWatchedWithoutAWord) {
  loop_.add_reader(here_.get(), [] {});
  EXPECT_THAT(log_.messages, IsEmpty());
  loop_.remove_reader(here_.get());
}

TEST_F(DebugModeTest, DescriptorsThatAreNoSocketsMayBlock) {
  int pipe[2];
  check(::pipe(pipe), "pipe");
  const FileDescriptor reading(pipe[0]);
  const FileDescriptor writing(pipe[1]);
  loop_.add_reader(reading.get(), [] {});
  EXPECT_THAT(log_.messages, IsEmpty());
  loop_.remove_reader(reading.get());
}

// Loops that nobody closed.

TEST_F(DebugModeTest, ALoopThatIsDestroyedUnclosedIsLoggedWithItsLine) {
  const auto here = std::source_location::current();
  auto loop = std::make_unique<SelectorEventLoop>(DefaultSelector(), here);
  loop->set_debug(true);
  loop.reset();
  EXPECT_THAT(log_.messages, ElementsAre("unclosed event loop, created at " + to_string(here)));
}

TEST_F(DebugModeTest, AClosedLoopGoesWithoutAWord) {
  SelectorEventLoop loop;
  loop.set_debug(true);
  loop.close();
  EXPECT_THAT(log_.messages, IsEmpty());
}

TEST_F(DebugModeTest, OffAnUnclosedLoopGoesWithoutAWord) {
  {
    const SelectorEventLoop loop;
  }
  EXPECT_THAT(log_.messages, IsEmpty());
}

TEST_F(DebugModeTest, TheCurrentActivityIsThatOfTheRunningCallback) {
  EXPECT_FALSE(loop_.current_activity().has_value());
  const auto here = std::source_location::current();
  std::string activity;
  loop_.call_soon([&] { activity = to_string(*loop_.current_activity()); }, here);
  turn();
  EXPECT_EQ(activity, "<Handle created at " + to_string(here) + ">");
  EXPECT_FALSE(loop_.current_activity().has_value());
}

}  // namespace
}  // namespace asyncio
