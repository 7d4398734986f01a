// A watchdog: tells of a loop that is blocked while it still is.
//
//   Coro<> serve() {
//     asyncio::Watchdog watchdog(asyncio::get_running_loop());
//     …
//   }
//
// A callback or a task's step that computes, sleeps or waits in a system call keeps every other one
// from running. Debug mode says so afterwards; what never ends is never said. The watchdog's thread
// looks every quarter of the limit whether the loop is still in the step in which it was, and
// reports a step once that has stood still for the limit: what runs, where the task waited before,
// and the native stack of the loop's thread.
//
// Cost: one thread; per callback a lock that nobody else holds and a copy of 80 bytes. The stack is
// taken by a signal, SIGURG, whose action is the process's own again right after: a sleep or poll()
// of the blocked thread may return early with EINTR.
//
// Python counterpart: none in asyncio.
#ifndef ASYNCIO_EVENTS_WATCHDOG_H_
#define ASYNCIO_EVENTS_WATCHDOG_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/selectors/duration.h"

namespace asyncio {

// What a watchdog has seen.
struct BlockedLoop {
  Duration blocked_for;            // so far
  Activity activity;               // what runs
  std::vector<std::string> stack;  // the loop thread's functions, innermost first; empty: unknown
};

// "the event loop has been blocked for 0.125 seconds by <Task 'Task-1' …>", then a line a function.
std::string to_string(const BlockedLoop& blocked);

class Watchdog {
 public:
  // Called on the watchdog's thread, once for each step that blocks the loop. What it throws is
  // dropped.
  using Report = absl::AnyInvocable<void(const BlockedLoop& blocked)>;

  // Watches `loop` from now on, in place of whoever observed its steps before. Loop's thread, or
  // before it runs. Null: reports are logged as warnings. Throws std::invalid_argument unless
  // limit > 0.
  explicit Watchdog(EventLoop& loop, Duration limit = std::chrono::milliseconds(100),
                    Report report = nullptr);

  // Ends the thread; waits for a report that is being made. Same thread as the constructor. The
  // loop must still exist.
  ~Watchdog();

  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  class Guard;

  EventLoop& loop_;
  std::unique_ptr<Guard> guard_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_WATCHDOG_H_
