"""Which outputs the report shows, and how many fit.

The rows of an evaluation are read from `evaluations/<stage>/<category>.jsonl`. From them come cards, which put the
answers of two stages to one entry side by side, and failures, which show one answer for each error type. Both are
chosen by rule and without chance: the same run always shows the same examples, and an entry that got worse is never
crowded out by those that got better.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from callwright.errors import DataError
from callwright.evaluation.run import ASK_AGAIN
from callwright.evaluation.run import read_rows as read_scored
from callwright.report.explanations import explain
from callwright.report.schema import Results
from callwright.report.text import call_text

Change = Literal["lost", "gained", "wrong"]


class Call(BaseModel):
    """A decoded call."""

    name: str
    arguments: dict[str, Any] = {}
    """Whatever JSON the model said; pydantic's own type for it refuses what is nested deeply."""


class Row(BaseModel):
    """One scored entry; what the report does not show is ignored."""

    model_config = ConfigDict(frozen=True)

    id: str
    category: str
    raw: str
    valid: bool
    question: str = ""
    prompt: str = ""
    prompt_ids: tuple[int, ...] = ()
    token_ids: tuple[int, ...] = ()
    finish_reason: str | None = None
    calls: tuple[Call, ...] | None = None
    complete: bool = True
    error_type: str | None = None
    error_detail: str = ""
    expected: list[Any] = []
    seconds: float = 0.0

    @property
    def said(self) -> str:
        """The decoded calls, one a line; empty when there are none."""
        return "\n".join(call_text(call.name, call.arguments) for call in self.calls or ())


Rows = Mapping[str, Mapping[str, Mapping[str, Row]]]
"""Stage to category to entry id to row."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the outputs one report embeds."""

    cards: int = 3
    """Of each category and each change."""
    text: int = 1500
    """Characters of one answer."""
    prompt: int = 6000
    """Characters of one prompt."""
    kinds: int = 30
    """Of error, after each stage."""

    def halved(self) -> "Limits":
        """The next smaller report."""
        return Limits(
            max(1, self.cards - 1), max(40, self.text // 2), max(40, self.prompt // 2), max(5, self.kinds // 2)
        )


@dataclass(frozen=True, slots=True)
class Card:
    """One entry as two stages answered it, and the stages between them."""

    change: Change
    before: Row
    after: Row
    between: Sequence[tuple[str, Row]]


@dataclass(frozen=True, slots=True)
class Failure:
    """One error type after one stage."""

    error_type: str
    explanation: str
    counts: Mapping[str, int]
    """Category to how often."""
    examples: Mapping[str, Row]
    """Category to one of them, where its row is at hand."""

    @property
    def total(self) -> int:
        """Over all categories."""
        return sum(self.counts.values())


def read_rows(run_directory: Path, results: Results) -> Rows:
    """The rows of every evaluation that `results` knows and that has a file; a torn last line is dropped.

    Raises:
      DataError: a line is no row.
    """
    return {
        stage: {
            category: _read_file(run_directory / "evaluations" / stage / f"{category}.jsonl")
            for category in evaluation.categories
        }
        for stage, evaluation in results.evaluations.items()
    }


def _read_file(path: Path) -> dict[str, Row]:
    rows = {}
    for number, line in read_scored(path):
        try:
            rows[line["id"]] = Row.model_validate(line)
        except ValidationError as error:
            reason = error.errors(include_input=False)[0]
            came = f"{'.'.join(map(str, reason['loc'][:4]))}: {reason['msg']}"
            raise DataError(f"a scored entry in line {number} of {path}", came, ASK_AGAIN) from error
    return rows


def cards(results: Results, rows: Rows, limits: Limits) -> list[Card]:
    """Entries of the first and the last evaluation side by side: lost, gained and still wrong ones of each category."""
    stages = results.evaluated
    if len(stages) < 2:
        return []
    first, *middle, last = stages
    chosen: list[Card] = []
    for category in results.categories:
        before, after = rows[first].get(category, {}), rows[last].get(category, {})
        groups: dict[Change, list[Card]] = {"lost": [], "gained": [], "wrong": []}
        for key in (key for key in before if key in after):
            a, b = before[key], after[key]
            if a.valid and b.valid:
                continue
            change: Change = "gained" if b.valid else "lost" if a.valid else "wrong"
            found = ((stage, rows[stage].get(category, {}).get(key)) for stage in middle)
            between = [(results.title(stage), row) for stage, row in found if row]
            groups[change].append(Card(change, a, b, between))
        for group in groups.values():
            chosen += _varied(group)[: limits.cards]
    return chosen


def _varied(group: Iterable[Card]) -> list[Card]:
    """The cards in their order, but one of each error type before a second of any."""
    seen: dict[tuple[str | None, str | None], int] = {}
    ranked = []
    for card in group:
        kind = (card.before.error_type, card.after.error_type)
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], card))
    return [card for _, card in sorted(ranked, key=lambda pair: pair[0])]


def failures(results: Results, rows: Rows, stage: str) -> list[Failure]:
    """The error types after a stage, the most frequent first."""
    scores = results.evaluations[stage].categories
    types = dict.fromkeys(kind for score in scores.values() for kind in score.errors)
    found = []
    for kind in types:
        counts = {name: score.errors[kind] for name, score in scores.items() if score.errors.get(kind)}
        picks = {name: _first(rows[stage].get(name, {}).values(), kind) for name in counts}
        examples = {name: row for name, row in picks.items() if row}
        found.append(Failure(kind, explain(kind), counts, examples))
    return sorted((failure for failure in found if failure.total), key=lambda failure: -failure.total)


def _first(rows: Iterable[Row], kind: str) -> Row | None:
    return next((row for row in rows if not row.valid and row.error_type == kind), None)
