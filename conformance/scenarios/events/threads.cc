#include <chrono>
#include <stdexcept>
#include <thread>

#include "conformance/trace.h"

namespace asyncio::conformance::events_threads {
namespace {

using std::chrono::seconds;

template <class F>
void in_a_thread(F function) {
  std::thread(function).join();
}

LOOP_SCENARIO(posts_run_in_their_order_among_the_others) {
  loop.call_soon([] { trace("before"); });
  in_a_thread([&] {
    for (int number = 0; number < 3; ++number) {
      loop.call_soon_threadsafe([number] { trace("post", number); });
    }
  });
  loop.call_soon([] { trace("after"); });
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(a_post_that_is_cancelled_never_runs) {
  ThreadsafeHandle handle = loop.call_soon_threadsafe([] { trace("never"); });
  in_a_thread([&] { handle.cancel(); });
  trace("cancelled", handle.cancelled());
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(a_post_of_the_loops_own_thread_stands_in_line) {
  loop.call_soon([&] {
    trace("first");
    loop.call_soon([] { trace("soon"); });
    loop.call_soon_threadsafe([] { trace("post"); });
    loop.call_soon([] { trace("soon again"); });
  });
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(an_exception_in_a_post_is_reported) {
  in_a_thread([&] { loop.call_soon_threadsafe([] { throw std::invalid_argument("posted"); }); });
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(a_post_may_cancel_itself) {
  ThreadsafeHandle handle;
  handle = loop.call_soon_threadsafe([&] {
    trace("runs");
    handle.cancel();
    trace("cancelled", handle.cancelled());
  });
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(posts_are_dropped_when_a_loop_is_closed) {
  in_a_thread([&] { loop.call_soon_threadsafe([] { trace("never"); }); });
  loop.close();
  trace("closed");
}

LOOP_SCENARIO(call_soon_of_another_thread) {
  auto call = [&] {
    try {
      loop.call_soon([] { trace("runs all the same"); });
    } catch (const std::runtime_error&) {
      trace("RuntimeError");
    }
  };
  loop.call_soon([&] { in_a_thread(call); });
  loop.call_later(seconds(1), [&] { loop.stop(); });
  loop.run_forever();
}

}  // namespace
}  // namespace asyncio::conformance::events_threads
