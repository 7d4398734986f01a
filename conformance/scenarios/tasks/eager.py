import asyncio

from trace import scenario, trace, waited


async def says(words):
    trace(words, asyncio.current_task().get_name())
    return words


async def fails():
    raise ValueError("boom")


async def says_around_a_sleep(words):
    trace(words, "starts")
    await asyncio.sleep(0)
    trace(words, "goes on")
    return words


@scenario
async def one_that_never_waits_is_done_at_once():
    task = asyncio.create_task(says("eager"), name="eager", eager_start=True)
    trace("done", task.done(), asyncio.current_task() is task)
    await waited("task", task)


@scenario
async def one_that_waits_goes_on_in_its_turn():
    lazy = asyncio.create_task(says_around_a_sleep("lazy"))
    eager = asyncio.create_task(says_around_a_sleep("eager"), eager_start=True)
    trace("done", eager.done())
    await waited("eager", eager)
    await waited("lazy", lazy)


@scenario
async def one_that_fails_at_once_keeps_its_exception():
    task = asyncio.create_task(fails(), eager_start=True)
    trace("done", task.done(), task.cancelled(), task.exception())
    await waited("task", task)


@scenario
async def one_that_cancels_itself_is_cancelled_where_it_waits():
    async def cancels_itself():
        trace("cancel()", asyncio.current_task().cancel("by itself"))
        trace("cancelling", asyncio.current_task().cancelling())
        await waited("sleep", asyncio.sleep(1))
        raise asyncio.CancelledError

    task = asyncio.create_task(cancels_itself(), eager_start=True)
    trace("done", task.done())
    await waited("task", task)


@scenario
async def one_that_is_cancelled_before_it_goes_on():
    async def sleeps():
        trace("starts")
        await waited("sleep", asyncio.sleep(1))
        return "swallowed"

    task = asyncio.create_task(sleeps(), eager_start=True)
    trace("cancel()", task.cancel())
    await waited("task", task)


@scenario
async def one_within_another():
    async def outer():
        trace("outer")
        inner = asyncio.create_task(says("inner"), name="inner", eager_start=True)
        trace("back", asyncio.current_task().get_name())
        return await inner

    task = asyncio.create_task(outer(), name="outer", eager_start=True)
    trace("done", task.done())
    await waited("task", task)


@scenario
async def callbacks_of_one_that_is_done_come_next_turn():
    task = asyncio.create_task(says("eager"), name="eager", eager_start=True)
    task.add_done_callback(lambda done: trace("callback", done.result()))
    trace("added")
    await asyncio.sleep(0)


@scenario
async def the_eager_factory_starts_all_at_once():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    first = asyncio.create_task(says("first"), name="first")
    trace("done", first.done())
    second = asyncio.create_task(says("second"), name="second", eager_start=False)
    trace("done", second.done())
    await waited("second", second)


@scenario
async def gather_of_what_is_done_at_once():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)

    async def number(value):
        trace("number", value)
        return value

    done = asyncio.gather(number(1), number(2))
    await waited("gather", done)
    waiting = asyncio.gather(number(3), asyncio.sleep(0, 4))
    await waited("gather", waiting)


@scenario
async def a_task_group_whose_tasks_are_eager():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)

    async def body():
        async with asyncio.TaskGroup() as group:
            done = group.create_task(says_around_a_sleep("child"))
            trace("done", done.done())
            group.create_task(fails())
            trace("body goes on")
            await waited("sleep", asyncio.sleep(1))

    await waited("group", body())


@scenario
async def a_task_that_waits_for_an_eager_one_that_is_done_takes_no_turn():
    async def waits():
        value = await asyncio.create_task(says_at_once(), eager_start=True)
        trace("went on", value)

    async def says_at_once():
        return "at once"

    asyncio.create_task(waits(), eager_start=True)
    trace("after")
