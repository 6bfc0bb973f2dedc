"""The traces of a bake-off as they lie on disk: `DIR/traces/ARM/TASK.jsonl`.

A torn last line is ignored, and steps without a halt are an interrupted trace, which is counted and left out; where it
was run again, the later one counts. Lines that contradict each other are refused, since no verdict on them is worth
anything.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from callwright.bakeoff.trace import Halt, Step, Trace
from callwright.errors import DataError
from callwright.settings import validated
from callwright.storage import numbered_jsonl

_FIX = "take the lines of this task's wording out and run the bake-off again, which repeats what is missing"


class TraceKey(NamedTuple):
    """What one trace is of; the arms have traces of the same keys."""

    task: str
    wording: int
    seed: int

    def __str__(self) -> str:
        return f"{self.task}, wording {self.wording}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class TracesOnDisk:
    """What a bake-off's directory holds.

    Attributes:
      arms: By name, in alphabetical order, the finished traces of each arm.
      unfinished: By arm, how many traces have no halt.
    """

    arms: Mapping[str, Mapping[TraceKey, Trace]]
    unfinished: Mapping[str, int]


def read_traces(directory: Path) -> TracesOnDisk:
    """All traces of a bake-off.

    Args:
      directory: The one that has `traces/`.

    Raises:
      DataError: There are none, or a line does not belong where it stands.
      StorageError: A file cannot be read.
    """
    arms: dict[str, dict[TraceKey, Trace]] = {}
    unfinished = Counter[str]()
    for path in sorted(directory.glob("traces/*/*.jsonl")):
        arm = path.parent.name
        finished = arms.setdefault(arm, {})
        for key, trace in _read(path, arm):
            if trace is None:
                unfinished[arm] += key not in finished
            else:
                finished.setdefault(key, trace)
    if not any(arms.values()):
        got = f"{sum(unfinished.values())} without an end" if unfinished else "none"
        raise DataError(f"finished traces in {directory / 'traces'}", got, "run the bake-off first")
    return TracesOnDisk(arms, unfinished)


def _read(path: Path, arm: str) -> Iterator[tuple[TraceKey, Trace | None]]:
    """The traces of one file as they end, and then what has no end, each with None."""
    begun: dict[TraceKey, list[Step]] = {}
    for number, line in numbered_jsonl(path):
        where = f"line {number} of {path}"
        kind = line.get("kind")
        if kind not in ("step", "halt"):
            raise DataError(f"kind in {where} to be step or halt", repr(kind), _FIX)
        record: Step | Halt
        if kind == "step":
            record = validated(Step, line, where=where, error=DataError, fix=_FIX)
        else:
            record = validated(Halt, line, where=where, error=DataError, fix=_FIX)
        if record.arm != arm:
            raise DataError(f"the arm {arm} in {where}", record.arm, _FIX)
        key = TraceKey(record.task, record.wording, record.seed)
        if isinstance(record, Halt):
            yield key, Trace(steps=tuple(begun.pop(key, ())), halt=record)
            continue
        steps = begun.setdefault(key, [])
        if record.step == 0:  # the task is run again from its beginning
            steps.clear()
        if record.step != len(steps):
            raise DataError(f"step {len(steps)} of {key} in {where}", f"step {record.step}", _FIX)
        steps.append(record)
    yield from ((key, None) for key in begun)
