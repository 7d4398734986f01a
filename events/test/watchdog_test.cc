#include "asyncio/events/watchdog.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "events/test/captured_log.h"
#include "events/test/thrown_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Clock = std::chrono::steady_clock;

// A report, and when it came.
struct Sighting {
  BlockedLoop blocked;
  Clock::time_point at;
};

class Sightings {
 public:
  Watchdog::Report reporter() {
    return [this](const BlockedLoop& blocked) {
      absl::MutexLock lock(&mutex_);
      all_.push_back({blocked, Clock::now()});
      ++count_;
    };
  }

  int count() const { return count_; }

  std::vector<Sighting> all() const {
    absl::MutexLock lock(&mutex_);
    return all_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<Sighting> all_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int> count_ = 0;
};

// Whether a culprit has blocked for long enough.
using Enough = std::function<bool()>;

Enough after(Clock::duration span) {
  return [end = Clock::now() + span] { return Clock::now() >= end; };
}

// However busy the machine is; ten seconds when nothing comes.
Enough once(std::function<bool()> condition) {
  return [condition = std::move(condition), late = after(10s)] { return condition() || late(); };
}

// The planted culprits. In sight of the symbol table, and not inlined into whoever calls them.

[[gnu::noinline]] void planted_spin(const Enough& enough) {
  while (!enough()) {
  }
}

[[gnu::noinline]] void planted_sleep(const Enough& enough) {
  while (!enough()) ::usleep(100'000);
}

// Asks a name server that never answers; gives up after a second, and asks again.
[[gnu::noinline]] void planted_resolution(const Enough& enough) {
  const FileDescriptor silent(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  check(::bind(silent.get(), generic, size), "bind");
  check(::getsockname(silent.get(), generic, &size), "getsockname");
  ::res_init();
  _res.nscount = 1;
  _res.nsaddr_list[0] = address;
  _res.retrans = 1;
  _res.retry = 1;
  while (!enough()) {
    addrinfo* found = nullptr;
    if (::getaddrinfo("blocking.example", "80", nullptr, &found) == 0) ::freeaddrinfo(found);
  }
}

class WatchdogTest : public ::testing::Test {
 protected:
  // Runs `callback` on the loop, alone.
  void run(Callback callback, std::source_location where = std::source_location::current()) {
    loop_.call_soon(std::move(callback), where);
    loop_.call_soon([this] { loop_.stop(); });
    loop_.run_forever();
  }

  Enough once_reported(int times = 1) const {
    return once([this, times] { return sightings_.count() >= times; });
  }

  // The one report that `culprit` gave, while it ran.
  BlockedLoop expect_report_meanwhile(void (*culprit)(const Enough&)) {
    const auto begin = Clock::now();
    std::optional<Clock::time_point> end;
    {
      const Watchdog watchdog(loop_, 100ms, sightings_.reporter());
      run([&] {
        culprit(once_reported());
        end = Clock::now();
      });
    }
    const std::vector<Sighting> all = sightings_.all();
    if (all.size() != 1) throw std::logic_error("not exactly one report");
    EXPECT_LE(all[0].at, *end);
    EXPECT_GE(all[0].blocked.blocked_for, Duration(100ms));
    EXPECT_LE(all[0].blocked.blocked_for, Duration(*end - begin));
    return all[0].blocked;
  }

  SelectorEventLoop loop_;
  Sightings sightings_;
};

TEST_F(WatchdogTest, ASpinningCallbackIsReportedWhileItSpins) {
  const BlockedLoop blocked = expect_report_meanwhile(planted_spin);
  EXPECT_THAT(blocked.stack, Contains(HasSubstr("planted_spin")));
}

TEST_F(WatchdogTest, ASleepingCallbackIsReportedWhileItSleeps) {
  const BlockedLoop blocked = expect_report_meanwhile(planted_sleep);
  EXPECT_THAT(blocked.stack, Contains(HasSubstr("planted_sleep")));
}

TEST_F(WatchdogTest, ACallbackThatWaitsForANameServerIsReportedWhileItWaits) {
  const BlockedLoop blocked = expect_report_meanwhile(planted_resolution);
#ifdef ABSL_HAVE_THREAD_SANITIZER
  EXPECT_THAT(blocked.stack, IsEmpty());  // it holds signals back while getaddrinfo() runs
#else
  EXPECT_THAT(blocked.stack, Contains(HasSubstr("planted_resolution")));
#endif
}

TEST_F(WatchdogTest, TheReportNamesTheCallbacksLine) {
  const Watchdog watchdog(loop_, 20ms, sightings_.reporter());
  const auto here = std::source_location::current();
  run([this] { planted_spin(once_reported()); }, here);
  ASSERT_THAT(sightings_.all(), SizeIs(1));
  EXPECT_EQ(to_string(sightings_.all()[0].blocked.activity),
            "<Handle created at " + to_string(here) + ">");
}

TEST_F(WatchdogTest, EachEpisodeIsReportedOnce) {
  {
    const Watchdog watchdog(loop_, 20ms, sightings_.reporter());
    for (const int episode : {1, 2}) {
      run([&] {
        planted_spin(once_reported(episode));
        planted_spin(after(100ms));
      });
      EXPECT_EQ(sightings_.count(), episode);
    }
  }
  EXPECT_EQ(sightings_.count(), 2);
}

TEST_F(WatchdogTest, AnIdleLoopIsNotBlocked) {
  {
    const Watchdog watchdog(loop_, 100ms, sightings_.reporter());
    loop_.call_later(300ms, [this] { loop_.stop(); });
    loop_.run_forever();
  }
  EXPECT_THAT(sightings_.all(), IsEmpty());
}

TEST_F(WatchdogTest, ManyShortStepsDoNotBlock) {
  {
    const Watchdog watchdog(loop_, 100ms, sightings_.reporter());
    const auto end = Clock::now() + 400ms;
    std::function<void()> step = [&] {
      planted_spin(after(1ms));
      Clock::now() < end ? static_cast<void>(loop_.call_soon(step)) : loop_.stop();
    };
    loop_.call_soon(step);
    loop_.run_forever();
  }
  EXPECT_THAT(sightings_.all(), IsEmpty());
}

TEST_F(WatchdogTest, TheStepInWhichItIsMadeIsWatched) {
  std::optional<Watchdog> watchdog;
  run([&] {
    watchdog.emplace(loop_, 20ms, sightings_.reporter());
    planted_spin(once_reported());
  });
  EXPECT_THAT(sightings_.all(), SizeIs(1));
  watchdog.reset();
}

TEST_F(WatchdogTest, TheStepInWhichItIsMadeEndsWithItsTurn) {
  std::optional<Watchdog> watchdog;
  loop_.call_soon([&] { watchdog.emplace(loop_, 100ms, sightings_.reporter()); });
  loop_.call_later(300ms, [this] { loop_.stop(); });
  loop_.run_forever();
  watchdog.reset();
  EXPECT_THAT(sightings_.all(), IsEmpty());
}

TEST_F(WatchdogTest, AWatchdogMayEndInACallback) {
  auto watchdog = std::make_unique<Watchdog>(loop_, 20ms, sightings_.reporter());
  run([&] {
    watchdog.reset();
    planted_spin(after(100ms));
  });
  run([] { planted_spin(after(100ms)); });
  EXPECT_THAT(sightings_.all(), IsEmpty());
}

TEST_F(WatchdogTest, AThreadThatBlocksTheSignalIsReportedWithoutItsStack) {
  sigset_t urgent;
  ::sigemptyset(&urgent);
  ::sigaddset(&urgent, SIGURG);
  ::pthread_sigmask(SIG_BLOCK, &urgent, nullptr);
  {
    const Watchdog watchdog(loop_, 20ms, sightings_.reporter());
    run([this] { planted_spin(once_reported()); });
  }
  ::pthread_sigmask(SIG_UNBLOCK, &urgent, nullptr);
  ASSERT_THAT(sightings_.all(), SizeIs(1));
  EXPECT_THAT(sightings_.all()[0].blocked.stack, IsEmpty());
}

TEST_F(WatchdogTest, TheSignalsOwnActionIsRestored) {
  struct sigaction own{};
  own.sa_handler = [](int) {};
  ::sigaction(SIGURG, &own, nullptr);
  {
    const Watchdog watchdog(loop_, 20ms, sightings_.reporter());
    run([this] { planted_spin(once_reported()); });
  }
  struct sigaction restored{};
  ::sigaction(SIGURG, nullptr, &restored);
  EXPECT_EQ(restored.sa_handler, own.sa_handler);
  ::signal(SIGURG, SIG_DFL);
  EXPECT_THAT(sightings_.all(), SizeIs(1));
}

TEST_F(WatchdogTest, WithoutAReportOfItsOwnItLogsAWarning) {
  CapturedLog log;
  {
    const Watchdog watchdog(loop_, 20ms);
    run([&] { planted_spin(once([&] { return log.count > 0; })); });
  }
  EXPECT_THAT(log.severities, ElementsAre(LogSeverity::kWarning));
  EXPECT_THAT(log.messages, ElementsAre(ContainsRegex("^the event loop has been blocked for "
                                                      "[0-9][.][0-9][0-9][0-9] seconds by ")));
  EXPECT_THAT(log.messages, ElementsAre(HasSubstr("\n  in ")));
}

TEST_F(WatchdogTest, AReportThatThrowsIsDropped) {
  CapturedLog log;
  {
    const Watchdog watchdog(loop_, 20ms,
                            [](const BlockedLoop&) { throw std::runtime_error("no"); });
    run([&] { planted_spin(once([&] { return log.count > 0; })); });
  }
  EXPECT_THAT(log.messages, ElementsAre("a watchdog's report failed"));
}

TEST_F(WatchdogTest, ALimitThatIsNotPositiveIsRefused) {
  for (const Duration limit : {Duration::zero(), Duration(-1s)}) {
    EXPECT_EQ(thrown_words<std::invalid_argument>([&] { const Watchdog watchdog(loop_, limit); }),
              "Watchdog: limit must be > 0");
  }
}

}  // namespace
}  // namespace asyncio
