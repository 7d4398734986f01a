// staggered_race(): several ways to the same end, each tried a little later than the one before.
// What Happy Eyeballs is made of.
#ifndef ASYNCIO_UTILS_STAGGERED_RACE_H_
#define ASYNCIO_UTILS_STAGGERED_RACE_H_

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "asyncio/utils/task_group.h"
#include "asyncio/utils/wait_for.h"

namespace asyncio {

template <class T>
struct StaggeredRaceResult {
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> winner_result;
  std::optional<std::size_t> winner_index;

  // One for each that was started, in order: what it threw, a CancelledError included, or null for
  // the winner.
  std::vector<std::exception_ptr> exceptions;
};

namespace internal {

template <class F>
class StaggeredRace;

}  // namespace internal

// Starts the coroutines of `functions` one after the other: the next one when `delay` has passed
// (nullopt: never for that), or as soon as the one before has failed. The first to give a value
// wins; the others are cancelled and waited for. If all fail there is no winner. Failures are not
// thrown but returned; a KeyboardInterrupt or SystemExit is thrown, when all have ended.
//
// Cancelling it cancels those that run, waits for them, and throws the CancelledError.
//
// Python counterpart: asyncio.staggered.staggered_race().
template <CoroutineFunction F>
Coro<StaggeredRaceResult<CoroutineResult<F>>> staggered_race(std::vector<F> functions,
                                                             std::optional<Duration> delay) {
  internal::StaggeredRace<F> race(std::move(functions), delay);
  co_await with(TaskGroup(), [&race](TaskGroup& group) { race.start(&group); });
  co_return race.take_result();
}

// Implementation.

namespace internal {

template <class F>
class StaggeredRace {
 public:
  using T = CoroutineResult<F>;

  StaggeredRace(std::vector<F> functions, std::optional<Duration> delay)
      : functions_(std::move(functions)), delay_(delay) {}

  void start(TaskGroup* group) {
    group->create_task(&StaggeredRace::run_next, this, group, std::optional<Future<>>());
  }

  StaggeredRaceResult<T> take_result() { return std::move(result_); }

 private:
  // Runs the next one when its time has come, and starts the task for the one after it.
  Coro<> run_next(TaskGroup* group, std::optional<Future<>> previous_failed) {
    if (previous_failed.has_value()) {
      try {
        co_await wait_for(*previous_failed, delay_);
      } catch (const TimeoutError&) {
      }
    }
    const std::size_t index = result_.exceptions.size();
    if (index == functions_.size()) co_return;
    result_.exceptions.emplace_back();
    Future<> failed;
    group->create_task(&StaggeredRace::run_next, this, group, std::optional<Future<>>(failed));
    Outcome<T> outcome = co_await outcome_of_call(std::ref(functions_[index]));
    if (std::exception_ptr error = outcome.exception()) {
      if (is_fatal(error)) std::rethrow_exception(error);
      result_.exceptions[index] = std::move(error);
      if (!failed.done()) failed.set_result();
    } else if (!result_.winner_index.has_value()) {
      win(index, outcome);
      group->cancel();
    }
  }

  void win(std::size_t index, Outcome<T>& outcome) {
    result_.winner_index = index;
    if constexpr (std::is_void_v<T>) {
      result_.winner_result.emplace();
    } else {
      result_.winner_result.emplace(std::move(outcome).value());
    }
  }

  std::vector<F> functions_;
  std::optional<Duration> delay_;
  StaggeredRaceResult<T> result_;
};

}  // namespace internal
}  // namespace asyncio

#endif  // ASYNCIO_UTILS_STAGGERED_RACE_H_
