// How long every back end waits, and what ends a wait.

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/test/ends.h"
#include "selectors/test/every_selector.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

using Clock = std::chrono::steady_clock;

using SelectorWaitTest = EverySelectorTest;

INSTANTIATE_TEST_SUITE_P(, SelectorWaitTest, every_selector(), kind_name);

TEST_P(SelectorWaitTest, WithNothingRegisteredOnlyLooks) { EXPECT_THAT(select(0s), IsEmpty()); }

TEST_P(SelectorWaitTest, WithNothingRegisteredWaitsOutItsTimeout) {
  const Clock::time_point start = Clock::now();
  EXPECT_THAT(select(50ms), IsEmpty());
  EXPECT_GE(Clock::now() - start, 50ms);
}

TEST_P(SelectorWaitTest, ZeroAndNegativeTimeoutsOnlyLook) {
  const Ends ends = socket_pair();
  selector_->add(ends.here.get(), kEventRead);
  EXPECT_THAT(select(0s), IsEmpty());
  EXPECT_THAT(select(-1s), IsEmpty());
  EXPECT_THAT(select(Duration::lowest()), IsEmpty());
}

TEST_P(SelectorWaitTest, NeverWakesEarly) {
  const Ends ends = socket_pair();
  selector_->add(ends.here.get(), kEventRead);
  for (const std::chrono::nanoseconds timeout :
       {1ns, 1'000ns, 999'999ns, 1'000'001ns, 10'500'000ns}) {
    const Clock::time_point start = Clock::now();
    EXPECT_THAT(select(timeout), IsEmpty());
    EXPECT_GE(Clock::now() - start, timeout);
  }
}

TEST_P(SelectorWaitTest, AReadyFdEndsEveryKindOfWait) {
  const Ends ends = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventWrite);
  const std::optional<Duration> timeouts[] = {
      std::nullopt, Duration::infinite(), 24h, 24h * 100, 24h * 365 * 200, 10ms, 1ns};
  for (const std::optional<Duration>& timeout : timeouts) {
    EXPECT_THAT(select(timeout), ElementsAre(ReadyKey{key, kEventWrite}));
  }
}

TEST_P(SelectorWaitTest, DataFromAnotherThreadEndsAnEndlessWait) {
  const Ends ends = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  std::thread sender([&] { send_byte(ends.there); });
  EXPECT_THAT(select(std::nullopt), ElementsAre(ReadyKey{key, kEventRead}));
  sender.join();
}

// Signals.

volatile sig_atomic_t alarms = 0;
volatile sig_atomic_t alarm_writes_to = -1;
volatile sig_atomic_t alarms_before_writing = 0;

void on_alarm(int) {
  const LastErrorKeeper keeper;
  alarms = alarms + 1;
  if (alarm_writes_to < 0 || alarms < alarms_before_writing) return;
  [[maybe_unused]] const ssize_t written = ::write(alarm_writes_to, "!", 1);
}

// Sends SIGALRM every 5 ms; the handler counts, and from the given alarm on writes to `fd`.
class Alarms {
 public:
  explicit Alarms(int fd = -1, int before_writing = 0) {
    alarms = 0;
    alarm_writes_to = fd;
    alarms_before_writing = before_writing;
    struct sigaction action{};
    action.sa_handler = on_alarm;
    check(::sigaction(SIGALRM, &action, &old_), "sigaction");
    set_interval(5ms);
  }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;
  ~Alarms() {
    set_interval(0ms);
    ::sigaction(SIGALRM, &old_, nullptr);
  }

 private:
  static void set_interval(std::chrono::microseconds interval) {
    const itimerval timer = {{0, interval.count()}, {0, interval.count()}};
    check(::setitimer(ITIMER_REAL, &timer, nullptr), "setitimer");
  }

  struct sigaction old_{};
};

TEST_P(SelectorWaitTest, SignalsDoNotShortenAWait) {
  const Alarms every_five_milliseconds;
  const Clock::time_point start = Clock::now();
  EXPECT_THAT(select(100ms), IsEmpty());
  EXPECT_GE(Clock::now() - start, 100ms);
  EXPECT_GT(alarms, 0);
}

TEST_P(SelectorWaitTest, SignalsDoNotLengthenAWaitForEver) {
  const Alarms every_five_milliseconds;
  // Each of some 40 interruptions starts the wait anew, with less and less time.
  EXPECT_THAT(select(200ms), IsEmpty());
}

TEST_P(SelectorWaitTest, ASignalsHandlerEndsAnEndlessWaitByWriting) {
  const Ends ends = pipe_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  const Alarms with_a_writing_handler(ends.there.get(), 5);
  EXPECT_THAT(select(std::nullopt), ElementsAre(ReadyKey{key, kEventRead}));
  EXPECT_GE(alarms, 5);
}

}  // namespace
}  // namespace asyncio
