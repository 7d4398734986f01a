import asyncio

from trace import scenario, trace, tried, waited


async def waits(condition, name):
    async with condition:
        trace(name, "waits")
        await waited(name, condition.wait())
        trace(name, "holds the lock", condition.locked())


def waiters(condition):
    return [asyncio.create_task(waits(condition, name)) for name in ("a", "b", "c")]


@scenario
async def without_the_lock_it_refuses():
    condition = asyncio.Condition()
    await waited("wait", condition.wait())
    tried("notify", condition.notify)
    tried("notify_all", condition.notify_all)
    tried("release", condition.release)


@scenario
async def notify_wakes_one():
    condition = asyncio.Condition()
    tasks = waiters(condition)
    await asyncio.sleep(0)
    for _ in range(3):
        async with condition:
            condition.notify()
            trace("notified")
        await asyncio.sleep(1)
    for task in tasks:
        await task


@scenario
async def notify_wakes_as_many_as_it_is_told():
    condition = asyncio.Condition()
    tasks = waiters(condition)
    await asyncio.sleep(0)
    async with condition:
        condition.notify(2)
    await asyncio.sleep(1)
    trace(*[task.done() for task in tasks])
    async with condition:
        condition.notify_all()
    for task in tasks:
        await task


@scenario
async def who_is_notified_waits_for_the_lock():
    condition = asyncio.Condition()
    task = asyncio.create_task(waits(condition, "a"))
    await asyncio.sleep(0)
    async with condition:
        condition.notify_all()
        await asyncio.sleep(5)
        trace("releases")
    await task


@scenario
async def a_notification_that_nobody_waits_for_is_lost():
    condition = asyncio.Condition()
    async with condition:
        condition.notify_all()
    task = asyncio.create_task(waits(condition, "a"))
    await asyncio.sleep(1)
    trace("done", task.done())
    async with condition:
        condition.notify_all()
    await task


@scenario
async def wait_for_waits_until_it_is_true():
    condition = asyncio.Condition()
    numbers = []

    async def waits_for_two():
        async with condition:
            await waited("wait_for", condition.wait_for(lambda: len(numbers) >= 2))

    task = asyncio.create_task(waits_for_two())
    for number in range(2):
        await asyncio.sleep(1)
        async with condition:
            numbers.append(number)
            condition.notify_all()
            trace("has", len(numbers))
    await task


@scenario
async def wait_for_does_not_wait_for_what_is_true():
    condition = asyncio.Condition()
    async with condition:
        await waited("wait_for", condition.wait_for(lambda: True))


@scenario
async def a_cancelled_waiter_has_the_lock_again():
    condition = asyncio.Condition()
    task = asyncio.create_task(waits(condition, "a"))
    await asyncio.sleep(0)
    async with condition:
        task.cancel("enough")
        await asyncio.sleep(5)
        trace("releases")
    await waited("task", task)
    trace(condition.locked())


@scenario
async def a_waiter_that_is_cancelled_again_while_it_waits_for_the_lock():
    condition = asyncio.Condition()
    task = asyncio.create_task(waits(condition, "a"))
    await asyncio.sleep(0)
    async with condition:
        task.cancel("first")
        await asyncio.sleep(1)
        task.cancel("second")
        await asyncio.sleep(1)
        trace("releases")
    await waited("task", task)


@scenario
async def a_cancelled_waiter_passes_its_notification_on():
    condition = asyncio.Condition()
    tasks = waiters(condition)
    await asyncio.sleep(0)
    async with condition:
        condition.notify()
        tasks[0].cancel("too late")
    await asyncio.sleep(1)
    trace(*[task.done() for task in tasks])
    async with condition:
        condition.notify_all()
    for task in tasks:
        await task


@scenario
async def a_waiter_that_is_cancelled_before_a_notification_waits_for_the_lock():
    condition = asyncio.Condition()
    task = asyncio.create_task(waits(condition, "a"))
    await asyncio.sleep(0)
    async with condition:
        task.cancel()
        condition.notify()
        await asyncio.sleep(1)
        trace("releases")
    await waited("task", task)
    trace(condition.locked())


@scenario
async def conditions_may_share_a_lock():
    lock = asyncio.Lock()
    one, other = asyncio.Condition(lock), asyncio.Condition(lock)
    async with one:
        trace(one.locked(), other.locked(), lock.locked())
        tried("notify", other.notify)
