import asyncio

from trace import scenario, trace, waited


async def says(words, delay=0):
    trace(words, "starts")
    if delay:
        await asyncio.sleep(delay)
    return words


async def sleeps_until_cancelled():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        trace("hears", error)
        raise


async def fails_after_a_second():
    await asyncio.sleep(1)
    raise ValueError("boom")


@scenario
async def what_is_fast_enough():
    await waited("wait_for", asyncio.wait_for(says("words", 1), 2))


@scenario
async def what_does_not_wait_takes_no_turn():
    await waited("wait_for", asyncio.wait_for(says("words"), 2))


@scenario
async def what_is_too_slow_is_cancelled():
    await waited("wait_for", asyncio.wait_for(sleeps_until_cancelled(), 2))
    trace(asyncio.current_task().cancelling())


@scenario
async def no_limit():
    await waited("wait_for", asyncio.wait_for(says("words", 1000), None))


@scenario
async def a_coroutine_never_starts_under_a_limit_of_zero():
    await waited("wait_for", asyncio.wait_for(says("never"), 0))
    await waited("wait_for", asyncio.wait_for(says("never"), -1))


@scenario
async def a_done_future_under_a_limit_of_zero():
    future = asyncio.get_running_loop().create_future()
    future.set_result("done")
    await waited("wait_for", asyncio.wait_for(future, 0))


@scenario
async def a_pending_future_under_a_limit_of_zero_is_cancelled():
    future = asyncio.get_running_loop().create_future()
    await waited("wait_for", asyncio.wait_for(future, 0))
    trace(future.cancelled())


@scenario
async def a_cancelled_task_under_a_limit_of_zero_has_told_its_message():
    task = asyncio.create_task(sleeps_until_cancelled())
    await asyncio.sleep(0)
    task.cancel("enough")
    await waited("wait_for", asyncio.wait_for(task, 0))
    await waited("task", task)


@scenario
async def a_pending_gather_under_a_limit_of_zero():
    gathered = asyncio.gather(sleeps_until_cancelled())
    await asyncio.sleep(0)
    await waited("wait_for", asyncio.wait_for(gathered, 0))
    trace(gathered.cancelled())


@scenario
async def a_future_that_is_too_slow_is_cancelled():
    future = asyncio.get_running_loop().create_future()
    await waited("wait_for", asyncio.wait_for(future, 1))
    trace(future.cancelled())


@scenario
async def a_task_that_is_too_slow_is_cancelled_and_waited_for():
    async def cleans():
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(5)
            trace("clean")

    task = asyncio.create_task(cleans())
    await waited("wait_for", asyncio.wait_for(task, 1))
    trace(task.cancelled())


@scenario
async def a_value_in_spite_of_the_cancellation_counts():
    async def stubborn():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            trace("swallows")
        return "value"

    task = asyncio.create_task(stubborn())
    await waited("wait_for", asyncio.wait_for(task, 1))


@scenario
async def another_exception_counts():
    async def fails():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ValueError("instead")

    await waited("wait_for", asyncio.wait_for(fails(), 1))


@scenario
async def cancelling_who_waits_cancels_what_is_waited_for():
    inner = asyncio.create_task(sleeps_until_cancelled())

    async def waits():
        await asyncio.wait_for(inner, 10)

    outer = asyncio.create_task(waits())
    await asyncio.sleep(1)
    outer.cancel("outer")
    await waited("outer", outer)
    trace(inner.cancelled(), outer.cancelled())


@scenario
async def a_failure_passes():
    await waited("wait_for", asyncio.wait_for(fails_after_a_second(), 10))


@scenario
async def shield_gives_the_result():
    await waited("shield", asyncio.shield(says("words", 1)))


@scenario
async def shield_of_what_is_done_is_that_itself():
    done = asyncio.get_running_loop().create_future()
    done.set_result("done")
    trace(asyncio.shield(done) is done)
    await waited("shield", asyncio.shield(done))


@scenario
async def shield_keeps_a_cancellation_from_the_inside():
    inner = asyncio.create_task(says("inner", 5))

    async def waits():
        await asyncio.shield(inner)

    outer = asyncio.create_task(waits())
    await asyncio.sleep(1)
    outer.cancel("outer")
    await waited("outer", outer)
    trace(inner.done(), inner.cancelling())
    await waited("inner", inner)


@scenario
async def a_shielded_task_that_is_cancelled_ends_the_shield():
    inner = asyncio.create_task(sleeps_until_cancelled())
    outer = asyncio.shield(inner)
    await asyncio.sleep(1)
    inner.cancel()
    await waited("shield", outer)
    trace(outer.cancelled())


@scenario
async def a_shielded_failure_passes():
    await waited("shield", asyncio.shield(fails_after_a_second()))


@scenario
async def a_limit_on_how_long_one_waits_for_what_goes_on():
    inner = asyncio.create_task(says("inner", 5))
    await waited("wait_for", asyncio.wait_for(asyncio.shield(inner), 1))
    await waited("inner", inner)
