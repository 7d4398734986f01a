#include "asyncio/events/virtual_time_loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

class VirtualTimeLoopTest : public ::testing::Test {
 protected:
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  Duration elapsed() const { return loop_.time() - TimePoint(); }

  VirtualTimeLoop loop_;
};

TEST_F(VirtualTimeLoopTest, TheClockStartsAtItsEpochAndStandsStill) {
  EXPECT_EQ(loop_.time(), TimePoint());
  EXPECT_EQ(loop_.time(), TimePoint());
}

TEST_F(VirtualTimeLoopTest, AnHourPassesInNoTime) {
  const auto before = std::chrono::steady_clock::now();
  loop_.call_later(1h, [&] { loop_.stop(); });
  loop_.run_forever();
  EXPECT_EQ(elapsed(), 1h);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 30min);
}

TEST_F(VirtualTimeLoopTest, TheClockJumpsFromDeadlineToDeadline) {
  std::vector<Duration> times;
  for (const Duration delay : {Duration(3s), Duration(1s), Duration(2s)}) {
    loop_.call_later(delay, [&] { times.push_back(elapsed()); });
  }
  loop_.call_later(1000h, [&] { loop_.stop(); });
  loop_.run_forever();
  EXPECT_THAT(times, ElementsAre(Duration(1s), Duration(2s), Duration(3s)));
  EXPECT_EQ(elapsed(), 1000h);
}

TEST_F(VirtualTimeLoopTest, TheClockStandsWhileAnythingIsDue) {
  std::vector<Duration> times;
  loop_.call_later(1s, [&] { loop_.stop(); });
  int left = 5;
  std::function<void()> again = [&] {
    times.push_back(elapsed());
    if (--left > 0) loop_.call_soon([&] { again(); });
  };
  loop_.call_soon([&] { again(); });
  loop_.run_forever();
  EXPECT_EQ(times, std::vector<Duration>(5));
  EXPECT_EQ(elapsed(), 1s);
}

TEST_F(VirtualTimeLoopTest, AReadyDescriptorComesBeforeTheJump) {
  int fds[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "socketpair");
  const FileDescriptor here(fds[0]), there(fds[1]);
  check(::write(there.get(), "x", 1), "write");
  std::vector<std::string> log;
  loop_.add_reader(here.get(), [&] {
    log.push_back("reader");
    EXPECT_EQ(elapsed(), Duration::zero());
    loop_.remove_reader(here.get());
  });
  loop_.call_later(1s, [&] {
    log.push_back("timer");
    loop_.stop();
  });
  loop_.run_forever();
  EXPECT_THAT(log, ElementsAre("reader", "timer"));
}

TEST_F(VirtualTimeLoopTest, TheClockJumpsPastADescriptorThatIsNotReady) {
  int fds[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "socketpair");
  const FileDescriptor here(fds[0]), there(fds[1]);
  loop_.add_reader(here.get(), [] { FAIL(); });
  loop_.call_later(1h, [&] { loop_.stop(); });
  loop_.run_forever();
  EXPECT_EQ(elapsed(), 1h);
}

TEST_F(VirtualTimeLoopTest, WithoutTimersItWaitsForOtherThreads) {
  std::thread other;
  loop_.call_soon(
      [&] { other = std::thread([&] { loop_.call_soon_threadsafe([&] { loop_.stop(); }); }); });
  loop_.run_forever();
  other.join();
  EXPECT_EQ(elapsed(), Duration::zero());
}

TEST_F(VirtualTimeLoopTest, ItDoesNotJumpToATimerThatNeverFires) {
  loop_.call_later(Duration::infinite(), [] { FAIL(); });
  std::thread other;
  loop_.call_soon(
      [&] { other = std::thread([&] { loop_.call_soon_threadsafe([&] { loop_.stop(); }); }); });
  loop_.run_forever();
  other.join();
  EXPECT_EQ(elapsed(), Duration::zero());
}

TEST_F(VirtualTimeLoopTest, AStoppedLoopDoesNotJump) {
  loop_.call_later(1s, [] { FAIL(); });
  turn();
  EXPECT_EQ(elapsed(), Duration::zero());
}

TEST_F(VirtualTimeLoopTest, AdvancingMovesTheClockByHand) {
  bool fired = false;
  loop_.call_later(10s, [&] { fired = true; });
  loop_.advance(9s);
  turn();
  EXPECT_FALSE(fired);
  EXPECT_EQ(elapsed(), 9s);
  loop_.advance(1s);
  turn();
  EXPECT_TRUE(fired);
}

TEST_F(VirtualTimeLoopTest, AdvancingInsideACallbackMakesTimersLateNotEarly) {
  std::vector<Duration> times;
  loop_.call_later(1s, [&] {
    times.push_back(elapsed());
    loop_.advance(5s);
  });
  loop_.call_later(2s, [&] {
    times.push_back(elapsed());
    loop_.stop();
  });
  loop_.run_forever();
  EXPECT_THAT(times, ElementsAre(Duration(1s), Duration(6s)));
}

TEST_F(VirtualTimeLoopTest, TheClockNeverGoesBack) {
  loop_.advance(10s);
  bool fired = false;
  loop_.call_at(TimePoint() + 3s, [&] {
    fired = true;
    loop_.stop();
  });
  loop_.run_forever();
  EXPECT_TRUE(fired);
  EXPECT_EQ(elapsed(), 10s);
}

TEST_F(VirtualTimeLoopTest, AdvancingForEverReachesTheEndOfTimeAndNoFurther) {
  bool fired = false;
  loop_.call_later(Duration::infinite(), [] { FAIL(); });
  loop_.call_later(1h, [&] { fired = true; });
  loop_.advance(Duration::infinite());
  EXPECT_EQ(loop_.time(), TimePoint::max());
  turn();
  EXPECT_TRUE(fired);
  loop_.advance(1h);
  EXPECT_EQ(loop_.time(), TimePoint::max());
}

TEST_F(VirtualTimeLoopTest, EveryRunTakesTheSameTurns) {
  const auto trace = [] {
    VirtualTimeLoop loop;
    std::string events;
    for (int i = 0; i < 20; ++i) {
      loop.call_later(std::chrono::milliseconds(i * 7 % 5), [&events, &loop, i] {
        events +=
            std::to_string(i) + "@" + std::to_string((loop.time() - TimePoint()).count()) + " ";
        loop.call_soon([&events, i] { events += "then " + std::to_string(i) + " "; });
      });
    }
    loop.call_later(1s, [&] { loop.stop(); });
    loop.run_forever();
    return events;
  };
  EXPECT_EQ(trace(), trace());
}

}  // namespace
}  // namespace asyncio
