#!/usr/bin/env python3
"""Runs random programs, one a line of standard input, and traces them. Its twin is program_runner.cc."""

import asyncio
import collections
import contextlib
import gc
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).absolute().parent.parent))
sys.dont_write_bytecode = True

import trace as words  # noqa: E402
from trace import TraceLoop  # noqa: E402

MOST_INVOCATIONS = 40
HELPS = (8, 28)
RESCUES = (20, 40, 60)
END = 80
REPR = re.compile(r"<TaskGroup[^>]*> ")  # texts that only CPython has
ERRORS = {
    "cancelled": asyncio.CancelledError,
    "runtime": lambda: RuntimeError("broken"),
    "value": lambda: ValueError("boom"),
}
TRIED = {  # steps that do not wait; that they failed is told and does no harm
    "set_result", "set_exception", "reschedule", "start", "put_nowait", "get_nowait",
    "task_done", "shutdown", "release", "release_permit", "notify",
}
HANDLED = {
    "swallow": asyncio.CancelledError,
    "clean_up": asyncio.CancelledError,
    "except_exception": Exception,
    "finally": BaseException,
}
RETURN_WHEN = {
    "all_completed": asyncio.ALL_COMPLETED,
    "first_completed": asyncio.FIRST_COMPLETED,
    "first_exception": asyncio.FIRST_EXCEPTION,
}


def said(value):
    return REPR.sub("", words.said(value))


def trace(*values):
    words.trace(*map(said, values))


class FairTimerHandle(asyncio.TimerHandle):
    """Timers of the same deadline come first in, first out, as ours do; heapq leaves their order undefined."""

    __slots__ = ("number",)
    made = 0

    def __init__(self, *arguments):
        super().__init__(*arguments)
        FairTimerHandle.made += 1
        self.number = FairTimerHandle.made

    def __lt__(self, other):
        return (self._when, self.number) < (other._when, other.number)


asyncio.events.TimerHandle = FairTimerHandle


class FairSet(dict):
    """A set in order: a TaskGroup cancels its tasks in that of their creation, as ours does."""

    def add(self, element):
        self[element] = None

    def discard(self, element):
        self.pop(element, None)


class DirectLock(asyncio.Lock):
    """Hands itself to the first who is not cancelled, as ours does; CPython's waits for the cancelled one to run."""

    def _wake_up_first(self):
        for waiter in self._waiters or ():
            if not waiter.cancelled():
                if not waiter.done():
                    waiter.set_result(True)
                return


class Waiters(collections.deque):
    """Remembers of the tasks that have left whether they had been notified."""

    def __init__(self):
        super().__init__()
        self.notified = {}

    def remove(self, future):
        super().remove(future)
        self.notified[asyncio.current_task()] = not future.cancelled()


class DirectCondition(asyncio.Condition):
    """Wakes another if one who had been notified is cancelled, as ours does; CPython's whoever is cancelled."""

    def __init__(self):
        super().__init__(DirectLock())
        self._waiters = Waiters()

    def notify(self, n=1):
        if not self.locked():
            raise RuntimeError("cannot notify on un-acquired lock")
        waiting = [future for future in self._waiters if not future.done()]
        for future in waiting[:n]:
            future.set_result(False)

    def _notify(self, n):  # called by wait() on its way out
        if self._waiters.notified[asyncio.current_task()]:
            self.notify(n)


class TickLoop(TraceLoop):
    """Traces when its clock jumps."""

    def _select_or_jump(self, timeout):
        before = self.now
        events = super()._select_or_jump(timeout)
        if self.now != before:
            trace("tick")
        return events


def parse(line):
    """'(sleep 1)' as ['sleep', 1]."""
    stack = [[]]
    for token in re.findall(r"[()]|[^ ()]+", line):
        if token == "(":
            stack.append([])
        elif token == ")":
            step = stack.pop()
            stack[-1].append(step)
        else:
            stack[-1].append(int(token) if token.lstrip("-").isdigit() else token)
    return stack[0][0]


def optional(word):
    return None if word == "none" else word


class World:
    """What the coroutines of a program share."""

    def __init__(self, program, loop):
        self.coroutines = [part[1:] for part in program[1:] if part[0] == "coroutine"]
        self.tasks = [None] * len(self.coroutines)  # the last of each coroutine
        self.started = []
        self.futures = [loop.create_future() for _ in range(2)]
        self.invocations = 0
        self.queues = [asyncio.Queue(), asyncio.Queue(1), asyncio.Queue(2)]
        self.locks = [DirectLock(), DirectLock()]
        self.semaphores = [asyncio.Semaphore(1), asyncio.Semaphore(2)]
        self.events = [asyncio.Event(), asyncio.Event()]
        self.conditions = [DirectCondition()]
        self.barriers = [asyncio.Barrier(2)]

    def forget_tasks(self):
        self.tasks.clear()
        self.started.clear()
        self.futures.clear()
        for condition in self.conditions:
            condition._waiters.notified.clear()


