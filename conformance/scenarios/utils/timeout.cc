#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "conformance/trace.h"

namespace asyncio::conformance::utils_timeout {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint at(int second) { return TimePoint(seconds(second)); }

int cancelling() { return current_task()->cancelling(); }

// A timeout that can be looked at after its block.
class Observed {
 public:
  explicit Observed(Timeout& limit) : limit_(limit) {}

  void enter() { limit_.enter(); }
  void exit(const std::exception_ptr& error) { limit_.exit(error); }

 private:
  Timeout& limit_;
};

Coro<> sleeps(Duration delay) { co_await sleep(delay); }

Coro<> sleeps_under(Timeout limit) {
  co_await with(std::move(limit), [] { return sleeps(seconds(10)); });
}

// Tells what a body raises.
template <class F>
Coro<> tells(std::string who, F body) {
  try {
    co_await body();
  } catch (...) {
    trace(who, std::current_exception());
    throw;
  }
}

SCENARIO(a_block_that_is_fast_enough) {
  Timeout limit = timeout(seconds(2));
  co_await with(Observed(limit), [&]() -> Coro<> {
    co_await sleep(seconds(1));
    trace("in time");
  });
  trace(limit.expired(), limit.when());
}

SCENARIO(a_block_that_is_too_slow) {
  co_await waited("block", [] {
    return with(timeout(seconds(1)),
                [] { return tells("body hears", [] { return sleeps(seconds(2)); }); });
  });
  trace("cancelling", cancelling());
}

SCENARIO(no_limit) {
  Timeout limit = timeout(std::nullopt);
  co_await with(Observed(limit), [] { return sleeps(seconds(1000)); });
  trace(limit.when(), limit.expired());
}

SCENARIO(a_limit_of_zero_lets_a_body_complete_that_does_not_wait) {
  Timeout limit = timeout(seconds(0));
  co_await with(Observed(limit), [] { trace("body"); });
  trace(limit.expired());
}

SCENARIO(a_limit_of_zero_ends_a_body_that_waits) {
  co_await waited("block", [] {
    return with(timeout(seconds(0)), []() -> Coro<> {
      co_await sleep(seconds(0));
      trace("never");
    });
  });
}

SCENARIO(a_negative_limit_is_one_of_zero) {
  co_await waited("block", [] { return sleeps_under(timeout(seconds(-1))); });
}

SCENARIO(a_deadline_in_the_past) {
  co_await sleep(seconds(10));
  co_await waited("block", [] {
    return with(timeout_at(at(5)), [](Timeout& limit) -> Coro<> {
      trace(limit.when(), limit.expired());
      co_await sleep(seconds(10));
    });
  });
}

SCENARIO(a_deadline) {
  co_await waited("block", [] {
    return with(timeout_at(at(3)), [](Timeout& limit) -> Coro<> {
      trace(limit.when());
      co_await sleep(seconds(10));
    });
  });
}

SCENARIO(the_limit_counts_from_the_call) {
  Timeout limit = timeout(seconds(5));
  co_await sleep(seconds(3));
  co_await waited("block", [&] { return sleeps_under(std::move(limit)); });
}

SCENARIO(the_value_of_a_block) {
  co_await waited("block", [] {
    return with(timeout(seconds(5)), [] { return sleep(seconds(1), std::string("value")); });
  });
}

SCENARIO(a_deadline_may_be_moved_back) {
  co_await waited("block", [] {
    return with(timeout(seconds(1)), [](Timeout& limit) -> Coro<> {
      limit.reschedule(at(5));
      trace(limit.when());
      co_await sleep(seconds(10));
    });
  });
}

SCENARIO(a_deadline_may_be_moved_into_the_past) {
  co_await waited("block", [] {
    return with(timeout(seconds(100)), [](Timeout& limit) -> Coro<> {
      co_await sleep(seconds(2));
      limit.reschedule(at(1));
      co_await sleep(seconds(10));
    });
  });
}

SCENARIO(a_deadline_may_be_taken_away_and_given_again) {
  co_await waited("block", [] {
    return with(timeout(seconds(1)), [](Timeout& limit) -> Coro<> {
      limit.reschedule(std::nullopt);
      trace(limit.when());
      co_await sleep(seconds(10));
      limit.reschedule(at(12));
      co_await sleep(seconds(10));
    });
  });
}

SCENARIO(an_exception_of_the_body_passes) {
  co_await waited("block", [] {
    return with(timeout(seconds(5)), []() -> Coro<> {
      co_await sleep(seconds(1));
      throw std::invalid_argument("of the body");
    });
  });
}

SCENARIO(an_exception_in_place_of_the_cancellation_passes) {
  co_await waited("block", [] {
    return with(timeout(seconds(1)), [](Timeout& limit) -> Coro<> {
      try {
        co_await sleep(seconds(10));
      } catch (const CancelledError&) {
        trace("expired", limit.expired());
        throw std::invalid_argument("instead");
      }
    });
  });
  trace("cancelling", cancelling());
}

SCENARIO(a_body_that_swallows_the_cancellation) {
  Timeout limit = timeout(seconds(1));
  co_await with(Observed(limit), [&]() -> Coro<> {
    try {
      co_await sleep(seconds(10));
    } catch (const CancelledError&) {
      trace("swallows", limit.expired());
    }
    co_await sleep(seconds(5));
    trace("goes on");
  });
  trace(limit.expired(), cancelling());
}

SCENARIO(a_cancellation_from_outside_passes) {
  Task<> task = create_task([] { return sleeps_under(timeout(seconds(5))); });
  co_await sleep(seconds(1));
  task.cancel("from outside");
  co_await waited("task", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(a_cancellation_from_outside_just_after_the_deadline_passes) {
  Task<> task = create_task([] { return sleeps_under(timeout(seconds(1))); });
  co_await sleep(seconds(0));
  get_running_loop().call_later(seconds(1),
                                [&] { trace("cancel()", task.cancel("from outside")); });
  co_await waited("task", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(a_cancellation_from_outside_just_before_the_deadline_passes) {
  Task<> task = create_task([] { return sleeps_under(timeout(seconds(1))); });
  get_running_loop().call_at(at(1), [&] { trace("cancel()", task.cancel("from outside")); });
  co_await waited("task", task);
  trace(task.cancelled(), task.cancelling());
}

SCENARIO(the_inner_limit_is_shorter) {
  Timeout outer = timeout(seconds(5));
  co_await with(Observed(outer), [&]() -> Coro<> {
    co_await waited("inner", [] { return sleeps_under(timeout(seconds(1))); });
    co_await sleep(seconds(1));
    trace("outer goes on");
  });
  trace(outer.expired());
}

// Two nested limits.
Coro<> sleeps_under_both(Duration outer, Duration inner) {
  co_await with(timeout(outer), [&] {
    return tells("inner raised", [&] { return sleeps_under(timeout(inner)); });
  });
}

SCENARIO(the_outer_limit_is_shorter) {
  co_await waited("outer", [] { return sleeps_under_both(seconds(1), seconds(5)); });
  trace(cancelling());
}

SCENARIO(both_limits_are_over) {
  co_await waited("outer", [] { return sleeps_under_both(seconds(-1), seconds(-1)); });
  trace(cancelling());
}

SCENARIO(a_limit_on_cleaning_up_after_a_cancellation) {
  auto block = []() -> Coro<> {
    std::exception_ptr cancelled;
    try {
      co_await sleep(seconds(100));
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    co_await waited("cleaning", [] { return sleeps_under(timeout(seconds(1))); });
    std::rethrow_exception(cancelled);
  };
  Task<> task = create_task(block());
  co_await sleep(seconds(0));
  task.cancel("clean up");
  co_await waited("task", task);
  trace(task.cancelling());
}

SCENARIO(a_timeout_cannot_be_moved_outside_of_its_block) {
  Timeout limit = timeout(seconds(1));
  tried("before", [&] { limit.reschedule(at(5)); });
  co_await with(Observed(limit), [] {});
  try {
    limit.reschedule(at(5));
  } catch (const std::runtime_error&) {
    trace("RuntimeError");
  }
}

SCENARIO(a_timeout_that_fired_cannot_be_moved) {
  co_await waited("block", [] {
    return with(timeout(seconds(1)), [](Timeout& limit) -> Coro<> {
      try {
        co_await sleep(seconds(10));
      } catch (const CancelledError&) {
        tried("reschedule", [&] { limit.reschedule(at(100)); });
        throw;
      }
    });
  });
}

LOOP_SCENARIO(a_timeout_needs_a_running_loop) {
  tried("timeout", [] { timeout(seconds(1)); });
}

SCENARIO(a_result_in_the_turn_of_the_deadline_is_lost) {
  Future<std::string> future;
  get_running_loop().call_later(seconds(1), [&] { future.set_result("just in time"); });
  co_await waited("block", [&] {
    return with(timeout(seconds(1)), [&](Timeout& limit) -> Coro<> {
      try {
        const std::string result = co_await future;
        trace("got", result);
      } catch (const CancelledError&) {
        trace("cancelled, expired", limit.expired());
        throw;
      }
    });
  });
}

}  // namespace
}  // namespace asyncio::conformance::utils_timeout
