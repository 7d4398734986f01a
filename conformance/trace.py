"""Scenarios that tell what they do: who ran, in which turn, when, and with what outcome. Its twin is trace.h."""

import asyncio
import gc
import importlib.util
import inspect
import logging
import re

SECONDS = "{:g}".format
NAMES = {"KeyError": "LookupError"}  # where C++ has one class for several


class TraceLoop(asyncio.SelectorEventLoop):
    """Counts its turns; its clock jumps to the next deadline when nothing is ready."""

    current = None

    def __init__(self):
        super().__init__()
        self.turn = 0
        self.now = 0.0
        self._select = self._selector.select
        self._selector.select = self._select_or_jump
        self.set_exception_handler(report)
        self._outer = TraceLoop.current
        TraceLoop.current = self

    def close(self):
        super().close()
        gc.collect()
        TraceLoop.current = self._outer or self

    def time(self):
        return self.now

    def _run_once(self):
        self.turn += 1
        super()._run_once()

    def _select_or_jump(self, timeout):
        deadline = self._scheduled[0].when() if self._scheduled else float("inf")
        if deadline == float("inf"):
            return self._select(timeout)
        events = self._select(0)
        if not events and not self._ready and not self._stopping:
            self.now = max(self.now, deadline)
        return events


def said(value):
    """The value in the words that both languages use."""
    if isinstance(value, BaseException):
        return said_of_exception(value)
    if isinstance(value, float):
        return SECONDS(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(said, value)) + "]"
    return str(value)


def said_of_exception(error):
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        return f"{name}: {error.message} {said(error.exceptions)}"
    words = str(error)
    return f"{NAMES.get(name, name)}: {words}" if words else NAMES.get(name, name)


def trace(*words):
    loop = TraceLoop.current
    print(f"  turn {loop.turn} t={SECONDS(loop.now)}", *map(said, words))


def report(loop, context):
    message = re.sub(r"(?<=^Exception in callback) .*", "", context["message"], flags=re.DOTALL)
    trace("reported:", message, *([context["exception"]] if "exception" in context else []))


def tried(who, function):
    """Traces what `function()` gives or raises."""
    try:
        trace(who, "gave", function())
    except BaseException as error:
        trace(who, "raised", error)


async def waited(who, awaitable):
    """Traces what awaiting it gives or raises; what is no awaitable yet is called for one."""
    try:
        trace(who, "gave", await (awaitable if inspect.isawaitable(awaitable) else awaitable()))
    except BaseException as error:
        trace(who, "raised", error)


def scenario(function):
    """A coroutine function runs as the main task of a loop; an ordinary function gets a loop that does not run."""
    function.is_scenario = True
    return function


def run(function):
    loop = TraceLoop()
    try:
        if inspect.iscoroutinefunction(function):
            loop.run_until_complete(function())
        else:
            function(loop)
    finally:
        loop.close()
        TraceLoop.current = None


def run_topic(path):
    """Runs the scenarios of one file, in the order in which they stand there."""
    logging.getLogger("asyncio").addHandler(logging.NullHandler())
    spec = importlib.util.spec_from_file_location("scenarios_of_topic", path)
    topic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(topic)
    for name, function in vars(topic).items():
        if getattr(function, "is_scenario", False):
            print(name)
            run(function)
