#include <chrono>
#include <limits>
#include <stdexcept>

#include "conformance/trace.h"

namespace asyncio::conformance::events_timers {
namespace {

using std::chrono::seconds;

constexpr TimePoint at(int second) { return TimePoint(seconds(second)); }

LOOP_SCENARIO(timers_run_by_deadline) {
  loop.call_later(seconds(3), [] { trace("three"); });
  loop.call_later(seconds(1), [] { trace("one"); });
  loop.call_later(seconds(2), [] { trace("two"); });
  loop.call_later(seconds(4), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(delays_of_zero_and_less_run_after_what_is_due_by_deadline) {
  loop.call_later(seconds(0), [] { trace("zero"); });
  loop.call_later(seconds(-1), [] { trace("minus one"); });
  loop.call_later(seconds(-2), [] { trace("minus two"); });
  loop.call_soon([] { trace("soon"); });
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(a_timer_asked_for_in_a_callback_waits_for_the_next_turn) {
  loop.call_soon([&] {
    trace("first");
    loop.call_later(seconds(0), [] { trace("timer"); });
    loop.call_soon([] { trace("soon"); });
  });
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(a_timers_callback_schedules_for_the_turn_after) {
  loop.call_later(seconds(1), [&] {
    trace("fires");
    loop.call_soon([] { trace("and then"); });
    loop.call_later(seconds(1), [&] { loop.stop(); });
  });
  loop.run_forever();
  trace("stopped");
}

LOOP_SCENARIO(a_cancelled_timer_neither_fires_nor_moves_the_clock) {
  TimerHandle handle = loop.call_later(seconds(1), [] { trace("never"); });
  loop.call_later(seconds(3), [&] { loop.stop(); });
  handle.cancel();
  loop.run_forever();
  trace("cancelled", handle.cancelled(), handle.when());
}

LOOP_SCENARIO(a_timer_may_be_cancelled_by_one_that_is_due_at_the_same_time) {
  TimerHandle later = loop.call_later(seconds(2), [] { trace("never"); });
  loop.call_later(seconds(1), [&] {
    trace("first");
    later.cancel();
  });
  loop.call_later(seconds(4), [&] { loop.stop(); });
  loop.advance(seconds(3));
  loop.run_forever();
}

LOOP_SCENARIO(timers_that_are_overdue_run_in_one_turn) {
  for (int delay : {2, 1, 3}) {
    loop.call_later(seconds(delay), [delay] { trace("timer", delay); });
  }
  loop.call_later(seconds(4), [&] { loop.stop(); });
  loop.advance(seconds(10));
  loop.run_forever();
}

LOOP_SCENARIO(call_at_takes_the_loops_time) {
  const TimerHandle handle = loop.call_at(at(5), [] { trace("at five"); });
  trace("when", handle.when());
  loop.call_at(at(-5), [] { trace("long ago"); });
  loop.call_at(at(6), [&] { loop.stop(); });
  loop.run_forever();
  trace("when", handle.when());
}

LOOP_SCENARIO(an_infinite_delay_never_fires) {
  TimerHandle handle = loop.call_later(Duration::infinite(), [] { trace("never"); });
  trace("when", handle.when());
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
  handle.cancel();
}

LOOP_SCENARIO(timers_are_ordered_by_their_deadlines) {
  TimerHandle early = loop.call_at(at(1), [] { trace(); });
  TimerHandle late = loop.call_at(at(2), [] { trace(); });
  trace(early<late, early <= late, early> late, early == early, early == late);
  early.cancel();
  late.cancel();
}

LOOP_SCENARIO(timers_of_the_same_deadline) {
  for (int number = 0; number < 10; ++number) {
    loop.call_at(at(1), [number] { trace("timer", number); });
  }
  loop.call_at(at(2), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(an_exception_in_a_timer_is_reported) {
  loop.call_later(seconds(1), [] { throw std::runtime_error("late"); });
  loop.call_later(seconds(2), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(no_timer_is_taken_by_a_closed_loop) {
  loop.close();
  tried("call_later", [&] { loop.call_later(seconds(1), [] { trace(); }); });
  tried("call_at", [&] { loop.call_at(at(1), [] { trace(); }); });
}

LOOP_SCENARIO(not_a_number_is_no_delay) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  try {
    loop.call_later(std::chrono::duration<double>(nan), [] { trace("never"); }).cancel();
    trace("taken");
  } catch (const std::invalid_argument&) {
    trace("ValueError");
  }
}

}  // namespace
}  // namespace asyncio::conformance::events_timers
