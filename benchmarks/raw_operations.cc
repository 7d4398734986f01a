#include <chrono>
#include <cstdint>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/operations.h"
#include "benchmarks/raw.h"

namespace benchmarks::raw {
namespace {

struct CountingNode : Node {
  CountingNode() {
    run = [](Node&) { ++ran; };
  }
  static inline int ran = 0;
};

// As many nodes as anybody needs at once, made on first use.
std::vector<CountingNode>& nodes(int count) {
  static auto* all = new std::vector<CountingNode>();
  if (all->size() < static_cast<std::size_t>(count)) {
    all->resize(static_cast<std::size_t>(count));
  }
  return *all;
}

std::span<CountingNode> first_nodes(int count) {
  return std::span(nodes(count)).first(static_cast<std::size_t>(count));
}

std::vector<Timer>& fresh_timers(int count) {
  static auto* all = new std::vector<Timer>();
  all->clear();
  all->reserve(static_cast<std::size_t>(count));
  for (CountingNode& node : first_nodes(count)) all->emplace_back(node);
  return *all;
}

void run_until_counted(Inbox& inbox, int count) {
  while (CountingNode::ran < count) inbox.wait().run();
}

std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

constexpr std::int64_t kSecond = 1'000'000'000;

// Runs a main coroutine to its end.
void run_all(Coro main) {
  const Coro task = std::move(main).spawn();
  ready.run();
}

Coro yield_often(int count) {
  for (int i = 0; i < count; ++i) co_await Yield();
  co_return 0;
}

Coro one() { co_return 1; }

Coro spawn_and_join_often(int count) {
  for (int i = 0; i < count; ++i) co_await one().spawn();
  co_return 0;
}

Coro join_crowd(int count, Coro (*member)(int times), int times) {
  std::vector<Coro> crowd;
  crowd.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) crowd.push_back(member(times).spawn());
  for (const Coro& coro : crowd) co_await coro;
  co_return 0;
}

Coro nothing(int) { co_return 0; }

Coro count_down(int* left, Event* over) {
  if (--*left == 0) over->set();
  co_return 0;
}

Coro gather_crowd(int count) {
  Event over;
  int left = count;
  std::vector<Coro> crowd;
  crowd.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) crowd.push_back(count_down(&left, &over).spawn());
  co_await over;
  co_return 0;
}

Coro await_often(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await one();
  co_return sum;
}

Coro chain(int length) {
  if (length == 1) co_return 1;
  co_return 1 + co_await chain(length - 1);
}

Coro await_chain_often(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await chain(kChainLength);
  co_return sum;
}

Coro await_done_often(int count) {
  Event done;
  done.set();
  for (int i = 0; i < count; ++i) co_await done;
  co_return 0;
}

struct Table {
  Event ping;
  Event pong;
};

Coro answer(Table* table, int count) {
  for (int i = 0; i < count; ++i) {
    co_await table->ping;
    table->ping.clear();
    table->pong.set();
  }
  co_return 0;
}

Coro play(int count) {
  Table table;
  const Coro other = answer(&table, count).spawn();
  for (int i = 0; i < count; ++i) {
    table.ping.set();
    co_await table.pong;
    table.pong.clear();
  }
  co_return co_await other;
}

Coro put_and_get_often(int count) {
  Channel channel(1, 1);
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    co_await channel.put(i);
    sum += co_await channel.get();
  }
  co_return sum;
}

Coro put_often(Channel* channel, int count) {
  for (int i = 0; i < count; ++i) co_await channel->put(i);
  co_return 0;
}

Coro stream(int count) {
  Channel channel(kQueueSize, 128);
  const Coro producer = put_often(&channel, count).spawn();
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await channel.get();
  co_return sum + co_await producer;
}

Coro return_often(Channel* in, Channel* out, int count) {
  for (int i = 0; i < count; ++i) {
    const int ball = co_await in->get();
    co_await out->put(ball);
  }
  co_return 0;
}

Coro play_with_channels(int count) {
  Channel there(1, 1);
  Channel back(1, 1);
  const Coro other = return_often(&there, &back, count).spawn();
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    co_await there.put(i);
    sum += co_await back.get();
  }
  co_return sum + co_await other;
}

Coro lock_often(Lock* lock, int count) {
  for (int i = 0; i < count; ++i) {
    co_await *lock;
    lock->release();
  }
  co_return 0;
}

Coro lock_alone(int count) {
  Lock lock;
  co_return co_await lock_often(&lock, count);
}

// All stand in line before the first gets it.
Coro lock_among_rivals(int count) {
  Lock lock;
  co_await lock;
  std::vector<Coro> rivals;
  for (int i = 0; i < kRivals; ++i) {
    rivals.push_back(lock_often(&lock, count / kRivals).spawn());
  }
  co_await Yield();
  lock.release();
  for (const Coro& rival : rivals) co_await rival;
  co_return 0;
}

