// wait() and as_completed(): several futures, whichever comes first.
//
//   auto [done, pending] = co_await wait(tasks, {.timeout = 5s, .return_when = kFirstCompleted});
//
//   auto arriving = as_completed(tasks);
//   while (std::optional<Task<Page>> task = co_await arriving.next()) show(task->result());
//
// Neither ever cancels what is waited for.
#ifndef ASYNCIO_UTILS_WAIT_H_
#define ASYNCIO_UTILS_WAIT_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <ranges>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/utils/future_like.h"
#include "asyncio/utils/future_watch.h"

namespace asyncio {

// Python counterpart: asyncio.FIRST_COMPLETED and its like.
enum class ReturnWhen : unsigned char {
  kFirstCompleted,  // one is done or cancelled
  kFirstException,  // one has failed, which a cancelled one has not; else as kAllCompleted
  kAllCompleted,
};
using enum ReturnWhen;

struct WaitOptions {
  std::optional<Duration> timeout = std::nullopt;  // none: as long as it takes
  ReturnWhen return_when = kAllCompleted;
};
static_assert(std::is_trivially_copyable_v<WaitOptions>);

// What wait() gives: each future once, in the order given.
template <class F>
struct Waited {
  std::vector<F> done;
  std::vector<F> pending;
};

namespace internal {

template <class R>
concept FutureRange = std::ranges::input_range<R> && IsFuture<std::ranges::range_value_t<R>>;

// The same without those that were there before.
template <class F>
std::vector<F> unique_futures(std::vector<F> futures);

template <class F>
Coro<Waited<F>> wait_for_owned(std::vector<F> futures, WaitOptions options);

// Waits until `futures` are as `options` say, or the time is over. They must live as long.
Coro<> wait_until(std::vector<FutureState*> futures, WaitOptions options);

}  // namespace internal

// Waits for futures or tasks (AnyFuture or AnyTask if their results differ). Never throws
// TimeoutError: when the time is over, those that are not done are `pending`. Which is which is
// seen when the waiting task resumes, so that more may be done than the one that woke it. Takes two
// turns even if all are done. Cancelling it leaves the futures alone. With kFirstException, the
// failures that were seen count as retrieved.
//
// The range is copied at the call. Throws std::invalid_argument there if it is empty, and
// std::runtime_error when awaited if a future belongs to another loop. Coroutines are not accepted:
// make tasks of them first.
//
// Python counterpart: asyncio.wait().
template <internal::FutureRange R>
ASYNCIO_INTERNAL_CORO_WRAPPER auto wait(R&& futures, WaitOptions options)
    -> Coro<Waited<std::ranges::range_value_t<R>>> {
  std::vector<std::ranges::range_value_t<R>> owned;
  for (auto&& future : futures) owned.push_back(future);
  if (owned.empty()) throw std::invalid_argument("Set of Tasks/Futures is empty.");
  return internal::wait_for_owned(internal::unique_futures(std::move(owned)), options);
}
template <internal::FutureRange R>
ASYNCIO_INTERNAL_CORO_WRAPPER auto wait(R&& futures)
    -> Coro<Waited<std::ranges::range_value_t<R>>> {
  return wait(std::forward<R>(futures), WaitOptions());
}

namespace internal {

// The order in which futures complete, without their types.
class CompletionOrder {
 public:
  CompletionOrder(const std::vector<FutureState*>& futures, std::optional<Duration> timeout);
  ~CompletionOrder() { timer_.cancel(); }

  CompletionOrder(const CompletionOrder&) = delete;
  CompletionOrder& operator=(const CompletionOrder&) = delete;

  // The index of the next one that is done, or none after the last.
  Coro<std::optional<std::size_t>> next();

 private:
  class Watch final : public FutureWatch {
   public:
    Watch(FutureState& future, std::size_t index, CompletionOrder& order)
        : FutureWatch(future, current_future(future.loop())), index_(index), order_(order) {}

