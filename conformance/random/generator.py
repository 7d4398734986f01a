"""Makes random programs.

A program is a tree of lists, written as (program (at 3 1) (coroutine (spawn 1) (await (task 1))) (coroutine (sleep 2))).
The first coroutine is the main task. Coroutines start and await only later ones, so that none waits for itself; they
cancel any. `(at 3 1)` cancels the last task of coroutine 1 at tick 3.
"""

import random

MOST_COROUTINES = 5
MOST_STEPS = 5
MOST_DEPTH = 3
BLOCKS = {"try", "timeout", "group", "locked", "permitted", "condition"}
INSIDE = {  # steps that say little elsewhere
    "start": "group",
    "cancel_group": "group",
    "reschedule": "timeout",
    "wait_condition": "condition",
    "notify": "condition",
}
OUTSIDE = 0.05  # and how often they stand there all the same
SPAWNED = 0.7  # how often the main coroutine begins with starting another


def text_of(step):
    return f"({' '.join(map(text_of, step))})" if isinstance(step, (list, tuple)) else str(step)


class Generator:

    def __init__(self, seed, weights):
        self.random = random.Random(seed)
        self.weights = dict(weights)
        self.messages = self.weights.pop("message", 0) > 0
        self.failing_bodies = self.weights.pop("failing_body", 0) > 0
        self.count = self.random.randint(2, MOST_COROUTINES)
        self.coroutine = 0  # the one that is being made
        self.around = []  # the blocks around the step that is being made

    def program(self):
        coroutines = [self.make_coroutine(index) for index in range(self.count)]
        cancels = [["at", self.ticks(), self.any_coroutine()] for _ in range(self.random.choice((0, 0, 1, 1, 2)))]
        return ["program", *cancels, *coroutines]

    def make_coroutine(self, index):
        self.coroutine = index
        spawns = [] if index > 0 else [
            ["spawn", other] for other in range(1, self.count) if self.random.random() < SPAWNED]
        return ["coroutine", *spawns, *self.steps()]

    def steps(self):
        return [self.step() for _ in range(self.random.randint(1, MOST_STEPS))]

    def step(self):
        while True:
            word = self.random.choices(list(self.weights), list(self.weights.values()))[0]
            if word in BLOCKS and len(self.around) >= MOST_DEPTH:
                continue
            if word in INSIDE and INSIDE[word] not in self.around and self.random.random() > OUTSIDE:
                continue
            parts = getattr(self, f"make_{word}", self.make_nothing)()
            if parts is not None:
                return [word, *parts]

    def block(self, kind):
        self.around.append(kind)
        steps = self.steps()
        self.around.pop()
        return ["do", *steps]

    def ticks(self):
        return self.random.choice((0, 1, 1, 2, 2, 3, 4, 6))

    def limit(self):
        return self.random.choice((0, 1, 2, 3, 5, "none"))

    def value(self):
        return self.random.randint(1, 9)

    def message(self):
        return self.random.choice(("none", "none", "please" if self.messages else "none"))

    def error(self):
        return self.random.choice(("value", "runtime", "cancelled"))

    def either(self):
        return self.random.randrange(2)

    def any_coroutine(self):
        return self.random.randrange(self.count)

    def later_coroutine(self):
        """None in the last one, where no step that needs one can stand."""
        if self.coroutine + 1 == self.count:
            return None
        return self.random.randrange(self.coroutine + 1, self.count)

    def item(self, kinds=("task", "task", "call", "future")):
        kind = self.random.choice(kinds)
        later = self.later_coroutine()
        if kind == "future" or later is None:
            return ["future", self.either()]
        return [kind, later]

    def items(self, *kinds):
        return [self.item(*kinds) for _ in range(self.random.randint(0, 3))]

    def make_nothing(self):
        return []

    def make_sleep(self):
        return [self.ticks()]

    def make_return(self):
        return [self.value()]

    def make_raise(self):
        return [self.error()]

    def make_try(self):
        kind = self.random.choice(("swallow", "clean_up", "clean_up", "except_exception", "finally"))
        return [kind, self.block("try"), self.block("handler")]

    def make_spawn(self):
        later = self.later_coroutine()
        return None if later is None else [later]

    make_start = make_spawn

    def make_await(self):
        return [self.item()]

    make_shield = make_await

    def make_cancel(self):
        return [self.any_coroutine(), self.message()]

    def make_set_result(self):
        return [self.either(), self.value()]

    def make_set_exception(self):
        return [self.either(), self.error()]

    def make_cancel_future(self):
        return [self.either(), self.message()]

    def make_gather(self):
        return [self.random.choice(("values", "outcomes")), *self.items()]

    def make_wait(self):
        mode = self.random.choice(("all_completed", "first_completed", "first_exception"))
        return [mode, self.limit(), *self.items(("task", "task", "future"))]

    def make_as_completed(self):
        return [self.limit(), *self.items(("task", "task", "future"))]

    def make_wait_for(self):
        return [self.limit(), self.item()]

    def make_timeout(self):
        return [self.limit(), self.block("timeout")]

    def make_reschedule(self):
        return [self.limit()]

    def make_group(self):
        body = self.block("group")
        return [body if self.failing_bodies else ["do", ["try", "except_exception", body, ["do"]]]]

    def queue(self):
        return self.random.randrange(3)

    def make_put(self):
        return [self.queue(), self.value()]

    make_put_nowait = make_put

    def make_get(self):
        return [self.queue()]

    make_get_nowait = make_task_done = make_join = make_get

    def make_shutdown(self):
        return [self.queue(), self.random.choice(("immediately", "slowly"))]

    def make_locked(self):
        return [self.either(), self.block("locked")]

    def make_permitted(self):
        return [self.either(), self.block("permitted")]

    def make_acquire(self):
        return [self.either()]

    make_release = make_acquire_permit = make_release_permit = make_acquire
    make_wait_event = make_set_event = make_clear_event = make_acquire

    def make_condition(self):
        first = self.random.choice([step for step in ("wait_condition", "notify") if step in self.weights])
        return [0, ["do", [first, *getattr(self, f"make_{first}")()], *self.block("condition")[1:]]]

    def make_wait_condition(self):
        return [0]

    make_barrier = make_reset_barrier = make_abort_barrier = make_wait_condition

    def make_notify(self):
        return [0, self.random.choice((1, 1, 2))]
