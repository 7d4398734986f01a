#include "asyncio/events/watchdog.h"

#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/step_observer.h"
#include "events/src/thread_stack.h"

namespace asyncio {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread may take to answer a signal. At the end of its step the loop may have to wait
// as long.
constexpr auto kPatience = std::chrono::milliseconds(100);

void log_report(const BlockedLoop& blocked) { log(LogSeverity::kWarning, to_string(blocked)); }

}  // namespace

std::string to_string(const BlockedLoop& blocked) {
  const std::chrono::duration<double> seconds = blocked.blocked_for.nanoseconds();
  std::string text = absl::StrFormat("the event loop has been blocked for %.3f seconds by %s",
                                     seconds.count(), to_string(blocked.activity));
  for (const std::string& function : blocked.stack) absl::StrAppend(&text, "\n  in ", function);
  return text;
}

// The loop tells it of each step; its thread compares what it sees with what it saw before.
class Watchdog::Guard final : public StepObserver {
 public:
  Guard(Duration limit, Report report)
      : limit_(limit.nanoseconds()), report_(std::move(report)), thread_([this] { watch(); }) {}

  ~Guard() {
    {
      absl::MutexLock lock(&mutex_);
      ending_ = true;
    }
    thread_.join();
  }

  void step_begins(const Activity& activity) noexcept override {
    absl::MutexLock lock(&mutex_);
    ++step_;
    running_ = true;
    activity_ = activity;
    loop_thread_ = ::pthread_self();
  }

  void step_ended() noexcept override {
    absl::MutexLock lock(&mutex_);
    running_ = false;
  }

 private:
  void watch() {
    const auto interval = absl::FromChrono(std::max(limit_ / 4, std::chrono::nanoseconds(1)));
    std::uint64_t seen = 0;
    Clock::time_point since = Clock::now();
    bool reported = false;
    while (!sleep_or_end(interval)) {
      absl::ReleasableMutexLock lock(&mutex_);
      if (!running_ || step_ != seen) {
        seen = step_;
        since = Clock::now();
        reported = false;
      } else if (!reported && Clock::now() - since >= limit_) {
        const BlockedLoop blocked = look(Clock::now() - since);
        reported = true;
        lock.Release();
        report(blocked);
      }
    }
  }

  // Whether the watchdog ends.
  bool sleep_or_end(absl::Duration interval) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&ending_), interval);
  }

  // The lock keeps the loop's thread in its step, and so alive.
  BlockedLoop look(std::chrono::nanoseconds blocked_for) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return {blocked_for, activity_, internal::stack_of(loop_thread_, kPatience)};
  }

  void report(const BlockedLoop& blocked) noexcept {
    try {
      report_(blocked);
    } catch (...) {
      log(LogSeverity::kError, "a watchdog's report failed");
    }
  }

  const std::chrono::nanoseconds limit_;
  Report report_;  // the thread's
  absl::Mutex mutex_;
  std::uint64_t step_ ABSL_GUARDED_BY(mutex_) = 0;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  Activity activity_ ABSL_GUARDED_BY(mutex_);
  pthread_t loop_thread_ ABSL_GUARDED_BY(mutex_){};
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: sees all of the above made
};

// The step in which the watchdog is made is watched as well.
Watchdog::Watchdog(EventLoop& loop, Duration limit, Report report) : loop_(loop) {
  if (limit <= Duration::zero()) throw std::invalid_argument("Watchdog: limit must be > 0");
  internal::prepare_thread_stacks();
  guard_ = std::make_unique<Guard>(limit, report != nullptr ? std::move(report) : log_report);
  if (const auto activity = loop.current_activity()) guard_->step_begins(*activity);
  loop.set_step_observer(guard_.get());
}

Watchdog::~Watchdog() { loop_.set_step_observer(nullptr); }

}  // namespace asyncio
