// Barrier: tasks that wait until there are enough of them, again and again.
//
//   filling ── the last of `parties` comes ──> draining ── all have left ──> filling
//
// Who comes while it drains waits for the next round. For tasks of one loop, not for threads.
#ifndef ASYNCIO_SYNC_BARRIER_H_
#define ASYNCIO_SYNC_BARRIER_H_

#include <stdexcept>
#include <string>

#include "asyncio/sync/held.h"
#include "asyncio/sync/loop_binding.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/coro.h"

namespace asyncio {

// The barrier was reset or aborted while the task waited, or is broken.
//
// Python counterpart: asyncio.BrokenBarrierError.
class BrokenBarrierError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Belongs to the first loop on which a task waits. May be destroyed while tasks wait: those that
// have been woken fail with std::runtime_error, the others wait until they are cancelled.
//
// Python counterpart: asyncio.Barrier.
class Barrier {
 public:
  // Throws std::invalid_argument if `parties` is below 1.
  explicit Barrier(int parties);
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // How many tasks it takes.
  int parties() const noexcept { return parties_; }

  // How many wait in the round that is filling; 0 while the barrier drains, is reset or broken.
  int n_waiting() const noexcept { return state_ == State::kFilling ? here_ : 0; }

  bool broken() const noexcept { return state_ == State::kBroken; }

  // Waits until parties() tasks have come, and gives this one's number: 0 for the first. The last
  // goes on at once, the others next turn. Throws BrokenBarrierError if the barrier is broken, or
  // is aborted or reset before the task goes on; std::runtime_error if it is bound to a different
  // event loop. On cancellation the task is gone, and another may come in its place; if it was
  // cancelled after the last had come, the round counts all the same. The first of the others then
  // looks around and waits on behind them, so that it is no longer the first to go on.
  Coro<int> wait();

  // Makes it as new, also if it is broken: those who wait get a BrokenBarrierError, and once they
  // have left the next round begins. Does not suspend.
  Coro<> reset();

  // Breaks it: those who wait get a BrokenBarrierError, and so does whoever comes before the next
  // reset(). Does not suspend.
  Coro<> abort();

 private:
  enum class State : unsigned char { kFilling, kDraining, kResetting, kBroken };
  class Stay;
  class StateWait;
  friend std::string to_string(const Barrier& barrier);

  bool busy() const noexcept { return state_ == State::kDraining || state_ == State::kResetting; }
  void change(State state) noexcept;
  void leave() noexcept;

  WaitQueue line_;     // who is here, and who waits for the barrier to be drained or reset
  HolderList guests_;  // the same, for when the barrier is destroyed
  LoopBinding loop_;
  int parties_;
  int here_ = 0;  // who has come and not left; the last never stays
  State state_ = State::kFilling;
};

// "<asyncio::Barrier [filling, waiters:1/3]>".
//
// Python counterpart: repr().
std::string to_string(const Barrier& barrier);

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_BARRIER_H_
