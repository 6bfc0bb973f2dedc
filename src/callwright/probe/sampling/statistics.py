"""Draws counted, and how well the settings of a sampler fit them.

Four tests, each of which a faithful server fails by chance only, and Bonferroni's correction over them:

- Pearson's chi-square of the counts, rare faces pooled with their neighbors in rank until at least 10 are expected.
- How rare the rarest face is that was drawn: the chance that none rarer was, which is exact, and certain to find a cut.
- The score of a repetition penalty, once with its customary window and once over all draws, where it is nearly that
  of a temperature: one degree of freedom each, where chi-square has dozens.

A penalty makes each draw depend on those before. Chi-square and score are a martingale's then: the probabilities at
every draw are known, given what was drawn before, so counts less the sum of the probabilities have the sum of the
conditional covariances V as their covariance, and z' V⁻¹ z is chi-square distributed; for independent draws it is
Pearson's. So the draws are needed in order, and nothing has to be simulated.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

WINDOW = 64
"""How many tokens back the repetition penalty of llama.cpp and Ollama looks."""
_LEAST_EXPECTED = 10.0
_HOPELESS = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerSettings:
    """How a token is drawn; as it stands, from the model's own distribution.

    Attributes:
      temperature: 0 takes the likeliest.
      top_k: 0 for all.
      top_p: 1 for all.
      min_p: 0 for all.
      repeat_penalty: 1 for none; else a logit of a token in the window is divided by it, or multiplied where negative.
      window: How many tokens back a penalty looks; 0 for all.
      temperature_first: Whether the temperature comes before the cuts.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    window: int = WINDOW
    temperature_first: bool = False


def split_draws(faces: Iterable[str], text: str) -> list[str]:
    """The draws in an answer's text; what is no face is a draw of each character, and is impossible."""
    longest = sorted(faces, key=len, reverse=True)
    draws, place = [], 0
    while place < len(text):
        face = next((face for face in longest if text.startswith(face, place)), text[place])
        draws.append(face)
        place += len(face)
    return draws


def probabilities(logits: Floats, settings: SamplerSettings) -> Floats:
    """The probabilities of tokens, penalties aside.

    Args:
      logits: (N, K), in any order.
      settings: What is applied.

    Returns:
      (N, K); every row adds up to 1. The likeliest is never cut, whatever the settings are: samplers keep it too.
    """
    order = np.argsort(-logits, axis=1, kind="stable")
    ranked = np.take_along_axis(logits, order, axis=1)
    if settings.temperature <= 0:
        kept = np.zeros_like(ranked)
        kept[:, 0] = 1
    else:
        early, late = (settings.temperature, 1.0) if settings.temperature_first else (1.0, settings.temperature)
        kept = _softmax(ranked / early)
        if settings.top_k > 0:
            kept[:, settings.top_k :] = 0
            kept /= kept.sum(axis=1, keepdims=True)
        cut = kept < settings.min_p * kept[:, :1]
        if settings.top_p < 1:  # the first that together reach it: what stood before a face is still below
            cut |= np.cumsum(kept, axis=1) - kept >= settings.top_p
        cut[:, 0] = False
        kept[cut] = 0
        kept = (kept / kept[:, :1]) ** (1 / late)  # the likeliest is 1, so that no temperature makes all of them 0
        kept /= kept.sum(axis=1, keepdims=True)
    out = np.empty_like(kept)
    np.put_along_axis(out, order, kept, axis=1)
    return out


