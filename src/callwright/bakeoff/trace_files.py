"""Trace files: steps and halts appended as they happen, and read back as whole traces."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from callwright.bakeoff.trace import Halt, Step, Trace
from callwright.errors import DataError
from callwright.settings import validated
from callwright.storage import numbered_jsonl

_FIX = "take the line out and give the bake-off's command again, which runs that task again"


class TraceKey(NamedTuple):
    """What tells the traces of one arm apart."""

    task: str
    wording: int
    seed: int

    @classmethod
    def of(cls, record: Step | Halt) -> "TraceKey":
        """That of a step or a halt."""
        return cls(record.task, record.wording, record.seed)


def read_traces(path: Path) -> list[Trace]:
    """The whole traces of one file, in the order in which they were begun first.

    A torn last line is ignored, and so are the steps of a trace without a halt. A trace that was begun anew has its
    later steps, and one that ended again is as it ended last.

    Args:
      path: `traces/ARM/TASK.jsonl`; a missing file is empty.

    Raises:
      DataError: A line is neither a step nor a halt.
    """
    steps: dict[TraceKey, list[Step]] = {}
    traces: dict[TraceKey, Trace] = {}
    for record in _records(path):
        key = TraceKey.of(record)
        if isinstance(record, Halt):
            traces[key] = Trace(steps=tuple(steps.pop(key, ())), halt=record)
        elif record.step == 0:
            steps[key] = [record]
        else:
            steps.setdefault(key, []).append(record)
    return list(traces.values())


def _records(path: Path) -> Iterator[Step | Halt]:
    for number, line in numbered_jsonl(path):
        where = f"line {number} of {path}"
        match line.get("kind"):
            case "step":
                yield validated(Step, line, where=where, error=DataError, fix=_FIX)
            case "halt":
                yield validated(Halt, line, where=where, error=DataError, fix=_FIX)
            case kind:
                raise DataError(f"step or halt as kind in {where}", repr(kind), _FIX)
