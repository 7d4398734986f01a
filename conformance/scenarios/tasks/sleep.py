import asyncio

from trace import scenario, trace, waited


@scenario
async def a_sleep_of_zero_lets_what_is_due_run():
    loop = asyncio.get_running_loop()
    loop.call_soon(trace, "due")
    await asyncio.sleep(0)
    trace("after")


@scenario
async def a_negative_sleep_is_one_of_zero():
    trace("before")
    await asyncio.sleep(-1)
    trace("after")


@scenario
async def a_sleep_ends_in_the_turn_after_its_timer():
    asyncio.get_running_loop().call_later(1, trace, "timer beside it")
    await asyncio.sleep(1)
    trace("after")


@scenario
async def a_sleep_gives_its_result():
    await waited("zero", asyncio.sleep(0, "result"))
    await waited("one", asyncio.sleep(1, "result"))


@scenario
async def sleepers_wake_by_deadline():
    async def sleeps(delay):
        await asyncio.sleep(delay)
        trace("sleeper", delay)

    tasks = [asyncio.create_task(sleeps(delay)) for delay in (3, 1, 2)]
    for task in tasks:
        await task


@scenario
async def sleeps_of_zero_take_turns():
    async def counts(name):
        for number in range(2):
            await asyncio.sleep(0)
            trace(name, number)

    tasks = [asyncio.create_task(counts(name)) for name in ("a", "b")]
    for task in tasks:
        await task


@scenario
async def an_infinite_sleep_ends_by_cancellation():
    task = asyncio.create_task(asyncio.sleep(float("inf")))
    await asyncio.sleep(1)
    task.cancel()
    await waited("main", task)


@scenario
async def a_cancelled_sleep_leaves_no_timer():
    task = asyncio.create_task(asyncio.sleep(100))
    await asyncio.sleep(1)
    task.cancel()
    await waited("main", task)
    await asyncio.sleep(1)
    trace("no jump")


@scenario
async def a_sleep_that_is_cancelled_before_it_begins():
    task = asyncio.create_task(asyncio.sleep(5))
    task.cancel()
    await waited("main", task)


@scenario
async def a_sleep_of_zero_is_cancelled_at_its_end():
    async def sleeps():
        trace("sleeps")
        await asyncio.sleep(0)
        trace("never")

    task = asyncio.create_task(sleeps())
    await asyncio.sleep(0)
    task.cancel()
    await waited("main", task)


@scenario
async def not_a_number_is_no_delay():
    try:
        await asyncio.sleep(float("nan"))
    except ValueError:
        trace("ValueError")


@scenario
async def time_passes_while_tasks_sleep():
    loop = asyncio.get_running_loop()
    before = loop.time()
    await asyncio.sleep(0.25)
    await asyncio.sleep(0.5)
    trace(loop.time() - before)
