#include <memory>
#include <stdexcept>
#include <string>

#include "conformance/trace.h"

namespace asyncio::conformance::events_callbacks {
namespace {

const ContextVar<std::string>& variable() {
  static const auto* variable = new ContextVar<std::string>("variable", "unset");
  return *variable;
}

LOOP_SCENARIO(callbacks_run_in_the_order_in_which_they_were_asked_for) {
  for (const char* name : {"first", "second", "third"}) loop.call_soon([name] { trace(name); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(what_a_callback_schedules_waits_for_the_next_turn) {
  auto inner = [&] {
    trace("inner");
    loop.call_soon([&] { loop.stop(); });
  };
  auto outer = [&] {
    trace("outer");
    loop.call_soon(inner);
  };
  loop.call_soon(outer);
  loop.call_soon([] { trace("beside outer"); });
  loop.run_forever();
}

LOOP_SCENARIO(a_cancelled_callback_is_skipped) {
  Handle handle = loop.call_soon([] { trace("never"); });
  loop.call_soon([] { trace("runs"); });
  handle.cancel();
  handle.cancel();
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  trace("cancelled", handle.cancelled());
}

LOOP_SCENARIO(a_callback_may_cancel_one_that_is_due_in_the_same_turn) {
  Handle second;
  loop.call_soon([&] {
    trace("first");
    second.cancel();
  });
  second = loop.call_soon([] { trace("second"); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(running_does_not_make_a_handle_cancelled) {
  Handle handle = loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  trace("after the run", handle.cancelled());
  handle.cancel();
  trace("after cancel()", handle.cancelled());
}

LOOP_SCENARIO(an_exception_in_a_callback_is_reported_and_the_loop_goes_on) {
  loop.call_soon([] { throw std::invalid_argument("boom"); });
  loop.call_soon([] { trace("goes on"); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(a_keyboard_interrupt_ends_the_run_and_the_rest_waits_for_the_next) {
  loop.call_soon([] {
    trace("interrupts");
    throw KeyboardInterrupt();
  });
  loop.call_soon([] { trace("still due"); });
  tried("first run", [&] { loop.run_forever(); });
  loop.call_soon([&] { loop.stop(); });
  tried("second run", [&] { loop.run_forever(); });
}

LOOP_SCENARIO(a_system_exit_ends_the_run) {
  loop.call_soon([] { throw SystemExit(); });
  tried("run", [&] { loop.run_forever(); });
  trace("running", loop.is_running());
}

LOOP_SCENARIO(a_failing_exception_handler_is_survived) {
  loop.set_exception_handler([](EventLoop&, const ExceptionContext& context) {
    trace("handler", context.message == "words", context.exception);
    throw std::runtime_error("the handler fails");
  });
  loop.call_soon([&] {
    loop.call_exception_handler(
        {.message = "words", .exception = std::make_exception_ptr(std::invalid_argument("boom"))});
  });
  loop.call_soon([] { trace("goes on"); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
}

LOOP_SCENARIO(a_callback_runs_in_a_copy_of_the_context_of_its_call) {
  variable().set("before");
  loop.call_soon([] { trace("callback sees", variable().get()); });
  variable().set("after");
  loop.call_soon([&] {
    variable().set("changed");
    trace("changer sees", variable().get());
    loop.call_soon([] { trace("its callback sees", variable().get()); });
    loop.call_soon([&] { loop.stop(); });
  });
  loop.run_forever();
  trace("outside", variable().get());
  variable().set("unset");
}

LOOP_SCENARIO(a_context_that_is_given_is_used_itself) {
  const Context context;
  auto change = [] {
    trace("sees", variable().get());
    variable().set("changed");
  };
  loop.call_soon(change, context);
  loop.call_soon(change, context);
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  trace("context holds", context.run([] { return variable().get(); }));
}

LOOP_SCENARIO(the_running_loop_is_known_inside_only) {
  auto is_running_loop = [&] { return &get_running_loop() == &loop; };
  tried("outside", is_running_loop);
  loop.call_soon([&] { tried("inside", is_running_loop); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
}

}  // namespace
}  // namespace asyncio::conformance::events_callbacks
