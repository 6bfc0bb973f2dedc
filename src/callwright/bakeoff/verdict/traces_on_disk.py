"""All traces of a bake-off's directory: `DIR/traces/ARM/TASK.jsonl`, as `trace_files` reads each.

What was begun and has no end is counted and left out. A file that holds another arm's traces, or a trace that lacks a
step, is refused, since no verdict on it is worth anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callwright.bakeoff.trace import Trace
from callwright.bakeoff.trace_files import TraceKey, read_traces
from callwright.errors import DataError
from callwright.storage import numbered_jsonl

_FIX = "take these lines out and give the bake-off's command again, which runs that task again"


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
        begun = {(line["task"], line["wording"], line["seed"]) for _, line in numbered_jsonl(path)}
        arms.setdefault(arm, {}).update(finished)
        unfinished[arm] = unfinished.get(arm, 0) + len(begun) - len(finished)
    if not any(arms.values()):
        got = f"{sum(unfinished.values())} without an end" if unfinished else "none"
        raise DataError(f"finished traces in {directory / 'traces'}", got, "run the bake-off first")
    return TracesOnDisk(arms, unfinished)


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
