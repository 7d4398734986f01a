#include "events/src/thread_stack.h"

#include <execinfo.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <span>

#include "absl/base/const_init.h"
#include "absl/debugging/symbolize.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {
namespace {

constexpr int kSignal = SIGURG;  // ignored by default, and of no use to anybody since BSD sockets

// What is asked of the interrupted thread. Whoever takes the pointer out of `request` owns it: the
// handler, who then answers, or the asker, who has run out of patience.
struct Request {
  std::array<void*, 64> frames;
  int count = 0;
  void* interrupted_at = nullptr;
  sem_t answered;
};

constinit std::atomic<Request*> request{nullptr};

// Where the handler has interrupted its thread; null where this is not known how to find out.
void* interrupted_at([[maybe_unused]] const void* context) noexcept {
#if defined(__linux__) && defined(__x86_64__)
  return reinterpret_cast<void*>(
      static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__linux__) && defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
  return nullptr;
#endif
}

void answer(int, siginfo_t*, void* context) {
  const LastErrorKeeper keeper;
  Request* const asked = request.exchange(nullptr);
  if (asked == nullptr) return;
  asked->count = ::backtrace(asked->frames.data(), static_cast<int>(asked->frames.size()));
  asked->interrupted_at = interrupted_at(context);
  ::sem_post(&asked->answered);
}

// Installs the handler for its lifetime.
class AnsweringScope {
 public:
  AnsweringScope() {
    struct sigaction action{};
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigaction(kSignal, &action, &before_);
  }
  ~AnsweringScope() { ::sigaction(kSignal, &before_, nullptr); }

  AnsweringScope(const AnsweringScope&) = delete;
  AnsweringScope& operator=(const AnsweringScope&) = delete;

 private:
  struct sigaction before_{};
};

// Whether the answer came in time. If not, nobody answers any more.
bool wait_for_answer(Request& asked, Duration patience) {
  const timespec deadline =
      absl::ToTimespec(absl::Now() + absl::FromChrono(patience.nanoseconds()));
  if (retry_on_interrupt([&] { return ::sem_timedwait(&asked.answered, &deadline); }) == 0) {
    return true;
  }
  if (request.exchange(nullptr) == &asked) return false;
  retry_on_interrupt([&] { return ::sem_wait(&asked.answered); });  // being answered just now
  return true;
}

// Without the handler's own frames.
std::span<void* const> interrupted_frames(const Request& answered) {
  const std::span<void* const> frames(answered.frames.data(),
                                      static_cast<std::size_t>(answered.count));
  const auto first = std::ranges::find(frames, answered.interrupted_at);
  return first == frames.end() ? frames : std::span(first, frames.end());
}

// A return address may be the first byte of the next function: the call lies before it.
std::string function_at(void* address, bool is_return_address) {
  std::array<char, 512> name;
  const void* inside = static_cast<const char*>(address) - (is_return_address ? 1 : 0);
  const bool known = absl::Symbolize(inside, name.data(), static_cast<int>(name.size()));
  return known ? name.data() : "unknown function";
}

}  // namespace

void prepare_thread_stacks() {
  void* frame = nullptr;
  ::backtrace(&frame, 1);
}

std::vector<std::string> stack_of(pthread_t thread, Duration patience) {
  ABSL_CONST_INIT static absl::Mutex one_at_a_time(absl::kConstInit);
  absl::MutexLock lock(&one_at_a_time);
  Request asked;
  ::sem_init(&asked.answered, 0, 0);
  {
    const AnsweringScope answering;
    request.store(&asked);
    ::pthread_kill(thread, kSignal);
    if (!wait_for_answer(asked, patience)) asked.count = 0;
  }
  ::sem_destroy(&asked.answered);
  std::vector<std::string> functions;
  for (void* frame : interrupted_frames(asked)) {
    functions.push_back(function_at(frame, !functions.empty()));
  }
  return functions;
}

}  // namespace asyncio::internal
