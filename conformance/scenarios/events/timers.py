from trace import scenario, trace, tried


@scenario
def timers_run_by_deadline(loop):
    loop.call_later(3, trace, "three")
    loop.call_later(1, trace, "one")
    loop.call_later(2, trace, "two")
    loop.call_later(4, loop.stop)
    loop.run_forever()


@scenario
def delays_of_zero_and_less_run_after_what_is_due_by_deadline(loop):
    loop.call_later(0, trace, "zero")
    loop.call_later(-1, trace, "minus one")
    loop.call_later(-2, trace, "minus two")
    loop.call_soon(trace, "soon")
    loop.call_later(1, loop.stop)
    loop.run_forever()


@scenario
def a_timer_asked_for_in_a_callback_waits_for_the_next_turn(loop):
    def first():
        trace("first")
        loop.call_later(0, trace, "timer")
        loop.call_soon(trace, "soon")

    loop.call_soon(first)
    loop.call_later(1, loop.stop)
    loop.run_forever()


@scenario
def a_timers_callback_schedules_for_the_turn_after(loop):
    def fire():
        trace("fires")
        loop.call_soon(trace, "and then")
        loop.call_later(1, loop.stop)

    loop.call_later(1, fire)
    loop.run_forever()
    trace("stopped")


@scenario
def a_cancelled_timer_neither_fires_nor_moves_the_clock(loop):
    handle = loop.call_later(1, trace, "never")
    loop.call_later(3, loop.stop)
    handle.cancel()
    loop.run_forever()
    trace("cancelled", handle.cancelled(), handle.when())


@scenario
def a_timer_may_be_cancelled_by_one_that_is_due_at_the_same_time(loop):
    later = loop.call_later(2, trace, "never")

    def first():
        trace("first")
        later.cancel()

    loop.call_later(1, first)
    loop.call_later(4, loop.stop)
    loop.now = 3
    loop.run_forever()


@scenario
def timers_that_are_overdue_run_in_one_turn(loop):
    for delay in (2, 1, 3):
        loop.call_later(delay, trace, "timer", delay)
    loop.call_later(4, loop.stop)
    loop.now = 10
    loop.run_forever()


@scenario
def call_at_takes_the_loops_time(loop):
    handle = loop.call_at(5, trace, "at five")
    trace("when", handle.when())
    loop.call_at(-5, trace, "long ago")
    loop.call_at(6, loop.stop)
    loop.run_forever()
    trace("when", handle.when())


@scenario
def an_infinite_delay_never_fires(loop):
    handle = loop.call_later(float("inf"), trace, "never")
    trace("when", handle.when())
    loop.call_later(1, loop.stop)
    loop.run_forever()
    handle.cancel()


@scenario
def timers_are_ordered_by_their_deadlines(loop):
    early, late = loop.call_at(1, trace), loop.call_at(2, trace)
    trace(early < late, early <= late, early > late, early == early, early == late)
    early.cancel()
    late.cancel()


@scenario
def timers_of_the_same_deadline(loop):
    for number in range(10):
        loop.call_at(1, trace, "timer", number)
    loop.call_at(2, loop.stop)
    loop.run_forever()


@scenario
def an_exception_in_a_timer_is_reported(loop):
    def fail():
        raise RuntimeError("late")

    loop.call_later(1, fail)
    loop.call_later(2, loop.stop)
    loop.run_forever()


@scenario
def no_timer_is_taken_by_a_closed_loop(loop):
    loop.close()
    tried("call_later", lambda: loop.call_later(1, trace))
    tried("call_at", lambda: loop.call_at(1, trace))


@scenario
def not_a_number_is_no_delay(loop):
    try:
        loop.call_later(float("nan"), trace, "never").cancel()
        trace("taken")
    except ValueError:
        trace("ValueError")
