import asyncio

from trace import scenario, trace, tried, waited


async def sleeps(name):
    """Sleeps an hour and tells how that ended."""
    try:
        trace(name, "sleeps")
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        trace(name, "hears", error)
        raise
    return name


@scenario
async def a_task_that_has_not_started_never_runs():
    task = asyncio.create_task(sleeps("task"))
    trace("cancel()", task.cancel())
    trace(task.done(), task.cancelled(), task.cancelling())
    await waited("main", task)
    trace(task.done(), task.cancelled(), task.cancelling())


@scenario
async def a_task_that_sleeps_hears_of_it_in_the_next_turn():
    task = asyncio.create_task(sleeps("task"))
    await asyncio.sleep(0)
    trace("cancel()", task.cancel())
    await waited("main", task)
    trace("cancelled", task.cancelled())


@scenario
async def a_task_that_is_done_cannot_be_cancelled():
    async def returns():
        return 1

    task = asyncio.create_task(returns())
    await task
    trace("cancel()", task.cancel(), task.cancelling())
    tried("result", task.result)


@scenario
async def the_message_reaches_the_task_and_who_awaits_it():
    task = asyncio.create_task(sleeps("task"))
    await asyncio.sleep(0)
    task.cancel("that will do")
    await waited("main", task)


@scenario
async def the_message_of_a_task_that_never_started():
    task = asyncio.create_task(sleeps("task"))
    task.cancel("too early")
    await waited("main", task)


@scenario
async def two_requests_before_the_task_runs_make_one_cancellation():
    task = asyncio.create_task(sleeps("task"))
    await asyncio.sleep(0)
    trace(task.cancel("first"), task.cancelling())
    trace(task.cancel("second"), task.cancelling())
    await waited("main", task)
    trace(task.cancelling())


@scenario
async def two_requests_before_the_start():
    task = asyncio.create_task(sleeps("task"))
    trace(task.cancel("first"), task.cancelling())
    trace(task.cancel("second"), task.cancelling())
    await waited("main", task)


