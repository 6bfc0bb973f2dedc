"""Which prompts GRPO draws more often than others: those of the kinds of which it can learn most.

A group of completions has an advantage only where its rewards differ, so only where the model solves a prompt in some
tries and not in all: its rate p lies between 0 and 1. What can be gained from a prompt is bounded from below by the
variance of its success, p (1 - p) (Bae et al. 2025, arXiv:2504.03380). A kind has the variance of the rate that an
evaluation measured as its weight, and a constant besides, so that none is left out: that rate is of greedy answers, and
rewards vary by more than success.
"""

import statistics
from collections.abc import Callable, Mapping

import numpy as np

FLOOR = 0.05
"""Added to every variance, which is at most 0.25."""
_STREAM = 0x6B696E64
"""Tells these draws from others of the same seed."""


def prompt_weights(rates: Mapping[str, float]) -> dict[str, float]:
    """The weight of each kind.

    Args:
      rates: The share of its entries that the model solved before, by kind.
    """
    return {kind: round(rate * (1 - rate) + FLOOR, 4) for kind, rate in sorted(rates.items())}


def accept(weights: Mapping[str, float], seed: int) -> Callable[[str], bool]:
    """Says of one prompt after the other whether it is taken, by its kind.

    Of prompts in any order the kinds are taken in proportion to their weights; a kind without one has the mean. The
    same kinds in the same order are answered alike in every process. Without weights every prompt is taken.
    """
    draw = np.random.default_rng((seed, _STREAM))
    most, mean = (max(weights.values()), statistics.fmean(weights.values())) if weights else (1.0, 1.0)
    return lambda kind: bool(draw.random() * most < weights.get(kind, mean))
