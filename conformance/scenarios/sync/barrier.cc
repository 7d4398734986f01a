#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::sync_barrier {
namespace {

using std::chrono::seconds;

Task<> party(Barrier& barrier, std::string name) {
  return create_task(
      [&barrier, name] { return waited(name, [&barrier] { return barrier.wait(); }); });
}

Coro<> waits_for_what_breaks(Barrier* barrier) {
  try {
    co_await barrier->wait();
  } catch (const BrokenBarrierError&) {
    trace("BrokenBarrierError");
  }
}

SCENARIO(the_last_goes_on_at_once_and_the_others_next_turn) {
  Barrier barrier(3);
  Task<> a = party(barrier, "a");
  Task<> b = party(barrier, "b");
  Task<> c = party(barrier, "c");
  co_await a;
  co_await b;
  co_await c;
}

SCENARIO(a_barrier_of_one_does_not_wait) {
  Barrier barrier(1);
  co_await waited("main", [&] { return barrier.wait(); });
  co_await waited("main", [&] { return barrier.wait(); });
}

SCENARIO(how_many_wait) {
  Barrier barrier(3);
  trace(barrier.parties(), barrier.n_waiting(), barrier.broken());
  Task<> a = party(barrier, "a");
  Task<> b = party(barrier, "b");
  co_await sleep(seconds(0));
  trace(barrier.parties(), barrier.n_waiting(), barrier.broken());
  co_await waited("main", [&] { return barrier.wait(); });
  trace(barrier.n_waiting());
  co_await a;
  co_await b;
}

SCENARIO(rounds_follow_each_other) {
  Barrier barrier(2);
  auto goes_round = [&](std::string name) -> Coro<> {
    for (int number = 0; number < 3; ++number) {
      co_await waited(name, [&] { return barrier.wait(); });
    }
  };
  Task<> a = create_task(goes_round, "a");
  Task<> b = create_task(goes_round, "b");
  co_await a;
  co_await b;
}

SCENARIO(abort_breaks_it) {
  Barrier barrier(2);
  Task<> task = create_task(waits_for_what_breaks(&barrier));
  co_await sleep(seconds(0));
  co_await barrier.abort();
  trace(barrier.broken(), barrier.n_waiting());
  co_await waits_for_what_breaks(&barrier);
  co_await task;
}

SCENARIO(a_reset_barrier_is_as_new) {
  Barrier barrier(2);
  Task<> task = create_task(waits_for_what_breaks(&barrier));
  co_await sleep(seconds(0));
  co_await barrier.reset();
  co_await task;
  trace(barrier.broken(), barrier.n_waiting());
  Task<> second = party(barrier, "second");
  co_await waited("main", [&] { return barrier.wait(); });
  co_await second;
}

SCENARIO(a_cancelled_party_leaves_its_place_to_another) {
  Barrier barrier(2);
  Task<> cancelled = party(barrier, "cancelled");
  co_await sleep(seconds(0));
  cancelled.cancel();
  co_await cancelled;
  trace(barrier.n_waiting());
  Task<> other = party(barrier, "other");
  co_await waited("main", [&] { return barrier.wait(); });
  co_await other;
}

SCENARIO(a_cancelled_party_wakes_the_next_who_goes_to_the_end_of_the_line) {
  Barrier barrier(5);
  std::vector<Task<>> parties;
  for (const char* name : {"a", "b", "c"}) parties.push_back(party(barrier, name));
  co_await sleep(seconds(0));
  parties[0].cancel();
  co_await sleep(seconds(0));
  co_await sleep(seconds(0));
  for (const char* name : {"d", "e"}) parties.push_back(party(barrier, name));
  co_await sleep(seconds(0));
  co_await waited("main", [&] { return barrier.wait(); });
  co_await gather(parties);
}

SCENARIO(a_blocked_party_is_woken_by_a_cancelled_one_that_was_blocked_too) {
  Barrier barrier(2);
  auto twice = [&](std::string name) -> Coro<> {
    for (int round = 0; round < 2; ++round) co_await waited(name, [&] { return barrier.wait(); });
  };
  Task<> first = create_task(twice, "first");
  co_await sleep(seconds(0));
  co_await waited("main", [&] { return barrier.wait(); });
  Task<> last = create_task(twice, "last");
  current_task()->cancel();
  co_await waited("main", [&] { return barrier.wait(); });
  current_task()->uncancel();
  trace(barrier.n_waiting());
  co_await sleep(seconds(0));
  trace(barrier.n_waiting());
  co_await waited("main", [&] { return barrier.wait(); });
  co_await first;
  co_await last;
}

SCENARIO(it_takes_at_least_one) {
  try {
    Barrier barrier(0);
  } catch (const std::invalid_argument&) {
    trace("ValueError");
  }
  co_return;
}

}  // namespace
}  // namespace asyncio::conformance::sync_barrier
