// For your tests: cancel_at_every_await() proves what a cancellation leaves behind.
//
//   Coro<> transfer(Account* from, Account* to);
//
//   std::optional<Bank> bank;
//   testing::cancel_at_every_await(
//       [&]() -> Coro<> {
//         bank.emplace();
//         co_await transfer(&bank->here, &bank->there);
//       },
//       [&] { return bank->total() == 100; });
//
// The scenario is run again and again, each time on a loop of its own in virtual time, and its task
// is cancelled once in every run: at the first co_await that waits, at the second, at the third, to
// the last. At each of them it is cancelled in three runs, for bugs hide in different moments: as
// it begins to wait, when everything else waits as well, and when it has been woken (the lock is
// its own, the item is there) but has not run yet.
//
// After that the loop goes on until nothing can happen any more. A task that still waits then has
// been forgotten: whoever was cancelled kept the lock, ate the notification, never joined its
// child.
//
// Python counterpart: none in asyncio.
#ifndef ASYNCIO_UTILS_TESTING_H_
#define ASYNCIO_UTILS_TESTING_H_

#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/call_graph.h"

namespace asyncio::testing {

struct CancelOptions {
  // The scenario may also deal with its cancellation and complete.
  bool may_complete = false;

  // After that: cancels the scenario in each run once more while it deals with the first
  // cancellation, at each co_await that waits from there on, at the same three moments. What cleans
  // up by waiting is to survive that too. As many runs as the square of the co_awaits.
  bool twice = false;
};
static_assert(std::is_trivially_copyable_v<CancelOptions>);

// A scenario did not take a cancellation well. what() says at which await, on which lines and when
// in it, and everything that was wrong in that run.
class CancellationBug : public std::runtime_error {
 public:
  CancellationBug(const std::string& what, int await, std::vector<FrameCallGraphEntry> call_stack)
      : std::runtime_error(what), await_(await), call_stack_(std::move(call_stack)) {}

  // At which of the co_awaits that waited the scenario was cancelled first, from 1; 0: at none.
  int await() const noexcept { return await_; }

  // The lines of the scenario's co_awaits then, the innermost first; empty for 0.
  const std::vector<FrameCallGraphEntry>& call_stack() const noexcept { return call_stack_; }

 private:
  int await_;
  std::vector<FrameCallGraphEntry> call_stack_;
};

// Runs scenario(), which returns a Coro, once without and then three times for each co_await that
// waited, and returns their number; options may ask for more runs. The scenario must make anew
// whatever it waits for, and do the same in each run up to the cancellation: no random numbers, no
// real threads or sockets. It may capture by reference.
//
// `invariant()` is asked after each run, before the loop is closed: whether nothing was lost.
//
// Throws CancellationBug for the first run that
//   - ends in anything else than the CancelledError; the one without a cancellation, in a failure
//   - does not end, or leaves a task that does not, within 100 000 steps of virtual time
//   - reports to the loop's exception handler
//   - breaks the invariant, or has it throw
// Throws std::runtime_error inside a running loop.
template <CoroutineFunction F>
int cancel_at_every_await(F scenario, absl::FunctionRef<bool()> invariant, CancelOptions options,
                          std::source_location where = std::source_location::current());
template <CoroutineFunction F>
int cancel_at_every_await(F scenario, absl::FunctionRef<bool()> invariant,
                          std::source_location where = std::source_location::current()) {
  return cancel_at_every_await(std::move(scenario), invariant, CancelOptions(), where);
}
template <CoroutineFunction F>
int cancel_at_every_await(F scenario,
                          std::source_location where = std::source_location::current()) {
  return cancel_at_every_await(std::move(scenario), [] { return true; }, CancelOptions(), where);
}

// Implementation.

namespace internal {

// Makes the scenario's task, not yet run, on `loop`.
using StartScenario = absl::FunctionRef<AnyTask(EventLoop& loop)>;

// `where` is the place that says which task is the scenario's.
int cancel_at_every_await(StartScenario start, absl::FunctionRef<bool()> invariant,
                          CancelOptions options, std::source_location where);

}  // namespace internal

template <CoroutineFunction F>
int cancel_at_every_await(F scenario, absl::FunctionRef<bool()> invariant, CancelOptions options,
                          std::source_location where) {
  auto begin = [&scenario]() ASYNCIO_INTERNAL_CORO_WRAPPER { return scenario(); };
  return internal::cancel_at_every_await(
      [&](EventLoop& loop) -> AnyTask { return create_task(loop, begin, where); }, invariant,
      options, where);
}

}  // namespace asyncio::testing

#endif  // ASYNCIO_UTILS_TESTING_H_
