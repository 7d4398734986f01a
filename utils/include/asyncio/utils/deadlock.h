// A deadlock detective: a loop whose tasks wait for each other says so instead of standing still.
//
//   asyncio::DeadlockDetective detective(asyncio::get_running_loop());
//
// A loop is deadlocked when a task waits and nothing is left that could wake it: nothing is due, no
// timer will fire, no descriptor is watched, no signal but SIGINT is handled, no job runs on a
// thread and no other thread has announced a result. Then run_forever(), and with it run(), throws
// Deadlock, which names every task, the line where it waits, and who waits for it in turn:
//
//   deadlock: every task waits, and nothing could wake one
//   * Task 'first' created at main.cc:20, suspended at main.cc:12
//     + Call stack:
//     |   main.cc:12
//     + Awaited by: …
//   * Task 'second' created at main.cc:21, suspended at main.cc:12
//     …
//
// and every lock that they wait for, with who holds it and where he got it:
//
//   * Lock held by Task 'first'
//     + Acquired at:
//     |   main.cc:10
//     + Awaited by:
//        * Task 'second'
//
// Tests have it from asyncio/utils/test_loop.h. Cost: a record for each lock acquired; beside that
// nothing while the loop has something to do, or a time to wait for.
//
// Python counterpart: none in asyncio.
#ifndef ASYNCIO_UTILS_DEADLOCK_H_
#define ASYNCIO_UTILS_DEADLOCK_H_

#include <stdexcept>
#include <string>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/idle_observer.h"
#include "asyncio/sync/lock_recorder.h"

namespace asyncio {

// Every task of the loop waits, and nothing could wake one. what() goes on as describe_tasks() and
// describe_locks().
class Deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The call graphs of the tasks of `loop` that are not done, as format_call_graph() has them, in
// order of creation. Whoever waits for another task stands there only. Empty if there are none.
// Loop's thread.
std::string describe_tasks(EventLoop& loop);

// The locks for which tasks of `loop` wait, with the tasks that acquired them, done or not, and the
// lines, in order of acquisition. Of those acquired in this thread while a DeadlockDetective lived
// here. Empty if there are none. Loop's thread.
std::string describe_locks(EventLoop& loop);

// Whether a task of `loop` waits and nothing could wake one, if nothing is due and no timer will
// fire. Loop's thread.
bool is_deadlocked(EventLoop& loop);

// Watches a loop for as long as it lives. Not for loops that another thread wakes by
// call_soon_threadsafe() or run_coroutine_threadsafe() alone, which nothing announces, nor where
// tasks wait for a SIGINT handler of your own.
class DeadlockDetective final : private IdleObserver {
 public:
  // In place of whoever observed the loop's idleness before. Loop's thread, or before it runs.
  explicit DeadlockDetective(EventLoop& loop) noexcept : loop_(loop) {
    loop_.set_idle_observer(this);
  }

  // The loop must still exist.
  ~DeadlockDetective() { loop_.set_idle_observer(nullptr); }

  DeadlockDetective(const DeadlockDetective&) = delete;
  DeadlockDetective& operator=(const DeadlockDetective&) = delete;

 private:
  void loop_idles() override;

  EventLoop& loop_;
  LockRecorder recorder_;
};

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_DEADLOCK_H_
