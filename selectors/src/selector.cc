#include "asyncio/selectors/selector.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

void require_valid(int fd, EventMask events) {
  if (events == 0 || (events & ~(kEventRead | kEventWrite)) != 0) {
    throw std::invalid_argument(absl::StrCat("Invalid events: ", events));
  }
  if (fd < 0) throw std::invalid_argument(absl::StrCat("Invalid file descriptor: ", fd));
}

// How much of a wait is left after a signal. The 20 ns for the clock are spent on finite waits
// only, but on each of them: CLOCK_MONOTONIC_COARSE would be cheaper, but lags behind by more than
// the one tick that it promises, so that an interrupted wait could end early.
class Countdown {
 public:
  explicit Countdown(Duration timeout)
      : timeout_(timeout), start_(counts() ? Clock::now() : Clock::time_point()) {}

  Duration left() const {
    if (!counts()) return timeout_;
    return std::max<Duration>(timeout_.nanoseconds() - (Clock::now() - start_), Duration::zero());
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool counts() const { return timeout_ > Duration::zero() && !timeout_.is_infinite(); }

  const Duration timeout_;
  const Clock::time_point start_;
};

}  // namespace

Selector::~Selector() = default;

SelectorKey Selector::add(int fd, EventMask events, void* data) {
  require_usable();
  require_valid(fd, events);
  if (map_.contains(fd)) {
    throw std::out_of_range(absl::StrCat(fd, " (FD ", fd, ") is already registered"));
  }
  const Registration registration{fd, ++last_generation_};
  os_add(registration, events);
  absl::Cleanup undo = [this, fd] { os_remove(fd); };
  const SelectorKey key{fd, events, data};
  map_.insert(key, registration.generation);
  std::move(undo).Cancel();
  return key;
}

SelectorKey Selector::modify(int fd, EventMask events, void* data) {
  require_usable();
  require_valid(fd, events);
  if (map_.at(fd).events != events) change_interest(fd, events);
  const SelectorKey key{fd, events, data};
  map_.update(key);
  return key;
}

SelectorKey Selector::remove(int fd) {
  require_usable();
  const SelectorKey key = map_.at(fd);
  os_remove(fd);
  map_.erase(fd);
  return key;
}

std::span<const ReadyKey> Selector::select(std::optional<Duration> timeout) {
  require_usable();
  ready_.clear();
  const Duration limit = timeout.value_or(Duration::infinite());
  const int ready = wait_through_signals(std::max(limit, Duration::zero()));
  if (ready > 0) os_collect(ready);
  return ready_;
}

SelectorKey Selector::get_key(int fd) const {
  require_open();
  return map_.at(fd);
}

void Selector::close() noexcept {
  if (std::exchange(closed_, true)) return;
  os_close();
  map_.clear();
  ready_.clear();
}

int Selector::wait_result(int result, std::string_view call) {
  if (result == -1 && last_error() != EINTR) throw_os_error(last_error(), call);
  return result;
}

void Selector::require_open() const {
  if (closed_) throw std::runtime_error("Selector is closed");
}

void Selector::require_usable() const {
  require_open();
  if (!stamp_.is_current()) {
    throw std::runtime_error("Selector belongs to the parent of this process");
  }
}

void Selector::change_interest(int fd, EventMask events) {
  absl::Cleanup drop = [this, fd] {
    os_remove(fd);
    map_.erase(fd);
  };
  os_modify({fd, map_.find(fd)->generation}, events);
  std::move(drop).Cancel();
}

int Selector::wait_through_signals(Duration timeout) {
  const Countdown countdown(timeout);
  int ready = os_wait(timeout);
  while (ready == -1) ready = os_wait(countdown.left());
  return ready;
}

}  // namespace asyncio
