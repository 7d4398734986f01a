import asyncio
import contextvars

from trace import TraceLoop, scenario, trace, tried

VARIABLE = contextvars.ContextVar("variable", default="unset")


def run(main):
    return asyncio.run(main, loop_factory=TraceLoop)


async def says(words):
    trace(words)
    return words


async def fails():
    raise ValueError("boom")


async def sleeps_until_cancelled(name):
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        trace(name, "hears", error)
        raise


@scenario
def run_gives_the_result(loop):
    tried("run", lambda: run(says("main")))


@scenario
def run_raises_what_main_raises(loop):
    tried("run", lambda: run(fails()))


@scenario
def run_cancels_what_is_left(loop):
    async def main():
        tasks.append(asyncio.create_task(sleeps_until_cancelled("left")))
        await asyncio.sleep(1)
        return "main"

    tasks = []
    tried("run", lambda: run(main()))
    trace(tasks[0].cancelled())


@scenario
def run_waits_for_what_cleans_up(loop):
    async def cleans():
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(5)
            trace("clean")

    async def main():
        tasks.append(asyncio.create_task(cleans()))
        await asyncio.sleep(1)

    tasks = []
    tried("run", lambda: run(main()))


@scenario
def run_waits_for_what_will_not_be_cancelled(loop):
    async def stubborn():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            trace("swallows")
        await asyncio.sleep(5)
        return "stubborn"

    async def main():
        tasks.append(asyncio.create_task(stubborn()))
        await asyncio.sleep(1)

    tasks = []
    tried("run", lambda: run(main()))
    tried("task", tasks[0].result)


@scenario
def run_passes_a_cancellation_of_main_on(loop):
    async def main():
        asyncio.current_task().cancel("by itself")
        await asyncio.sleep(1)

    tried("run", lambda: run(main()))


@scenario
def run_passes_a_fatal_error_on(loop):
    async def main():
        raise KeyboardInterrupt

    tried("run", lambda: run(main()))


@scenario
async def run_refuses_inside_of_a_loop():
    main = says("never")
    tried("run", lambda: run(main))
    main.close()


@scenario
def a_runner_keeps_its_loop_and_its_context(loop):
    async def sets(value):
        trace("sees", VARIABLE.get())
        VARIABLE.set(value)

    with asyncio.Runner(loop_factory=TraceLoop) as runner:
        runner.run(sets("first"))
        runner.run(sets("second"))
        trace("outside", VARIABLE.get())
        tried("get_loop", lambda: runner.get_loop() is TraceLoop.current)


@scenario
def a_runner_leaves_tasks_alone_between_its_runs(loop):
    async def starts():
        tasks.append(asyncio.create_task(sleeps_until_cancelled("left")))
        await asyncio.sleep(0)

    tasks = []
    with asyncio.Runner(loop_factory=TraceLoop) as runner:
        runner.run(starts())
        trace("between", tasks[0].done())
        runner.run(says("second"))
    trace("after", tasks[0].done())


@scenario
def a_runner_that_is_closed_refuses(loop):
    runner = asyncio.Runner(loop_factory=TraceLoop)
    runner.run(says("runs"))
    runner.close()
    runner.close()
    main = says("never")
    tried("run", lambda: runner.run(main))
    main.close()
    tried("get_loop", runner.get_loop)


@scenario
async def a_runner_refuses_inside_of_a_loop():
    main = says("never")
    runner = asyncio.Runner(loop_factory=TraceLoop)
    try:
        runner.run(main)
    except RuntimeError:
        trace("RuntimeError")
    main.close()
    runner.close()


@scenario
def run_until_complete_gives_the_result(loop):
    tried("coroutine", lambda: loop.run_until_complete(says("result")))
    tried("coroutine", lambda: loop.run_until_complete(fails()))


@scenario
def run_until_complete_of_a_future_that_is_done(loop):
    future = loop.create_future()
    future.set_result("done")
    tried("run", lambda: loop.run_until_complete(future))
    trace("after")


@scenario
def run_until_complete_of_a_loop_that_stops_before(loop):
    future = loop.create_future()
    loop.call_later(1, loop.stop)
    tried("run", lambda: loop.run_until_complete(future))
    future.set_result("later")
    tried("run", lambda: loop.run_until_complete(future))


@scenario
def a_run_that_stopped_before_does_not_stop_a_later_one(loop):
    future = loop.create_future()
    loop.call_later(1, loop.stop)
    tried("run", lambda: loop.run_until_complete(future))
    loop.call_later(1, lambda: future.set_result("set"))
    tried("sleep", lambda: loop.run_until_complete(asyncio.sleep(2, "slept")))


@scenario
def run_until_complete_refuses_a_future_of_another_loop(loop):
    other = asyncio.SelectorEventLoop()
    future = other.create_future()
    try:
        loop.run_until_complete(future)
    except ValueError:
        trace("ValueError")
    other.close()


@scenario
def run_until_complete_refuses_a_closed_loop(loop):
    future = loop.create_future()
    loop.close()
    tried("run", lambda: loop.run_until_complete(future))


@scenario
async def run_until_complete_refuses_inside_of_a_loop():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    tried("same loop", lambda: loop.run_until_complete(future))
    other = asyncio.SelectorEventLoop()
    elsewhere = other.create_future()
    tried("other loop", lambda: other.run_until_complete(elsewhere))
    other.close()


@scenario
def run_until_complete_may_be_called_again_and_again(loop):
    for number in range(3):
        loop.run_until_complete(asyncio.sleep(1))
        trace("run", number)


@scenario
def a_task_goes_on_in_the_next_run(loop):
    async def counts():
        for number in range(3):
            await asyncio.sleep(1)
            trace("count", number)

    task = loop.create_task(counts())
    loop.run_until_complete(asyncio.sleep(1.5))
    trace("between")
    loop.run_until_complete(task)
