import asyncio
import contextvars

from trace import scenario, trace, waited

VARIABLE = contextvars.ContextVar("variable", default="unset")


def tells(name):
    return lambda future: trace(name, "hears", future.done(), future.cancelled())


@scenario
async def callbacks_run_in_the_turn_after_completion_in_their_order():
    future = asyncio.get_running_loop().create_future()
    for name in ("first", "second", "third"):
        future.add_done_callback(tells(name))
    future.set_result(None)
    trace("set")
    await asyncio.sleep(0)
    trace("a turn later")


@scenario
async def callbacks_and_other_handles_are_one_line():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    future.add_done_callback(tells("callback"))
    loop.call_soon(trace, "before")
    future.set_result(None)
    loop.call_soon(trace, "after")
    future.add_done_callback(tells("added when done"))
    await asyncio.sleep(1)


@scenario
async def a_callback_of_a_done_future_runs_in_the_next_turn():
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    future.add_done_callback(tells("late"))
    trace("added")
    await asyncio.sleep(0)


@scenario
async def callbacks_hear_of_cancellation():
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(tells("callback"))
    future.cancel()
    trace("cancelled")
    await asyncio.sleep(0)


@scenario
async def callbacks_and_tasks_are_called_in_the_order_in_which_they_came():
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(tells("first"))
    task = asyncio.create_task(waited("task", future))
    await asyncio.sleep(0)
    future.add_done_callback(tells("last"))
    future.set_result("value")
    await task


@scenario
async def a_removed_callback_does_not_run():
    future = asyncio.get_running_loop().create_future()
    removed = tells("never")
    future.add_done_callback(removed)
    future.add_done_callback(tells("stays"))
    trace("removed", bool(future.remove_done_callback(removed)))
    trace("again", bool(future.remove_done_callback(removed)))
    future.set_result(None)
    await asyncio.sleep(0)


@scenario
async def once_done_it_is_too_late_to_remove_a_callback():
    future = asyncio.get_running_loop().create_future()
    callback = tells("runs all the same")
    future.add_done_callback(callback)
    future.set_result(None)
    trace("removed", bool(future.remove_done_callback(callback)))
    await asyncio.sleep(0)


@scenario
async def a_failing_callback_does_not_keep_the_others_from_running():
    future = asyncio.get_running_loop().create_future()

    def fail(future):
        raise ValueError("boom")

    future.add_done_callback(fail)
    future.add_done_callback(tells("other"))
    future.set_result(None)
    await asyncio.sleep(0)


@scenario
async def a_callback_that_adds_one_waits_a_turn_for_it():
    future = asyncio.get_running_loop().create_future()

    def add(done):
        trace("outer")
        done.add_done_callback(tells("inner"))

    future.add_done_callback(add)
    future.set_result(None)
    await asyncio.sleep(1)


@scenario
async def a_callback_runs_in_the_context_in_which_it_was_added():
    future = asyncio.get_running_loop().create_future()
    VARIABLE.set("when added")
    future.add_done_callback(lambda future: trace("sees", VARIABLE.get()))
    VARIABLE.set("when completed")
    future.set_result(None)
    await asyncio.sleep(0)


@scenario
async def callbacks_of_a_task_run_beside_those_who_wait_for_it():
    async def work():
        trace("works")
        return 5

    task = asyncio.create_task(work())
    task.add_done_callback(lambda done: trace("callback hears", done.result()))
    await waited("main", task)
