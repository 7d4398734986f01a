import asyncio

from trace import scenario, trace, waited


async def says(words, delay=0):
    if delay:
        await asyncio.sleep(delay)
    trace(words)
    return words


async def fails(words, delay=0):
    if delay:
        await asyncio.sleep(delay)
    raise ValueError(words)


async def sleeps(name):
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        trace(name, "hears", error)
        raise


def cancelling():
    return asyncio.current_task().cancelling()


@scenario
async def the_block_waits_for_its_tasks():
    async with asyncio.TaskGroup() as group:
        group.create_task(says("slow", 2))
        fast = group.create_task(says("fast", 1))
        trace("body ends")
    trace("after the block", fast.result())


@scenario
async def an_empty_block_takes_no_turn():
    async with asyncio.TaskGroup():
        trace("body")
    trace("after the block")


@scenario
async def a_task_that_fails_ends_the_others_and_the_body():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeps("other"))
            group.create_task(fails("boom", 1))
            await sleeps("body")

    await waited("block", block)
    trace(cancelling())


@scenario
async def a_task_that_fails_while_the_block_waits():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeps("other"))
            group.create_task(fails("boom", 1))

    await waited("block", block)
    trace(cancelling())


@scenario
async def all_failures_are_in_the_group():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(fails("first"))
            group.create_task(fails("second"))
            group.create_task(says("fine"))

    await waited("block", block)


@scenario
async def what_the_body_raises_comes_last():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(fails("of a task"))
            await asyncio.sleep(0)
            raise RuntimeError("of the body")

    await waited("block", block)


@scenario
async def a_body_that_fails_ends_the_tasks():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeps("task"))
            await asyncio.sleep(1)
            raise RuntimeError("of the body")

    await waited("block", block)
    trace(cancelling())


@scenario
async def a_task_that_is_cancelled_alone_disturbs_nobody():
    async with asyncio.TaskGroup() as group:
        one = group.create_task(sleeps("one"))
        group.create_task(says("other", 2))
        await asyncio.sleep(1)
        one.cancel("alone")
    trace("after the block", cancelling())


@scenario
async def a_cancellation_from_outside_ends_all():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeps("task"))
            await sleeps("body")

    task = asyncio.create_task(block())
    await asyncio.sleep(1)
    task.cancel("from outside")
    await waited("task", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_cancellation_from_outside_while_the_block_waits():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeps("task"))

    task = asyncio.create_task(block())
    await asyncio.sleep(1)
    task.cancel("from outside")
    await waited("task", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_failure_during_a_cancellation_from_outside():
    async def fails_in_the_end():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ValueError("while cleaning")

    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(fails_in_the_end())
            await asyncio.sleep(3600)

    async def goes_on():
        await waited("block", block)
        trace("cancelling", cancelling())
        await waited("next wait", asyncio.sleep(1))

    task = asyncio.create_task(goes_on())
    await asyncio.sleep(1)
    task.cancel("from outside")
    await waited("task", task)


@scenario
async def tasks_may_make_more_tasks():
    async def makes(group):
        await asyncio.sleep(1)
        group.create_task(says("made later", 1))

    async with asyncio.TaskGroup() as group:
        group.create_task(makes(group))
    trace("after the block")


@scenario
async def groups_in_groups():
    async def inner():
        async with asyncio.TaskGroup() as group:
            group.create_task(fails("inner"))

    async def outer():
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeps("sibling"))
            group.create_task(inner())

    await waited("outer", outer)


@scenario
async def before_and_after_the_block_no_task_is_made():
    group = asyncio.TaskGroup()

    def make():
        coroutine = says("never")
        try:
            group.create_task(coroutine)
        except RuntimeError:
            trace("RuntimeError")
        coroutine.close()

    make()
    async with group:
        group.create_task(says("task"))
    make()


@scenario
async def a_group_that_shuts_down_takes_no_tasks():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(fails("boom"))
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                coroutine = says("never")
                try:
                    group.create_task(coroutine)
                except RuntimeError:
                    trace("RuntimeError")
                coroutine.close()
                raise

    await waited("block", block)


@scenario
async def cancel_ends_the_block_in_good_order():
    async with asyncio.TaskGroup() as group:
        group.create_task(sleeps("task"))
        await asyncio.sleep(1)
        group.cancel()
        await sleeps("body")
    trace("after the block", cancelling())


@scenario
async def cancel_from_a_task_of_the_group():
    async def ends(group):
        await asyncio.sleep(1)
        group.cancel()

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeps("task"))
        group.create_task(ends(group))
    trace("after the block", cancelling())


@scenario
async def cancel_does_not_hide_failures():
    async def fails_in_the_end():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ValueError("while cleaning")

    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(fails_in_the_end())
            await asyncio.sleep(1)
            group.cancel()

    await waited("block", block)


@scenario
async def cancel_by_a_body_that_was_cancelled_from_outside():
    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeps("task"))
            try:
                await sleeps("body")
            except asyncio.CancelledError:
                group.cancel()
                raise

    task = asyncio.create_task(block())
    await asyncio.sleep(1)
    task.cancel("from outside")
    await waited("task", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_cancellation_from_outside_after_cancel_has_ended_the_body():
    async def lingers():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(5)

    async def block():
        async with asyncio.TaskGroup() as group:
            group.create_task(lingers())
            await asyncio.sleep(1)
            group.cancel()
            await sleeps("body")

    task = asyncio.create_task(block())
    await asyncio.sleep(2)
    task.cancel("from outside")
    await waited("task", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def cancel_before_the_block():
    group = asyncio.TaskGroup()
    group.cancel()
    async with group:
        trace("body")
        await sleeps("body")
    trace("after the block", cancelling())


@scenario
async def a_limit_around_a_group():
    async def block():
        async with asyncio.timeout(1):
            async with asyncio.TaskGroup() as group:
                group.create_task(sleeps("task"))

    await waited("block", block)
    trace(cancelling())
