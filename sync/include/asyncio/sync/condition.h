// Condition: wait, under a lock, for something that others change under the same lock.
//
//   auto held = co_await scoped(condition);
//   co_await condition.wait_for([&] { return !jobs.empty(); });
//
// For tasks of one loop, not for threads.
#ifndef ASYNCIO_SYNC_CONDITION_H_
#define ASYNCIO_SYNC_CONDITION_H_

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "asyncio/sync/held.h"
#include "asyncio/sync/in_line.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/loop_binding.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/coro.h"

namespace asyncio {

// "The lock is held" means: by anybody. Belongs to the first loop on which a task waits. May be
// destroyed while tasks wait: one that has been notified fails with std::runtime_error, the others
// wait until they are cancelled, and none of them has the lock then.
//
// Python counterpart: asyncio.Condition.
class Condition {
 public:
  // With a lock of its own, or with yours, which may serve several conditions and must outlive
  // them.
  Condition() : lock_(own_.emplace()) {}
  explicit Condition(Lock& lock) noexcept : lock_(lock) {}
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // The lock's; see Lock.
  InLine<Lock> acquire() noexcept { return lock_.acquire(); }
  void release() { lock_.release(); }
  bool locked() const noexcept { return lock_.locked(); }

  // Releases the lock, waits to be notified, and acquires the lock again; always true. May return
  // without a notification: check what you wait for, or use wait_for(). The task resumes in the
  // turn after notify(), waits for the lock, and goes on when it has it.
  //
  // Throws std::runtime_error if the lock is not held ("cannot wait on un-acquired lock") or the
  // condition is bound to a different event loop; the lock is then as it was. On cancellation the
  // lock is acquired first, however often the task is cancelled meanwhile, and the last
  // CancelledError is thrown on; a notification that had been received goes to the next who waits.
  Coro<bool> wait();

  // Waits until `predicate()`, called with the lock held, gives something that is true, and gives
  // that. Does not wait, nor ask for the lock, if it is true at once. Otherwise like wait(). With
  // g++ 12 a predicate that captures more than references and numbers needs a name of its own
  // before the co_await.
  //
  // Python counterpart: asyncio.Condition.wait_for().
  template <class Predicate>
  Coro<std::decay_t<std::invoke_result_t<Predicate&>>> wait_for(Predicate predicate);

  // Wakes the first `n` tasks that wait; each goes on when it has the lock, so none before the
  // caller releases it. Throws std::runtime_error if the lock is not held ("cannot notify on
  // un-acquired lock").
  void notify(std::size_t n = 1);
  void notify_all();

 private:
  class Guest;
  friend std::string to_string(const Condition& condition);

  void require_locked(const char* otherwise) const;

  std::optional<Lock> own_;
  Lock& lock_;
  WaitQueue line_;
  HolderList guests_;  // who waits, for when the condition is destroyed
  LoopBinding loop_;
};

// "<asyncio::Condition [locked, waiters:2]>".
//
// Python counterpart: repr().
std::string to_string(const Condition& condition);

// Implementation.

template <class Predicate>
Coro<std::decay_t<std::invoke_result_t<Predicate&>>> Condition::wait_for(Predicate predicate) {
  auto result = predicate();
  while (!result) {
    co_await wait();
    result = predicate();
  }
  co_return std::move(result);
}

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_CONDITION_H_
