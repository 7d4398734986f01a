import asyncio

from trace import scenario, trace


async def counts(last):
    try:
        for number in range(1, last + 1):
            trace("yields")
            yield number
            await asyncio.sleep(1)
        trace("ends")
    finally:
        trace("leaves")


async def asks(name, numbers):
    """Traces the next value."""
    try:
        trace(name, "gave", await anext(numbers))
    except StopAsyncIteration:
        trace(name, "gave None")
    except BaseException as error:
        trace(name, "raised", error)


async def closes(numbers):
    try:
        await numbers.aclose()
        trace("aclose gave None")
    except BaseException as error:
        trace("aclose raised", error)


@scenario
async def it_runs_when_it_is_asked():
    numbers = counts(2)
    trace("made")
    for _ in range(4):
        await asks("next", numbers)


@scenario
async def what_it_throws_ends_it():
    async def breaks():
        yield 1
        raise ValueError("boom")

    numbers = breaks()
    for _ in range(3):
        await asks("next", numbers)


@scenario
async def aclose_ends_it_where_it_waits_to_be_asked():
    numbers = counts(2)
    await asks("next", numbers)
    await closes(numbers)
    await asks("next", numbers)
    await closes(numbers)


@scenario
async def aclose_of_one_that_has_not_started_runs_nothing():
    numbers = counts(2)
    await closes(numbers)
    await asks("next", numbers)


@scenario
async def aclose_waits_for_what_it_awaits_on_its_way_out():
    async def cleans_up():
        try:
            yield 1
        finally:
            await asyncio.sleep(1)
            trace("clean")

    numbers = cleans_up()
    await asks("next", numbers)
    await closes(numbers)


@scenario
async def aclose_raises_what_it_throws_on_its_way_out():
    async def breaks():
        try:
            yield 1
        finally:
            raise ValueError("boom")

    numbers = breaks()
    await asks("next", numbers)
    await closes(numbers)
    await asks("next", numbers)


@scenario
async def one_that_yields_in_spite_of_aclose():
    async def ignores():
        try:
            yield 1
        except GeneratorExit:
            trace("ignores")
        yield 2

    numbers = ignores()
    await asks("next", numbers)
    await closes(numbers)


@scenario
async def a_cancellation_is_thrown_where_it_waits_and_ends_it():
    numbers = counts(2)
    await asks("next", numbers)
    task = asyncio.create_task(asks("task", numbers))
    await asyncio.sleep(0)
    task.cancel("enough")
    await task
    await asks("next", numbers)


@scenario
async def one_that_swallows_a_cancellation_goes_on():
    async def swallows():
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            trace("swallows")
        yield 1
        yield 2

    numbers = swallows()
    task = asyncio.create_task(asks("task", numbers))
    await asyncio.sleep(0)
    task.cancel()
    await task
    await asks("next", numbers)
    await closes(numbers)


@scenario
async def two_tasks_cannot_ask_at_once():
    async def slow():
        await asyncio.sleep(1)
        yield 1

    numbers = slow()
    task = asyncio.create_task(asks("task", numbers))
    await asyncio.sleep(0)
    try:
        await anext(numbers)
    except RuntimeError:
        trace("RuntimeError")
    try:
        await numbers.aclose()
    except RuntimeError:
        trace("RuntimeError")
    await task
    await closes(numbers)


@scenario
async def several_tasks_may_ask_in_turn():
    numbers = counts(3)
    for name in ("a", "b"):
        await asyncio.create_task(asks(name, numbers))
    await closes(numbers)


@scenario
async def one_that_asks_another():
    async def doubles():
        async for number in counts(2):
            yield 2 * number

    numbers = doubles()
    for _ in range(3):
        await asks("next", numbers)