async def tried(step):
    try:
        return await step
    except Exception as error:
        return error


async def invoke(world, coroutine):
    return await Invocation(world, coroutine).run()


class Invocation:
    """One run of one coroutine."""

    def __init__(self, world, coroutine):
        world.invocations += 1
        self.world = world
        self.coroutine = coroutine
        self.name = f"c{coroutine}#{world.invocations}"
        self.returned = None
        self.groups = []  # those it is in
        self.timeouts = []
        if asyncio.current_task() not in world.started:
            world.started.append(asyncio.current_task())

    async def run(self):
        if self.world.invocations > MOST_INVOCATIONS:
            return -1
        try:
            await self.block(self.world.coroutines[self.coroutine])
        except GeneratorExit:
            raise
        except BaseException as error:
            trace(self.name, "raises", error)
            raise
        trace(self.name, "returns", self.returned)
        return self.returned or 0

    async def block(self, body):
        for word, *parts in body:
            step = getattr(self, f"do_{word}")(*parts)
            gave = await (tried(step) if word in TRIED else step)
            trace(self.name, word, "" if gave is None else gave)
            if self.returned is not None:
                break

    def awaitable_of(self, item):
        """Of [task, 1], [call, 1] or [future, 0]; a task may not be there yet."""
        kind, index = item
        if kind == "task":
            return self.world.tasks[index]
        if kind == "future":
            return self.world.futures[index]
        return invoke(self.world, index)

    def awaitables_of(self, items):
        return [each for each in map(self.awaitable_of, items) if each is not None]

    async def do_sleep(self, ticks):
        await asyncio.sleep(ticks)

    async def do_return(self, value):
        self.returned = value

    async def do_raise(self, error):
        raise ERRORS[error]()

    async def do_try(self, kind, body, handler):
        error = None
        try:
            await self.block(body[1:])
        except GeneratorExit:
            raise
        except BaseException as caught:
            error = caught
        if error is None and kind != "finally":
            return
        if error is not None:
            if not isinstance(error, HANDLED[kind]):
                raise error
            trace(self.name, kind, error)
        await self.block(handler[1:])
        if error is not None and kind in ("finally", "clean_up"):
            raise error

    async def do_spawn(self, index):
        self.world.tasks[index] = asyncio.create_task(invoke(self.world, index))

    async def do_await(self, item):
        awaitable = self.awaitable_of(item)
        return "nothing" if awaitable is None else await awaitable

    async def do_cancel(self, index, message):
        task = self.world.tasks[index]
        return "nothing" if task is None else task.cancel(optional(message))

    async def do_cancelling(self):
        return asyncio.current_task().cancelling()

    async def do_uncancel(self):
        return asyncio.current_task().uncancel()

    async def do_call_soon(self):
        asyncio.get_running_loop().call_soon(trace, self.name, "called soon")

    async def do_set_result(self, index, value):
        self.world.futures[index].set_result(value)

    async def do_set_exception(self, index, error):
        self.world.futures[index].set_exception(ERRORS[error]())

    async def do_cancel_future(self, index, message):
        return self.world.futures[index].cancel(optional(message))

    async def do_gather(self, kind, *items):
        return await asyncio.gather(*self.awaitables_of(items), return_exceptions=kind == "outcomes")

    async def do_wait(self, mode, ticks, *items):
        futures = self.awaitables_of(items)
        if not futures:
            return "nothing"
        try:
            done, _ = await asyncio.wait(futures, timeout=optional(ticks), return_when=RETURN_WHEN[mode])
        finally:
            look_at(futures)
        return ["done" if future in done else "pending" for future in futures]

    async def do_as_completed(self, ticks, *items):
        async for _ in asyncio.as_completed(self.awaitables_of(items), timeout=optional(ticks)):
            trace(self.name, "arrived")

    async def do_wait_for(self, ticks, item):
        awaitable = self.awaitable_of(item)
        return "nothing" if awaitable is None else await asyncio.wait_for(awaitable, optional(ticks))

    async def do_shield(self, item):
        awaitable = self.awaitable_of(item)
        return "nothing" if awaitable is None else await asyncio.shield(awaitable)

    async def do_timeout(self, ticks, body):
        expired = False
        async with asyncio.timeout(optional(ticks)) as limit:
            self.timeouts.append(limit)
            try:
                await self.block(body[1:])
            finally:
                expired = limit.expired()
                self.timeouts.pop()
        return expired

    async def do_reschedule(self, ticks):
        if not self.timeouts:
            return "nothing"
        now = asyncio.get_running_loop().time()
        self.timeouts[-1].reschedule(None if ticks == "none" else now + ticks)

    async def do_group(self, body):
        async with asyncio.TaskGroup() as group:
            group._tasks = FairSet()
            self.groups.append(group)
            try:
                await self.block(body[1:])
            finally:
                self.groups.pop()

    async def do_start(self, index):
        if not self.groups:
            return "nothing"
        self.world.tasks[index] = self.groups[-1].create_task(invoke(self.world, index))

    async def do_cancel_group(self):
        if not self.groups:
            return "nothing"
        self.groups[-1].cancel()

    async def do_put(self, index, item):
        await self.world.queues[index].put(item)
        return self.world.queues[index].qsize()

    async def do_get(self, index):
        return await self.world.queues[index].get()

    async def do_put_nowait(self, index, item):
        self.world.queues[index].put_nowait(item)
        return self.world.queues[index].qsize()

    async def do_get_nowait(self, index):
        return self.world.queues[index].get_nowait()

    async def do_task_done(self, index):
        self.world.queues[index].task_done()

    async def do_join(self, index):
        await self.world.queues[index].join()

    async def do_shutdown(self, index, how):
        self.world.queues[index].shutdown(immediate=how == "immediately")

    async def held(self, lock, body):
        """As our Held: it releases nothing if somebody has released the lock inside."""
        await lock.acquire()
        try:
            await self.block(body[1:])
        finally:
            if lock.locked():
                lock.release()

    async def do_locked(self, index, body):
        await self.held(self.world.locks[index], body)

    async def do_acquire(self, index):
        await self.world.locks[index].acquire()

    async def do_release(self, index):
        self.world.locks[index].release()
        return self.world.locks[index].locked()

    async def do_permitted(self, index, body):
        async with self.world.semaphores[index]:
            await self.block(body[1:])

    async def do_acquire_permit(self, index):
        await self.world.semaphores[index].acquire()

    async def do_release_permit(self, index):
        self.world.semaphores[index].release()
        return self.world.semaphores[index].locked()

    async def do_wait_event(self, index):
        await self.world.events[index].wait()
        return self.world.events[index].is_set()

    async def do_set_event(self, index):
        self.world.events[index].set()

    async def do_clear_event(self, index):
        self.world.events[index].clear()

    async def do_condition(self, index, body):
        await self.held(self.world.conditions[index], body)

    async def do_wait_condition(self, index):
        await self.world.conditions[index].wait()

    async def do_notify(self, index, count):
        self.world.conditions[index].notify(count)

    async def do_barrier(self, index):
        return await self.world.barriers[index].wait()

    async def do_reset_barrier(self, index):
        await self.world.barriers[index].reset()

    async def do_abort_barrier(self, index):
        await self.world.barriers[index].abort()