def _softmax(logits: Floats) -> Floats:
    powers: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class DiceDraws:
    """The draws of one or more answers.

    Args:
      faces: The true probability of each face.
      answers: The draws of each answer, in order; see `split_draws`.

    Attributes:
      names: The K faces.
      logits: (1, K), the logarithms of their probabilities.
      drawn: (N,), the faces drawn, as indices, one answer after the other.
      counts: (K,), how often each face was drawn.
      total: N.
      unknown: How often what was drawn that is no face.
    """

    def __init__(self, faces: Mapping[str, float], answers: Sequence[Sequence[str]]) -> None:
        self.names = list(faces)
        self.logits: Floats = np.log(np.array([list(faces.values())]))
        index = {face: place for place, face in enumerate(self.names)}
        self._answers = [np.array([index[face] for face in answer if face in index], int) for answer in answers]
        self.unknown = Counter(face for answer in answers for face in answer if face not in index)
        self.drawn = np.concatenate([np.empty(0, int), *self._answers])
        self.counts: Floats = np.bincount(self.drawn, minlength=len(faces)).astype(float)
        self.total = len(self.drawn)
        self._present: dict[int, NDArray[np.bool_]] = {}

    def present(self, window: int) -> NDArray[np.bool_]:
        """(N, K), whether each face was drawn in the window before each draw; a window of 0 is the whole answer."""
        if window not in self._present:
            parts = []
            for answer in self._answers:
                seen = np.zeros((len(answer) + 1, len(self.names)), int)
                seen[np.arange(len(answer)) + 1, answer] = 1
                seen = seen.cumsum(axis=0)
                places = np.arange(len(answer))
                first = np.maximum(places - window, 0) if window else np.zeros_like(places)
                parts.append(seen[places] > seen[first])
            self._present[window] = np.concatenate(parts)
        return self._present[window]

    def fit(self, settings: SamplerSettings) -> "Fit":
        """How well these settings fit the draws, of which there must be one at least."""
        logits = self.logits
        if settings.repeat_penalty != 1:
            penalty = np.where(logits > 0, 1 / settings.repeat_penalty, settings.repeat_penalty)
            logits = np.where(self.present(settings.window), logits * penalty, logits)
        shares = probabilities(logits, settings)
        if len(shares) == 1:  # the same at every draw
            expected, cross = self.total * shares[0], self.total * np.outer(shares[0], shares[0])
        else:
            expected, cross = shares.sum(axis=0), shares.T @ shares
        statistic, degrees = _chi_square(self.counts, expected, np.diag(expected) - cross)
        got = shares[np.arange(self.total) if len(shares) > 1 else 0, self.drawn]
        impossible = bool(self.unknown) or bool((got == 0).any())
        p_value = 0.0 if impossible else self._p_value(shares, statistic, degrees)
        return Fit(statistic, degrees, p_value, expected / self.total)

    def _p_value(self, shares: Floats, statistic: float, degrees: int) -> float:
        """Of all tests together; those that could change nothing any more are left out."""
        p_value = min(self._unseen(shares), float(stats.chi2.sf(statistic, degrees)) if degrees else 1.0)
        for window in (WINDOW, 0):
            p_value = min(p_value, self._score(shares, window)) if p_value > _HOPELESS else p_value
        return min(1.0, 4 * p_value)

    def _unseen(self, shares: Floats) -> float:
        """The chance that no face is drawn which is rarer than the rarest that was."""
        rarer = shares[:, self.logits[0] < self.logits[0, self.drawn].min()].sum(axis=1)
        chances = np.log1p(-np.minimum(rarer, 1 - 1e-12))
        return float(np.exp(chances.sum() if len(shares) > 1 else self.total * chances[0]))

    def _score(self, shares: Floats, window: int) -> float:
        """The chance of a score of a missing penalty as far from 0; over all draws, of a temperature too."""
        score = np.where(self.present(window), self.logits, 0.0)
        if len(shares) == 1:
            mean, square = score @ shares[0], score**2 @ shares[0]
        else:
            mean, square = (shares * score).sum(axis=1), (shares * score**2).sum(axis=1)
        variance = (square - mean**2).sum()
        if variance < 1e-9:
            return 1.0
        total = (score[np.arange(self.total), self.drawn] - mean).sum()
        return float(2 * stats.norm.sf(abs(total) / np.sqrt(variance)))


@dataclass(frozen=True, slots=True)
class Fit:
    """How well settings fit draws.

    Attributes:
      statistic: Chi-square.
      degrees: Its degrees of freedom.
      p_value: Of all tests together; 0 where something was drawn that cannot be.
      expected: (K,), the share of each face.
    """

    statistic: float
    degrees: int
    p_value: float
    expected: Floats


def _chi_square(counts: Floats, expected: Floats, covariance: Floats) -> tuple[float, int]:
    """The statistic, rare faces pooled with their neighbors in rank; and its degrees of freedom."""
    bins: list[list[int]] = [[]]
    for face in np.argsort(-expected, kind="stable"):
        if expected[face] > 0:
            if expected[bins[-1]].sum() >= _LEAST_EXPECTED:
                bins.append([])
            bins[-1].append(int(face))
    if len(bins) > 1 and expected[bins[-1]].sum() < _LEAST_EXPECTED:
        bins[-2:] = [bins[-2] + bins[-1]]
    pool = np.zeros((len(bins), len(counts)))
    for row, members in enumerate(bins):
        pool[row, members] = 1
    values, vectors = np.linalg.eigh(pool @ covariance @ pool.T)
    real = values > 1e-9 * max(1.0, *values.tolist())
    along = vectors[:, real].T @ (pool @ (counts - expected))
    return float((along**2 / values[real]).sum()), int(real.sum())
