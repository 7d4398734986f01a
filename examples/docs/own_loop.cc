// How to write a loop of one's own.

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/asyncio.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/os_error.h"
#include "gtest/gtest.h"

namespace docs_own_loop {
namespace {

using asyncio::Callback;
using asyncio::Coro;
using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::SelectorEventLoop;
using asyncio::TimePoint;
using namespace std::chrono_literals;

// [spin]
// Looks again and again for a while before it goes to sleep: answers sooner, for more processor.
class SpinningLoop : public SelectorEventLoop {
 public:
  explicit SpinningLoop(Duration patience = 50us,
                        std::source_location created = std::source_location::current())
      : SelectorEventLoop(asyncio::DefaultSelector(), created), patience_(patience) {}

  long turns() const { return turns_; }
  long sleeps() const { return sleeps_; }

 protected:
  void wait(std::optional<Duration> limit) override {
    ++turns_;
    const TimePoint end = limit.has_value() ? deadline(*limit) : TimePoint::max();
    const TimePoint impatient = std::min(end, deadline(patience_));
    do {
      SelectorEventLoop::wait(0s);
      if (anything_due()) return;
    } while (time() < impatient);
    const TimePoint now = time();
    if (now >= end) return;
    ++sleeps_;
    if (limit.has_value()) limit = Duration(end - now);
    SelectorEventLoop::wait(limit);
  }

 private:
  const Duration patience_;
  long turns_ = 0;
  long sleeps_ = 0;
};
// [spin]

// [clock]
// Its clock runs a hundred times as fast as everybody's.
class FastLoop : public SelectorEventLoop {
 public:
  using SelectorEventLoop::SelectorEventLoop;

  TimePoint time() const override { return start_ + kSpeed * (SelectorEventLoop::time() - start_); }

 protected:
  // The limit is in the loop's time, what the selector takes is not. Rounded up: not too early.
  void wait(std::optional<Duration> limit) override {
    if (limit.has_value()) limit = Duration((limit->nanoseconds() + (kSpeed - 1) * 1ns) / kSpeed);
    SelectorEventLoop::wait(limit);
  }

 private:
  static constexpr int kSpeed = 100;
  const TimePoint start_ = std::chrono::steady_clock::now();
};
// [clock]

// [minimal]
// Timers, callbacks and other threads: no descriptors, no signals.
class TimersLoop final : public EventLoop {
 public:
  explicit TimersLoop(std::source_location created = std::source_location::current())
      : EventLoop(created) {}
  ~TimersLoop() override { close_forgotten(); }

  void add_reader(int, Callback, std::source_location) override { refuse(); }
  void add_writer(int, Callback, std::source_location) override { refuse(); }
  bool remove_reader(int) override { return false; }
  bool remove_writer(int) override { return false; }
  void add_signal_handler(int, Callback, std::source_location) override { refuse(); }
  bool remove_signal_handler(int) override { return false; }

  // Lets it be a guest.
  int fileno() const noexcept override { return inbox()->waker().fileno(); }

 protected:
  void run_once(std::optional<Duration> limit) override {
    take_posted();
    wait_for_post(limit);
    take_posted();
    make_timers_due();
    run_due();
  }

  // There is nothing to give back: the inbox belongs to the base class.
  void release() noexcept override {}

 private:
  [[noreturn]] static void refuse() {
    throw std::runtime_error("this loop has timers and threads only");
  }