   private:
    void future_done() override { order_.completed(index_); }
    std::size_t index_;
    CompletionOrder& order_;
  };

  void completed(std::size_t index);
  void expire();

  std::deque<Watch> watches_;
  std::deque<std::size_t> done_;  // not yet given out
  std::size_t unasked_;           // next() may be called this often
  std::size_t unfinished_;
  bool expired_ = false;
  Handle timer_;
  WaitQueue waiting_;
};

}  // namespace internal

// What as_completed() returns; `F` is a future or task. Stays where it is made, and longer than
// every next().
template <class F>
class AsCompleted {
 public:
  AsCompleted(std::vector<F> futures, std::optional<Duration> timeout)
      : futures_(std::move(futures)), order_(states(futures_), timeout) {}

  // Waits for the next to complete and gives it, done: one of those given, or the task that was
  // made. Nothing after the last. Several tasks may ask; each gets another one. Resumes in the turn
  // after it completed, one of them a turn if several wait.
  //
  // Throws TimeoutError, once for each that was not done, when the time is over and all that
  // were done have been given. A cancelled wait takes nothing away.
  Coro<std::optional<F>> next() {
    const std::optional<std::size_t> index = co_await order_.next();
    if (!index.has_value()) co_return std::nullopt;
    co_return futures_[*index];
  }

 private:
  static std::vector<internal::FutureState*> states(const std::vector<F>& futures) {
    std::vector<internal::FutureState*> states;
    for (const F& future : futures) states.push_back(&future.state());
    return states;
  }

  std::vector<F> futures_;
  internal::CompletionOrder order_;
};

// Hands out futures in the order in which they complete. Coroutines and their like become tasks, on
// the running loop, at the call; a future that is given twice comes once. `timeout` counts from the
// call; when it is over, nothing is cancelled.
//
// Throws std::runtime_error without a running loop or if a future belongs to another one,
// BorrowedArgumentError for coroutines that may refer to a temporary.
//
// Python counterpart: asyncio.as_completed(), iterated by `async for`.
template <internal::FutureLikeRange R>
auto as_completed(R&& range, std::optional<Duration> timeout = std::nullopt)
    -> AsCompleted<internal::JoinedFuture<std::ranges::range_value_t<R>>> {
  using F = internal::JoinedFuture<std::ranges::range_value_t<R>>;
  EventLoop& loop = get_running_loop();
  std::vector<F> futures;
  auto join = [&](auto& awaitable) {
    futures.push_back(internal::to_future(loop, awaitable, std::source_location()));
  };
  internal::for_each_owned(range, join);
  return AsCompleted<F>(internal::unique_futures(std::move(futures)), timeout);
}

// Implementation.

namespace internal {

// Throws std::runtime_error unless all belong to the running loop.
void require_running_loop(const std::vector<FutureState*>& futures);

// For each future, whether it stands there for the first time.
std::vector<bool> first_occurrences(const std::vector<const FutureState*>& futures);

template <class F>
std::vector<F> unique_futures(std::vector<F> futures) {
  std::vector<const FutureState*> states;
  for (const F& future : futures) states.push_back(&future.state());
  const std::vector<bool> first = first_occurrences(states);
  std::vector<F> unique;
  for (std::size_t i = 0; i < futures.size(); ++i) {
    if (first[i]) unique.push_back(std::move(futures[i]));
  }
  return unique;
}

template <class F>
Coro<Waited<F>> wait_for_owned(std::vector<F> futures, WaitOptions options) {
  std::vector<FutureState*> states;
  for (const F& future : futures) states.push_back(&future.state());
  co_await wait_until(std::move(states), options);
  Waited<F> waited;
  for (F& future : futures) {
    (future.done() ? waited.done : waited.pending).push_back(std::move(future));
  }
  co_return waited;
}

}  // namespace internal
}  // namespace asyncio

#endif  // ASYNCIO_UTILS_WAIT_H_
