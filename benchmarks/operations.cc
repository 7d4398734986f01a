#include "benchmarks/operations.h"

#include <chrono>
#include <cstddef>
#include <ranges>
#include <thread>
#include <vector>

#include "asyncio/asyncio.h"

namespace benchmarks {
namespace {

using namespace std::chrono_literals;
using asyncio::Coro;
using asyncio::EventLoop;
using asyncio::Future;
using asyncio::Task;
using asyncio::TimePoint;
using asyncio::TimerHandle;

EventLoop& loop() {
  static auto* loop = new asyncio::SelectorEventLoop();
  return *loop;
}

// Callbacks.

void call_soon(int count) {
  EventLoop& soon = loop();
  int ran = 0;
  for (int i = 0; i < count; ++i) soon.call_soon([&ran] { ++ran; });
  soon.call_soon([] { loop().stop(); });
  soon.run_forever();
}

// Each schedules the next.
struct Link {
  EventLoop* loop;
  int left;

  void operator()() const { left > 0 ? (void)loop->call_soon(Link{loop, left - 1}) : loop->stop(); }
};

void call_chain(int count) {
  loop().call_soon(Link{&loop(), count});
  loop().run_forever();
}

void post_all(int count, int& ran) {
  EventLoop& door = loop();
  for (int i = 0; i < count; ++i) {
    door.call_soon_threadsafe([&ran, count] {
      if (++ran == count) loop().stop();
    });
  }
}

void post(int count) {
  int ran = 0;
  post_all(count, ran);
  loop().run_forever();
}

void post_from_thread(int count) {
  int ran = 0;
  std::thread poster([&] { post_all(count, ran); });
  loop().run_forever();
  poster.join();
}

// Two loops on two threads, each asleep until the other posts.
struct Rally {
  EventLoop& here;
  EventLoop& there;
  int left;

  void serve() {
    there.call_soon_threadsafe([this] { here.call_soon_threadsafe([this] { back(); }); });
  }
  void back() {
    if (--left > 0) return serve();
    there.call_soon_threadsafe([this] { there.stop(); });
    here.stop();
  }
};

void post_latency(int count) {
  static auto* other = new asyncio::SelectorEventLoop();
  std::thread opponent([] { other->run_forever(); });
  Rally rally{loop(), *other, count};
  rally.serve();
  loop().run_forever();
  opponent.join();
}

// Coroutines.

Coro<> yield_often(int count) {
  for (int i = 0; i < count; ++i) co_await asyncio::sleep(0s);
}

Coro<int> one() { co_return 1; }

Coro<int> spawn_and_join_often(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await asyncio::create_task(one());
  co_return sum;
}

Coro<> join_crowd(int count, Coro<> (*member)(int times), int times) {
  std::vector<Task<>> crowd;
  crowd.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) crowd.push_back(asyncio::create_task(member(times)));
  for (const Task<>& task : crowd) co_await task;
}

Coro<> nothing(int) { co_return; }

Coro<> gather_crowd(int count) {
  co_await asyncio::gather(std::views::iota(0, count) | std::views::transform(nothing));
}

Coro<int> await_often(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await one();
  co_return sum;
}

Coro<int> chain(int length) {
  if (length == 1) co_return 1;
  co_return 1 + co_await chain(length - 1);
}

Coro<int> await_chain_often(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await chain(kChainLength);
  co_return sum;
}

Coro<int> await_done_often(int count) {
  Future<int> done;
  done.set_result(1);
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await done;
  co_return sum;
}

// A future for each message.
struct Table {
  Future<> ping;
  Future<> pong;
};

Coro<> answer(Table* table, int count) {
  for (int i = 0; i < count; ++i) {
    co_await table->ping;
    table->ping = Future<>();
    table->pong.set_result();
  }
}

Coro<> play(int count) {
  Table table;
  const Task<> other = asyncio::create_task(answer(&table, count));
  for (int i = 0; i < count; ++i) {
    table.ping.set_result();
    co_await table.pong;
    table.pong = Future<>();
  }
  co_await other;
}

// Queues and locks.

using Ints = asyncio::Queue<int>;

Coro<int> put_and_get_often(int count) {
  Ints queue;
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    co_await queue.put(i);
    sum += co_await queue.get();
  }
  co_return sum;
}

