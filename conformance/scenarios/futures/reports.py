import asyncio

from trace import scenario, trace, tried


@scenario
async def an_exception_that_nobody_saw_is_reported_when_the_future_goes():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("unseen"))
    trace("set")
    del future
    trace("gone")


@scenario
async def an_exception_that_was_asked_for_is_not_reported():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("seen"))
    tried("exception", future.exception)
    del future
    trace("gone")


@scenario
async def an_exception_that_result_raised_is_not_reported():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("seen"))
    tried("result", future.result)
    del future
    trace("gone")


@scenario
async def an_exception_of_a_future_that_was_cancelled_too_late_is_not_reported():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("dismissed"))
    trace("cancel()", future.cancel())
    del future
    trace("gone")


@scenario
async def a_callback_that_does_not_look_does_not_count():
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda future: trace("callback"))
    future.set_exception(ValueError("unseen"))
    del future
    await asyncio.sleep(0)
    trace("gone")


@scenario
async def neither_values_nor_cancellations_are_reported():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    future.set_result(1)
    cancelled = loop.create_future()
    cancelled.cancel()
    pending = loop.create_future()
    del future, cancelled, pending
    trace("gone")


async def fails():
    raise RuntimeError("of a task")


@scenario
async def an_exception_of_a_task_that_nobody_saw_is_reported():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    trace("failed", task.done())
    del task
    trace("gone")


@scenario
async def an_exception_of_a_task_that_was_awaited_is_not_reported():
    task = asyncio.create_task(fails())
    try:
        await task
    except RuntimeError:
        trace("seen")
    del task
    trace("gone")


@scenario
async def an_exception_of_a_task_that_was_cancelled_too_late_is_not_reported():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    trace("cancel()", task.cancel())
    del task
    trace("gone")