Coro sleep_long(Timers* timers, Sleep** sleeping) {
  const bool slept = co_await Sleep(*timers, now() + 3600 * kSecond, sleeping);
  if (!slept) throw Cancelled();
  co_return 0;
}

Coro sleep_long_or_stop(Timers* timers, Sleep** sleeping) {
  co_return co_await Sleep(*timers, now() + 3600 * kSecond, sleeping);
}

Coro cancel_often(int count) {
  Timers timers;
  for (int i = 0; i < count; ++i) {
    Sleep* sleeping;
    const Coro task = sleep_long(&timers, &sleeping).spawn();
    co_await Yield();
    sleeping->cancel();
    try {
      co_await task;
    } catch (const Cancelled&) {
    }
  }
  co_return 0;
}

Coro cancel_unseen_often(int count) {
  Timers timers;
  for (int i = 0; i < count; ++i) {
    Sleep* sleeping;
    const Coro task = sleep_long_or_stop(&timers, &sleeping).spawn();
    co_await Yield();
    sleeping->cancel();
    co_await Yield();
  }
  co_return 0;
}

// An hour of them: they stay.
Timers& busy_timers() {
  static auto* timers = [] {
    auto* made = new Timers();
    static auto* others = new std::vector<Timer>(kOtherTimers, Timer(nodes(1)[0]));
    Spread spread(kSecond);
    for (Timer& timer : *others) made->schedule(timer, now() + 3600 * kSecond + spread.next());
    return made;
  }();
  return *timers;
}

}  // namespace

void call_soon(int count) {
  for (CountingNode& node : first_nodes(count)) ready.push(node);
  ready.run();
}

void call_chain(int count) {
  struct Link : Node {
    int left;
  };
  Link link;
  link.left = count;
  link.run = [](Node& self) {
    if (static_cast<Link&>(self).left-- > 0) ready.push(self);
  };
  ready.push(link);
  ready.run();
}

void post(int count) {
  static auto* inbox = new Inbox();
  CountingNode::ran = 0;
  for (CountingNode& node : first_nodes(count)) inbox->post(node);
  run_until_counted(*inbox, count);
}

void post_from_thread(int count) {
  static auto* inbox = new Inbox();
  CountingNode::ran = 0;
  const std::span<CountingNode> all = first_nodes(count);
  std::thread poster([&] {
    for (CountingNode& node : all) inbox->post(node);
  });
  run_until_counted(*inbox, count);
  poster.join();
}

void post_latency(int count) {
  static auto* here = new Inbox();
  static auto* there = new Inbox();
  Node ball;
  std::thread opponent([&] {
    for (int i = 0; i < count; ++i) {
      there->wait();
      here->post(ball);
    }
  });
  for (int i = 0; i < count; ++i) {
    there->post(ball);
    here->wait();
  }
  opponent.join();
}

void yield(int count) { run_all(yield_often(count)); }
void yield_crowd(int count) { run_all(join_crowd(kCrowd, yield_often, count / kCrowd)); }
void spawn_join(int count) { run_all(spawn_and_join_often(count)); }
void spawn_crowd(int count) {
  for (; count > kCrowd; count -= kCrowd) run_all(join_crowd(kCrowd, nothing, 0));
  run_all(join_crowd(count, nothing, 0));
}
void gather(int count) {
  for (; count > kCrowd; count -= kCrowd) run_all(gather_crowd(kCrowd));
  run_all(gather_crowd(count));
}
void await_ready(int count) { run_all(await_often(count)); }
void await_chain(int count) { run_all(await_chain_often(count)); }
void await_done(int count) { run_all(await_done_often(count)); }
void ping_pong(int count) { run_all(play(count)); }
void queue_put_get(int count) { run_all(put_and_get_often(count)); }
void queue_stream(int count) { run_all(stream(count)); }
void queue_ping_pong(int count) { run_all(play_with_channels(count)); }
void lock(int count) { run_all(lock_alone(count)); }
void lock_contended(int count) { run_all(lock_among_rivals(count)); }
void cancel_sleep(int count) { run_all(cancel_often(count)); }
void cancel_unseen(int count) { run_all(cancel_unseen_often(count)); }

void timer_fire(int count) {
  static auto* timers = new Timers();
  const std::int64_t start = now();
  Spread spread(kSecond / 100);
  for (Timer& timer : fresh_timers(count)) timers->schedule(timer, start - spread.next());
  timers->fire(now());
  ready.run();
}

void timer_cancel(int count) {
  static auto* timers = new Timers();
  const std::int64_t start = now();
  Spread spread(16 * kSecond);
  std::vector<Timer>& all = fresh_timers(count);
  for (Timer& timer : all) timers->schedule(timer, start + 10 * kSecond + spread.next());
  for (Timer& timer : all) timers->cancel(timer);
}

void timer_pair(int count) {
  Timers& timers = busy_timers();
  Timer timer(nodes(1)[0]);
  for (int i = 0; i < count; ++i) {
    timers.schedule(timer, now() + kSecond);
    timers.cancel(timer);
  }
}

}  // namespace benchmarks::raw
