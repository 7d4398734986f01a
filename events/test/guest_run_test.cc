#include "asyncio/events/guest_run.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/events/timer_queue.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/epoll_selector.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/poll_selector.h"
#include "events/test/thrown_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

// A loop whose clock stands unless it is moved, and which notes how long each turn may wait.
class NotingLoop : public SelectorEventLoop {
 public:
  NotingLoop() : SelectorEventLoop(std::make_unique<EpollSelector>()) {}

  TimePoint time() const override { return now; }

  TimePoint now = TimePoint() + 1000h;
  std::vector<std::optional<Duration>> limits;

 protected:
  void wait(std::optional<Duration> limit) override {
    limits.push_back(limit);
    SelectorEventLoop::wait(limit);
  }
};

class GuestRunTest : public ::testing::Test {
 protected:
  Callback mark(std::string text) {
    return [this, text = std::move(text)] { log_.push_back(text); };
  }

  // Whether poll(2) finds the loop's descriptor readable at this moment.
  bool readable() const {
    pollfd entry{.fd = loop_.fileno(), .events = POLLIN, .revents = 0};
    return check(::poll(&entry, 1, 0), "poll") == 1 && (entry.revents & POLLIN) != 0;
  }

  std::string words_of_guest(EventLoop& loop) {
    return thrown_words<std::runtime_error>([&] { const GuestRun guest(loop); });
  }

  NotingLoop loop_;
  std::vector<std::string> log_;
};

TEST_F(GuestRunTest, TheLoopIsTheRunningOneFromConstructorToDestructor) {
  {
    const GuestRun guest(loop_);
    EXPECT_EQ(running_loop_or_null(), &loop_);
    EXPECT_TRUE(loop_.is_running());
  }
  EXPECT_EQ(running_loop_or_null(), nullptr);
  EXPECT_FALSE(loop_.is_running());
}

TEST_F(GuestRunTest, ATurnRunsWhatWasDueAndLeavesWhatThatSchedules) {
  loop_.call_soon([&] {
    log_.push_back("first");
    loop_.call_soon(mark("second"));
  });
  GuestRun guest(loop_);
  EXPECT_THAT(log_, IsEmpty());
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("first"));
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("first", "second"));
}

TEST_F(GuestRunTest, TheHostMayScheduleBetweenTurns) {
  GuestRun guest(loop_);
  loop_.call_soon(mark("soon"));
  loop_.call_later(1s, mark("later"));
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("soon"));
  loop_.now += 1s;
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("soon", "later"));
}

TEST_F(GuestRunTest, NoTurnWaits) {
  loop_.call_later(10h, [] { FAIL(); });
  GuestRun guest(loop_);
  for (int i = 0; i < 3; ++i) guest.run_once();
  EXPECT_THAT(loop_.limits, ElementsAre(Duration::zero(), Duration::zero(), Duration::zero()));
}

TEST_F(GuestRunTest, StopIsSeenByTheHostAndEndsNothingByItself) {
  loop_.call_soon([&] { loop_.stop(); });
  GuestRun guest(loop_);
  EXPECT_FALSE(guest.stopped());
  guest.run_once();
  EXPECT_TRUE(guest.stopped());
  loop_.call_soon(mark("after"));
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("after"));
}

TEST_F(GuestRunTest, AStopFromBeforeIsSeenFromTheBeginning) {
  loop_.stop();
  EXPECT_TRUE(GuestRun(loop_).stopped());
}

TEST_F(GuestRunTest, AStopDoesNotReachTheNextRun) {
  {
    const GuestRun guest(loop_);
    loop_.stop();
  }
  EXPECT_FALSE(GuestRun(loop_).stopped());
}

TEST_F(GuestRunTest, TheLoopCanRunByItselfBeforeAndAfterwards) {
  for (int i = 0; i < 2; ++i) {
    loop_.call_soon([&] { loop_.stop(); });
    loop_.run_forever();
    loop_.call_soon(mark("guest"));
    GuestRun(loop_).run_once();
  }
  EXPECT_THAT(log_, ElementsAre("guest", "guest"));
}

