"""Progress on everything that lasts: a bar with a rate and an estimate in a terminal, plain lines elsewhere.

The estimate is the mean over what this process did, so it is honest after a resume, and it is not shown before there
is something to base it on. Where some units are more work than others, it is the mean over the work.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

PLAIN_SECONDS = 15.0


class Bar(Protocol):
    """What a long task reports to."""

    def advance(self, count: int = 1, note: str = "", *, work: float | None = None, free: bool = False) -> None:
        """Counts `count` more as done, which were so much `work`; `free` ones were found done and say no rate."""
        ...


class _Estimate:
    """Rate and time left, from what was done since the start; `work` is what all `total` units are, in any measure."""

    def __init__(self, total: int, unit: str, work: float | None) -> None:
        self.total, self.unit, self.done, self.made = total, unit, 0, 0
        self.work_left, self.worked = total if work is None else work, 0.0
        self.started = time.monotonic()

    def advance(self, count: int, work: float | None, free: bool) -> None:
        work = count if work is None else work
        self.done += count
        self.work_left -= work
        if not free:
            self.made += count
            self.worked += work

    def text(self) -> str:
        if not self.made:
            return ""
        spent = time.monotonic() - self.started
        each = spent / self.made
        rate = f"{each:.1f} s each" if each >= 1 else f"{1 / max(each, 1e-9):.1f} {self.unit}/s"
        if self.done >= self.total or not self.worked:
            return rate
        return f"{rate}, {duration(spent / self.worked * self.work_left)} left"


class _Plain:
    def __init__(self, title: str, estimate: _Estimate) -> None:
        self.title, self.estimate, self.said = title, estimate, time.monotonic()

    def advance(self, count: int = 1, note: str = "", *, work: float | None = None, free: bool = False) -> None:
        self.estimate.advance(count, work, free)
        if not count:
            return
        finished = self.estimate.done >= self.estimate.total
        if finished or time.monotonic() - self.said >= PLAIN_SECONDS:
            self.said = time.monotonic()
            parts = [f"{self.estimate.done}/{self.estimate.total} {self.estimate.unit}", self.estimate.text(), note]
            print(f"  {self.title}: {', '.join(part for part in parts if part)}", file=sys.stderr, flush=True)


class _Rich:
    def __init__(self, title: str, estimate: _Estimate, progress: RichProgress) -> None:
        self.estimate, self.progress = estimate, progress
        self.task = progress.add_task(title, total=estimate.total, note="")

    def advance(self, count: int = 1, note: str = "", *, work: float | None = None, free: bool = False) -> None:
        self.estimate.advance(count, work, free)
        text = ", ".join(part for part in (self.estimate.text(), note) if part)
        self.progress.update(self.task, advance=count, note=text)


@contextmanager
def track(title: str, total: int, unit: str, work: float | None = None) -> Iterator[Bar]:
    """A bar on standard error.

    Args:
      title: What is done, e.g. "SFT small".
      total: How many units there are.
      unit: What they are called, e.g. "steps".
      work: What all of them are together, in the measure of `Bar.advance`; without it all units are the same work.
    """
    estimate = _Estimate(total, unit, work)
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Plain(title, estimate)
        return
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with RichProgress(*columns, console=console) as progress:
        yield _Rich(title, estimate, progress)


def duration(seconds: float) -> str:
    """A duration for people: `48 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
