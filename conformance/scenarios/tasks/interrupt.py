import asyncio
import os
import signal

from trace import TraceLoop, scenario, trace, tried

# Only what comes of it is traced: CPython's handler runs in the middle of a callback, ours in the next turn.


def run(main):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tried("run", lambda: asyncio.run(main, loop_factory=TraceLoop))


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


@scenario
def ctrl_c_cancels_main_and_leaves_as_keyboard_interrupt(loop):
    async def main():
        asyncio.get_running_loop().call_later(1, press_ctrl_c)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            heard.append("main")
            raise

    heard = []
    run(main())
    trace(heard)


@scenario
def main_may_clean_up_after_ctrl_c(loop):
    async def main():
        asyncio.get_running_loop().call_later(1, press_ctrl_c)
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(5)
            heard.append("clean")

    heard = []
    run(main())
    trace(heard)


@scenario
def a_main_that_swallows_ctrl_c_gives_its_result(loop):
    async def main():
        asyncio.get_running_loop().call_later(1, press_ctrl_c)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return "swallowed"

    run(main())


@scenario
def a_main_that_fails_after_ctrl_c_raises_that(loop):
    async def main():
        asyncio.get_running_loop().call_later(1, press_ctrl_c)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ValueError("boom")

    run(main())


@scenario
def a_main_that_was_cancelled_besides_raises_cancelled_error(loop):
    async def main():
        asyncio.get_running_loop().call_later(1, press_ctrl_c)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            asyncio.current_task().cancel()
            raise

    run(main())


@scenario
def ctrl_c_leaves_the_other_tasks_to_the_end_of_run(loop):
    async def other():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            heard.append("other")
            raise

    async def main():
        task = asyncio.create_task(other())
        asyncio.get_running_loop().call_later(1, press_ctrl_c)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            heard.append("main")
            raise
        await task

    heard = []
    run(main())
    trace(heard)


@scenario
def a_runner_that_was_interrupted_can_run_again(loop):
    async def main():
        asyncio.get_running_loop().call_later(1, press_ctrl_c)
        await asyncio.sleep(3600)

    async def again():
        await asyncio.sleep(1)
        return "again"

    signal.signal(signal.SIGINT, signal.default_int_handler)
    results = []
    with asyncio.Runner(loop_factory=TraceLoop) as runner:
        try:
            runner.run(main())
        except KeyboardInterrupt:
            results.append("KeyboardInterrupt")
        results.append(runner.run(again()))
    trace(results)