Coro<> put_often(Ints* queue, int count) {
  for (int i = 0; i < count; ++i) co_await queue->put(i);
}

Coro<int> stream(int count) {
  Ints queue(kQueueSize);
  const Task<> producer = asyncio::create_task(put_often(&queue, count));
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await queue.get();
  co_await producer;
  co_return sum;
}

Coro<> return_often(Ints* in, Ints* out, int count) {
  for (int i = 0; i < count; ++i) {
    const int ball = co_await in->get();
    co_await out->put(ball);
  }
}

Coro<> play_with_queues(int count) {
  Ints there;
  Ints back;
  const Task<> other = asyncio::create_task(return_often(&there, &back, count));
  for (int i = 0; i < count; ++i) {
    co_await there.put(i);
    co_await back.get();
  }
  co_await other;
}

Coro<> lock_often(asyncio::Lock* lock, int count) {
  for (int i = 0; i < count; ++i) {
    co_await lock->acquire();
    lock->release();
  }
}

Coro<> lock_alone(int count) {
  asyncio::Lock lock;
  co_await lock_often(&lock, count);
}

// All stand in line before the first gets it.
Coro<> lock_among_rivals(int count) {
  asyncio::Lock lock;
  co_await lock.acquire();
  std::vector<Task<>> rivals;
  for (int i = 0; i < kRivals; ++i) {
    rivals.push_back(asyncio::create_task(lock_often(&lock, count / kRivals)));
  }
  co_await asyncio::sleep(0s);
  lock.release();
  for (const Task<>& rival : rivals) co_await rival;
}

// Cancellation.

Coro<> sleep_long() { co_await asyncio::sleep(1h); }

Coro<> cancel_often(int count) {
  for (int i = 0; i < count; ++i) {
    const Task<> task = asyncio::create_task(sleep_long());
    co_await asyncio::sleep(0s);
    task.cancel();
    try {
      co_await task;
    } catch (const asyncio::CancelledError&) {
    }
  }
}

// Nobody asks how the task ended.
Coro<> cancel_unseen_often(int count) {
  for (int i = 0; i < count; ++i) {
    Task<> task = asyncio::create_task(sleep_long());
    co_await asyncio::sleep(0s);
    task.cancel();
    co_await asyncio::sleep(0s);
  }
}

void yield(int count) { asyncio::run_until_complete(loop(), yield_often(count)); }
void spawn_join(int count) { asyncio::run_until_complete(loop(), spawn_and_join_often(count)); }
void yield_crowd(int count) {
  asyncio::run_until_complete(loop(), join_crowd(kCrowd, yield_often, count / kCrowd));
}
void spawn_crowd(int count) {
  for (; count > kCrowd; count -= kCrowd) {
    asyncio::run_until_complete(loop(), join_crowd(kCrowd, nothing, 0));
  }
  asyncio::run_until_complete(loop(), join_crowd(count, nothing, 0));
}
void gather(int count) {
  for (; count > kCrowd; count -= kCrowd) asyncio::run_until_complete(loop(), gather_crowd(kCrowd));
  asyncio::run_until_complete(loop(), gather_crowd(count));
}
void await_ready(int count) { asyncio::run_until_complete(loop(), await_often(count)); }
void await_chain(int count) { asyncio::run_until_complete(loop(), await_chain_often(count)); }
void await_done(int count) { asyncio::run_until_complete(loop(), await_done_often(count)); }
void ping_pong(int count) { asyncio::run_until_complete(loop(), play(count)); }
void queue_put_get(int count) { asyncio::run_until_complete(loop(), put_and_get_often(count)); }
void queue_stream(int count) { asyncio::run_until_complete(loop(), stream(count)); }
void queue_ping_pong(int count) { asyncio::run_until_complete(loop(), play_with_queues(count)); }
void lock(int count) { asyncio::run_until_complete(loop(), lock_alone(count)); }
void lock_contended(int count) { asyncio::run_until_complete(loop(), lock_among_rivals(count)); }
void cancel_sleep(int count) { asyncio::run_until_complete(loop(), cancel_often(count)); }
void cancel_unseen(int count) { asyncio::run_until_complete(loop(), cancel_unseen_often(count)); }

