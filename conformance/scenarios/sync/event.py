import asyncio

from trace import scenario, trace, waited


def waiters(event):
    return [asyncio.create_task(waited(name, event.wait())) for name in ("a", "b")]


@scenario
async def a_set_event_is_not_waited_for():
    event = asyncio.Event()
    trace(event.is_set())
    event.set()
    event.set()
    trace(event.is_set())
    await waited("main", event.wait())


@scenario
async def all_resume_in_the_turn_after_it_is_set():
    event = asyncio.Event()
    tasks = waiters(event)
    await asyncio.sleep(1)
    event.set()
    trace("set")
    for task in tasks:
        await task


@scenario
async def clearing_it_at_once_does_not_hold_back_who_waited():
    event = asyncio.Event()
    tasks = waiters(event)
    await asyncio.sleep(1)
    event.set()
    event.clear()
    trace(event.is_set())
    late = asyncio.create_task(waited("late", event.wait()))
    for task in tasks:
        await task
    await asyncio.sleep(1)
    trace("late done", late.done())
    event.set()
    await late


@scenario
async def a_cancelled_waiter_hears_nothing_of_it():
    event = asyncio.Event()
    tasks = waiters(event)
    await asyncio.sleep(1)
    tasks[0].cancel("enough")
    await tasks[0]
    event.set()
    await tasks[1]


@scenario
async def a_cancellation_after_set_wins():
    event = asyncio.Event()
    tasks = waiters(event)
    await asyncio.sleep(1)
    event.set()
    trace("cancel()", tasks[0].cancel("late"))
    for task in tasks:
        await task
