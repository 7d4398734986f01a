import threading

from trace import scenario, trace


def in_a_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@scenario
def posts_run_in_their_order_among_the_others(loop):
    loop.call_soon(trace, "before")
    in_a_thread(lambda: [loop.call_soon_threadsafe(trace, "post", number) for number in range(3)])
    loop.call_soon(trace, "after")
    loop.call_later(1, loop.stop)
    loop.run_forever()


@scenario
def a_post_that_is_cancelled_never_runs(loop):
    handle = loop.call_soon_threadsafe(trace, "never")
    in_a_thread(handle.cancel)
    trace("cancelled", handle.cancelled())
    loop.call_later(1, loop.stop)
    loop.run_forever()


@scenario
def a_post_of_the_loops_own_thread_stands_in_line(loop):
    def first():
        trace("first")
        loop.call_soon(trace, "soon")
        loop.call_soon_threadsafe(trace, "post")
        loop.call_soon(trace, "soon again")

    loop.call_soon(first)
    loop.call_later(1, loop.stop)
    loop.run_forever()


@scenario
def an_exception_in_a_post_is_reported(loop):
    def fail():
        raise ValueError("posted")

    in_a_thread(lambda: loop.call_soon_threadsafe(fail))
    loop.call_later(1, loop.stop)
    loop.run_forever()


@scenario
def a_post_may_cancel_itself(loop):
    handles = []

    def cancel_itself():
        trace("runs")
        handles[0].cancel()
        trace("cancelled", handles[0].cancelled())

    handles.append(loop.call_soon_threadsafe(cancel_itself))
    loop.call_later(1, loop.stop)
    loop.run_forever()


@scenario
def posts_are_dropped_when_a_loop_is_closed(loop):
    in_a_thread(lambda: loop.call_soon_threadsafe(trace, "never"))
    loop.close()
    trace("closed")


@scenario
def call_soon_of_another_thread(loop):
    def call():
        try:
            loop.call_soon(trace, "runs all the same")
        except RuntimeError:
            trace("RuntimeError")

    loop.call_soon(in_a_thread, call)
    loop.call_later(1, loop.stop)
    loop.run_forever()
