import asyncio

from trace import scenario, trace, tried, waited


async def says(words, delay):
    await asyncio.sleep(delay)
    trace(words)
    return words


async def fails(words, delay):
    await asyncio.sleep(delay)
    raise ValueError(words)


def tasks_of(*delays):
    return [asyncio.create_task(says(f"after {delay}", delay)) for delay in delays]


def tell(done, pending):
    trace("done", len(done), "pending", len(pending))


async def cancel(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0)


@scenario
async def all_are_waited_for():
    tell(*await asyncio.wait(tasks_of(3, 1, 2)))


@scenario
async def the_first_may_be_enough():
    done, pending = await asyncio.wait(tasks_of(3, 1, 2), return_when=asyncio.FIRST_COMPLETED)
    tell(done, pending)
    await cancel(pending)


@scenario
async def those_that_are_done_in_the_same_turn_are_all_done():
    tell(*await asyncio.wait(tasks_of(1, 1), return_when=asyncio.FIRST_COMPLETED))


@scenario
async def the_time_may_be_over():
    done, pending = await asyncio.wait(tasks_of(1, 3), timeout=2)
    tell(done, pending)
    tell(*await asyncio.wait(pending))


@scenario
async def the_first_exception_may_be_enough():
    tasks = [*tasks_of(1, 3), asyncio.create_task(fails("boom", 2))]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    tell(done, pending)
    await waited("failed", tasks[2])
    await cancel(pending)


@scenario
async def a_cancellation_is_no_exception():
    tasks = tasks_of(1, 3)
    asyncio.get_running_loop().call_later(2, tasks[1].cancel)
    third = asyncio.create_task(says("after 4", 4))
    tell(*await asyncio.wait([*tasks, third], return_when=asyncio.FIRST_EXCEPTION))


@scenario
async def what_is_done_already():
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    trace("before")
    tell(*await asyncio.wait([done]))
    trace("after")


@scenario
async def what_is_done_already_beside_what_is_not():
    done, pending = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
    done.set_result(None)
    tell(*await asyncio.wait([done, pending], return_when=asyncio.FIRST_COMPLETED))
    trace("after")


@scenario
async def a_limit_of_zero():
    task = asyncio.create_task(says("task", 1))
    tell(*await asyncio.wait([task], timeout=0))
    await task


@scenario
async def cancelling_it_leaves_the_others_alone():
    tasks = tasks_of(3)

    async def waits():
        await asyncio.wait(tasks)

    waiting = asyncio.create_task(waits())
    await asyncio.sleep(1)
    waiting.cancel("waiting")
    await waited("waiting", waiting)
    await waited("task", tasks[0])


@scenario
async def there_must_be_something_to_wait_for():
    async def waits():
        await asyncio.wait([])

    await waited("wait", waits)


@scenario
async def as_completed_gives_the_first_first():
    async for task in asyncio.as_completed(tasks_of(3, 1, 2)):
        trace("got", task.result())


@scenario
async def as_completed_gives_failures_like_the_rest():
    tasks = [asyncio.create_task(fails("boom", 1)), asyncio.create_task(says("fine", 2))]
    async for task in asyncio.as_completed(tasks):
        tried("got", task.result)


@scenario
async def as_completed_may_run_out_of_time():
    tasks = tasks_of(1, 3)

    async def arrive():
        async for task in asyncio.as_completed(tasks, timeout=2):
            trace("got", task.result())

    await waited("arrive", arrive)
    await waited("later", tasks[1])


@scenario
async def as_completed_of_nothing():
    async for _ in asyncio.as_completed([]):
        trace("never")
    trace("nothing")
