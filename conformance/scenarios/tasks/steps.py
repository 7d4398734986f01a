import asyncio

from trace import scenario, trace, tried, waited


async def says(words):
    trace(words)
    return words


@scenario
async def a_task_starts_in_the_next_turn():
    task = asyncio.create_task(says("starts"))
    trace("created", task.done())
    await asyncio.sleep(0)
    trace("slept", task.done())


@scenario
async def tasks_start_in_the_order_of_their_creation():
    tasks = [asyncio.create_task(says(name)) for name in ("a", "b", "c")]
    trace("created")
    for task in tasks:
        await waited("main", task)


@scenario
async def awaiting_a_new_task_takes_two_turns():
    trace("before")
    await waited("main", asyncio.create_task(says("task")))


@scenario
async def awaiting_a_coroutine_takes_no_turn():
    trace("before")
    await waited("main", says("coroutine"))


@scenario
async def awaiting_a_done_task_takes_no_turn():
    task = asyncio.create_task(says("task"))
    await asyncio.sleep(1)
    await waited("first", task)
    await waited("second", task)


@scenario
async def an_exception_passes_from_the_task_to_who_awaits_it():
    async def fails():
        trace("fails")
        raise ValueError("boom")

    task = asyncio.create_task(fails())
    await waited("main", task)
    await waited("main again", task)
    tried("exception", task.exception)


@scenario
async def a_chain_of_tasks_hands_its_result_on_one_turn_each():
    async def passes(task):
        return await task + 1

    async def one():
        await asyncio.sleep(1)
        trace("end of the chain")
        return 1

    task = asyncio.create_task(one())
    for _ in range(3):
        task = asyncio.create_task(passes(task))
    await waited("main", task)


@scenario
async def two_tasks_take_turns():
    async def counts(name):
        for number in range(3):
            trace(name, number)
            await asyncio.sleep(0)

    a, b = asyncio.create_task(counts("a")), asyncio.create_task(counts("b"))
    await a
    await b
    trace("both done")


@scenario
async def what_is_scheduled_before_a_task_runs_before_it():
    loop = asyncio.get_running_loop()
    loop.call_soon(trace, "before")
    task = asyncio.create_task(says("task"))
    loop.call_soon(trace, "after")
    await task


@scenario
async def several_tasks_may_await_one():
    async def work():
        await asyncio.sleep(1)
        return "result"

    task = asyncio.create_task(work())
    waiting = [asyncio.create_task(waited(name, task)) for name in ("a", "b")]
    await waited("main", task)
    for one in waiting:
        await one


@scenario
async def a_pending_task_has_no_exception():
    task = asyncio.create_task(says("runs"))
    tried("exception", task.exception)
    await task


@scenario
async def a_task_that_only_returns_is_done_in_its_first_step():
    task = asyncio.create_task(says("runs"))
    asyncio.get_running_loop().call_soon(lambda: trace("same turn, done", task.done()))
    await asyncio.sleep(1)


@scenario
def a_fatal_error_of_a_task_ends_the_run(loop):
    async def interrupts():
        trace("interrupts")
        raise KeyboardInterrupt

    task = loop.create_task(interrupts())
    loop.call_soon(trace, "still due")
    tried("run", loop.run_forever)
    trace("done", task.done())
    tried("exception", task.exception)
    loop.stop()
    loop.run_forever()


@scenario
async def ensure_future_leaves_futures_and_tasks_alone():
    future = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(says("task"))
    trace(asyncio.ensure_future(future) is future, asyncio.ensure_future(task) is task)
    await waited("coroutine", asyncio.ensure_future(says("made a task")))


@scenario
def a_closed_loop_makes_no_tasks(loop):
    loop.close()

    def make():
        coroutine = says("never")
        try:
            loop.create_task(coroutine)
        finally:
            coroutine.close()

    tried("create_task", make)


@scenario
def without_a_running_loop_there_is_no_task(loop):
    def make():
        coroutine = says("never")
        try:
            asyncio.create_task(coroutine)
        finally:
            coroutine.close()

    tried("create_task", make)
    tried("current_task", asyncio.current_task)
    tried("all_tasks", asyncio.all_tasks)


@scenario
def a_task_made_before_the_loop_runs_waits_for_it(loop):
    task = loop.create_task(says("task"))
    trace("made")
    tried("run", lambda: loop.run_until_complete(task))
