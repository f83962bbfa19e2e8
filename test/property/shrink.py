"""shrink: a shorter story of a world that goes wrong in the same way.

Whole transactions are left out first, then triggers, then single statements; whatever can be
missed is left out for good.  What can't be shortened in time is shown as it is.
"""
import time

from world import World

DROPPABLE = ('statement', 'truncate', 'ddl', 'savepoint', 'rollback to', 'release')


def shrink(ground, world, features, seconds):
    """A world that was lived and went wrong, as short as time allowed."""
    end = time.monotonic() + seconds
    for parts in (transactions, triggers, statements):
        world = without_parts(ground, world, features, parts, end)
    return world


def without_parts(ground, world, features, parts, end):
    for part in reversed(parts(world)):
        if time.monotonic() > end:
            break
        shorter = copy_without(ground, world, features, part)
        complaints = shorter.live()
        if complaints and complaints[0].kind == world.verdict.complaints[0].kind:
            world = shorter
    return world


def copy_without(ground, world, features, part):
    shorter = World(ground, world.seed, features)
    shorter.steps = [step for step in world.steps if step not in part]
    shorter.triggers = [trigger for trigger in world.triggers if trigger not in part]
    return shorter


def transactions(world):
    numbers = dict.fromkeys(step.transaction for step in world.steps)
    return [[step for step in world.steps if step.transaction == number] for number in numbers]


def triggers(world):
    return [[trigger] for trigger in world.triggers[1:]]


def statements(world):
    return [[step] for step in world.steps if step.kind in DROPPABLE]
