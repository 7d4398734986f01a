import asyncio

from trace import scenario, trace, waited


@scenario
async def requests_are_counted_up_and_down():
    async def stubborn():
        for _ in range(2):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                trace("cancelling", task.cancelling())
        trace("uncancel()", task.uncancel())
        trace("uncancel()", task.uncancel())
        trace("uncancel()", task.uncancel())

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(1)
    task.cancel()
    await waited("main", task)


@scenario
async def uncancel_does_not_take_back_what_was_delivered():
    async def sleeps():
        await asyncio.sleep(10)

    task = asyncio.create_task(sleeps())
    await asyncio.sleep(0)
    task.cancel()
    trace("uncancel()", task.uncancel())
    await waited("main", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def uncancel_to_zero_withdraws_what_was_not_delivered():
    async def cancels_itself():
        task = asyncio.current_task()
        task.cancel()
        trace("uncancel()", task.uncancel())
        await asyncio.sleep(1)
        return "goes on"

    await waited("main", asyncio.create_task(cancels_itself()))


@scenario
async def uncancel_above_zero_withdraws_nothing():
    async def cancels_itself():
        task = asyncio.current_task()
        task.cancel("first")
        task.cancel("second")
        trace("uncancel()", task.uncancel())
        await asyncio.sleep(1)
        return "never"

    await waited("main", asyncio.create_task(cancels_itself()))


@scenario
async def a_task_that_was_not_started_can_be_spared():
    async def runs():
        return "runs"

    task = asyncio.create_task(runs())
    task.cancel()
    trace("uncancel()", task.uncancel())
    await waited("main", task)
    trace(task.cancelled())


@scenario
async def uncancel_without_a_request():
    task = asyncio.current_task()
    trace(task.cancelling(), task.uncancel(), task.cancelling())


@scenario
async def a_swallowed_request_still_counts():
    async def swallows():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            pass
        return "value"

    task = asyncio.create_task(swallows())
    await asyncio.sleep(0)
    task.cancel()
    await waited("main", task)
    trace(task.cancelled(), task.cancelling(), task.uncancel(), task.cancelling())


@scenario
async def a_block_may_swallow_its_own_cancellation():
    async def block():
        task = asyncio.current_task()
        asyncio.get_running_loop().call_later(1, task.cancel)
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            trace("uncancel()", task.uncancel())
        await asyncio.sleep(1)
        return "after the block"

    await waited("main", asyncio.create_task(block()))
