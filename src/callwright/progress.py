"""Progress on everything that takes long: a bar with a rate and an estimate in a terminal, plain lines elsewhere.

The estimate is the mean over what this process did, so it is right after a resume, and it is not shown before there is
something to base it on. Where some units are more work than others, it is the mean over the work.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_SECONDS = 15.0


class Bar:
    """What a long task reports to; `work` is what all `total` units are, in any measure."""

    def __init__(self, title: str, total: int, unit: str, work: float | None, terminal: Progress | None) -> None:
        self._title, self._total, self._unit, self._terminal = title, total, unit, terminal
        self._done, self._made = 0, 0
        self._work_left, self._worked = total if work is None else work, 0.0
        self._started = self._shown = time.monotonic()
        self._task = None if terminal is None else terminal.add_task(title, total=total, note="")

    def advance(self, count: int = 1, note: str = "", *, work: float | None = None, free: bool = False) -> None:
        """Counts more units as done.

        Args:
          count: How many.
          note: What to show beside the bar.
          work: How much work they were, in the measure of `track`; `count` if None.
          free: Whether they were found done, so that they say nothing about the rate.
        """
        work = count if work is None else work
        self._done += count
        self._work_left -= work
        if not free:
            self._made += count
            self._worked += work
        text = ", ".join(part for part in (self._rate(), note) if part)
        if self._terminal is not None and self._task is not None:
            self._terminal.update(self._task, advance=count, note=text)
        elif count and (self._done >= self._total or time.monotonic() - self._shown >= PLAIN_SECONDS):
            self._shown = time.monotonic()
            counted = f"{self._done}/{self._total} {self._unit}"
            print(f"  {self._title}: {counted}{text and ', '}{text}", file=sys.stderr, flush=True)

    def _rate(self) -> str:
        if not self._made:
            return ""
        spent = time.monotonic() - self._started
        each = spent / self._made
        rate = f"{each:.1f} s each" if each >= 1 else f"{1 / max(each, 1e-9):.1f} {self._unit}/s"
        if self._done >= self._total or not self._worked:
            return rate
        return f"{rate}, {duration(spent / self._worked * self._work_left)} left"


@contextmanager
def track(title: str, total: int, unit: str, work: float | None = None) -> Iterator[Bar]:
    """A bar on standard error.

    Args:
      title: What is done, e.g. "SFT small".
      total: How many units there are.
      unit: What they are called, e.g. "steps".
      work: What all of them are together, in the measure of `Bar.advance`; without it all units are the same work.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Bar(title, total, unit, work, None)
        return
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as terminal:
        yield Bar(title, total, unit, work, terminal)


def duration(seconds: float) -> str:
    """A duration for people: `48 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
