"""`callwright eval compare`: two evaluations entry by entry, and what follows from it in a sentence.

Entries are paired by id, and only where both evaluations asked the same: another tools file or seed makes other
requests under the same ids. The sentence claims no more than the numbers do. A model is better or worse where McNemar's
exact test says so. Otherwise it is no worse where the lower end of the interval of the difference is near enough to 0
to mean something, and else nothing is decided.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from callwright.errors import DataError
from callwright.evaluation.row import EvaluationRow
from callwright.evaluation.settings import SuiteName
from callwright.evaluation.statistics import (
    Interval,
    McNemar,
    entries_needed,
    is_call_category,
    mcnemar,
    paired_interval,
)
from callwright.html.numbers import count, p_value, p_value_is, percent
from callwright.invisible import printable
from callwright.report.evaluation_rows import StageRows, find_rows, suggest_served
from callwright.report.schema import POOLED, SUITES
from callwright.report.text import columns

MARGIN = 0.05
"""The largest loss, as a share of the entries, that a model may have and still be called no worse."""
SIGNIFICANT = 0.05
_MOST_IDS = 10
_HEADER = ("", "entries", "A", "B", "won", "lost", "difference, 95%", "p", "B is")
Verdict = Literal["better", "worse", "no worse", "undecided"]


@dataclass(frozen=True)
class Paired:
    """What became of some entries between two evaluations.

    Attributes:
      test: The counts and McNemar's test.
    """

    test: McNemar

    @property
    def total(self) -> int:
        """Entries that both have."""
        return self.test.gained + self.test.lost + self.test.both + self.test.neither

    @property
    def before(self) -> int:
        """Entries that the first solves."""
        return self.test.lost + self.test.both

    @property
    def after(self) -> int:
        """Entries that the second solves."""
        return self.test.gained + self.test.both

    @property
    def difference(self) -> float:
        """The second's share of solved entries minus the first's."""
        return (self.test.gained - self.test.lost) / self.total

    @cached_property
    def interval(self) -> Interval:
        """Of the difference, 95%."""
        return paired_interval(self.test.gained, self.test.lost, self.total)

    @property
    def verdict(self) -> Verdict:
        """What the numbers say of the second."""
        if self.test.p_value < SIGNIFICANT:
            return "better" if self.test.gained > self.test.lost else "worse"
        return "no worse" if self.interval.low >= -MARGIN else "undecided"

    @property
    def entries_needed(self) -> int | None:
        """About how many entries would decide, to two digits; None where these do."""
        if self.verdict != "undecided":
            return None
        needed = max(entries_needed(self.test.gained, self.test.lost, self.total, MARGIN), self.total + 1)
        step = 10 ** max(0, len(str(needed)) - 2)
        return -(-needed // step) * step

    def as_json(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "entries": self.total,
            "correct": [self.before, self.after],
            "gained": self.test.gained,
            "lost": self.test.lost,
            "both": self.test.both,
            "neither": self.test.neither,
            "p_value": self.test.p_value,
            "difference": self.difference,
            "low": self.interval.low,
            "high": self.interval.high,
            "verdict": self.verdict,
            "entries_needed": self.entries_needed,
        }


@dataclass(frozen=True)
class SuiteComparison:
    """Two evaluations of one suite, or of one file.

    Attributes:
      before: The first evaluation.
      after: The second.
    """

    before: StageRows
    after: StageRows

    @property
    def suite(self) -> str:
        """The name of the suite or file."""
        return self.before.suite

    @cached_property
    def pairs(self) -> Mapping[str, tuple[EvaluationRow, EvaluationRow]]:
        """The rows of each entry that both were asked, by id."""
        rows = ((key, row, self.after.rows.get(key)) for key, row in self.before.rows.items())
        return {key: (old, new) for key, old, new in rows if new and _same_entry(old, new)}

    @property
    def pooled_name(self) -> str:
        """What the pool is called: of BFCL it is the categories that ask for calls."""
        return "call categories" if self.suite == "bfcl" else "all kinds"

    @cached_property
    def pooled(self) -> Paired | None:
        """Over all categories that are pooled; None where there is no such entry."""
        ids = [key for key, (row, _) in self.pairs.items() if self.suite != "bfcl" or is_call_category(row.category)]
        return self._paired(ids) if ids else None

    @cached_property
    def categories(self) -> Mapping[str, Paired]:
        """By category, or kind of request."""
        ids: dict[str, list[str]] = {}
        for key, (row, _) in self.pairs.items():
            ids.setdefault(row.category, []).append(key)
        return {name: self._paired(keys) for name, keys in ids.items()}

    def _paired(self, ids: Sequence[str]) -> Paired:
        return Paired(mcnemar(*({key: self.pairs[key][side].valid for key in ids} for side in (0, 1))))

    def won(self) -> list[str]:
        """The ids of the entries that only the second solves."""
        return [key for key, (old, new) in self.pairs.items() if new.valid and not old.valid]

    def lost(self) -> list[str]:
        """The ids of the entries that only the first solves."""
        return [key for key, (old, new) in self.pairs.items() if old.valid and not new.valid]

    @property
    def unpaired(self) -> tuple[int, int]:
        """How many entries of the first, and of the second, the other one was not asked."""
        return len(self.before.rows) - len(self.pairs), len(self.after.rows) - len(self.pairs)

    @property
    def sentence(self) -> str:
        """What the numbers say, of the pool, and of every category that became worse though the pool did not."""
        paired, a, b = self.pooled, self.before.name, self.after.name
        if paired is None:
            return f"No entry that both were asked is one of the {self.pooled_name}, so nothing is decided."
        test = paired.test
        entries = "1 entry" if paired.total == 1 else f"{count(paired.total)} entries"
        counted = f"{count(test.gained)} won and {count(test.lost)} lost of {entries}"
        low, high = paired.interval
        match paired.verdict:
            case "better" | "worse" as verdict:
                sentence = f"{b} is {verdict} than {a}: {counted}, p {p_value_is(test.p_value)}."
            case "no worse" if low >= 0:
                sentence = f"{b} is no worse than {a}: {counted}."
            case "no worse":
                sentence = f"{b} is no more than {math.ceil(-1000 * low) / 10} points worse than {a}: {counted}."
            case _:
                sentence = (
                    f"Undecided: {b} may be from {_points(low)} to {_points(high)} than {a}, {counted}; "
                    f"about {count(paired.entries_needed or 0)} entries would decide."
                )
        worse = [name for name, one in self.categories.items() if one.verdict == "worse"]
        return f"{sentence} Worse in {', '.join(worse)}." if worse and paired.verdict != "worse" else sentence

    def as_json(self) -> dict[str, Any]:
        """For other programs."""
        only_before, only_after = self.unpaired
        return {
            "a": self.before.name,
            "b": self.after.name,
            "only_a": only_before,
            "only_b": only_after,
            POOLED: self.pooled and self.pooled.as_json(),
            "categories": {name: one.as_json() for name, one in self.categories.items()},
            "won": self.won(),
            "lost": self.lost(),
            "sentence": self.sentence,
        }

    def print(self) -> None:
        """Prints it for people."""
        print(f"{self.suite}\n  A  {printable(self.before.title)}\n  B  {printable(self.after.title)}\n")
        rows = [(name, *_cells(one)) for name, one in self.categories.items()]
        if self.pooled and (len(rows) > 1 or self.suite == "bfcl"):
            rows.append((self.pooled_name, *_cells(self.pooled)))
        for line in columns([_HEADER, *rows]):
            print(f"  {printable(line)}")
        print()
        for name, ids in (("won", self.won()), ("lost", self.lost())):
            if ids:
                rest = f", … and {count(len(ids) - _MOST_IDS)} more" if len(ids) > _MOST_IDS else ""
                print(f"  {name}: {printable(', '.join(ids[:_MOST_IDS]))}{rest}")
        if any(self.unpaired):
            only_before, only_after = map(count, self.unpaired)
            print(
                f"  not compared, because the other one was not asked the same: {only_before} of A, {only_after} of B"
            )
        print(f"  {printable(self.sentence)}")


def compare(
    first: Path,
    second: Path,
    *,
    suite: SuiteName | None,
    file: str | None,
    served: str | None = None,
    as_json: bool,
) -> None:
    """Prints how the second evaluation differs from the first.

    Args:
      first: RUN on the command line, as for `find_rows`.
      second: The same.
      suite: The suite; all that both have, if None.
      file: A file that `callwright eval tools` scored, instead of a suite.
      served: The name of the served model that is the second; it is compared with the stage that it serves where both
        paths are the same.
      as_json: Whether to print JSON.

    Raises:
      DataError: There is no such run or evaluation, or the two share no entry.
    """
    compared = []
    suites: tuple[SuiteName, ...] = (suite,) if suite else SUITES if file is None else ("tools",)
    for name in suites:
        after = find_rows(second, name, file, served)
        same_stage = after is not None and served is not None and first == second
        before = find_rows(after.path if after and same_stage else first, name, file)
        if before and after:
            compared.append(SuiteComparison(before, after))
        elif suite or file is not None:
            _refuse(second if before else first, name, file, served if before else None)
    if not compared:
        fix = "name two stages that `callwright report` has scores of"
        if served is not None:
            fix = suggest_served(second, served, f"compare with {second} after the stage that was served")
        raise DataError("a suite that both were asked", "none", fix)
    for one in compared:
        if not one.pairs:
            got = f"none of {len(one.before.rows)} and {len(one.after.rows)}"
            fix = "compare runs of the same tools file, seed and sample"
            raise DataError(f"entries of {one.suite} that both were asked", got, fix)
    if as_json:
        print(json.dumps({one.suite: one.as_json() for one in compared}, indent=2))
        return
    for number, one in enumerate(compared):
        print("\n" * bool(number), end="")
        one.print()


def _refuse(path: Path, suite: SuiteName, file: str | None, served: str | None) -> None:
    what = f"rows of {suite} in {path}" if file is None else f"rows of {Path(file).name} in {path}"
    command = f"callwright eval {suite} {path}" + (f" --file {file}" if file is not None else "")
    fix = f"give {command} first"
    if served is not None:
        what += f" served as {served}"
        fix = suggest_served(path, served, f"give {command} with --url or --engine first")
    raise DataError(what, "none", fix)


def _same_entry(before: EvaluationRow, after: EvaluationRow) -> bool:
    return before.question == after.question and before.expected == after.expected


def _points(difference: float) -> str:
    return f"{abs(100 * difference):.1f} points {'worse' if difference < 0 else 'better'}"


def _cells(paired: Paired) -> tuple[str, ...]:
    test, (low, high) = paired.test, paired.interval
    shares = (percent(correct / paired.total) for correct in (paired.before, paired.after))
    difference = f"{100 * paired.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
    numbers = (count(test.gained), count(test.lost), difference, p_value(test.p_value))
    return count(paired.total), *shares, *numbers, paired.verdict
