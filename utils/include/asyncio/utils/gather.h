// gather(): run several things at once and have all results.
//
//   auto [page, user] = co_await gather(fetch(url), load_user(id));
//   std::vector<Page> pages = co_await gather(urls | std::views::transform(fetch));
//
// Coroutines become tasks at the call, in the order given, and start next turn. They may outlive
// the expression, for siblings of one that fails run on; so a coroutine that may refer to a
// temporary is refused as by create_task(), before any has become a task. Futures and tasks are
// taken as they are, callables own what they capture.
//
// What one gets is a future, and it is done in the turn after the last of them:
//
//   all have values    the values, in the order of the arguments; `void` as std::monostate
//   one fails          its exception, at once; the others run on, and what they throw later counts
//                      as retrieved
//   one is cancelled   its CancelledError, likewise, as an exception: cancelled() is false
//   cancel()           cancels all that are not done, and the future ends with the first of them
//                      that does, with a CancelledError, not cancelled() either. False if there was
//                      nothing to cancel
//
// With `return_exceptions` failures and cancellations are results like others: each element is an
// Outcome. Only cancel() still ends the future with a CancelledError, when all have ended.
//
// A future of gather() that is dropped before it is done leaves all to themselves. Values that
// nobody else holds, or that cannot be copied, are moved out of their futures.
//
// Python counterpart: asyncio.gather().
#ifndef ASYNCIO_UTILS_GATHER_H_
#define ASYNCIO_UTILS_GATHER_H_

#include <cstddef>
#include <deque>
#include <exception>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/policy.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/future_state.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/utils/future_like.h"
#include "asyncio/utils/future_watch.h"

namespace asyncio {

// The first argument of a gather() whose elements are Outcomes.
struct ReturnExceptions {
  explicit ReturnExceptions() = default;
};
inline constexpr ReturnExceptions return_exceptions{};

namespace internal {

// The elements of a gather(): the values of children without failures, or their outcomes.
struct GatheredValues;
struct GatheredOutcomes;

template <class Elements, class... T>
class GatherTupleState;
template <class Elements, class T>
class GatherVectorState;

template <class Elements, class... A>
auto gather_arguments(A&... awaitables);
template <class Elements, class R>
auto gather_range(R&& range);

}  // namespace internal

// A Future<std::tuple<…>>. Throws std::invalid_argument for futures of different loops,
// BorrowedArgumentError as said above, std::runtime_error where a loop is needed and none runs.
// Without arguments it is done at once, on the loop that get_event_loop() finds.
template <internal::FutureLike... A>
auto gather(A... awaitables) {
  return internal::gather_arguments<internal::GatheredValues>(awaitables...);
}
template <internal::FutureLike... A>
auto gather(ReturnExceptions, A... awaitables) {
  return internal::gather_arguments<internal::GatheredOutcomes>(awaitables...);
}

// The same for as many as there are in `range`, whose elements are of one type: a
// Future<std::vector<…>>. The range is read here and not kept; futures and tasks are copied.
template <internal::FutureLikeRange R>
auto gather(R&& range) {
  return internal::gather_range<internal::GatheredValues>(range);
}
template <internal::FutureLikeRange R>
auto gather(ReturnExceptions, R&& range) {
  return internal::gather_range<internal::GatheredOutcomes>(range);
}

// Implementation.

namespace internal {

// The children of one gather(), without their types.
class GatherCore {
 public:
  using Children = std::vector<StateRef<FutureState>>;

  GatherCore(const GatherCore&) = delete;
  GatherCore& operator=(const GatherCore&) = delete;

  // Begins to wait, and ends at once what has nothing to wait for.
  void start();

 protected:
  enum class OnFailure : unsigned char { kEnd, kCollect };

  // `outer` is the future that this is a part of. Throws std::invalid_argument if a child belongs
  // to another loop.
  GatherCore(FutureState& outer, OnFailure on_failure, Children children);
  ~GatherCore() = default;

  bool cancel_children(const std::optional<std::string>& message);
  FutureState& child(std::size_t index) const noexcept { return *children_[index]; }
  std::size_t size() const noexcept { return children_.size(); }

  // Ends the outer future with what the children ended with. REQUIRES: all are done.
  virtual void succeed() = 0;

 private:
  class Watch final : public FutureWatch {
   public:
    Watch(FutureState& child, GatherCore& gather)
        : FutureWatch(child, &gather.outer_), gather_(gather) {}

   private:
    void future_done() override { gather_.child_done(future()); }
    GatherCore& gather_;
  };

  void child_done(FutureState& child);
  void fail(std::exception_ptr error);

