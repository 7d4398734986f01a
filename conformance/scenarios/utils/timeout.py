import asyncio

from trace import scenario, trace, tried, waited


@scenario
async def a_block_that_is_fast_enough():
    async with asyncio.timeout(2) as timeout:
        await asyncio.sleep(1)
        trace("in time")
    trace(timeout.expired(), timeout.when())


@scenario
async def a_block_that_is_too_slow():
    async def block():
        async with asyncio.timeout(1):
            try:
                await asyncio.sleep(2)
            except asyncio.CancelledError as error:
                trace("body hears", error)
                raise

    await waited("block", block)
    trace("cancelling", asyncio.current_task().cancelling())


@scenario
async def no_limit():
    async with asyncio.timeout(None) as timeout:
        await asyncio.sleep(1000)
    trace(timeout.when(), timeout.expired())


@scenario
async def a_limit_of_zero_lets_a_body_complete_that_does_not_wait():
    async with asyncio.timeout(0) as timeout:
        trace("body")
    trace(timeout.expired())


@scenario
async def a_limit_of_zero_ends_a_body_that_waits():
    async def block():
        async with asyncio.timeout(0):
            await asyncio.sleep(0)
            trace("never")

    await waited("block", block)


@scenario
async def a_negative_limit_is_one_of_zero():
    async def block():
        async with asyncio.timeout(-1):
            await asyncio.sleep(10)

    await waited("block", block)


@scenario
async def a_deadline_in_the_past():
    await asyncio.sleep(10)

    async def block():
        async with asyncio.timeout_at(5) as timeout:
            trace(timeout.when(), timeout.expired())
            await asyncio.sleep(10)

    await waited("block", block)


@scenario
async def a_deadline():
    async def block():
        async with asyncio.timeout_at(3) as timeout:
            trace(timeout.when())
            await asyncio.sleep(10)

    await waited("block", block)


@scenario
async def the_limit_counts_from_the_call():
    timeout = asyncio.timeout(5)
    await asyncio.sleep(3)

    async def block():
        async with timeout:
            await asyncio.sleep(10)

    await waited("block", block)


@scenario
async def the_value_of_a_block():
    async def block():
        async with asyncio.timeout(5):
            await asyncio.sleep(1)
            return "value"

    await waited("block", block)


@scenario
async def a_deadline_may_be_moved_back():
    async def block():
        async with asyncio.timeout(1) as timeout:
            timeout.reschedule(5)
            trace(timeout.when())
            await asyncio.sleep(10)

    await waited("block", block)


@scenario
async def a_deadline_may_be_moved_into_the_past():
    async def block():
        async with asyncio.timeout(100) as timeout:
            await asyncio.sleep(2)
            timeout.reschedule(1)
            await asyncio.sleep(10)

    await waited("block", block)


@scenario
async def a_deadline_may_be_taken_away_and_given_again():
    async def block():
        async with asyncio.timeout(1) as timeout:
            timeout.reschedule(None)
            trace(timeout.when())
            await asyncio.sleep(10)
            timeout.reschedule(12)
            await asyncio.sleep(10)

    await waited("block", block)


@scenario
async def an_exception_of_the_body_passes():
    async def block():
        async with asyncio.timeout(5):
            await asyncio.sleep(1)
            raise ValueError("of the body")

    await waited("block", block)


@scenario
async def an_exception_in_place_of_the_cancellation_passes():
    async def block():
        async with asyncio.timeout(1) as timeout:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                trace("expired", timeout.expired())
                raise ValueError("instead")

    await waited("block", block)
    trace("cancelling", asyncio.current_task().cancelling())


@scenario
async def a_body_that_swallows_the_cancellation():
    async with asyncio.timeout(1) as timeout:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            trace("swallows", timeout.expired())
        await asyncio.sleep(5)
        trace("goes on")
    trace(timeout.expired(), asyncio.current_task().cancelling())


@scenario
async def a_cancellation_from_outside_passes():
    async def block():
        async with asyncio.timeout(5):
            await asyncio.sleep(10)

    task = asyncio.create_task(block())
    await asyncio.sleep(1)
    task.cancel("from outside")
    await waited("task", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_cancellation_from_outside_just_after_the_deadline_passes():
    async def block():
        async with asyncio.timeout(1):
            await asyncio.sleep(10)

    task = asyncio.create_task(block())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(1, lambda: trace("cancel()", task.cancel("from outside")))
    await waited("task", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_cancellation_from_outside_just_before_the_deadline_passes():
    async def block():
        async with asyncio.timeout(1):
            await asyncio.sleep(10)

    task = asyncio.create_task(block())
    asyncio.get_running_loop().call_at(1, lambda: trace("cancel()", task.cancel("from outside")))
    await waited("task", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def the_inner_limit_is_shorter():
    async def inner():
        async with asyncio.timeout(1):
            await asyncio.sleep(10)

    async with asyncio.timeout(5) as outer:
        await waited("inner", inner)
        await asyncio.sleep(1)
        trace("outer goes on")
    trace(outer.expired())


@scenario
async def the_outer_limit_is_shorter():
    async def inner():
        async with asyncio.timeout(5):
            await asyncio.sleep(10)

    async def outer():
        async with asyncio.timeout(1):
            try:
                await inner()
            except BaseException as error:
                trace("inner raised", error)
                raise

    await waited("outer", outer)
    trace(asyncio.current_task().cancelling())


@scenario
async def both_limits_are_over():
    async def inner():
        async with asyncio.timeout(-1):
            await asyncio.sleep(10)

    async def outer():
        async with asyncio.timeout(-1):
            try:
                await inner()
            except BaseException as error:
                trace("inner raised", error)
                raise

    await waited("outer", outer)
    trace(asyncio.current_task().cancelling())


@scenario
async def a_limit_on_cleaning_up_after_a_cancellation():
    async def cleans():
        async with asyncio.timeout(1):
            await asyncio.sleep(10)

    async def block():
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError as error:
            cancelled = error
        await waited("cleaning", cleans)
        raise cancelled

    task = asyncio.create_task(block())
    await asyncio.sleep(0)
    task.cancel("clean up")
    await waited("task", task)
    trace(task.cancelling())


@scenario
async def a_timeout_cannot_be_moved_outside_of_its_block():
    timeout = asyncio.timeout(1)
    tried("before", lambda: timeout.reschedule(5))
    async with timeout:
        pass
    try:
        timeout.reschedule(5)
    except RuntimeError:
        trace("RuntimeError")


@scenario
async def a_timeout_that_fired_cannot_be_moved():
    async def block():
        async with asyncio.timeout(1) as timeout:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                tried("reschedule", lambda: timeout.reschedule(100))
                raise

    await waited("block", block)


@scenario
def a_timeout_needs_a_running_loop(loop):
    tried("timeout", lambda: asyncio.timeout(1))


@scenario
async def a_result_in_the_turn_of_the_deadline_is_lost():
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(1, lambda: future.set_result("just in time"))

    async def block():
        async with asyncio.timeout(1) as timeout:
            try:
                trace("got", await future)
            except asyncio.CancelledError:
                trace("cancelled, expired", timeout.expired())
                raise

    await waited("block", block)
