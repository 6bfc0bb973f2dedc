"""Success by task and arm, with Wilson intervals, and why tasks ended, as a table in the terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO

from rich.console import Console
from rich.table import Table

from callwright.bakeoff.trace import Trace
from callwright.evaluation.statistics import wilson
from callwright.html.numbers import interval

_WIDE = 400
"""Columns: no line is cut."""


def print_success(traces: Mapping[str, Sequence[Trace]], tasks: Sequence[str], file: IO[str] | None = None) -> None:
    """Prints a row for each task and a column for each arm, and below them why the arms' tasks ended.

    Args:
      traces: By arm.
      tasks: Their names, in order.
      file: Where to; stdout if None.
    """
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("goal reached, 95% interval", no_wrap=True)
    for arm in traces:
        table.add_column(arm, justify="right", no_wrap=True)
    for task in tasks:
        table.add_row(task, *(_success([one for one in found if one.halt.task == task]) for found in traces.values()))
    table.add_row("all", *map(_success, traces.values()))
    console = Console(file=file, highlight=False, width=_WIDE, no_color=True, markup=False, emoji=False)
    console.print(table, crop=False)
    for arm, found in traces.items():
        console.print(f"{arm} ended by {_reasons(found)}", soft_wrap=True)


def _success(traces: Sequence[Trace]) -> str:
    if not traces:
        return "–"
    reached = sum(trace.halt.goal_reached for trace in traces)
    return f"{reached}/{len(traces)} ({interval(*wilson(reached, len(traces)))})"


def _reasons(traces: Sequence[Trace]) -> str:
    counts = Counter(trace.halt.halt_reason for trace in traces)
    return ", ".join(f"{reason} {count}" for reason, count in counts.most_common()) or "nothing yet"
