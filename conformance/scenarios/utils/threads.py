import asyncio
import concurrent.futures
import contextvars
import threading

import trace as words
from trace import trace, waited

# Traces have no turns here, because the loops do not count them: when a thread is ready is its own affair.

VARIABLE = contextvars.ContextVar("variable", default="unset")


def scenario(main):
    return words.scenario(lambda loop: asyncio.run(main()))


def fails():
    raise ValueError("boom")


@scenario
async def to_thread_gives_the_result_or_the_exception():
    await waited("result", asyncio.to_thread(lambda number: number + 1, 1))
    await waited("exception", asyncio.to_thread(fails))


@scenario
async def to_thread_runs_in_a_copy_of_the_context():
    def look():
        seen = VARIABLE.get()
        VARIABLE.set("thread")
        return seen

    VARIABLE.set("task")
    await waited("thread", asyncio.to_thread(look))
    trace("task", VARIABLE.get())


@scenario
async def a_pool_of_one_does_its_jobs_in_order():
    done = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(pool, done.append, number) for number in range(3)]
        await jobs[2]
        trace(done, [job.done() for job in jobs])


@scenario
async def a_job_that_is_cancelled_before_it_begins_never_runs():
    goes_on = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        loop = asyncio.get_running_loop()
        first = loop.run_in_executor(pool, goes_on.wait)
        second = loop.run_in_executor(pool, trace, "never")
        trace("cancel()", second.cancel())
        await waited("second", second)
        await asyncio.sleep(0)  # the pool is told next turn
        goes_on.set()
        await first
    trace("end")


@scenario
async def a_cancelled_task_does_not_wait_for_its_thread():
    goes_on = threading.Event()
    task = asyncio.create_task(waited("to_thread", asyncio.to_thread(goes_on.wait)))
    await asyncio.sleep(0)
    trace("cancel()", task.cancel())
    await task
    goes_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()


@scenario
async def an_executor_that_was_shut_down_refuses():
    await asyncio.get_running_loop().shutdown_default_executor()
    await waited("to_thread", asyncio.to_thread(fails))


@scenario
async def a_thread_gets_the_result_of_a_coroutine_or_its_exception():
    async def answers(question):
        trace("asked", question)
        await asyncio.sleep(0)
        if question == "why":
            raise ValueError("no reason")
        return "42"

    def asks(question):
        return asyncio.run_coroutine_threadsafe(answers(question), loop).result()

    loop = asyncio.get_running_loop()
    await waited("what", asyncio.to_thread(asks, "what"))
    await waited("why", asyncio.to_thread(asks, "why"))


@scenario
async def a_thread_may_cancel_what_it_asked_for():
    begun = threading.Event()
    ended = threading.Event()

    async def sleeps():
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            trace("cancelled")
            raise
        finally:
            ended.set()

    def asks():
        future = asyncio.run_coroutine_threadsafe(sleeps(), loop)
        begun.wait()
        cancelled = future.cancel()
        ended.wait()
        return cancelled

    loop = asyncio.get_running_loop()
    await waited("thread", asyncio.to_thread(asks))
