"""Distributions of the next token as far as a server tells them: the likeliest tokens, and the rest as one.

The divergence of two is taken over the tokens that both name, with all others as one outcome. Joining outcomes never
makes a divergence larger, so it is a lower bound of that over the whole vocabulary, and close to it where 64 tokens
have nearly all of the probability.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from callwright.export.gguf import GgufKind
from callwright.export.verify.forced import REGIONS, CallRegion

COUNT = 64
"""How many of the likeliest tokens are compared."""
LARGEST: Mapping[GgufKind, float] = {
    "f32": 0.001,
    "f16": 0.005,
    "bf16": 0.02,
    "q8_0": 0.02,
    "q6_k": 0.05,
    "q5_k_m": 0.1,
    "q4_k_m": 0.3,
}
"""The mean divergence, in nats, beyond which numbers of a kind are not only rounded: several times what llama.cpp's
authors measure of each (Q8_0 0.0002, Q5_K_M 0.005, of a model with 8 billion parameters), and far below that of another
model. How often the likeliest token is the same says less: where a model is unsure, rounding decides."""
_LEAST = 1e-9
"""What the rest has at least: sums of rounded probabilities pass 1 by less."""


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The likeliest next tokens.

    Attributes:
      logprobs: The natural logarithm of the probability by token id, the likeliest first.
    """

    logprobs: Mapping[int, float]

    @property
    def top(self) -> int:
        """The likeliest token."""
        return next(iter(self.logprobs))

    @property
    def margin(self) -> float:
        """By how much the likeliest token leads the next, in logits."""
        first, second = list(self.logprobs.values())[:2]
        return first - second


def likeliest(logits: np.ndarray) -> list[Likeliest]:
    """The likeliest tokens of logits (T, V), position by position."""
    count = min(COUNT, logits.shape[1])
    found = []
    for row in logits.astype(np.float64):
        chosen = np.argpartition(row, -count)[-count:]
        chosen = chosen[np.argsort(-row[chosen], kind="stable")]
        highest = row.max()
        normalizer = highest + math.log(np.exp(row - highest).sum())
        found.append(Likeliest({int(id_): float(row[id_] - normalizer) for id_ in chosen}))
    return found


def divergence(reference: Likeliest, other: Likeliest) -> float:
    """The Kullback-Leibler divergence of `other` from `reference`, in nats."""
    total, reference_rest, other_rest = 0.0, 1.0, 1.0
    for id_, logprob in reference.logprobs.items():
        if id_ in other.logprobs:
            p, q = math.exp(logprob), math.exp(other.logprobs[id_])
            total += p * (logprob - other.logprobs[id_])
            reference_rest, other_rest = reference_rest - p, other_rest - q
    reference_rest, other_rest = max(reference_rest, _LEAST), max(other_rest, _LEAST)
    return max(total + reference_rest * math.log(reference_rest / other_rest), 0.0)


@dataclass(slots=True)
class Agreement:
    """How two models agree along outputs that both were forced along.

    Attributes:
      divergences: Of each position, by part of the call.
      same: Of each position whether the likeliest token is the same, by part of the call.
    """

    divergences: dict[CallRegion, list[float]]
    same: dict[CallRegion, list[bool]]

    @classmethod
    def empty(cls) -> "Agreement":
        """Nothing compared yet."""
        return cls({region: [] for region in REGIONS}, {region: [] for region in REGIONS})

    def add(self, reference: Sequence[Likeliest], other: Sequence[Likeliest], regions: Sequence[CallRegion]) -> None:
        """Counts the positions of one output."""
        for expected, got, region in zip(reference, other, regions, strict=True):
            self.divergences[region].append(divergence(expected, got))
            self.same[region].append(expected.top == got.top)

    @property
    def same_top(self) -> float:
        """The share of positions at which the likeliest token is the same."""
        same = [one for found in self.same.values() for one in found]
        return sum(same) / len(same) if same else math.nan

    @property
    def mean_divergence(self) -> float:
        """Over all positions, in nats."""
        found = [one for region in self.divergences.values() for one in region]
        return sum(found) / len(found) if found else math.nan

    def __str__(self) -> str:
        positions = sum(map(len, self.same.values()))
        return (
            f"the likeliest token is the same at {self.same_top:.1%} of {positions} positions, "
            f"and the mean divergence is {self.mean_divergence:.2g} nats"
        )

    def numbers(self) -> dict[str, float]:
        """What a check tells: positions, same-top rate and mean divergence, of all and by part of the call."""
        found = {
            "positions": float(sum(map(len, self.same.values()))),
            "same_top": self.same_top,
            "mean_kl": self.mean_divergence,
        }
        for region in REGIONS:
            if self.same[region]:
                found[f"same_top.{region}"] = sum(self.same[region]) / len(self.same[region])
                found[f"mean_kl.{region}"] = sum(self.divergences[region]) / len(self.divergences[region])
        return found