@scenario
async def a_swallowed_cancellation_lets_the_task_go_on():
    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            trace("swallows")
        await asyncio.sleep(1)
        return "all the same"

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    await waited("main", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_task_may_clean_up_before_it_ends():
    async def cleans():
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(2)
            trace("clean")

    task = asyncio.create_task(cleans())
    await asyncio.sleep(0)
    task.cancel()
    await waited("main", task)


@scenario
async def a_request_during_the_cleaning_interrupts_it():
    async def cleans():
        try:
            await asyncio.sleep(10)
        finally:
            try:
                await asyncio.sleep(2)
            except asyncio.CancelledError as error:
                trace("interrupted by", error)
                raise

    task = asyncio.create_task(cleans())
    await asyncio.sleep(0)
    task.cancel("first")
    await asyncio.sleep(1)
    task.cancel("second")
    await waited("main", task)
    trace(task.cancelling())


@scenario
async def another_exception_in_place_of_the_cancellation_wins():
    async def fails():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise ValueError("instead")

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    task.cancel()
    await waited("main", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_task_that_cancels_itself_ends_at_its_next_wait():
    async def cancels_itself():
        trace("cancel()", asyncio.current_task().cancel("myself"))
        trace("goes on")
        await asyncio.sleep(1)
        trace("never")

    await waited("main", asyncio.create_task(cancels_itself()))


@scenario
async def a_task_that_cancels_itself_and_returns_is_cancelled():
    async def cancels_itself():
        asyncio.current_task().cancel("in vain")
        return "lost"

    task = asyncio.create_task(cancels_itself())
    await waited("main", task)
    trace(task.cancelled())


@scenario
async def a_task_that_cancels_itself_and_fails_has_failed():
    async def cancels_itself():
        asyncio.current_task().cancel()
        raise ValueError("wins")

    task = asyncio.create_task(cancels_itself())
    await waited("main", task)
    trace(task.cancelled())


@scenario
async def what_is_done_does_not_wait_and_so_is_no_place_to_be_cancelled():
    done = asyncio.get_running_loop().create_future()
    done.set_result("done")

    async def cancels_itself():
        asyncio.current_task().cancel()
        trace("awaits", await done)
        await asyncio.sleep(0)
        trace("never")

    await waited("main", asyncio.create_task(cancels_itself()))


@scenario
async def a_pending_request_cancels_the_future_that_is_awaited_next():
    future = asyncio.get_running_loop().create_future()

    async def cancels_itself():
        asyncio.current_task().cancel("next")
        await future

    await waited("main", asyncio.create_task(cancels_itself()))
    trace("future", future.cancelled())


@scenario
async def raising_a_cancelled_error_is_ending_as_cancelled():
    async def raises():
        raise asyncio.CancelledError("by itself")

    task = asyncio.create_task(raises())
    await waited("main", task)
    trace(task.cancelled(), task.cancelling())


@scenario
async def a_request_goes_down_a_chain_of_tasks():
    inner = asyncio.create_task(sleeps("inner"))

    async def awaits_inner():
        try:
            return await inner
        except asyncio.CancelledError as error:
            trace("middle hears", error)
            raise

    middle = asyncio.create_task(awaits_inner())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    middle.cancel("down")
    trace(inner.cancelling(), middle.cancelling())
    await waited("main", middle)
    trace(inner.cancelled(), middle.cancelled())


@scenario
async def an_inner_task_that_swallows_spares_the_outer_one():
    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            trace("inner swallows")
        return "kept"

    inner = asyncio.create_task(stubborn())

    async def awaits_inner():
        return await inner

    outer = asyncio.create_task(awaits_inner())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outer.cancel()
    await waited("main", outer)
    trace(outer.cancelled(), outer.cancelling(), inner.cancelling())


@scenario
async def the_cancellation_of_an_awaited_task_ends_who_awaits_it():
    inner = asyncio.create_task(sleeps("inner"))

    async def awaits_inner():
        await inner

    outer = asyncio.create_task(awaits_inner())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    inner.cancel("from below")
    await waited("main", outer)
    trace(outer.cancelled(), outer.cancelling())


@scenario
async def a_request_after_the_awaited_future_is_done_comes_at_the_next_step():
    future = asyncio.get_running_loop().create_future()

    async def waits():
        try:
            trace("got", await future)
        except asyncio.CancelledError as error:
            trace("hears", error)
            raise

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    future.set_result("result")
    trace("cancel()", task.cancel("late"))
    await waited("main", task)
    trace("future", future.result())


@scenario
async def a_task_that_yields_hears_of_it_at_its_next_step():
    async def yields():
        try:
            while True:
                await asyncio.sleep(0)
                trace("step")
        except asyncio.CancelledError as error:
            trace("hears", error)
            raise

    task = asyncio.create_task(yields())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel("stop")
    await waited("main", task)


@scenario
async def cancelling_in_the_turn_in_which_a_sleep_ends():
    async def sleeper():
        try:
            await asyncio.sleep(1)
            trace("slept")
        except asyncio.CancelledError as error:
            trace("hears", error)
            raise

    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(1, lambda: trace("cancel()", task.cancel("close")))
    await waited("main", task)


@scenario
async def cancelling_after_the_sleeper_was_woken():
    async def sleeper():
        try:
            await asyncio.sleep(1)
            trace("slept")
        except asyncio.CancelledError as error:
            trace("hears", error)
            raise

    loop = asyncio.get_running_loop()
    task = asyncio.create_task(sleeper())
    loop.call_later(0.5, lambda: loop.call_later(0.5, lambda: trace("cancel()", task.cancel("later"))))
    await waited("main", task)


@scenario
async def a_coroutine_hears_of_it_where_its_task_waits():
    async def inner():
        await sleeps("innermost")

    async def outer():
        try:
            await inner()
        except asyncio.CancelledError:
            trace("outer hears")
            raise

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel()
    await waited("main", task)


@scenario
def a_main_task_that_is_cancelled(loop):
    async def main():
        asyncio.current_task().cancel("main")
        await asyncio.sleep(1)

    tried("run", lambda: loop.run_until_complete(main()))


@scenario
async def cancelling_after_the_awaited_future_has_failed_with_a_cancellation():
    future = asyncio.get_running_loop().create_future()

    async def waiter():
        await future

    task = asyncio.create_task(waiter())
    await asyncio.sleep(0)
    future.set_exception(asyncio.CancelledError("of the future"))
    trace("cancel()", task.cancel("of the task"))
    try:
        await task
    except asyncio.CancelledError as error:
        trace("task raised", error)
