#include <chrono>

#include "conformance/trace.h"

namespace asyncio::conformance::events_lifecycle {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

LOOP_SCENARIO(a_loop_that_was_stopped_before_runs_one_turn) {
  loop.call_soon([&] {
    trace("outer");
    loop.call_soon([] { trace("inner"); });
  });
  loop.stop();
  loop.run_forever();
  trace("between");
  loop.stop();
  loop.run_forever();
}

LOOP_SCENARIO(stop_lets_the_turn_end) {
  loop.call_soon([&] { loop.stop(); });
  loop.call_soon([] { trace("still runs"); });
  loop.call_soon([&] { loop.call_soon([] { trace("next run"); }); });
  loop.run_forever();
  trace("stopped");
  loop.stop();
  loop.run_forever();
}

LOOP_SCENARIO(a_stopping_turn_does_not_wait_for_timers) {
  loop.call_later(seconds(1), [] { trace("timer"); });
  loop.stop();
  loop.run_forever();
  loop.call_later(seconds(2), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(stop_inside_of_the_last_turn_does_not_reach_the_next_run) {
  loop.call_soon([&] { loop.stop(); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  loop.call_later(seconds(1), [] { trace("runs"); });
  loop.call_later(milliseconds(1500), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(what_a_loop_says_of_itself) {
  trace(loop.is_running(), loop.is_closed());
  loop.call_soon([&] { trace(loop.is_running(), loop.is_closed()); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  trace(loop.is_running(), loop.is_closed());
  loop.close();
  trace(loop.is_running(), loop.is_closed());
}

LOOP_SCENARIO(a_closed_loop_refuses) {
  loop.close();
  loop.close();
  tried("run_forever", [&] { loop.run_forever(); });
  tried("call_soon", [&] { loop.call_soon([] { trace(); }); });
  tried("call_soon_threadsafe", [&] { loop.call_soon_threadsafe([] { trace(); }); });
  tried("add_reader", [&] { loop.add_reader(0, [] { trace(); }); });
  tried("remove_reader", [&] { return loop.remove_reader(0); });
  tried("remove_writer", [&] { return loop.remove_writer(0); });
}

LOOP_SCENARIO(a_running_loop_can_neither_be_closed_nor_run_again) {
  loop.call_soon([&] { tried("close", [&] { loop.close(); }); });
  loop.call_soon([&] { tried("run_forever", [&] { loop.run_forever(); }); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(no_loop_runs_inside_of_another) {
  SelectorEventLoop other;
  loop.call_soon([&] { tried("other loop", [&] { other.run_forever(); }); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  other.close();
}

LOOP_SCENARIO(what_is_due_is_dropped_when_a_loop_is_closed) {
  loop.call_soon([] { trace("never"); });
  loop.call_later(seconds(0), [] { trace("never"); });
  loop.close();
  trace("closed");
}

LOOP_SCENARIO(a_loop_of_its_own_starts_at_turn_one) {
  {
    TraceLoop inner;
    inner.call_later(seconds(7), [&] { inner.stop(); });
    inner.run_forever();
    trace("inner");
  }
  trace("outer");
}

LOOP_SCENARIO(the_current_loop_is_whichever_was_set) {
  auto is_current = [&] { return &get_event_loop() == &loop; };
  set_event_loop(&loop);
  tried("set", is_current);
  set_event_loop(nullptr);
  SelectorEventLoop other;
  set_event_loop(&other);
  loop.call_soon([&] { tried("inside", is_current); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  set_event_loop(nullptr);
  other.close();
}

}  // namespace
}  // namespace asyncio::conformance::events_lifecycle
