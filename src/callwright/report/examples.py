"""Which outputs the report shows, and how many fit.

The rows of a suite are read from where `RunFiles.evaluation` says. From them come pairs, which put the
answers of two stages to one entry side by side, and failures, which show one answer for each type of error. No chance
chooses them: the same run always shows the same examples, and entries that got worse have places of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from callwright.evaluation.row import EvaluationRow, read_rows
from callwright.report.explanations import explain
from callwright.report.run_files import RunFiles
from callwright.report.schema import SuiteResults

Change = Literal["lost", "gained", "wrong"]
Rows = Mapping[str, Mapping[str, Mapping[str, EvaluationRow]]]
"""Stage to category to entry id to row."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the outputs one report embeds."""

    pairs: int = 3
    """Of each category and each change."""
    text: int = 1500
    """Characters of one answer."""
    prompt: int = 6000
    """Characters of one prompt."""
    kinds: int = 30
    """Of error, after each stage."""
    requests: int = 50
    """To own tools that fail, after each stage."""

    def halved(self) -> "Limits":
        """The next smaller report."""
        return Limits(
            max(1, self.pairs - 1),
            max(40, self.text // 2),
            max(40, self.prompt // 2),
            max(5, self.kinds // 2),
            max(5, self.requests // 2),
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """One entry as two stages answered it, and the stages between them."""

    change: Change
    before: EvaluationRow
    after: EvaluationRow
    between: Sequence[tuple[str, EvaluationRow]]


@dataclass(frozen=True, slots=True)
class Failure:
    """One error type after one stage."""

    error_type: str
    explanation: str
    counts: Mapping[str, int]
    """Category to how often."""
    examples: Mapping[str, EvaluationRow]
    """Category to one of them, where its row is at hand."""

    @property
    def total(self) -> int:
        """Over all categories."""
        return sum(self.counts.values())


def read_outputs(run: RunFiles, suite: SuiteResults) -> Rows:
    """The rows of every evaluation that the results know and that has a file.

    Raises:
      DataError: A line is not a row.
    """
    found: dict[str, dict[str, dict[str, EvaluationRow]]] = {}
    for stage, evaluation in suite.evaluations.items():
        directory = run.evaluation(int(stage.removeprefix("stage")), suite.name)
        found[stage] = {
            category: {row.id: row for row in read_rows(directory / f"{category}.jsonl")}
            for category in evaluation.categories
        }
    return found


def pairs(results: SuiteResults, rows: Rows, limits: Limits) -> list[Pair]:
    """Entries of the first and the last evaluation side by side: lost, gained and still wrong ones of each category."""
    stages = results.evaluated
    if len(stages) < 2:
        return []
    first, *middle, last = stages
    chosen: list[Pair] = []
    for category in results.categories:
        before, after = rows[first].get(category, {}), rows[last].get(category, {})
        groups: dict[Change, list[Pair]] = {"lost": [], "gained": [], "wrong": []}
        for key in (key for key in before if key in after):
            a, b = before[key], after[key]
            if a.valid and b.valid:
                continue
            change: Change = "gained" if b.valid else "lost" if a.valid else "wrong"
            found = ((stage, rows[stage].get(category, {}).get(key)) for stage in middle)
            between = [(results.title(stage), row) for stage, row in found if row]
            groups[change].append(Pair(change, a, b, between))
        for group in groups.values():
            chosen += _varied(group)[: limits.pairs]
    return chosen


def _varied(group: Iterable[Pair]) -> list[Pair]:
    """The pairs in their order, but one of each type of error before a second of any."""
    seen: dict[tuple[str | None, str | None], int] = {}
    ranked = []
    for pair in group:
        kind = (pair.before.error_type, pair.after.error_type)
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], pair))
    return [pair for _, pair in sorted(ranked, key=lambda ranking: ranking[0])]


def failures(results: SuiteResults, rows: Rows, stage: str) -> list[Failure]:
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


def _first(rows: Iterable[EvaluationRow], kind: str) -> EvaluationRow | None:
    return next((row for row in rows if not row.valid and row.error_type == kind), None)
