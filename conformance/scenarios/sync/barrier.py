import asyncio

from trace import scenario, trace, waited


def party(barrier, name):
    return asyncio.create_task(waited(name, barrier.wait()))


async def waits_for_what_breaks(barrier):
    try:
        await barrier.wait()
    except asyncio.BrokenBarrierError:
        trace("BrokenBarrierError")


@scenario
async def the_last_goes_on_at_once_and_the_others_next_turn():
    barrier = asyncio.Barrier(3)
    tasks = [party(barrier, name) for name in ("a", "b", "c")]
    for task in tasks:
        await task


@scenario
async def a_barrier_of_one_does_not_wait():
    barrier = asyncio.Barrier(1)
    await waited("main", barrier.wait())
    await waited("main", barrier.wait())


@scenario
async def how_many_wait():
    barrier = asyncio.Barrier(3)
    trace(barrier.parties, barrier.n_waiting, barrier.broken)
    tasks = [party(barrier, name) for name in ("a", "b")]
    await asyncio.sleep(0)
    trace(barrier.parties, barrier.n_waiting, barrier.broken)
    await waited("main", barrier.wait())
    trace(barrier.n_waiting)
    for task in tasks:
        await task


@scenario
async def rounds_follow_each_other():
    barrier = asyncio.Barrier(2)

    async def goes_round(name):
        for number in range(3):
            await waited(name, barrier.wait())

    tasks = [asyncio.create_task(goes_round(name)) for name in ("a", "b")]
    for task in tasks:
        await task


@scenario
async def abort_breaks_it():
    barrier = asyncio.Barrier(2)
    task = asyncio.create_task(waits_for_what_breaks(barrier))
    await asyncio.sleep(0)
    await barrier.abort()
    trace(barrier.broken, barrier.n_waiting)
    await waits_for_what_breaks(barrier)
    await task


@scenario
async def a_reset_barrier_is_as_new():
    barrier = asyncio.Barrier(2)
    task = asyncio.create_task(waits_for_what_breaks(barrier))
    await asyncio.sleep(0)
    await barrier.reset()
    await task
    trace(barrier.broken, barrier.n_waiting)
    second = party(barrier, "second")
    await waited("main", barrier.wait())
    await second


@scenario
async def a_cancelled_party_leaves_its_place_to_another():
    barrier = asyncio.Barrier(2)
    cancelled = party(barrier, "cancelled")
    await asyncio.sleep(0)
    cancelled.cancel()
    await cancelled
    trace(barrier.n_waiting)
    other = party(barrier, "other")
    await waited("main", barrier.wait())
    await other


@scenario
async def a_cancelled_party_wakes_the_next_who_goes_to_the_end_of_the_line():
    barrier = asyncio.Barrier(5)
    parties = [party(barrier, name) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    parties[0].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    parties += [party(barrier, name) for name in ("d", "e")]
    await asyncio.sleep(0)
    await waited("main", barrier.wait())
    await asyncio.gather(*parties)


@scenario
async def a_blocked_party_is_woken_by_a_cancelled_one_that_was_blocked_too():
    barrier = asyncio.Barrier(2)

    async def twice(name):
        for _ in range(2):
            await waited(name, barrier.wait())

    first = asyncio.create_task(twice("first"))
    await asyncio.sleep(0)
    await waited("main", barrier.wait())
    last = asyncio.create_task(twice("last"))
    asyncio.current_task().cancel()
    await waited("main", barrier.wait())
    asyncio.current_task().uncancel()
    trace(barrier.n_waiting)
    await asyncio.sleep(0)
    trace(barrier.n_waiting)
    await waited("main", barrier.wait())
    await first
    await last


@scenario
async def it_takes_at_least_one():
    try:
        asyncio.Barrier(0)
    except ValueError:
        trace("ValueError")
