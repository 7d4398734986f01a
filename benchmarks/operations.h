// The operations that are measured, each twice: as our library does it, and by hand.
#ifndef ASYNCIO_BENCHMARKS_OPERATIONS_H_
#define ASYNCIO_BENCHMARKS_OPERATIONS_H_

#include <span>

namespace benchmarks {

// Does the operation `count` times, on a loop of this thread that lives as long as the program.
using Repeat = void (*)(int count);

struct Operation {
  const char* name;
  Repeat asyncio;
  Repeat raw;  // null: by hand there would be nothing left of it
  int batch;  // how often it is repeated in one go, for what a repetition costs by itself to vanish
  bool waits = false;  // what counts is how long it takes, not how busy it is
};

std::span<const Operation> operations();

// The peers by hand; see raw.h.
namespace raw {

void call_soon(int count);
void call_chain(int count);
void post(int count);
void post_from_thread(int count);
void post_latency(int count);
void yield(int count);
void yield_crowd(int count);
void spawn_join(int count);
void spawn_crowd(int count);
void gather(int count);
void await_ready(int count);
void await_chain(int count);
void await_done(int count);
void ping_pong(int count);
void queue_put_get(int count);
void queue_stream(int count);
void queue_ping_pong(int count);
void lock(int count);
void lock_contended(int count);
void cancel_sleep(int count);
void cancel_unseen(int count);
void timer_fire(int count);
void timer_cancel(int count);
void timer_pair(int count);

}  // namespace raw

// How many coroutines are awaited one inside the other by one await_chain.
inline constexpr int kChainLength = 100;

// How many tasks do the same at once in yield_crowd, spawn_crowd and gather.
inline constexpr int kCrowd = 1'000;

// How many items the queue of queue_stream takes.
inline constexpr int kQueueSize = 100;

// How many tasks want the lock in lock_contended.
inline constexpr int kRivals = 10;

// How many other timers are pending during timer_pair.
inline constexpr int kOtherTimers = 1'000;

// Deadlines of many timers: the same pseudo-random numbers below `range` for both peers.
class Spread {
 public:
  explicit Spread(long range) : range_(range) {}

  long next() {
    state_ = state_ * 6364136223846793005UL + 1442695040888963407UL;
    return static_cast<long>(state_ >> 33) % range_;
  }

 private:
  const long range_;
  unsigned long state_ = 1;
};

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_OPERATIONS_H_
