import asyncio
import contextvars

from trace import scenario, trace

VARIABLE = contextvars.ContextVar("variable", default="unset")


async def nothing():
    pass


def number_of(task):
    return int(task.get_name().removeprefix("Task-"))


@scenario
async def a_task_has_the_name_it_is_given():
    task = asyncio.create_task(nothing(), name="given")
    trace(task.get_name())
    task.set_name("changed")
    trace(task.get_name())
    await task
    trace(task.get_name())


@scenario
async def names_without_one_count_up():
    tasks = [asyncio.create_task(nothing()) for _ in range(3)]
    trace([number_of(task) - number_of(tasks[0]) for task in tasks])


@scenario
async def the_current_task_is_the_one_whose_step_runs():
    async def tells():
        trace("in", asyncio.current_task().get_name())
        await asyncio.sleep(0)
        trace("still in", asyncio.current_task().get_name())

    tasks = [asyncio.create_task(tells(), name=name) for name in ("a", "b")]
    for task in tasks:
        await task


@scenario
async def a_coroutine_runs_in_the_task_that_awaits_it():
    async def tells():
        return asyncio.current_task().get_name()

    asyncio.current_task().set_name("main")
    trace(await tells())


@scenario
async def no_task_is_current_in_a_callback():
    asyncio.get_running_loop().call_soon(lambda: trace("current", asyncio.current_task() is not None))
    await asyncio.sleep(0)


@scenario
async def all_tasks_are_those_that_are_not_done():
    def names():
        return sorted(task.get_name() for task in asyncio.all_tasks())

    asyncio.current_task().set_name("main")
    long = asyncio.create_task(asyncio.sleep(5), name="long")
    short = asyncio.create_task(nothing(), name="short")
    trace(names())
    await short
    trace(names())
    long.cancel()
    trace(names())
    await asyncio.sleep(1)
    trace(names())


@scenario
def all_tasks_of_a_loop_that_does_not_run(loop):
    task = loop.create_task(nothing(), name="waiting")
    trace([task.get_name() for task in asyncio.all_tasks(loop)])
    loop.run_until_complete(task)
    trace(len(asyncio.all_tasks(loop)), asyncio.current_task(loop) is not None)


@scenario
async def a_task_runs_in_a_copy_of_the_context():
    async def changes():
        trace("task sees", VARIABLE.get())
        VARIABLE.set("changed")
        await asyncio.sleep(0)
        trace("task keeps", VARIABLE.get())

    VARIABLE.set("at creation")
    task = asyncio.create_task(changes())
    VARIABLE.set("after")
    await task
    trace("main keeps", VARIABLE.get())


@scenario
async def a_coroutine_shares_the_context_of_who_awaits_it():
    async def changes():
        VARIABLE.set("changed")

    await changes()
    trace(VARIABLE.get())


@scenario
async def tasks_may_share_a_context_that_is_given():
    async def changes(value):
        trace("sees", VARIABLE.get())
        VARIABLE.set(value)

    context = contextvars.copy_context()
    await asyncio.create_task(changes("first"), context=context)
    await asyncio.create_task(changes("second"), context=context)
    trace("context holds", context.run(VARIABLE.get), "main", VARIABLE.get())


@scenario
async def a_tasks_done_callback_runs_in_the_context_of_who_added_it():
    async def changes():
        VARIABLE.set("the task's")

    VARIABLE.set("mine")
    task = asyncio.create_task(changes())
    task.add_done_callback(lambda task: trace(VARIABLE.get()))
    await task


@scenario
async def a_cancelled_task_cleans_up_in_its_own_context():
    async def cleans():
        VARIABLE.set("the task's")
        try:
            await asyncio.sleep(10)
        finally:
            trace(VARIABLE.get(), asyncio.current_task().get_name())

    task = asyncio.create_task(cleans(), name="cleaner")
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
