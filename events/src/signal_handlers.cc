#include "asyncio/events/signal_handlers.h"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <stdexcept>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/logger.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

constexpr int kNobody = -1;

// What the system's handler may touch: lock-free atomics, nothing else.
struct Arrivals {
  std::atomic<int> waker{kNobody};  // the owner's descriptor
  std::atomic<unsigned> count{0};
};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<unsigned>::is_always_lock_free);

constinit std::array<Arrivals, NSIG> arrivals{};

void on_signal(int signal) {
  Arrivals& here = arrivals[static_cast<std::size_t>(signal)];
  here.count.fetch_add(1);
  const int waker = here.waker.load();
  if (waker != kNobody) Waker::wake(waker);
}

// The child's signals are not its parent's, whose waker both share.
void disown_in_child() {
  for (Arrivals& here : arrivals) here.waker.store(kNobody);
}

void set_action(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  if (::sigaction(signal, &action, nullptr) == 0) return;
  const int error = last_error();
  if (error == EINVAL) throw std::runtime_error(absl::StrCat("sig ", signal, " cannot be caught"));
  throw_os_error(error, "sigaction");
}

}  // namespace

void SignalHandlers::check(int signal) {
  if (signal < 1 || signal >= NSIG) {
    throw std::invalid_argument(absl::StrCat("invalid signal number ", signal));
  }
}

void SignalHandlers::add(int signal, Callback callback, std::source_location where) {
  check(signal);
  [[maybe_unused]] static const int watching = pthread_atfork(nullptr, nullptr, disown_in_child);
  Arrivals& here = arrivals[static_cast<std::size_t>(signal)];
  const bool is_new = callbacks_.count(signal) == 0;
  int nobody = kNobody;
  if (is_new && !here.waker.compare_exchange_strong(nobody, inbox_->waker().fileno())) {
    throw std::runtime_error(absl::StrCat("sig ", signal, " is handled by another loop"));
  }
  try {
    if (is_new) here.count.store(0);
    set_action(signal, on_signal);
  } catch (...) {
    if (is_new) here.waker.store(kNobody);
    throw;
  }
  callbacks_[signal] =
      std::make_shared<SignalCallback>(SignalCallback{std::move(callback), copy_context(), where});
}

// The callback goes last: what it has captured may come back here. In a forked child the signal may
// belong to a loop of the child's own by now.
bool SignalHandlers::remove(int signal) {
  check(signal);
  const auto removed = callbacks_.extract(signal);
  if (removed.empty()) return false;
  std::atomic<int>& owner = arrivals[static_cast<std::size_t>(signal)].waker;
  if (owner != inbox_->waker().fileno() && owner != kNobody) return true;
  const absl::Cleanup disown = [&] { owner.store(kNobody); };  // whatever the system says
  set_action(signal, SIG_DFL);
  return true;
}

void SignalHandlers::clear() noexcept {
  while (!callbacks_.empty()) {
    try {
      remove(callbacks_.begin()->first);
    } catch (const std::exception& error) {
      log(LogSeverity::kError, absl::StrCat("a signal's action was not restored: ", error.what()));
    }
  }
}

bool SignalHandlers::any_arrived() const noexcept {
  return absl::c_any_of(callbacks_, [](const auto& entry) {
    return arrivals[static_cast<std::size_t>(entry.first)].count.load(std::memory_order_relaxed) !=
           0;
  });
}

std::vector<std::shared_ptr<SignalCallback>> SignalHandlers::take_arrived() {
  std::vector<std::shared_ptr<SignalCallback>> due;
  for (const auto& [signal, callback] : callbacks_) {
    const unsigned count = arrivals[static_cast<std::size_t>(signal)].count.exchange(0);
    due.insert(due.end(), count, callback);
  }
  return due;
}

}  // namespace asyncio
