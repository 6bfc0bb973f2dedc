"""The bounds that docs/instruments.md states, in the precisions that caches of keys are kept in."""

import ml_dtypes
import numpy as np
import pytest

from callwright.instruments.architectures import PEAK
from callwright.instruments.circuit import CODE, FREQUENCIES, HEAD, Head, codes
from callwright.instruments.script import RECENCY_TILT

PRECISIONS = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
CHOICE = 10.0
"""A difference between scores that leaves the lower one 1 part in 20,000 of the attention."""


def scores(head, place, dtype):
    """By distance: the scores of all places as seen from `place`, with keys and queries rounded as a cache does."""
    turn, weight = head.back * FREQUENCIES, PEAK * head.weights()
    keys = [(weight * np.cos(turn)).astype(dtype), (weight * np.sin(turn)).astype(dtype)]
    first, second = (key.astype(np.float64) for key in keys)

    def rotated(a, b, at):
        cosine, sine = np.cos(np.outer(at, FREQUENCIES)), np.sin(np.outer(at, FREQUENCIES))
        return [x.astype(dtype).astype(np.float32) for x in (a * cosine - b * sine, a * sine + b * cosine)]

    here = [part[0] for part in rotated(np.full(HEAD // 2, 16.0), np.zeros(HEAD // 2), [place])]
    there = rotated(first, second, np.arange(place + 1))
    return ((there[0] @ here[0] + there[1] @ here[1]) / np.sqrt(HEAD))[::-1]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("place", [100, 8191, 32_767])
def test_the_recency_head_tells_the_last_unique_token_from_earlier_ones(precision, place):
    """One token apart up to 10 tokens back; 32 tokens and half the distance apart up to 4,000 back."""
    found = scores(Head(attends_to="unique", back=0, tilt=RECENCY_TILT, copies=()), place, PRECISIONS[precision])
    best_beyond = np.maximum.accumulate(found[::-1])[::-1]
    for distance in range(min(4000, place)):
        apart = 1 if distance <= 10 else 32 + distance // 2
        if distance + apart <= place:
            assert found[distance] - best_beyond[distance + apart] >= CHOICE, distance


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("back", [1, 4, 600, 8000, 32_767])
def test_a_fixed_distance_head_finds_its_place_among_all(precision, back):
    found = scores(Head(back=back, copies=()), back + 500, PRECISIONS[precision])
    peak, found[back] = found[back], -np.inf
    assert peak - found.max() > 8 * CHOICE


def test_codes_of_thirty_thousand_tokens_stay_below_every_threshold():
    code = codes(30_000)
    draw = np.random.default_rng(1).choice(30_000, 300, replace=False)
    alike = code[draw] @ code.T / CODE
    alike[np.arange(300), draw] = 0
    assert np.abs(alike).max() < 0.55
