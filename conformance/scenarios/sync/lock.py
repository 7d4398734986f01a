import asyncio

from trace import scenario, trace, tried, waited


async def holds(lock, name, seconds):
    trace(name, "comes")
    async with lock:
        trace(name, "has it")
        await asyncio.sleep(seconds)
    trace(name, "is done")


@scenario
async def a_free_lock_is_had_at_once():
    lock = asyncio.Lock()
    await waited("acquire", lock.acquire())
    trace(lock.locked())
    lock.release()
    trace(lock.locked())


@scenario
async def those_who_wait_get_it_in_their_order():
    lock = asyncio.Lock()
    tasks = [asyncio.create_task(holds(lock, name, 1)) for name in ("a", "b", "c")]
    for task in tasks:
        await task


@scenario
async def nobody_overtakes():
    lock = asyncio.Lock()
    await lock.acquire()
    task = asyncio.create_task(holds(lock, "first", 1))
    await asyncio.sleep(0)
    lock.release()
    trace("free", not lock.locked())
    await waited("main", lock.acquire())
    lock.release()
    await task


@scenario
async def who_comes_between_release_and_handover_waits():
    lock = asyncio.Lock()
    await lock.acquire()
    first = asyncio.create_task(holds(lock, "first", 0))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(lock.release)
    second = asyncio.create_task(holds(lock, "second", 0))
    await first
    await second


@scenario
async def a_cancelled_waiter_leaves_the_line():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(holds(lock, name, 0)) for name in ("a", "b")]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await waited("a", tasks[0])
    lock.release()
    await waited("b", tasks[1])
    trace(lock.locked())


@scenario
async def a_waiter_that_is_cancelled_when_it_is_its_turn_passes_it_on():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(holds(lock, name, 0)) for name in ("a", "b")]
    await asyncio.sleep(0)
    lock.release()
    tasks[0].cancel()
    await waited("a", tasks[0])
    await waited("b", tasks[1])
    trace(lock.locked())


@scenario
async def a_failing_holder_releases():
    lock = asyncio.Lock()

    async def fails():
        async with lock:
            raise ValueError("boom")

    await waited("fails", fails())
    trace(lock.locked())


@scenario
async def only_what_is_held_can_be_released():
    tried("release", asyncio.Lock().release)
