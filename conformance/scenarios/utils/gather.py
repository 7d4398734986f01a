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
    trace(words, "fails")
    raise ValueError(words)


async def sleeps(name):
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        trace(name, "hears", error)
        raise


@scenario
async def results_stand_in_the_order_of_the_arguments():
    await waited("gather", asyncio.gather(says("slow", 2), says("fast", 1), says("at once")))


@scenario
async def of_nothing_it_is_done_at_once():
    future = asyncio.gather()
    trace(future.done())
    await waited("gather", future)


@scenario
async def of_what_is_done():
    done = asyncio.get_running_loop().create_future()
    done.set_result("done")
    future = asyncio.gather(done)
    trace(future.done())
    await waited("gather", future)


@scenario
async def the_first_failure_ends_it_and_the_others_run_on():
    slow = asyncio.create_task(says("slow", 2))
    await waited("gather", asyncio.gather(slow, fails("first", 1)))
    trace("slow done", slow.done())
    await slow


@scenario
async def later_failures_count_as_seen():
    tasks = [asyncio.create_task(fails("first", 1)), asyncio.create_task(fails("second", 2))]
    await waited("gather", asyncio.gather(*tasks))
    await asyncio.sleep(5)
    tasks.clear()
    trace("gone")


@scenario
async def a_cancelled_child_is_a_failure():
    child = asyncio.create_task(sleeps("child"))
    future = asyncio.gather(child, says("other", 1))
    await asyncio.sleep(0)
    child.cancel("alone")
    await waited("gather", future)
    trace(future.cancelled())
    await asyncio.sleep(2)


@scenario
async def exceptions_may_be_results():
    child = asyncio.create_task(sleeps("child"))
    future = asyncio.gather(says("value", 1), fails("failure"), child, return_exceptions=True)
    await asyncio.sleep(0)
    child.cancel()
    await waited("gather", future)


@scenario
async def cancelling_it_cancels_all():
    future = asyncio.gather(sleeps("a"), sleeps("b"))
    await asyncio.sleep(0)
    trace("cancel()", future.cancel("all"))
    trace(future.done())
    await waited("gather", future)
    trace(future.cancelled(), future.cancel())


@scenario
async def cancelling_it_counts_with_exceptions_as_results_too():
    future = asyncio.gather(sleeps("a"), says("b"), return_exceptions=True)
    await asyncio.sleep(0)
    trace("cancel()", future.cancel())
    await waited("gather", future)


@scenario
async def cancelling_who_awaits_it_cancels_all():
    async def gathers():
        await asyncio.gather(sleeps("a"), sleeps("b"))

    task = asyncio.create_task(gathers())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel("outer")
    await waited("task", task)
    trace(task.cancelled())


@scenario
async def what_is_given_twice_runs_once():
    task = asyncio.create_task(says("once"))
    await waited("gather", asyncio.gather(task, task))


@scenario
async def the_first_child_that_a_cancellation_ends_ends_it():
    async def stubborn():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(5)
            return "stubborn"

    future = asyncio.gather(stubborn(), sleeps("other"))
    await asyncio.sleep(0)
    future.cancel("all")
    await waited("gather", future)
    await asyncio.sleep(10)


async def gather_cancelled_and(*messages, last):
    async def gathers():
        await asyncio.gather(sleeps("first"), last(), return_exceptions=True)

    task = asyncio.create_task(gathers())
    await asyncio.sleep(1)
    for message in messages:
        task.cancel(message)
    await waited("task", task)


async def swallows():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        trace("swallows", error)


async def cancels_itself():
    asyncio.current_task().cancel("self")


async def cancels_itself_and_fails():
    asyncio.current_task().cancel("self")
    raise ValueError("failed")


@scenario
async def of_a_last_child_that_swallows_the_cancellation_it_has_no_message():
    await gather_cancelled_and("enough", last=swallows)


@scenario
async def of_a_last_child_that_swallows_two_cancellations_it_has_the_second_message():
    await gather_cancelled_and("one", "two", last=swallows)


@scenario
async def of_a_last_child_that_cancelled_itself_it_has_that_message():
    await gather_cancelled_and("enough", last=cancels_itself)


@scenario
async def of_a_last_child_that_cancelled_itself_and_failed_it_has_that_message():
    await gather_cancelled_and("enough", last=cancels_itself_and_fails)


@scenario
def without_a_loop_it_refuses(loop):
    try:
        asyncio.gather()
    except RuntimeError:
        trace("RuntimeError")


@scenario
def children_of_different_loops_are_refused(loop):
    other = asyncio.SelectorEventLoop()
    try:
        asyncio.gather(loop.create_future(), other.create_future())
    except ValueError:
        trace("ValueError")
    other.close()
