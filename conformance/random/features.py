"""What random programs are made of, and what is left out for an older Python."""

# Steps, and how often each is taken. Some are no steps: the message that a CancelledError carries, the body of a
# TaskGroup that fails.
WEIGHTS = {
    "sleep": 10,
    "return": 1,
    "raise": 1,
    "try": 7,
    "spawn": 10,
    "await": 6,
    "cancel": 4,
    "cancelling": 2,
    "uncancel": 1,
    "call_soon": 1,
    "set_result": 3,
    "set_exception": 1,
    "cancel_future": 1,
    "gather": 4,
    "wait": 3,
    "as_completed": 2,
    "wait_for": 4,
    "shield": 3,
    "timeout": 4,
    "reschedule": 1,
    "group": 4,
    "start": 8,
    "cancel_group": 1,
    "put": 4,
    "get": 3,
    "put_nowait": 1,
    "get_nowait": 1,
    "task_done": 1,
    "join": 1,
    "shutdown": 0.5,
    "locked": 3,
    "acquire": 1,
    "release": 1,
    "permitted": 2,
    "acquire_permit": 1,
    "release_permit": 1,
    "wait_event": 2,
    "set_event": 4,
    "clear_event": 2,
    "condition": 3,
    "wait_condition": 5,
    "notify": 6,
    "barrier": 3,
    "reset_barrier": 0.5,
    "abort_barrier": 0.3,
    "message": 1,
    "failing_body": 1,
}

# What an older Python does otherwise: the version that has what we have, and why.
SINCE = {
    "as_completed": ((3, 13), "can be iterated with async for"),
    "cancel_group": ((3, 15), "TaskGroup.cancel() is new"),
    "gather": ((3, 12), "ends at once if everything is done already"),
    "group": ((3, 13), "keeps the count of cancellations, and what cancelled it from outside"),
    "reschedule": ((3, 13), "stands in timeouts"),
    "shutdown": ((3, 13), "Queue.shutdown() is new"),
    "start": ((3, 13), "stands in groups"),
    "timeout": ((3, 13), "tells its cancellation from those that came before the block"),
    "uncancel": ((3, 13), "takes a cancellation back that has not arrived"),
    "wait_condition": ((3, 13), "wakes another task when one that had been notified is cancelled"),
    "wait_for": ((3, 12), "was rewritten on timeout(): fewer turns, and runs coroutines in the same task"),
}


def weights_for(version):
    """The steps of programs that this Python, (3, 15) say, runs as we do."""
    return {
        step: weight
        for step, weight in WEIGHTS.items()
        if SINCE.get(step, ((3, 0), ""))[0] <= version
    }


def silent_about(version):
    """What a report may say that this Python does not make: of an exception behind a shield() that was cancelled."""
    return [] if version >= (3, 15) else [" exception was never retrieved "]