// Timers.

// Time passes at once.
void sleep(int count) {
  static auto* virtual_loop = new asyncio::VirtualTimeLoop();
  asyncio::run_until_complete(*virtual_loop, [](int repetitions) -> Coro<> {
    for (int i = 0; i < repetitions; ++i) co_await asyncio::sleep(1ms);
  }(count));
}

void timer_fire(int count) {
  EventLoop& timed = loop();
  int fired = 0;
  const TimePoint start = timed.time();
  Spread spread(std::chrono::nanoseconds(10ms).count());
  for (int i = 0; i < count; ++i) {
    timed.call_at(start - std::chrono::nanoseconds(spread.next()), [&fired, count] {
      if (++fired == count) loop().stop();
    });
  }
  timed.run_forever();
}

void timer_cancel(int count) {
  static auto* handles = new std::vector<TimerHandle>();
  EventLoop& timed = loop();
  const TimePoint start = timed.time();
  Spread spread(std::chrono::nanoseconds(16s).count());
  for (int i = 0; i < count; ++i) {
    handles->push_back(timed.call_at(start + 10s + std::chrono::nanoseconds(spread.next()), [] {}));
  }
  for (TimerHandle& handle : *handles) handle.cancel();
  handles->clear();
}

// A loop with timers that stay.
EventLoop& busy_loop() {
  static auto* busy = [] {
    auto* made = new asyncio::SelectorEventLoop();
    Spread spread(std::chrono::nanoseconds(1s).count());
    for (int i = 0; i < kOtherTimers; ++i) {
      made->call_later(1h + std::chrono::nanoseconds(spread.next()), [] {});
    }
    return made;
  }();
  return *busy;
}

void timer_pair(int count) {
  EventLoop& busy = busy_loop();
  for (int i = 0; i < count; ++i) busy.call_later(1s, [] {}).cancel();
}

constexpr Operation kOperations[] = {
    {"call_soon", call_soon, raw::call_soon, 1'000},
    {"call_chain", call_chain, raw::call_chain, 1'000},
    {"post", post, raw::post, 1'000},
    {"post_from_thread", post_from_thread, raw::post_from_thread, 100'000},
    {"post_latency", post_latency, raw::post_latency, 1'000, /*waits=*/true},
    {"yield", yield, raw::yield, 10'000},
    {"yield_crowd", yield_crowd, raw::yield_crowd, 100'000},
    {"spawn_join", spawn_join, raw::spawn_join, 10'000},
    {"spawn_crowd", spawn_crowd, raw::spawn_crowd, 10'000},
    {"gather", gather, raw::gather, 10'000},
    {"await_ready", await_ready, raw::await_ready, 10'000},
    {"await_chain", await_chain, raw::await_chain, 1'000},
    {"await_done", await_done, raw::await_done, 10'000},
    {"ping_pong", ping_pong, raw::ping_pong, 10'000},
    {"queue_put_get", queue_put_get, raw::queue_put_get, 10'000},
    {"queue_stream", queue_stream, raw::queue_stream, 10'000},
    {"queue_ping_pong", queue_ping_pong, raw::queue_ping_pong, 10'000},
    {"lock", lock, raw::lock, 10'000},
    {"lock_contended", lock_contended, raw::lock_contended, 10'000},
    {"cancel_sleep", cancel_sleep, raw::cancel_sleep, 1'000},
    {"cancel_unseen", cancel_unseen, raw::cancel_unseen, 1'000},
    {"sleep", sleep, nullptr, 1'000},
    {"timer_fire", timer_fire, raw::timer_fire, 1'000'000},
    {"timer_cancel", timer_cancel, raw::timer_cancel, 1'000'000},
    {"timer_pair", timer_pair, raw::timer_pair, 10'000},
};

}  // namespace

std::span<const Operation> operations() { return kOperations; }

}  // namespace benchmarks
