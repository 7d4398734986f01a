#include "asyncio/utils/wait.h"

#include <unordered_set>

#include "absl/cleanup/cleanup.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {
namespace {

// One wait(): wakes its waiter when enough is done.
class Wait {
 public:
  Wait(const std::vector<FutureState*>& futures, ReturnWhen return_when)
      : unfinished_(futures.size()), return_when_(return_when) {
    for (FutureState* future : futures) watches_.emplace_back(*future, *this);
  }

  Waiter& waiter() { return waiter_; }

 private:
  class Watch final : public FutureWatch {
   public:
    Watch(FutureState& future, Wait& wait)
        : FutureWatch(future, current_future(future.loop())), wait_(wait) {}

   private:
    void future_done() override { wait_.future_done(future()); }
    Wait& wait_;
  };

  void future_done(FutureState& future) {
    const bool last = --unfinished_ == 0;
    if (last || return_when_ == kFirstCompleted ||
        (return_when_ == kFirstException && !future.cancelled() && future.exception() != nullptr)) {
      waiter_.wake();
    }
  }

  std::deque<Watch> watches_;
  std::size_t unfinished_;
  ReturnWhen return_when_;
  Waiter waiter_;
};

}  // namespace

void require_running_loop(const std::vector<FutureState*>& futures) {
  const EventLoop& loop = get_running_loop();
  for (const FutureState* future : futures) {
    if (&future->loop() != &loop) {
      throw std::runtime_error(future->describe() + " is attached to a different loop");
    }
  }
}

std::vector<bool> first_occurrences(const std::vector<const FutureState*>& futures) {
  std::unordered_set<const FutureState*> seen;
  std::vector<bool> first;
  for (const FutureState* future : futures) first.push_back(seen.insert(future).second);
  return first;
}

Coro<> wait_until(std::vector<FutureState*> futures, WaitOptions options) {
  require_running_loop(futures);
  Wait wait(futures, options.return_when);
  Handle timer;
  const absl::Cleanup cancel_timer = [&] { timer.cancel(); };
  if (options.timeout.has_value()) {
    timer = get_running_loop().call_later(*options.timeout, [&wait] { wait.waiter().wake(); });
  }
  co_await wait.waiter();
}

CompletionOrder::CompletionOrder(const std::vector<FutureState*>& futures,
                                 std::optional<Duration> timeout)
    : unasked_(futures.size()), unfinished_(futures.size()) {
  require_running_loop(futures);
  for (std::size_t i = 0; i < futures.size(); ++i) watches_.emplace_back(*futures[i], i, *this);
  if (timeout.has_value() && !futures.empty()) {
    timer_ = get_running_loop().call_later(*timeout, [this] { expire(); });
  }
}

void CompletionOrder::completed(std::size_t index) {
  done_.push_back(index);
  if (--unfinished_ == 0) timer_.cancel();
  waiting_.wake_all();
}

void CompletionOrder::expire() {
  watches_.clear();
  expired_ = true;
  waiting_.wake_all();
}

Coro<std::optional<std::size_t>> CompletionOrder::next() {
  if (unasked_ == 0) co_return std::nullopt;
  --unasked_;
  absl::Cleanup give_back = [this] { ++unasked_; };
  while (done_.empty() && !expired_) co_await WaitQueue::wait(&waiting_);
  std::move(give_back).Cancel();
  if (done_.empty()) throw TimeoutError();
  const std::size_t index = done_.front();
  done_.pop_front();
  co_return index;
}

}  // namespace asyncio::internal
