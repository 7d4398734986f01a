#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::utils_wait_for {
namespace {

using std::chrono::seconds;

Coro<std::string> says(std::string words, int delay = 0) {
  trace(words, "starts");
  if (delay > 0) co_await sleep(seconds(delay));
  co_return words;
}

Coro<> sleeps_until_cancelled() {
  try {
    co_await sleep(seconds(3600));
  } catch (const CancelledError&) {
    trace("hears", std::current_exception());
    throw;
  }
}

Coro<> fails_after_a_second() {
  co_await sleep(seconds(1));
  throw std::invalid_argument("boom");
}

SCENARIO(what_is_fast_enough) {
  co_await waited("wait_for", [] { return wait_for(says("words", 1), seconds(2)); });
}

SCENARIO(what_does_not_wait_takes_no_turn) {
  co_await waited("wait_for", [] { return wait_for(says("words"), seconds(2)); });
}

SCENARIO(what_is_too_slow_is_cancelled) {
  co_await waited("wait_for", [] { return wait_for(sleeps_until_cancelled(), seconds(2)); });
  trace(current_task()->cancelling());
}

SCENARIO(no_limit) {
  co_await waited("wait_for", [] { return wait_for(says("words", 1000), std::nullopt); });
}

SCENARIO(a_coroutine_never_starts_under_a_limit_of_zero) {
  co_await waited("wait_for", [] { return wait_for(says("never"), seconds(0)); });
  co_await waited("wait_for", [] { return wait_for(says("never"), seconds(-1)); });
}

SCENARIO(a_done_future_under_a_limit_of_zero) {
  Future<std::string> future;
  future.set_result("done");
  co_await waited("wait_for", [&] { return wait_for(future, seconds(0)); });
}

SCENARIO(a_pending_future_under_a_limit_of_zero_is_cancelled) {
  Future<std::string> future;
  co_await waited("wait_for", [&] { return wait_for(future, seconds(0)); });
  trace(future.cancelled());
}

SCENARIO(a_cancelled_task_under_a_limit_of_zero_has_told_its_message) {
  Task<> task = create_task(sleeps_until_cancelled());
  co_await sleep(seconds(0));
  task.cancel("enough");
  co_await waited("wait_for", [&] { return wait_for(task, seconds(0)); });
  co_await waited("task", task);
}

SCENARIO(a_pending_gather_under_a_limit_of_zero) {
  auto gathered = gather(sleeps_until_cancelled());
  co_await sleep(seconds(0));
  co_await waited("wait_for", [&] { return wait_for(gathered, seconds(0)); });
  trace(gathered.cancelled());
}

SCENARIO(a_future_that_is_too_slow_is_cancelled) {
  Future<std::string> future;
  co_await waited("wait_for", [&] { return wait_for(future, seconds(1)); });
  trace(future.cancelled());
}

SCENARIO(a_task_that_is_too_slow_is_cancelled_and_waited_for) {
  auto cleans = []() -> Coro<> {
    std::exception_ptr cancelled;
    try {
      co_await sleep(seconds(3600));
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    co_await sleep(seconds(5));
    trace("clean");
    std::rethrow_exception(cancelled);
  };
  Task<> task = create_task(cleans());
  co_await waited("wait_for", [&] { return wait_for(task, seconds(1)); });
  trace(task.cancelled());
}

SCENARIO(a_value_in_spite_of_the_cancellation_counts) {
  auto stubborn = []() -> Coro<std::string> {
    try {
      co_await sleep(seconds(3600));
    } catch (const CancelledError&) {
      trace("swallows");
    }
    co_return "value";
  };
  Task<std::string> task = create_task(stubborn());
  co_await waited("wait_for", [&] { return wait_for(task, seconds(1)); });
}

SCENARIO(another_exception_counts) {
  auto fails = []() -> Coro<> {
    try {
      co_await sleep(seconds(3600));
    } catch (const CancelledError&) {
      throw std::invalid_argument("instead");
    }
  };
  co_await waited("wait_for", [&] { return wait_for(fails(), seconds(1)); });
}

SCENARIO(cancelling_who_waits_cancels_what_is_waited_for) {
  Task<> inner = create_task(sleeps_until_cancelled());
  Task<> outer = create_task([&] { return wait_for(inner, seconds(10)); });
  co_await sleep(seconds(1));
  outer.cancel("outer");
  co_await waited("outer", outer);
  trace(inner.cancelled(), outer.cancelled());
}

SCENARIO(a_failure_passes) {
  co_await waited("wait_for", [] { return wait_for(fails_after_a_second(), seconds(10)); });
}

SCENARIO(shield_gives_the_result) {
  Future<std::string> shielded = shield(says("words", 1));
  co_await waited("shield", shielded);
}

SCENARIO(shield_of_what_is_done_is_that_itself) {
  Future<std::string> done;
  done.set_result("done");
  trace(shield(done) == done);
  co_await waited("shield", shield(done));
}

SCENARIO(shield_keeps_a_cancellation_from_the_inside) {
  Task<std::string> inner = create_task(says("inner", 5));
  auto waits = [&]() -> Coro<> { co_await shield(inner); };
  Task<> outer = create_task(waits);
  co_await sleep(seconds(1));
  outer.cancel("outer");
  co_await waited("outer", outer);
  trace(inner.done(), inner.cancelling());
  co_await waited("inner", inner);
}

SCENARIO(a_shielded_task_that_is_cancelled_ends_the_shield) {
  Task<> inner = create_task(sleeps_until_cancelled());
  Future<> outer = shield(inner);
  co_await sleep(seconds(1));
  inner.cancel();
  co_await waited("shield", outer);
  trace(outer.cancelled());
}

SCENARIO(a_shielded_failure_passes) {
  Future<> shielded = shield(fails_after_a_second());
  co_await waited("shield", shielded);
}

SCENARIO(a_limit_on_how_long_one_waits_for_what_goes_on) {
  Task<std::string> inner = create_task(says("inner", 5));
  co_await waited("wait_for", [&] { return wait_for(shield(inner), seconds(1)); });
  co_await waited("inner", inner);
}

}  // namespace
}  // namespace asyncio::conformance::utils_wait_for
