"""Intervals and paired tests equal published and hand-computed values."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from scipy.stats import binomtest, norm

from callwright.errors import DataError
from callwright.evaluation.statistics import (
    Interval,
    entries_needed,
    is_call_category,
    mcnemar,
    paired_interval,
    wilson,
)
from callwright.report.schema import Score, Suite


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [  # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (8, 10, 0.4902, 0.9433),
    ],
)
def test_wilson_equals_published_intervals(correct: int, total: int, low: float, high: float) -> None:
    found = wilson(correct, total)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize("total", [1, 2, 50, 1240])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_equals_scipys(total: int, confidence: float) -> None:
    for correct in range(0, total + 1, max(1, total // 50)):
        theirs = binomtest(correct, total).proportion_ci(confidence_level=confidence, method="wilson")
        assert wilson(correct, total, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_of_nothing_says_nothing() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize(("correct", "total"), [(3, 2), (-1, 2), (0, -1)])
def test_wilson_refuses_impossible_counts(correct: int, total: int) -> None:
    with pytest.raises(DataError, match="correct"):
        wilson(correct, total)


def verdicts(gained: int, lost: int, both: int = 0, neither: int = 0) -> tuple[dict[str, bool], dict[str, bool]]:
    pairs = [(False, True)] * gained + [(True, False)] * lost + [(True, True)] * both + [(False, False)] * neither
    return {str(i): a for i, (a, _) in enumerate(pairs)}, {str(i): b for i, (_, b) in enumerate(pairs)}


@pytest.mark.parametrize(
    ("gained", "lost", "p_value"),
    [
        (8, 2, 2 * (1 + 10 + 45) / 2**10),
        (2, 8, 2 * (1 + 10 + 45) / 2**10),
        (5, 0, 2 / 2**5),
        (9, 3, 2 * (1 + 12 + 66 + 220) / 2**12),
        (3, 3, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_is_exact(gained: int, lost: int, p_value: float) -> None:
    found = mcnemar(*verdicts(gained, lost, both=4, neither=6))
    assert (found.gained, found.lost, found.both, found.neither) == (gained, lost, 4, 6)
    assert found.p_value == pytest.approx(p_value, rel=1e-12)


def test_mcnemar_pairs_by_id_and_not_by_order() -> None:
    before = {"a": True, "b": False, "c": False}
    found = mcnemar(before, {"c": False, "b": True, "a": True})
    assert (found.gained, found.lost, found.both, found.neither) == (1, 0, 1, 1)


def test_mcnemar_refuses_entries_that_only_one_model_answered() -> None:
    with pytest.raises(DataError, match="1 in one only, such as 'b'"):
        mcnemar({"a": True}, {"a": True, "b": False})


def test_the_paired_interval_equals_the_published_one() -> None:
    low, high = paired_interval(1, 7, 21)  # Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014)
    assert (round(low, 3), round(high, 3)) == (-0.517, -0.026)


@pytest.mark.parametrize(("gained", "lost", "total"), [(1, 7, 21), (5, 0, 50), (0, 0, 30), (12, 12, 24), (3, 40, 600)])
def test_the_score_at_both_ends_of_the_paired_interval_is_the_quantile(gained: int, lost: int, total: int) -> None:
    """With the likeliest shares, under the condition that they have that difference, found by search."""
    for end, score in zip(paired_interval(gained, lost, total), (norm.ppf(0.975), norm.ppf(0.025)), strict=True):

        def unlikelihood(share: float, end: float = end) -> float:  # of entries that only the earlier solves
            rest = 1 - 2 * share - end
            return -float(xlogy(gained, share + end) + xlogy(lost, share) + xlogy(total - gained - lost, rest))

        share = minimize_scalar(
            unlikelihood, bounds=(max(0.0, -end), (1 - end) / 2), method="bounded", options={"xatol": 1e-12}
        ).x
        variance = total * (2 * share + end - end * end)
        assert (gained - lost - total * end) / variance**0.5 == pytest.approx(score, abs=2e-3)


def test_the_paired_interval_turns_with_the_order_and_narrows_with_the_sample() -> None:
    low, high = paired_interval(9, 4, 60)
    assert paired_interval(4, 9, 60) == pytest.approx((-high, -low), abs=1e-6)
    assert paired_interval(90, 40, 600).low > low
    assert paired_interval(0, 0, 0) == Interval(-1.0, 1.0)


@pytest.mark.parametrize(("gained", "lost", "total"), [(3, 2, 4), (-1, 2, 4), (0, 0, -1)])
def test_the_paired_interval_refuses_impossible_counts(gained: int, lost: int, total: int) -> None:
    with pytest.raises(DataError, match="parts of the total"):
        paired_interval(gained, lost, total)


@pytest.mark.parametrize(("gained", "lost", "total"), [(30, 18, 100), (4, 10, 100), (10, 9, 100)])
def test_as_many_entries_as_are_needed_decide_in_four_of_five_samples(gained: int, lost: int, total: int) -> None:
    needed, margin = entries_needed(gained, lost, total, 0.05), 0.05
    shares = [(gained + 0.5) / (total + 1), (lost + 0.5) / (total + 1)]
    draws = np.random.default_rng(0).multinomial(needed, [*shares, 1 - sum(shares)], size=400)
    decided = 0
    for won, gone, _ in draws.tolist():
        low, high = paired_interval(won, gone, needed)
        decided += low > 0 or high < 0 or low >= -margin
    assert 0.72 < decided / len(draws) < 0.93


def test_pooling_counts_entries_and_leaves_relevance_out() -> None:
    counts = {"simple_python": (30, 40), "parallel": (0, 10), "irrelevance": (9, 10), "live_relevance": (1, 16)}
    scores = {name: Score(correct=n, total=of, planned=of, called=0) for name, (n, of) in counts.items()}
    found = Suite(categories=scores).pooled
    assert (found.correct, found.total) == (30, 50)
    assert Suite(categories={"irrelevance": scores["irrelevance"]}).pooled.total == 0
    assert [is_call_category(name) for name in counts] == [True, True, False, False]
