// A loop for tests with real peers: counts its turns, keeps what is reported to it, and lets no
// test hang.
#ifndef TRANSPORTS_TEST_WATCHED_LOOP_H_
#define TRANSPORTS_TEST_WATCHED_LOOP_H_

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/with.h"
#include "asyncio/utils/timeout.h"

namespace asyncio {

// What an exception says; "" for none.
inline std::string text_of(const std::exception_ptr& error) {
  if (error == nullptr) return "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (const FatalError& e) {
    return e.what();
  } catch (const CancelledError&) {
    return "cancelled";
  }
}

template <class E>
bool holds(const std::exception_ptr& error) {
  try {
    if (error != nullptr) std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
  }
  return false;
}

// Polls: for what happens in the kernel or in another thread.
inline Coro<> until(std::function<bool()> condition) {
  while (!condition()) co_await sleep(std::chrono::milliseconds(1));
}

// Lets everything run that is due, and what that makes due.
inline Coro<> turns(int count) {
  for (int i = 0; i < count; ++i) co_await sleep(std::chrono::seconds(0));
}

// What `action`, a coroutine function, throws; null if nothing.
template <class F>
Coro<std::exception_ptr> failure_of(F action) {
  try {
    co_await action();
  } catch (...) {
    co_return std::current_exception();
  }
  co_return nullptr;
}

// The same for a future or task.
template <class T>
Coro<std::exception_ptr> error_of(Future<T> future) {
  try {
    co_await future;
  } catch (...) {
    co_return std::current_exception();
  }
  co_return nullptr;
}

class WatchedLoop : public SelectorEventLoop {
 public:
  WatchedLoop() {
    set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      reports_.push_back(context.message + ": " + text_of(context.exception));
    });
  }
  ~WatchedLoop() override { close(); }

  // Turns begun so far.
  int turns() const { return turns_; }

  // "<message>: <what the exception says>"; a test that expects some takes them.
  const std::vector<std::string>& reports() const { return reports_; }

  // Runs after every turn.
  void after_turn(std::function<void()> hook) { after_turn_ = std::move(hook); }

  // Runs the coroutine function to its end; it may capture by reference.
  template <class F>
  auto run(F main) {
    return run_until_complete(*this, guarded<std::invoke_result_t<F&>>(std::ref(main)));
  }

 protected:
  void run_once(std::optional<Duration> limit) override {
    ++turns_;
    SelectorEventLoop::run_once(limit);
    if (after_turn_ != nullptr) after_turn_();
  }

 private:
  // Compiled once and not for each test: two coroutines less in each, which compile long.
  template <class C>
  static C guarded(std::function<C()> main) {
    constexpr auto kGuard = std::chrono::seconds(50);
    co_return co_await with(timeout(kGuard), [&main](Timeout&) { return main(); });
  }

  int turns_ = 0;
  std::vector<std::string> reports_;
  std::function<void()> after_turn_;
};

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_WATCHED_LOOP_H_
