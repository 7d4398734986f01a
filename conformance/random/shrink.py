"""Makes a program smaller while what it shows remains."""


def without(tree, path):
    """The tree without the node at this path."""
    index, *rest = path
    if not rest:
        return tree[:index] + tree[index + 1:]
    return tree[:index] + [without(tree[index], rest)] + tree[index + 1:]


def unwrapped(tree, path):
    """The tree with the steps of the block at this path in place of the block."""
    index, *rest = path
    if rest:
        return tree[:index] + [unwrapped(tree[index], rest)] + tree[index + 1:]
    inner = next(part[1:] for part in tree[index] if isinstance(part, list) and part[0] == "do")
    return tree[:index] + inner + tree[index + 1:]


def paths(tree, kinds=("program", "coroutine", "do")):
    """Those of the steps in bodies, outer ones first."""
    for index, part in enumerate(tree):
        if isinstance(part, list):
            if tree[0] in kinds and part[0] != "coroutine":
                yield (index,)
            yield from ((index, *rest) for rest in paths(part))


def node_at(tree, path):
    for index in path:
        tree = tree[index]
    return tree


def smaller(program):
    """Programs with a step less, or with a block opened."""
    for path in paths(program):
        yield without(program, path)
    for path in paths(program):
        if any(isinstance(part, list) and part[0] == "do" for part in node_at(program, path)):
            yield unwrapped(program, path)
    for path in paths(program):
        step = node_at(program, path)
        if step[0] in ("gather", "wait", "as_completed"):
            for index in range(len(step)):
                if isinstance(step[index], list):
                    yield without(program, (*path, index))


def shrunk(program, shows):
    """`shows(programs)` says of each whether it shows it."""
    while True:
        candidates = list(smaller(program))
        found = next((each for each, yes in zip(candidates, shows(candidates)) if yes), None)
        if found is None:
            return program
        program = found
