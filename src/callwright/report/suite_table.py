"""The scores of one evaluation in the terminal: by category and by tool, with their intervals."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from callwright.evaluation.row import EvaluationRow, RowCounts
from callwright.evaluation.settings import SuiteName
from callwright.html.numbers import count, interval, percent
from callwright.invisible import printable
from callwright.report.compare import SuiteComparison
from callwright.report.results import score_of
from callwright.report.schema import Score
from callwright.report.text import columns

_ALL = "all"
Part = Literal["kind", "category"]
PARTS: Mapping[SuiteName, Part] = {"bfcl": "category", "tools": "kind"}
"""What a category of a suite is called."""
_PLURAL = {"kind": "kinds", "category": "categories"}


def print_scores(
    about: Mapping[str, Any],
    title: str,
    rows: Sequence[EvaluationRow],
    *,
    part: Part = "kind",
    compared: SuiteComparison | None = None,
    as_json: bool,
) -> None:
    """Prints how many entries were answered right.

    Args:
      about: What of it a program has to know, first in the JSON.
      title: The same for people, as the beginning of a sentence.
      rows: The entries' rows, those of a category together.
      part: What a category of the suite is called.
      compared: What follows, where there is another evaluation to compare with.
      as_json: Whether to print JSON.
    """
    kinds = _scores((row.category, row) for row in rows)
    tools = _scores((row.tool, row) for row in rows if row.tool)
    every = _scores((_ALL, row) for row in rows)
    if as_json:
        found = {**every, _PLURAL[part]: kinds, "tools": dict(sorted(tools.items()))}
        comparison = {} if compared is None else {"comparison": compared.as_json()}
        print(json.dumps({**about, **_as_json(found), **comparison}, indent=2))
        return
    right, total = sum(row.valid for row in rows), len(rows)
    print(printable(f"{title}: {count(right)} of {count(total)} right"))
    for heading, scores in ((part, kinds | every), ("tool", dict(sorted(tools.items())))):
        if scores:
            print()
            lines = [(name, *_cells(score)) for name, score in scores.items()]
            print(*map(printable, columns([(heading, "right", "share", "95% interval"), *lines])), sep="\n")
    if compared is not None:
        print()
        compared.print()


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