  FutureState& outer_;
  Children children_;
  std::deque<Watch> watches_;
  std::size_t unfinished_;
  const OnFailure on_failure_;
  bool cancel_requested_ = false;
};

template <class... T>
inline constexpr bool copies<std::tuple<T...>> = (copies<T> && ...);

template <class T>
using NonVoid = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

struct GatheredValues {
  static constexpr bool kOutcomes = false;
  template <class T>
  using Element = NonVoid<T>;

  template <class T>
  static Element<T> take(FutureState& child) {
    if constexpr (std::is_void_v<T>) {
      return std::monostate();
    } else {
      return static_cast<ValueState<T>&>(child).take_value();
    }
  }
};

struct GatheredOutcomes {
  static constexpr bool kOutcomes = true;
  template <class T>
  using Element = Outcome<T>;

  template <class T>
  static Element<T> take(FutureState& child) {
    Outcome<T> outcome;
    if (child.cancelled()) {
      outcome.set_exception(std::make_exception_ptr(CancelledError(child.cancel_message())));
    } else if (std::exception_ptr error = child.exception()) {
      outcome.set_exception(std::move(error));
    } else if constexpr (std::is_void_v<T>) {
      outcome.set_value();
    } else {
      outcome.set_value(static_cast<ValueState<T>&>(child).take_value());
    }
    return outcome;
  }
};

// A future that is a gather().
template <class Elements, class Result>
class GatherState : public ValueState<Result>, public GatherCore {
 public:
  GatherState(EventLoop& loop, Children children)
      : ValueState<Result>(loop, std::source_location()),
        GatherCore(*this, Elements::kOutcomes ? OnFailure::kCollect : OnFailure::kEnd,
                   std::move(children)) {}

  bool cancel(std::optional<std::string> message) override { return cancel_children(message); }
};

template <class Elements, class... T>
class GatherTupleState final
    : public GatherState<Elements, std::tuple<typename Elements::template Element<T>...>> {
 public:
  using GatherState<Elements, std::tuple<typename Elements::template Element<T>...>>::GatherState;

 private:
  void succeed() override {
    [this]<std::size_t... I>(std::index_sequence<I...>) {
      this->set_result(Elements::template take<T>(this->child(I))...);
    }(std::index_sequence_for<T...>());
  }
};

template <class Elements, class T>
class GatherVectorState final
    : public GatherState<Elements, std::vector<typename Elements::template Element<T>>> {
 public:
  using GatherState<Elements, std::vector<typename Elements::template Element<T>>>::GatherState;

 private:
  void succeed() override {
    std::vector<typename Elements::template Element<T>> results;
    results.reserve(this->size());
    for (std::size_t i = 0; i < this->size(); ++i) {
      results.push_back(Elements::template take<T>(this->child(i)));
    }
    this->set_result(std::move(results));
  }
};

template <class Result, class State>
Future<Result> start_gather(EventLoop& loop, GatherCore::Children children) {
  auto* state = new State(loop, std::move(children));
  Future<Result> future{StateRef<FutureState>(state)};
  state->start();
  return future;
}

template <class Elements, class... A>
auto gather_arguments(A&... awaitables) {
  using State = GatherTupleState<Elements, FutureResult<A>...>;
  using Result = std::tuple<typename Elements::template Element<FutureResult<A>>...>;
  const absl::Cleanup discard_unused = [&] { (discard(awaitables), ...); };
  (require_owned(awaitables), ...);
  EventLoop* loop = nullptr;
  [[maybe_unused]] auto join = [&loop](auto& awaitable) {
    if (loop == nullptr) loop = &loop_for(awaitable);
    return StateRef<FutureState>::share(
        to_future(*loop, awaitable, std::source_location()).state());
  };
  GatherCore::Children children;
  children.reserve(sizeof...(A));
  (children.push_back(join(awaitables)), ...);
  if (loop == nullptr) loop = &get_event_loop();
  return start_gather<Result, State>(*loop, std::move(children));
}

template <class Elements, class R>
auto gather_range(R&& range) {
  using T = FutureResult<std::ranges::range_value_t<R>>;
  using Result = std::vector<typename Elements::template Element<T>>;
  EventLoop* loop = nullptr;
  GatherCore::Children children;
  auto join = [&](auto& awaitable) {
    if (loop == nullptr) loop = &loop_for(awaitable);
    children.push_back(
        StateRef<FutureState>::share(to_future(*loop, awaitable, std::source_location()).state()));
  };
  for_each_owned(range, join);
  if (loop == nullptr) loop = &get_event_loop();
  return start_gather<Result, GatherVectorState<Elements, T>>(*loop, std::move(children));
}

}  // namespace internal
}  // namespace asyncio

#endif  // ASYNCIO_UTILS_GATHER_H_
