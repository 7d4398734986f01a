import asyncio
import contextvars

from trace import scenario, trace, tried

VARIABLE = contextvars.ContextVar("variable", default="unset")


@scenario
def callbacks_run_in_the_order_in_which_they_were_asked_for(loop):
    for name in ("first", "second", "third"):
        loop.call_soon(trace, name)
    loop.call_soon(loop.stop)
    loop.run_forever()


@scenario
def what_a_callback_schedules_waits_for_the_next_turn(loop):
    def outer():
        trace("outer")
        loop.call_soon(inner)

    def inner():
        trace("inner")
        loop.call_soon(loop.stop)

    loop.call_soon(outer)
    loop.call_soon(trace, "beside outer")
    loop.run_forever()


@scenario
def a_cancelled_callback_is_skipped(loop):
    handle = loop.call_soon(trace, "never")
    loop.call_soon(trace, "runs")
    handle.cancel()
    handle.cancel()
    loop.call_soon(loop.stop)
    loop.run_forever()
    trace("cancelled", handle.cancelled())


@scenario
def a_callback_may_cancel_one_that_is_due_in_the_same_turn(loop):
    def first():
        trace("first")
        second.cancel()

    loop.call_soon(first)
    second = loop.call_soon(trace, "second")
    loop.call_soon(loop.stop)
    loop.run_forever()


@scenario
def running_does_not_make_a_handle_cancelled(loop):
    handle = loop.call_soon(loop.stop)
    loop.run_forever()
    trace("after the run", handle.cancelled())
    handle.cancel()
    trace("after cancel()", handle.cancelled())


@scenario
def an_exception_in_a_callback_is_reported_and_the_loop_goes_on(loop):
    def fail():
        raise ValueError("boom")

    loop.call_soon(fail)
    loop.call_soon(trace, "goes on")
    loop.call_soon(loop.stop)
    loop.run_forever()


@scenario
def a_keyboard_interrupt_ends_the_run_and_the_rest_waits_for_the_next(loop):
    def interrupt():
        trace("interrupts")
        raise KeyboardInterrupt

    loop.call_soon(interrupt)
    loop.call_soon(trace, "still due")
    tried("first run", loop.run_forever)
    loop.call_soon(loop.stop)
    tried("second run", loop.run_forever)


@scenario
def a_system_exit_ends_the_run(loop):
    def leave():
        raise SystemExit

    loop.call_soon(leave)
    tried("run", loop.run_forever)
    trace("running", loop.is_running())


@scenario
def a_failing_exception_handler_is_survived(loop):
    def handle(loop, context):
        trace("handler", context["message"] == "words", context["exception"])
        raise RuntimeError("the handler fails")

    loop.set_exception_handler(handle)
    loop.call_soon(lambda: loop.call_exception_handler({"message": "words", "exception": ValueError("boom")}))
    loop.call_soon(trace, "goes on")
    loop.call_soon(loop.stop)
    loop.run_forever()


@scenario
def a_callback_runs_in_a_copy_of_the_context_of_its_call(loop):
    VARIABLE.set("before")
    loop.call_soon(lambda: trace("callback sees", VARIABLE.get()))
    VARIABLE.set("after")

    def change():
        VARIABLE.set("changed")
        trace("changer sees", VARIABLE.get())
        loop.call_soon(lambda: trace("its callback sees", VARIABLE.get()))
        loop.call_soon(loop.stop)

    loop.call_soon(change)
    loop.run_forever()
    trace("outside", VARIABLE.get())
    VARIABLE.set("unset")


@scenario
def a_context_that_is_given_is_used_itself(loop):
    context = contextvars.Context()

    def change():
        trace("sees", VARIABLE.get())
        VARIABLE.set("changed")

    loop.call_soon(change, context=context)
    loop.call_soon(change, context=context)
    loop.call_soon(loop.stop)
    loop.run_forever()
    trace("context holds", context.run(VARIABLE.get))


@scenario
def the_running_loop_is_known_inside_only(loop):
    tried("outside", lambda: asyncio.get_running_loop() is loop)
    loop.call_soon(lambda: tried("inside", lambda: asyncio.get_running_loop() is loop))
    loop.call_soon(loop.stop)
    loop.run_forever()