TEST_F(GuestRunTest, WhatIsDueAtTheEndStaysDueForTheNextRun) {
  {
    const GuestRun guest(loop_);
    loop_.call_soon(mark("kept"));
  }
  GuestRun(loop_).run_once();
  EXPECT_THAT(log_, ElementsAre("kept"));
}

// Misuse.

TEST_F(GuestRunTest, AClosedLoopIsRefused) {
  loop_.close();
  EXPECT_EQ(words_of_guest(loop_), "Event loop is closed");
  EXPECT_EQ(running_loop_or_null(), nullptr);
}

TEST_F(GuestRunTest, ALoopThatRunsIsRefusedAndRunsOn) {
  const GuestRun guest(loop_);
  EXPECT_EQ(words_of_guest(loop_), "This event loop is already running");
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_.run_forever(); }),
            "This event loop is already running");
  EXPECT_EQ(running_loop_or_null(), &loop_);
  EXPECT_TRUE(loop_.is_running());
}

TEST_F(GuestRunTest, ALoopThatRunsInAnotherThreadIsRefused) {
  const GuestRun guest(loop_);
  std::string words;
  std::thread([&] { words = words_of_guest(loop_); }).join();
  EXPECT_EQ(words, "This event loop is already running");
}

TEST_F(GuestRunTest, BesideAnotherLoopOfTheThreadItIsRefused) {
  SelectorEventLoop other;
  const GuestRun guest(loop_);
  EXPECT_EQ(words_of_guest(other), "Cannot run the event loop while another loop is running");
  EXPECT_EQ(running_loop_or_null(), &loop_);
  EXPECT_FALSE(other.is_running());
}

TEST_F(GuestRunTest, MeanwhileTheLoopCannotBeClosed) {
  const GuestRun guest(loop_);
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_.close(); }),
            "Cannot close a running event loop");
}

TEST_F(GuestRunTest, MeanwhileOtherThreadsCannotSchedule) {
  const GuestRun guest(loop_);
  std::string words;
  std::thread([&] {
    words = thrown_words<std::runtime_error>([&] { loop_.call_soon([] {}); });
  }).join();
  EXPECT_EQ(words, "Non-thread-safe operation invoked on an event loop other than the current one");
}

// Errors.

TEST_F(GuestRunTest, AFatalErrorLeavesTheTurnAndTheRestStaysDue) {
  loop_.call_soon([] { throw SystemExit(3); });
  loop_.call_soon(mark("rest"));
  GuestRun guest(loop_);
  std::optional<int> code;
  try {
    guest.run_once();
  } catch (const SystemExit& exit) {
    code = exit.code();
  }
  EXPECT_EQ(code, 3);
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_TRUE(loop_.is_running());
  EXPECT_EQ(guest.wait_limit(), Duration::zero());
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("rest"));
}

TEST_F(GuestRunTest, AFatalErrorMayLeaveTheHostAndTheLoopRunsAgain) {
  loop_.call_soon([] { throw KeyboardInterrupt(); });
  EXPECT_THROW(GuestRun(loop_).run_once(), KeyboardInterrupt);
  EXPECT_EQ(running_loop_or_null(), nullptr);
  loop_.call_soon(mark("again"));
  loop_.stop();
  loop_.run_forever();
  EXPECT_THAT(log_, ElementsAre("again"));
}

TEST_F(GuestRunTest, AnOrdinaryExceptionGoesToTheHandlerAndTheTurnGoesOn) {
  std::string message;
  loop_.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { message = context.message; });
  loop_.call_soon([] { throw std::runtime_error("oops"); });
  loop_.call_soon(mark("next"));
  GuestRun(loop_).run_once();
  EXPECT_EQ(message, "Exception in callback");
  EXPECT_THAT(log_, ElementsAre("next"));
}

// How long the host may wait.

TEST_F(GuestRunTest, WithNothingScheduledTheHostMayWaitForEver) {
  GuestRun guest(loop_);
  EXPECT_EQ(guest.wait_limit(), std::nullopt);
  loop_.call_soon([] {});
  guest.run_once();
  EXPECT_EQ(guest.wait_limit(), std::nullopt);
}

