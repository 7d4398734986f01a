#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "conformance/trace.h"

namespace asyncio::conformance::tasks_async_generator {
namespace {

using std::chrono::seconds;

AsyncGenerator<int> counts(int last) {
  const absl::Cleanup leaves = [] { trace("leaves"); };
  for (int number = 1; number <= last; ++number) {
    trace("yields");
    co_yield number;
    co_await sleep(seconds(1));
  }
  trace("ends");
}

// Traces the next value.
Coro<> asks(std::string name, AsyncGenerator<int>* numbers) {
  try {
    const std::optional<int> number = co_await numbers->next();
    trace(name, "gave", number);
  } catch (...) {
    trace(name, "raised", std::current_exception());
  }
}

Coro<> asks_often(int times, AsyncGenerator<int>* numbers) {
  for (int i = 0; i < times; ++i) co_await asks("next", numbers);
}

Coro<> closes(AsyncGenerator<int>* numbers) {
  try {
    co_await numbers->aclose();
    trace("aclose gave None");
  } catch (...) {
    trace("aclose raised", std::current_exception());
  }
}

SCENARIO(it_runs_when_it_is_asked) {
  AsyncGenerator<int> numbers = counts(2);
  trace("made");
  co_await asks_often(4, &numbers);
}

AsyncGenerator<int> breaks() {
  co_yield 1;
  throw std::invalid_argument("boom");
}

SCENARIO(what_it_throws_ends_it) {
  AsyncGenerator<int> numbers = breaks();
  co_await asks_often(3, &numbers);
}

SCENARIO(aclose_ends_it_where_it_waits_to_be_asked) {
  AsyncGenerator<int> numbers = counts(2);
  co_await asks("next", &numbers);
  co_await closes(&numbers);
  co_await asks("next", &numbers);
  co_await closes(&numbers);
}

SCENARIO(aclose_of_one_that_has_not_started_runs_nothing) {
  AsyncGenerator<int> numbers = counts(2);
  co_await closes(&numbers);
  co_await asks("next", &numbers);
}

AsyncGenerator<int> cleans_up() {
  std::exception_ptr exit;
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    exit = std::current_exception();
  }
  co_await sleep(seconds(1));
  trace("clean");
  if (exit != nullptr) std::rethrow_exception(exit);
}

SCENARIO(aclose_waits_for_what_it_awaits_on_its_way_out) {
  AsyncGenerator<int> numbers = cleans_up();
  co_await asks("next", &numbers);
  co_await closes(&numbers);
}

AsyncGenerator<int> breaks_on_its_way_out() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    throw std::invalid_argument("boom");
  }
}

SCENARIO(aclose_raises_what_it_throws_on_its_way_out) {
  AsyncGenerator<int> numbers = breaks_on_its_way_out();
  co_await asks("next", &numbers);
  co_await closes(&numbers);
  co_await asks("next", &numbers);
}

AsyncGenerator<int> ignores() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    trace("ignores");
  }
  co_yield 2;
}

SCENARIO(one_that_yields_in_spite_of_aclose) {
  AsyncGenerator<int> numbers = ignores();
  co_await asks("next", &numbers);
  co_await closes(&numbers);
}

SCENARIO(a_cancellation_is_thrown_where_it_waits_and_ends_it) {
  AsyncGenerator<int> numbers = counts(2);
  co_await asks("next", &numbers);
  Task<> task = create_task(asks("task", &numbers));
  co_await sleep(seconds(0));
  task.cancel("enough");
  co_await task;
  co_await asks("next", &numbers);
}

AsyncGenerator<int> swallows() {
  try {
    co_await sleep(seconds(1));
  } catch (const CancelledError&) {
    trace("swallows");
  }
  co_yield 1;
  co_yield 2;
}

SCENARIO(one_that_swallows_a_cancellation_goes_on) {
  AsyncGenerator<int> numbers = swallows();
  Task<> task = create_task(asks("task", &numbers));
  co_await sleep(seconds(0));
  task.cancel();
  co_await task;
  co_await asks("next", &numbers);
  co_await closes(&numbers);
}

AsyncGenerator<int> slow() {
  co_await sleep(seconds(1));
  co_yield 1;
}

SCENARIO(two_tasks_cannot_ask_at_once) {
  AsyncGenerator<int> numbers = slow();
  Task<> task = create_task(asks("task", &numbers));
  co_await sleep(seconds(0));
  try {
    co_await numbers.next();
  } catch (const std::runtime_error&) {
    trace("RuntimeError");
  }
  try {
    co_await numbers.aclose();
  } catch (const std::runtime_error&) {
    trace("RuntimeError");
  }
  co_await task;
  co_await closes(&numbers);
}

SCENARIO(several_tasks_may_ask_in_turn) {
  AsyncGenerator<int> numbers = counts(3);
  for (const char* name : {"a", "b"}) co_await create_task(asks(name, &numbers));
  co_await closes(&numbers);
}

AsyncGenerator<int> doubles() {
  AsyncGenerator<int> numbers = counts(2);
  while (const std::optional<int> number = co_await numbers.next()) co_yield 2 * *number;
}

SCENARIO(one_that_asks_another) {
  AsyncGenerator<int> numbers = doubles();
  co_await asks_often(3, &numbers);
}

}  // namespace
}  // namespace asyncio::conformance::tasks_async_generator
