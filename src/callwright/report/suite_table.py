"""The scores of one evaluation of own tools in the terminal: by kind of request and by tool, with their intervals."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from callwright.evaluation.row import EvaluationRow, RowCounts
from callwright.html.numbers import count, interval, percent
from callwright.invisible import printable
from callwright.report.results import score_of
from callwright.report.schema import Score
from callwright.report.text import columns

_ALL = "all"


def print_scores(about: Mapping[str, Any], title: str, rows: Sequence[EvaluationRow], *, as_json: bool) -> None:
    """Prints how many entries were answered right.

    Args:
      about: What of it a program has to know, first in the JSON.
      title: The same for people, as the beginning of a sentence.
      rows: The entries' rows, those of a kind together.
      as_json: Whether to print JSON.
    """
    kinds = _scores((row.category, row) for row in rows)
    tools = _scores((row.tool, row) for row in rows if row.tool)
    every = _scores((_ALL, row) for row in rows)
    if as_json:
        found = {**every, "kinds": kinds, "tools": dict(sorted(tools.items()))}
        print(json.dumps({**about, **_as_json(found)}, indent=2))
        return
    right, total = sum(row.valid for row in rows), len(rows)
    print(printable(f"{title}: {count(right)} of {count(total)} right"))
    for heading, scores in (("kind", kinds | every), ("tool", dict(sorted(tools.items())))):
        if scores:
            print()
            lines = [(name, *_cells(score)) for name, score in scores.items()]
            print(*map(printable, columns([(heading, "right", "share", "95% interval"), *lines])), sep="\n")


def _scores(named: Iterable[tuple[str, EvaluationRow]]) -> dict[str, Score]:
    counts: dict[str, RowCounts] = {}
    for name, row in named:
        counts.setdefault(name, RowCounts()).add(row)
    return {name: score_of(one) for name, one in counts.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, Score):
        return value.model_dump(mode="json", include={"correct", "total", "errors", "accuracy", "low", "high"})
    return {key: _as_json(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _cells(score: Score) -> tuple[str, ...]:
    right = f"{count(score.correct)} of {count(score.total)}"
    return right, percent(score.accuracy), interval(score.low, score.high)