TEST_F(GuestRunTest, TheHostMustNotWaitWhileAnythingIsDue) {
  GuestRun guest(loop_);
  loop_.call_soon([] {});
  EXPECT_EQ(guest.wait_limit(), Duration::zero());
  guest.run_once();
  loop_.call_soon_threadsafe([] {});
  EXPECT_EQ(guest.wait_limit(), Duration::zero());
  guest.run_once();
  loop_.stop();
  EXPECT_EQ(guest.wait_limit(), Duration::zero());
}

TEST_F(GuestRunTest, TheHostMayWaitUntilTheNextDeadline) {
  GuestRun guest(loop_);
  TimerHandle first = loop_.call_later(5s, mark("5 s"));
  EXPECT_EQ(guest.wait_limit(), Duration(5s));
  loop_.call_later(8s, mark("8 s"));
  loop_.now += 1s;
  EXPECT_EQ(guest.wait_limit(), Duration(4s));
  first.cancel();
  EXPECT_EQ(guest.wait_limit(), Duration(7s));
  loop_.now += 7s;
  EXPECT_EQ(guest.wait_limit(), Duration::zero());
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("8 s"));
  EXPECT_EQ(guest.wait_limit(), std::nullopt);
}

// What the host waits for.

TEST_F(GuestRunTest, TheDescriptorIsReadableOnceAnotherThreadHasPosted) {
  GuestRun guest(loop_);
  EXPECT_FALSE(readable());
  std::thread([&] { loop_.call_soon_threadsafe(mark("posted")); }).join();
  EXPECT_TRUE(readable());
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("posted"));
  EXPECT_FALSE(readable());
}

TEST_F(GuestRunTest, APostEndsAPollThatHasNoLimit) {
  GuestRun guest(loop_);
  pollfd entry{.fd = guest.fileno(), .events = POLLIN, .revents = 0};
  std::thread other([&] { loop_.call_soon_threadsafe(mark("posted")); });
  EXPECT_EQ(retry_on_interrupt([&] { return ::poll(&entry, 1, -1); }), 1);
  other.join();
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("posted"));
}

TEST_F(GuestRunTest, TheDescriptorIsReadableWhileOneThatTheLoopWatchesIsReady) {
  int fds[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), "socketpair");
  const FileDescriptor here(fds[0]), there(fds[1]);
  GuestRun guest(loop_);
  loop_.add_reader(here.get(), mark("read"));
  EXPECT_FALSE(readable());
  check(::write(there.get(), "x", 1), "write");
  EXPECT_TRUE(readable());
  guest.run_once();
  EXPECT_TRUE(readable());  // nobody has read the byte
  loop_.remove_reader(here.get());
  EXPECT_FALSE(readable());
  EXPECT_THAT(log_, ElementsAre("read"));
}

TEST_F(GuestRunTest, TheDescriptorIsReadableOnceASignalHasArrived) {
  GuestRun guest(loop_);
  loop_.add_signal_handler(SIGUSR1, mark("signal"));
  std::raise(SIGUSR1);
  EXPECT_TRUE(readable());
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("signal"));
  EXPECT_FALSE(readable());
}

TEST_F(GuestRunTest, ATimerDoesNotMakeTheDescriptorReadable) {
  const GuestRun guest(loop_);
  loop_.call_later(1s, [] {});
  loop_.now += 2s;
  EXPECT_FALSE(readable());
  EXPECT_EQ(guest.wait_limit(), Duration::zero());
}

TEST_F(GuestRunTest, TheDescriptorIsThatOfTheSelector) {
  auto selector = std::make_unique<EpollSelector>();
  const int fileno = selector->fileno();
  SelectorEventLoop loop(std::move(selector));
  EXPECT_EQ(GuestRun(loop).fileno(), fileno);
}

TEST_F(GuestRunTest, WithASelectorThatHasNoneThereIsNoDescriptor) {
  SelectorEventLoop loop(std::make_unique<PollSelector>());
  GuestRun guest(loop);
  EXPECT_EQ(guest.fileno(), -1);
  loop.call_soon(mark("ran"));
  guest.run_once();
  EXPECT_THAT(log_, ElementsAre("ran"));
}

}  // namespace
}  // namespace asyncio
