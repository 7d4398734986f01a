#include <chrono>
#include <string>
#include <vector>

#include "conformance/trace.h"

namespace asyncio::conformance::sync_event {
namespace {

using std::chrono::seconds;

Task<> waiter(Event& event, std::string name) {
  return create_task([&event, name] { return waited(name, [&event] { return event.wait(); }); });
}

SCENARIO(a_set_event_is_not_waited_for) {
  Event event;
  trace(event.is_set());
  event.set();
  event.set();
  trace(event.is_set());
  co_await waited("main", [&] { return event.wait(); });
}

SCENARIO(all_resume_in_the_turn_after_it_is_set) {
  Event event;
  Task<> a = waiter(event, "a");
  Task<> b = waiter(event, "b");
  co_await sleep(seconds(1));
  event.set();
  trace("set");
  co_await a;
  co_await b;
}

SCENARIO(clearing_it_at_once_does_not_hold_back_who_waited) {
  Event event;
  Task<> a = waiter(event, "a");
  Task<> b = waiter(event, "b");
  co_await sleep(seconds(1));
  event.set();
  event.clear();
  trace(event.is_set());
  Task<> late = waiter(event, "late");
  co_await a;
  co_await b;
  co_await sleep(seconds(1));
  trace("late done", late.done());
  event.set();
  co_await late;
}

SCENARIO(a_cancelled_waiter_hears_nothing_of_it) {
  Event event;
  Task<> a = waiter(event, "a");
  Task<> b = waiter(event, "b");
  co_await sleep(seconds(1));
  a.cancel("enough");
  co_await a;
  event.set();
  co_await b;
}

SCENARIO(a_cancellation_after_set_wins) {
  Event event;
  Task<> a = waiter(event, "a");
  Task<> b = waiter(event, "b");
  co_await sleep(seconds(1));
  event.set();
  trace("cancel()", a.cancel("late"));
  co_await a;
  co_await b;
}

}  // namespace
}  // namespace asyncio::conformance::sync_event
