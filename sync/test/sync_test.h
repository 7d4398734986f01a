// What the tests of this layer share: a loop in virtual time, a log of what happened, turns to
// wait.
#ifndef SYNC_TEST_SYNC_TEST_H_
#define SYNC_TEST_SYNC_TEST_H_

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include "asyncio/events/exception_context.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "gtest/gtest.h"

namespace asyncio {

using Log = std::vector<std::string>;

// "value", "cancelled", "cancelled: <message>" or "failed: <what>", for the exception that `action`
// lets out.
template <class F>
std::string ending_of_call(F action) {
  try {
    action();
    return "value";
  } catch (const CancelledError& error) {
    return error.message().has_value() ? "cancelled: " + *error.message() : "cancelled";
  } catch (const std::exception& error) {
    return std::string("failed: ") + error.what();
  }
}

// The same for a future; "pending" if it is not done.
template <class T>
std::string ending(const Future<T>& future) {
  if (!future.done()) return "pending";
  return ending_of_call([&] { future.result(); });
}

class SyncTest : public ::testing::Test {
 protected:
  SyncTest() { silence(loop_); }
  ~SyncTest() override { loop_.close(); }

  // Destroying tasks that wait is reported; that is not what these tests are about.
  static void silence(EventLoop& loop) {
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  }

  // Runs the coroutine function to its end; it may capture by reference.
  template <class F>
  void run(F main) {
    run_until_complete(loop_, main());
  }

  // Lets `count` turns pass.
  static Coro<> turns(int count) {
    for (int i = 0; i < count; ++i) co_await sleep(Duration::zero());
  }

  // Runs `main` on another loop, while this test's loop rests.
  template <class F>
  static void run_elsewhere(F main) {
    VirtualTimeLoop other;
    run_until_complete(other, main());
    other.close();
  }

  VirtualTimeLoop loop_;
  Log log_;
};

}  // namespace asyncio

#endif  // SYNC_TEST_SYNC_TEST_H_
