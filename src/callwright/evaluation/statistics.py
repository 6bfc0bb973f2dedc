"""How certain a score is, and whether two scores differ.

A benchmark score is a proportion of a sample, so it comes with a Wilson interval. Two models that were scored on the
same entries are compared entry by entry with McNemar's exact test, which finds differences that overlapping intervals
hide. How large the difference may be is Tango's interval, and `entries_needed` says how many entries would tell. The
test is scipy's `binomtest`; the rest are formulas, so that a command which only shows scores need not wait for scipy.
Left out on purpose: a correction for many tests (the report says that there is none), and any mean over categories of
different size (pooling counts entries).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

from callwright.errors import DataError


class Interval(NamedTuple):
    """A confidence interval: of a proportion both ends are within 0..1, of a difference of two within -1..1."""

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
    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        raise DataError(
            "the same entries in both evaluations",
            f"{len(odd)} in one only, such as {odd[0]!r}",
            "compare what both have, or finish the evaluation that is behind",
        )
    pairs = [(before[key], after[key]) for key in before]
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    both, neither = pairs.count((True, True)), pairs.count((False, False))
    return McNemar(gained, lost, both, neither, sign_test(gained, lost))


def sign_test(gained: int, lost: int) -> float:
    """The p-value of McNemar's exact test for these counts: two-sided, 1 when nothing changed."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def paired_interval(gained: int, lost: int, total: int, confidence: float = 0.95) -> Interval:
    """The interval of the difference between two models on the same entries, the later one's share minus the earlier's.

    It is the score interval of T. Tango, Statistics in Medicine 17 (1998), which means something for few entries too,
    and where nothing changed.

    Args:
      gained: Entries that only the later model solves.
      lost: Entries that only the earlier model solves.
      total: Entries that both were asked; of none the interval is -1..1.
      confidence: How often the interval holds the difference.

    Raises:
      DataError: `gained` and `lost` are not parts of `total`.
    """
    if not 0 <= min(gained, lost) <= gained + lost <= total:
        got = f"{gained} gained and {lost} lost of {total}"
        raise DataError("gained and lost to be parts of the total", got, "count the entries again")
    if total == 0:
        return Interval(-1.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)

    def difference_where(score: float) -> float:
        """The difference that has this score, which falls as the difference rises."""
        low, high = -1.0, 1.0
        while high - low > 1e-9:
            middle = (low + high) / 2
            low, high = (middle, high) if _tango(gained, lost, total, middle) > score else (low, middle)
        return (low + high) / 2

    return Interval(difference_where(z), difference_where(-z))


def _tango(gained: int, lost: int, total: int, difference: float) -> float:
    """How many standard deviations the observed difference lies above this one."""
    b = (2 * total - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    only_earlier = (math.sqrt(max(0.0, b * b - 8 * total * c)) - b) / (4 * total)  # its likeliest share, given this
    variance = total * (2 * only_earlier + difference * (1 - difference))
    return (gained - lost - total * difference) / math.sqrt(variance) if variance > 0 else 0.0


def entries_needed(gained: int, lost: int, total: int, margin: float, power: float = 0.8) -> int:
    """About how many entries would tell two models apart, or tell that the later one is no worse by `margin`.

    It is the number at which one of the two is found with this power, were the shares of gained and lost entries those
    of this sample with half an entry added to both (so that no share is 0), and by the normal approximation.

    Args:
      gained: Entries that only the later model solves.
      lost: Entries that only the earlier model solves.
      total: Entries that both were asked, at least one.
      margin: The share of entries by which a model may be worse and still count as no worse.
      power: How often a sample of that size finds it.
    """
    changed, difference = (gained + lost + 1) / (total + 1), (gained - lost) / (total + 1)
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(power)
    distance = max(abs(difference), difference + margin)
    return math.ceil(z * z * max(changed - difference * difference, 0.0) / (distance * distance))


FLOW = "flow"
"""The kind of request to own tools that takes several steps."""
_OTHER_KINDS = ("missing", "no_tool", FLOW)
"""Kinds of requests to own tools that a question or words may answer, and flows, which are more than their calls."""


def is_call_category(category: str) -> bool:
    """Whether the category asks for calls alone; relevance and irrelevance only ask whether to call at all."""
    return not category.endswith("relevance") and category not in _OTHER_KINDS


def asks_for_silence(category: str) -> bool:
    """Whether no tool fits in the category, so that any call is wrong; in a relevance category any call is right."""
    return category.endswith("irrelevance") or category == "no_tool"
