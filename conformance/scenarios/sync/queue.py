import asyncio

from trace import scenario, trace, tried, waited


async def puts(queue, items):
    for item in items:
        await waited(f"put {item}", queue.put(item))


async def gets(queue, name, count):
    for _ in range(count):
        await waited(name, queue.get())


@scenario
async def items_come_out_as_they_went_in():
    queue = asyncio.Queue()
    await puts(queue, [1, 2, 3])
    trace(queue.qsize(), queue.empty(), queue.full())
    await gets(queue, "get", 3)
    trace(queue.qsize(), queue.empty(), queue.full())


@scenario
async def the_last_in_is_the_first_out():
    queue = asyncio.LifoQueue()
    await puts(queue, [1, 2, 3])
    await gets(queue, "get", 3)


@scenario
async def the_smallest_is_the_first_out():
    queue = asyncio.PriorityQueue()
    await puts(queue, [2, 3, 1])
    await gets(queue, "get", 3)


@scenario
async def who_puts_waits_for_room():
    queue = asyncio.Queue(2)
    producer = asyncio.create_task(puts(queue, [1, 2, 3, 4]))
    await asyncio.sleep(1)
    trace("full", queue.full(), queue.qsize())
    await gets(queue, "get", 4)
    await producer


@scenario
async def who_gets_waits_for_items():
    queue = asyncio.Queue()
    consumer = asyncio.create_task(gets(queue, "get", 3))
    await asyncio.sleep(1)
    await puts(queue, [1, 2])
    await asyncio.sleep(1)
    await puts(queue, [3])
    await consumer


@scenario
async def those_who_wait_are_served_in_their_order():
    queue = asyncio.Queue()
    consumers = [asyncio.create_task(gets(queue, name, 1)) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    await puts(queue, [1, 2, 3])
    for consumer in consumers:
        await consumer


@scenario
async def an_item_may_be_taken_before_who_waited_for_it_runs():
    queue = asyncio.Queue()
    consumer = asyncio.create_task(gets(queue, "waited", 1))
    await asyncio.sleep(0)
    queue.put_nowait(1)
    tried("get_nowait", queue.get_nowait)
    await asyncio.sleep(1)
    queue.put_nowait(2)
    await consumer


@scenario
async def without_waiting_it_raises():
    queue = asyncio.Queue(1)
    tried("get_nowait", queue.get_nowait)
    tried("put_nowait", lambda: queue.put_nowait(1))
    tried("put_nowait", lambda: queue.put_nowait(2))
    tried("get_nowait", queue.get_nowait)


@scenario
async def join_waits_until_all_is_done():
    queue = asyncio.Queue()
    await puts(queue, [1, 2])
    task = asyncio.create_task(waited("join", queue.join()))
    for _ in range(2):
        await asyncio.sleep(1)
        queue.get_nowait()
        queue.task_done()
        trace("done")
    await task


@scenario
async def join_does_not_wait_for_nothing():
    await waited("join", asyncio.Queue().join())


@scenario
async def no_more_is_done_than_was_put():
    queue = asyncio.Queue()
    tried("task_done", queue.task_done)
    queue.put_nowait(1)
    tried("task_done", queue.task_done)
    tried("task_done", queue.task_done)


@scenario
async def a_cancelled_get_takes_nothing():
    queue = asyncio.Queue()
    consumers = [asyncio.create_task(gets(queue, name, 1)) for name in ("a", "b")]
    await asyncio.sleep(0)
    queue.put_nowait(1)
    consumers[0].cancel()
    for consumer in consumers:
        await consumer
    trace(queue.qsize())


@scenario
async def a_cancelled_put_leaves_its_room_to_the_next():
    queue = asyncio.Queue(1)
    queue.put_nowait(0)
    producers = [asyncio.create_task(puts(queue, [item])) for item in (1, 2)]
    await asyncio.sleep(0)
    tried("get_nowait", queue.get_nowait)
    producers[0].cancel()
    for producer in producers:
        await producer
    tried("get_nowait", queue.get_nowait)


@scenario
async def after_shutdown_what_is_there_can_be_got():
    queue = asyncio.Queue()
    await puts(queue, [1, 2])
    queue.shutdown()
    await puts(queue, [3])
    tried("put_nowait", lambda: queue.put_nowait(3))
    await gets(queue, "get", 3)
    tried("get_nowait", queue.get_nowait)


@scenario
async def shutdown_ends_who_waits():
    empty, full = asyncio.Queue(), asyncio.Queue(1)
    full.put_nowait(1)
    tasks = [asyncio.create_task(gets(empty, "get", 1)), asyncio.create_task(puts(full, [2]))]
    await asyncio.sleep(1)
    empty.shutdown()
    full.shutdown()
    trace("shut down")
    for task in tasks:
        await task


@scenario
async def an_immediate_shutdown_drops_what_is_there():
    queue = asyncio.Queue()
    await puts(queue, [1, 2])
    task = asyncio.create_task(waited("join", queue.join()))
    await asyncio.sleep(1)
    queue.shutdown(immediate=True)
    trace(queue.qsize())
    await gets(queue, "get", 1)
    await task


@scenario
async def join_after_an_immediate_shutdown_waits_for_what_was_got():
    queue = asyncio.Queue()
    await puts(queue, [1, 2])
    tried("get_nowait", queue.get_nowait)
    queue.shutdown(immediate=True)
    task = asyncio.create_task(waited("join", queue.join()))
    await asyncio.sleep(1)
    trace("done", task.done())
    queue.task_done()
    await task
