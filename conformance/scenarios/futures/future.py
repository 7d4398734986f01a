import asyncio

from trace import scenario, trace, tried, waited


@scenario
async def a_pending_future_has_no_exception():
    future = asyncio.get_running_loop().create_future()
    trace(future.done(), future.cancelled())
    tried("exception", future.exception)


@scenario
async def a_result():
    future = asyncio.get_running_loop().create_future()
    future.set_result(42)
    trace(future.done(), future.cancelled())
    tried("result", future.result)
    tried("exception", future.exception)


@scenario
async def an_exception():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("boom"))
    trace(future.done(), future.cancelled())
    tried("result", future.result)
    tried("result again", future.result)
    tried("exception", future.exception)


@scenario
async def a_cancellation():
    future = asyncio.get_running_loop().create_future()
    trace("cancel()", future.cancel())
    trace(future.done(), future.cancelled())
    tried("result", future.result)
    tried("exception", future.exception)


@scenario
async def a_cancellation_has_a_message():
    future = asyncio.get_running_loop().create_future()
    trace("cancel()", future.cancel("enough"))
    tried("result", future.result)
    tried("result again", future.result)
    tried("exception", future.exception)
    await waited("future", future)


@scenario
async def the_first_cancellation_counts():
    future = asyncio.get_running_loop().create_future()
    trace("cancel()", future.cancel("first"))
    trace("cancel() again", future.cancel("second"))
    tried("result", future.result)


def expect_invalid_state(again):
    try:
        again()
    except asyncio.InvalidStateError:
        trace("InvalidStateError")


def try_to_change(future):
    expect_invalid_state(lambda: future.set_result(2))
    expect_invalid_state(lambda: future.set_exception(ValueError("again")))
    trace("cancel()", future.cancel())
    tried("stays", future.result)


@scenario
async def a_done_future_does_not_change():
    loop = asyncio.get_running_loop()
    finished = loop.create_future()
    finished.set_result(1)
    try_to_change(finished)
    failed = loop.create_future()
    failed.set_exception(ValueError("boom"))
    try_to_change(failed)
    cancelled = loop.create_future()
    cancelled.cancel()
    try_to_change(cancelled)


@scenario
async def awaiting_a_done_future_takes_no_turn():
    future = asyncio.get_running_loop().create_future()
    future.set_result("value")
    await waited("first", future)
    await waited("second", future)


@scenario
async def awaiting_a_failed_future_raises_at_once():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(RuntimeError("boom"))
    await waited("first", future)
    await waited("second", future)


@scenario
async def who_waits_resumes_in_the_turn_after_the_result():
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def produce():
        trace("produce")
        future.set_result(7)
        loop.call_soon(trace, "scheduled after")

    loop.call_soon(trace, "scheduled before")
    loop.call_soon(produce)
    await waited("main", future)


@scenario
async def waiting_tasks_resume_in_the_order_in_which_they_came():
    future = asyncio.get_running_loop().create_future()
    tasks = [asyncio.create_task(waited(name, future)) for name in ("a", "b", "c")]
    await asyncio.sleep(1)
    future.set_result("it")
    trace("set")
    for task in tasks:
        await task


@scenario
async def all_that_wait_get_the_same_exception():
    future = asyncio.get_running_loop().create_future()
    tasks = [asyncio.create_task(waited(name, future)) for name in ("a", "b")]
    await asyncio.sleep(1)
    future.set_exception(ValueError("shared"))
    for task in tasks:
        await task


@scenario
async def cancelling_a_future_reaches_all_that_wait():
    future = asyncio.get_running_loop().create_future()
    tasks = [asyncio.create_task(waited(name, future)) for name in ("a", "b")]
    await asyncio.sleep(1)
    future.cancel("gone")
    for task in tasks:
        await task
        trace("cancelled", task.cancelled())


@scenario
async def cancelling_one_that_waits_cancels_the_future_for_all():
    future = asyncio.get_running_loop().create_future()
    one, other = (asyncio.create_task(waited(name, future)) for name in ("one", "other"))
    await asyncio.sleep(1)
    trace("cancel()", one.cancel("by one"))
    trace("future", future.cancelled())
    await other
    await one


@scenario
def a_future_is_made_on_a_loop_that_does_not_run(loop):
    future = loop.create_future()
    loop.call_later(2, lambda: future.set_result("late"))
    tried("run", lambda: loop.run_until_complete(future))


@scenario
def a_future_without_a_loop_is_refused(loop):
    try:
        asyncio.Future()
    except RuntimeError:
        trace("RuntimeError")


@scenario
def a_future_of_a_closed_loop_is_made_but_not_completed_for_those_who_wait(loop):
    waiting, idle = loop.create_future(), loop.create_future()
    waiting.add_done_callback(lambda future: trace("never"))
    loop.close()
    tried("idle", lambda: idle.set_result(1))
    tried("waiting", lambda: waiting.set_result(1))