  void wait_for_post(std::optional<Duration> limit) {
    const std::chrono::nanoseconds span = limit.value_or(0s).nanoseconds();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
    timespec time{};
    time.tv_sec = seconds.count();
    time.tv_nsec = (span - seconds).count();
    pollfd waker{.fd = fileno(), .events = POLLIN, .revents = 0};
    const int ready = ::ppoll(&waker, 1, limit.has_value() ? &time : nullptr, nullptr);
    if (ready == -1 && asyncio::last_error() != EINTR) {
      asyncio::throw_os_error(asyncio::last_error(), "ppoll");
    }
    if (ready == 1) inbox()->waker().acknowledge();
  }
};
// [minimal]

// [run]
// A plain function, as RunnerOptions::loop_factory wants it.
template <class Loop>
std::unique_ptr<EventLoop> make_loop() {
  return std::make_unique<Loop>();
}

Coro<int> main_coroutine() {
  co_await asyncio::sleep(1ms);
  co_return 42;
}

int run_on_three_loops() {
  return asyncio::run(main_coroutine(), {.loop_factory = make_loop<SpinningLoop>}) +
         asyncio::run(main_coroutine(), {.loop_factory = make_loop<FastLoop>}) +
         asyncio::run(main_coroutine(), {.loop_factory = make_loop<TimersLoop>});
}
// [run]

TEST(OwnLoopTest, RunUsesIt) { EXPECT_EQ(run_on_three_loops(), 3 * 42); }

// [policy]
// Every loop that nobody chose becomes a SpinningLoop: those of run(), too.
class SpinningPolicy : public asyncio::DefaultEventLoopPolicy {
 public:
  std::unique_ptr<EventLoop> new_event_loop(std::source_location where) override {
    return std::make_unique<SpinningLoop>(50us, where);
  }
};

TEST(SpinningPolicyTest, ChoosesTheLoopOfRun) {
  asyncio::set_event_loop_policy(std::make_shared<SpinningPolicy>());
  auto main = []() -> Coro<bool> {
    co_return dynamic_cast<SpinningLoop*>(&asyncio::get_running_loop()) != nullptr;
  };
  EXPECT_TRUE(asyncio::run(main()));
  asyncio::set_event_loop_policy(nullptr);
}
// [policy]

TEST(SpinningLoopTest, DoesNotSleepWhileItIsPatient) {
  SpinningLoop loop(1h);
  EXPECT_EQ(asyncio::run_until_complete(loop, main_coroutine()), 42);
  EXPECT_EQ(loop.sleeps(), 0);
  EXPECT_LT(loop.turns(), 10);
}

TEST(SpinningLoopTest, SleepsOnceItIsImpatient) {
  SpinningLoop loop(0s);
  EXPECT_EQ(asyncio::run_until_complete(loop, main_coroutine()), 42);
  EXPECT_GT(loop.sleeps(), 0);
}

TEST(FastLoopTest, SleepsShorterThanItsClockSays) {
  FastLoop loop;
  const TimePoint start = loop.time();
  const auto real_start = std::chrono::steady_clock::now();
  asyncio::run_until_complete(loop, []() -> Coro<> { co_await asyncio::sleep(1s); }());
  EXPECT_GE(loop.time() - start, 1s);
  EXPECT_LT(std::chrono::steady_clock::now() - real_start, loop.time() - start);
}

// [test]
template <class Loop>
class AnyLoopTest : public ::testing::Test {
 protected:
  Loop loop_;
  std::vector<int> log_;
};

using Loops = ::testing::Types<SelectorEventLoop, SpinningLoop, FastLoop, TimersLoop>;
TYPED_TEST_SUITE(AnyLoopTest, Loops);

TYPED_TEST(AnyLoopTest, KeepsTheOrderOfATurn) {
  EventLoop& loop = this->loop_;
  std::vector<int>& log = this->log_;
  loop.call_soon([&] {
    log.push_back(1);
    loop.call_soon([&] {
      log.push_back(4);
      loop.stop();
    });
  });
  loop.call_later(0s, [&] { log.push_back(3); });
  loop.call_soon([&] { log.push_back(2); });
  loop.run_forever();
  EXPECT_EQ(log, (std::vector<int>{1, 2, 3, 4}));
}

TYPED_TEST(AnyLoopTest, IsNeverEarlyByItsOwnClock) {
  const TimePoint when = this->loop_.deadline(3ms);
  this->loop_.call_at(when, [&] {
    EXPECT_GE(this->loop_.time(), when);
    this->loop_.stop();
  });
  this->loop_.run_forever();
}

TYPED_TEST(AnyLoopTest, OtherThreadsWakeIt) {
  this->loop_.call_later(1h * 1000, [] { FAIL(); });
  std::thread other([&] { this->loop_.call_soon_threadsafe([&] { this->loop_.stop(); }); });
  this->loop_.run_forever();
  other.join();
}

TYPED_TEST(AnyLoopTest, ATurnOfAGuestDoesNotWait) {
  this->loop_.call_later(1h * 1000, [] { FAIL(); });
  asyncio::GuestRun guest(this->loop_);
  for (int i = 0; i < 3; ++i) guest.run_once();
}

TYPED_TEST(AnyLoopTest, DestroysWhatIsLeftWhenItCloses) {
  const auto object = std::make_shared<int>(1);
  this->loop_.call_soon([object] {});
  this->loop_.call_later(1s, [object] {});
  this->loop_.call_soon_threadsafe([object] {});
  this->loop_.close();
  EXPECT_EQ(object.use_count(), 1);
}
// [test]

}  // namespace
}  // namespace docs_own_loop