def look_at(futures):
    """At the exceptions, so that none is reported: which of them wait() looks at is undefined."""
    for future in futures:
        if future.done() and not future.cancelled():
            future.exception()


def cancel_from_outside(world, index):
    task = world.tasks[index]
    trace("cancel", index, "nothing" if task is None else task.cancel())


def help_out(world):
    """Gives those who wait what they may be waiting for."""
    for future in world.futures:
        if not future.done():
            future.set_result(0)
    for event in world.events:
        event.set()
    for queue in world.queues:
        with contextlib.suppress(Exception):
            queue.put_nowait(0)
    for lock in world.locks:
        if lock.locked():
            lock.release()


def rescue(world):
    for task in list(world.started):
        if not task.done():
            trace("rescue", task.cancel())


def run_loop(program, loop):
    world = World(program, loop)
    world.tasks[0] = loop.create_task(invoke(world, 0))
    for part in program[1:]:
        if part[0] == "at":
            loop.call_later(part[1], cancel_from_outside, world, part[2])
    for tick in HELPS:
        loop.call_later(tick, help_out, world)
    for tick in RESCUES:
        loop.call_later(tick, rescue, world)
    loop.call_later(END, loop.stop)
    loop.run_forever()
    for task in world.started:
        trace("pending" if not task.done() else "cancelled" if task.cancelled() else "done")
    world.forget_tasks()
    return [task for task in asyncio.all_tasks(loop) if not task.done()]


def run_program(program):
    reports = []
    loop = TickLoop()
    loop.set_exception_handler(
        lambda _, context: reports.append(f"{context['message']} {said(context.get('exception'))}"))
    pending = run_loop(program, loop)
    gc.collect()
    for report in sorted(reports):
        trace("reported", report)
    with contextlib.redirect_stdout(None):  # what closing the coroutines that are left says
        del pending
        loop.close()


def main():
    sys.unraisablehook = lambda _: None
    gc.disable()
    gc.freeze()
    for line in sys.stdin:
        print("program")
        run_program(parse(line))


if __name__ == "__main__":
    main()
