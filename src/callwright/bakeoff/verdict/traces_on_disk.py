"""All traces of a bake-off's directory: `DIR/traces/ARM/TASK.jsonl`, as `trace_files` reads each.

What was begun and has no end is counted and left out. A file that holds another arm's traces, or a trace that lacks a
step, is refused, since no verdict on it is worth anything.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callwright.bakeoff.trace import Trace
from callwright.bakeoff.trace_files import TraceKey, read_traces
from callwright.errors import DataError

_FIX = "take these lines out and give the bake-off's command again, which runs that task again"

_KEY = re.compile(rb'"task": ?("(?:[^"\\]|\\.)*"), ?"wording": ?(\d+), ?"seed": ?(-?\d+)')
"""What a line is of, as both kinds of records have it, before anything that a model or a server wrote."""


@dataclass(frozen=True, slots=True)
class TracesOnDisk:
    """What a bake-off's directory holds.

    Attributes:
      arms: By name, in alphabetical order, the finished traces of each arm.
      unfinished: By arm, how many traces have no end.
    """

    arms: Mapping[str, Mapping[TraceKey, Trace]]
    unfinished: Mapping[str, int]


def read_all_traces(directory: Path) -> TracesOnDisk:
    """All traces of a bake-off.

    Args:
      directory: The one that has `traces/`.

    Raises:
      DataError: There are none, or a line does not belong where it stands.
      StorageError: A file cannot be read.
    """
    arms: dict[str, dict[TraceKey, Trace]] = {}
    unfinished: dict[str, int] = {}
    for path in sorted(directory.glob("traces/*/*.jsonl")):
        arm = path.parent.name
        finished = {TraceKey.of(trace.halt): _checked(trace, path) for trace in read_traces(path)}
        arms.setdefault(arm, {}).update(finished)
        unfinished[arm] = unfinished.get(arm, 0) + _begun(path) - len(finished)
    if not any(arms.values()):
        got = f"{sum(unfinished.values())} without an end" if unfinished else "none"
        raise DataError(f"finished traces in {directory / 'traces'}", got, "run the bake-off first")
    return TracesOnDisk(arms, unfinished)


def _begun(path: Path) -> int:
    """How many traces a file has lines of. Only the keys are read: the lines are long, and were parsed before."""
    lines = path.read_bytes().split(b"\n")[:-1]
    return len({key.groups() for line in lines if (key := _KEY.search(line))})


def _checked(trace: Trace, path: Path) -> Trace:
    """The trace, where it belongs into the file and has all of its steps."""
    name = f"{trace.halt.task}, wording {trace.halt.wording}, seed {trace.halt.seed}, in {path}"
    arms = (*(step.arm for step in trace.steps), trace.halt.arm)
    others = [arm for arm in arms if arm != path.parent.name]
    if others:
        raise DataError(f"the arm {path.parent.name} of {name}", others[0], _FIX)
    numbers = [step.step for step in trace.steps]
    if numbers != list(range(len(numbers))):
        raise DataError(f"steps 0 to {len(numbers) - 1} of {name}", ", ".join(map(str, numbers)), _FIX)
    return trace
