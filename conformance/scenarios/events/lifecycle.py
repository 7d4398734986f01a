import asyncio

from trace import TraceLoop, scenario, trace, tried


@scenario
def a_loop_that_was_stopped_before_runs_one_turn(loop):
    def outer():
        trace("outer")
        loop.call_soon(trace, "inner")

    loop.call_soon(outer)
    loop.stop()
    loop.run_forever()
    trace("between")
    loop.stop()
    loop.run_forever()


@scenario
def stop_lets_the_turn_end(loop):
    loop.call_soon(loop.stop)
    loop.call_soon(trace, "still runs")
    loop.call_soon(lambda: loop.call_soon(trace, "next run"))
    loop.run_forever()
    trace("stopped")
    loop.stop()
    loop.run_forever()


@scenario
def a_stopping_turn_does_not_wait_for_timers(loop):
    loop.call_later(1, trace, "timer")
    loop.stop()
    loop.run_forever()
    loop.call_later(2, loop.stop)
    loop.run_forever()


@scenario
def stop_inside_of_the_last_turn_does_not_reach_the_next_run(loop):
    loop.call_soon(loop.stop)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.call_later(1, trace, "runs")
    loop.call_later(1.5, loop.stop)
    loop.run_forever()


@scenario
def what_a_loop_says_of_itself(loop):
    trace(loop.is_running(), loop.is_closed())
    loop.call_soon(lambda: trace(loop.is_running(), loop.is_closed()))
    loop.call_soon(loop.stop)
    loop.run_forever()
    trace(loop.is_running(), loop.is_closed())
    loop.close()
    trace(loop.is_running(), loop.is_closed())


@scenario
def a_closed_loop_refuses(loop):
    loop.close()
    loop.close()
    tried("run_forever", loop.run_forever)
    tried("call_soon", lambda: loop.call_soon(trace))
    tried("call_soon_threadsafe", lambda: loop.call_soon_threadsafe(trace))
    tried("add_reader", lambda: loop.add_reader(0, trace))
    tried("remove_reader", lambda: loop.remove_reader(0))
    tried("remove_writer", lambda: loop.remove_writer(0))


@scenario
def a_running_loop_can_neither_be_closed_nor_run_again(loop):
    loop.call_soon(lambda: tried("close", loop.close))
    loop.call_soon(lambda: tried("run_forever", loop.run_forever))
    loop.call_soon(loop.stop)
    loop.run_forever()


@scenario
def no_loop_runs_inside_of_another(loop):
    other = asyncio.SelectorEventLoop()
    loop.call_soon(lambda: tried("other loop", other.run_forever))
    loop.call_soon(loop.stop)
    loop.run_forever()
    other.close()


@scenario
def what_is_due_is_dropped_when_a_loop_is_closed(loop):
    loop.call_soon(trace, "never")
    loop.call_later(0, trace, "never")
    loop.close()
    trace("closed")


@scenario
def a_loop_of_its_own_starts_at_turn_one(loop):
    inner = TraceLoop()
    inner.call_later(7, inner.stop)
    inner.run_forever()
    trace("inner")
    inner.close()
    trace("outer")


@scenario
def the_current_loop_is_whichever_was_set(loop):
    asyncio.set_event_loop(loop)
    tried("set", lambda: asyncio.get_event_loop() is loop)
    asyncio.set_event_loop(None)
    other = asyncio.SelectorEventLoop()
    asyncio.set_event_loop(other)
    loop.call_soon(lambda: tried("inside", lambda: asyncio.get_event_loop() is loop))
    loop.call_soon(loop.stop)
    loop.run_forever()
    asyncio.set_event_loop(None)
    other.close()
