// For your tests: a loop in virtual time on which a deadlock is an exception, and run() on it.
//
//   TEST(RetryTest, GivesUp) { EXPECT_EQ(asyncio::testing::run(try_until(20)), 20); }
//
// Sleeps and timeouts take no time. A test whose tasks wait for each other fails and says so,
// instead of standing still until somebody kills it.
#ifndef ASYNCIO_UTILS_TEST_LOOP_H_
#define ASYNCIO_UTILS_TEST_LOOP_H_

#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/task.h"
#include "asyncio/utils/deadlock.h"

namespace asyncio::testing {

// A VirtualTimeLoop under the eyes of a DeadlockDetective: run_forever(), and with it
// run_until_complete(), throws Deadlock. Take a VirtualTimeLoop where another thread wakes the loop
// and nothing announces it; see DeadlockDetective.
//
// Python counterpart: none in asyncio.
class TestLoop : public VirtualTimeLoop {
 public:
  using VirtualTimeLoop::VirtualTimeLoop;

 private:
  DeadlockDetective detective_{*this};
};

// For RunnerOptions::loop_factory.
std::unique_ptr<EventLoop> new_test_loop();

// As asyncio::run(), on a TestLoop of its own. After a Deadlock the tasks are cancelled and
// awaited, as after any exception.
//
// Python counterpart: unittest.IsolatedAsyncioTestCase, by purpose.
template <class T>
T run(Coro<T> main, std::source_location where = std::source_location::current()) {
  Runner runner({.loop_factory = new_test_loop});
  Outcome<T> outcome = asyncio::internal::outcome_of_main(runner, main, where);
  asyncio::internal::close_after(runner, outcome.exception());
  return std::move(outcome).value();
}

// Runs function(arguments...), which returns a Coro; see create_task().
template <class F, class... Args>
  requires CoroutineFunction<F, Args...>
CoroutineResult<F, Args...> run(F&& function, Args&&... arguments) {
  return testing::run(asyncio::internal::call_owned<CoroutineResult<F, Args...>, std::decay_t<F>,
                                                    std::decay_t<Args>...>(
      std::forward<F>(function), std::forward<Args>(arguments)...));
}

}  // namespace asyncio::testing

#endif  // ASYNCIO_UTILS_TEST_LOOP_H_
