import asyncio

from trace import scenario, trace, tried, waited


async def holds(semaphore, name):
    async with semaphore:
        trace(name, "has one")
        await asyncio.sleep(1)
    trace(name, "is done")


@scenario
async def so_many_at_a_time():
    semaphore = asyncio.Semaphore(2)
    tasks = [asyncio.create_task(holds(semaphore, name)) for name in ("a", "b", "c", "d", "e")]
    for task in tasks:
        await task
    trace(semaphore.locked())


@scenario
async def a_permit_is_had_at_once():
    semaphore = asyncio.Semaphore(1)
    await waited("acquire", semaphore.acquire())
    trace(semaphore.locked())
    semaphore.release()
    trace(semaphore.locked())


@scenario
async def more_may_be_released_than_there_were():
    semaphore = asyncio.Semaphore(0)
    trace(semaphore.locked())
    semaphore.release()
    semaphore.release()
    await waited("first", semaphore.acquire())
    await waited("second", semaphore.acquire())
    trace(semaphore.locked())


@scenario
async def a_bounded_one_refuses_what_is_too_much():
    semaphore = asyncio.BoundedSemaphore(1)
    tried("release", semaphore.release)
    await semaphore.acquire()
    tried("release", semaphore.release)
    tried("release", semaphore.release)


@scenario
async def less_than_nothing_is_no_number_of_permits():
    tried("Semaphore", lambda: asyncio.Semaphore(-1))
    tried("BoundedSemaphore", lambda: asyncio.BoundedSemaphore(-1))


@scenario
async def nobody_overtakes():
    semaphore = asyncio.Semaphore(1)
    await semaphore.acquire()
    task = asyncio.create_task(holds(semaphore, "first"))
    await asyncio.sleep(0)
    semaphore.release()
    trace(semaphore.locked())
    await waited("main", semaphore.acquire())
    await task


@scenario
async def a_waiter_that_is_cancelled_when_it_is_its_turn_passes_it_on():
    semaphore = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(holds(semaphore, name)) for name in ("a", "b")]
    await asyncio.sleep(0)
    semaphore.release()
    tasks[0].cancel()
    await waited("a", tasks[0])
    await waited("b", tasks[1])
    trace(semaphore.locked())


@scenario
async def several_released_at_once_wake_as_many():
    semaphore = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(holds(semaphore, name)) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    semaphore.release()
    semaphore.release()
    trace("released")
    tasks[2].cancel()
    for task in tasks:
        await waited("main", task)
