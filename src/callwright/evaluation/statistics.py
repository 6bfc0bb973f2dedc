"""How certain a score is, and whether two scores differ.

A benchmark score is a proportion of a sample, so it comes with a Wilson interval. Two models that were scored on the
same entries are compared entry by entry with McNemar's exact test, which finds differences that overlapping intervals
hide. That test is scipy's `binomtest`; the interval is a formula, so that a command which only shows scores need not
wait for scipy. Left out on purpose: a correction for many tests (the report says that there is none), and any mean over
categories of different size (pooling counts entries).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

from callwright.errors import DataError


class Interval(NamedTuple):
    """A confidence interval of a proportion, both ends within 0..1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two models on the same entries.

    Attributes:
      gained: Entries that only the later model solves.
      lost: Entries that only the earlier model solves.
      both: Entries that both solve.
      neither: Entries that neither solves.
      p_value: How likely a split of gained and lost at least this uneven is if the two were equally good (exact,
        two-sided); 1 when nothing changed.
    """

    gained: int
    lost: int
    both: int
    neither: int
    p_value: float


def wilson(correct: int, total: int, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of `correct` out of `total`; 0..1 if `total` is 0.

    Raises:
      DataError: Not 0 <= correct <= total.
    """
    if not 0 <= correct <= total:
        raise DataError("0 <= correct <= total", f"{correct} correct of {total}", "count the entries again")
    if total == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    center = (2 * correct + z**2) / (2 * (total + z**2))
    half = z * math.sqrt(4 * correct * (total - correct) / total + z**2) / (2 * (total + z**2))
    return Interval(center - half if correct else 0.0, center + half if correct < total else 1.0)


def mcnemar(before: Mapping[str, bool], after: Mapping[str, bool]) -> McNemar:
    """McNemar's exact test on the verdicts of the same entries.

    Args:
      before: Entry id to whether the earlier model solved it.
      after: The same ids for the later model.

    Raises:
      DataError: The two do not hold the same ids.
    """
    from scipy.stats import binomtest

    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        raise DataError(
            "the same entries in both evaluations",
            f"{len(odd)} in one only, such as {odd[0]!r}",
            "compare what both have, or finish the evaluation that is behind",
        )
    pairs = [(before[key], after[key]) for key in before]
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    p_value = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return McNemar(gained, lost, pairs.count((True, True)), pairs.count((False, False)), p_value)


def is_call_category(category: str) -> bool:
    """Whether the category asks for calls; relevance and irrelevance only ask whether to call at all."""
    return not category.endswith("relevance")


def asks_for_silence(category: str) -> bool:
    """Whether no tool fits in the category, so that any call is wrong; in a relevance category any call is right."""
    return category.endswith("irrelevance")
