"""All tasks through all arms, each trace kept as it grows.

Arms that compute on this machine run one after another, so that none is measured while another takes its cores; arms of
other machines run beside them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from callwright.bakeoff.arms.base import Arm
from callwright.bakeoff.directory import BakeoffDirectory
from callwright.bakeoff.harness import TaskLimits, not_opened, run
from callwright.bakeoff.tasks import Task
from callwright.bakeoff.trace import Halt
from callwright.bakeoff.trace_files import TraceKey

Attempt = tuple[Task, int]
"""A task and the seed with which it is asked."""


def unfinished(directory: BakeoffDirectory, arm: str, tasks: Sequence[Task], seeds: Iterable[int]) -> list[Attempt]:
    """What an arm has still to be asked.

    Raises:
      DataError: A file of traces is damaged.
    """
    ended = directory.ended(arm, [task.name for task in tasks])
    return [(task, seed) for seed in seeds for task in tasks if TraceKey(task.name, task.wording, seed) not in ended]


async def run_arms(
    arms: Sequence[Arm],
    left: Callable[[Arm], list[Attempt]],
    limits: TaskLimits,
    directory: BakeoffDirectory,
    ended: Callable[[Halt], None] = lambda halt: None,
) -> None:
    """Asks every arm what it has still to be asked.

    Args:
      arms: The arms; they are opened and closed here.
      left: What an arm has still to be asked.
      limits: What the harness enforces.
      directory: Where the traces go.
      ended: Is told of every halt.

    Raises:
      StorageError: A trace cannot be written.
      ConfigError: A runtime is another than the one that the traces are of.
    """

    async def one_after_another() -> None:
        for arm in arms:
            if arm.local:
                await run_arm(arm, left(arm), limits, directory, ended)

    others = [run_arm(arm, left(arm), limits, directory, ended) for arm in arms if not arm.local]
    async with asyncio.TaskGroup() as group:
        for work in (one_after_another(), *others):
            group.create_task(work)


async def run_arm(
    arm: Arm,
    attempts: Sequence[Attempt],
    limits: TaskLimits,
    directory: BakeoffDirectory,
    ended: Callable[[Halt], None] = lambda halt: None,
) -> None:
    """Opens an arm, asks it, and closes it; nothing is opened where nothing is left to be asked.

    Raises:
      StorageError, ConfigError: As `run_arms`.
    """
    if not attempts:
        return
    started = time.monotonic()
    try:
        await arm.open()
    except Exception as error:
        seconds = time.monotonic() - started
        for task, seed in attempts:
            trace = not_opened(task, arm, error, seed=seed, load_seconds=seconds, keep=directory.keep)
            ended(trace.halt)
            seconds = 0.0
        await arm.close()
        return
    try:
        directory.opened(arm.name, arm.record())
        waiting = _with_load_seconds(attempts, time.monotonic() - started)

        async def ask_the_next() -> None:
            for task, seed, seconds in waiting:
                trace = await run(task, arm, limits, seed=seed, load_seconds=seconds, keep=directory.keep)
                ended(trace.halt)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(arm.slots, len(attempts))):
                group.create_task(ask_the_next())
    finally:
        await arm.close()


def _with_load_seconds(attempts: Iterable[Attempt], seconds: float) -> Iterator[tuple[Task, int, float]]:
    """The attempts, the first of them with the time that it took to load the model."""
    for number, (task, seed) in enumerate(attempts):
        yield task, seed, 0.0 if number else seconds
