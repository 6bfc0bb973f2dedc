"""Divergence and agreement of distributions of which only the likeliest tokens are known."""

import math

import numpy as np
import pytest
from scipy.special import log_softmax

from callwright.export.verify.likeliest import COUNT, Agreement, Likeliest, divergence, likeliest

DRAW = np.random.default_rng(0)


def test_the_likeliest_of_logits_come_first_with_their_probability():
    logits = DRAW.normal(0, 5, (3, 500)).astype(np.float32)
    found = likeliest(logits)
    expected = log_softmax(logits.astype(np.float64), axis=1)
    for one, row in zip(found, expected, strict=True):
        assert len(one.logprobs) == COUNT
        assert one.top == row.argmax()
        assert list(one.logprobs) == list(np.argsort(-row)[:COUNT])
        np.testing.assert_allclose(list(one.logprobs.values()), np.sort(row)[::-1][:COUNT])
        assert math.isclose(one.margin, np.diff(np.sort(row))[-1])


def test_a_vocabulary_smaller_than_the_count_is_taken_whole():
    [found] = likeliest(np.zeros((1, 5), np.float32))
    assert sum(map(math.exp, found.logprobs.values())) == pytest.approx(1)


def test_a_distribution_does_not_diverge_from_itself():
    for one in likeliest(DRAW.normal(0, 3, (5, 300))):
        assert divergence(one, one) == pytest.approx(0, abs=1e-9)


def test_over_the_whole_vocabulary_it_is_the_kullback_leibler_divergence():
    logits = DRAW.normal(0, 2, (2, COUNT))
    first, second = likeliest(logits)
    p, q = log_softmax(logits, axis=1)
    assert divergence(first, second) == pytest.approx(float((np.exp(p) * (p - q)).sum()), rel=1e-6)


def test_it_is_a_lower_bound_of_that_over_a_larger_vocabulary():
    for _ in range(20):
        logits = DRAW.normal(0, 2, (2, 1000))
        first, second = likeliest(logits)
        p, q = log_softmax(logits, axis=1)
        assert 0 <= divergence(first, second) <= float((np.exp(p) * (p - q)).sum()) + 1e-9


def test_probabilities_that_rounding_makes_more_than_one_in_sum_are_no_error():
    one = Likeliest({1: 0.0, 2: math.log(1e-12)})
    assert divergence(one, one) == 0.0


def test_agreement_is_counted_by_part_of_the_call():
    certain, other = Likeliest({1: -0.01, 2: -5.0}), Likeliest({2: -0.01, 1: -5.0})
    agreement = Agreement.empty()
    agreement.add([certain] * 4, [certain, certain, other, certain], ("name", "keys", "values", "values"))
    numbers = agreement.numbers()
    assert (numbers["positions"], numbers["same_top"]) == (4, 0.75)
    assert (numbers["same_top.name"], numbers["same_top.values"]) == (1, 0.5)
    assert numbers["mean_kl.keys"] == 0 < numbers["mean_kl.values"]
    assert "same_top.end" not in numbers
    assert numbers["mean_kl"] == pytest.approx(numbers["mean_kl.values"] / 2)
