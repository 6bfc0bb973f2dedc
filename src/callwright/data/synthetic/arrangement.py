"""Which kinds of requests are made to which offer. Nothing is drawn, so that a few hundred examples hold the whole mix.

Some kinds need one tool alone and some need several, so offers are of several sorts, and an offer's sort says which
kinds its requests can be of. Two kinds ask more of the offer (a dialogue a tool with a result, "parallel_multiple"
short definitions because several calls follow) and have a sort each, so that other offers need not be so; to learn the
difference from one call, these sorts get some of the requests of the kind "multiple".

In any stretch of offers each sort is as frequent as it should be, to within two offers, and the requests to all offers
of a sort go through its kinds by the golden-ratio sequence.
"""

from dataclasses import dataclass
from math import floor

from callwright.data.rng import Rng
from callwright.data.synthetic.settings import Mix

_GOLDEN = 0.6180339887498949
_LONE = 0.6  # share of the requests that no tool fits which are made to one tool alone
_PARTS = 6  # at most one part of "multiple" stands beside each of the kinds that ask something of the offer


@dataclass(frozen=True, slots=True)
class _Sort:
    """A sort of offers.

    Attributes:
      alone: Whether one tool is offered.
      share: How many of the offers that are of no sort before it are of this one, from 0 to 1.
      kinds: The kinds of its requests, each with the sum of the shares up to it; the last is at 1.
    """

    alone: bool
    share: float
    kinds: tuple[tuple[float, str], ...]


class Arrangement:
    """Which kinds of requests are made to which offer; a function of the seed.

    Args:
      mix: How often each kind comes.
      requests_per_offer: How many requests are made to each offer.
      seed: Shifts the sequences.
    """

    def __init__(self, mix: Mix, requests_per_offer: int, seed: int) -> None:
        self._requests = requests_per_offer
        self._shift = Rng("kind", seed).unit()
        self._sorts = _sorts(mix)

    def offer(self, number: int) -> tuple[bool, tuple[str, ...]]:
        """Whether the offer of this number, from 0, is of one tool alone, and the kinds of its requests in order."""
        place = number
        for sort in self._sorts:
            earlier, so_far = (floor(count * sort.share + self._shift) for count in (place, place + 1))
            if so_far > earlier:
                break
            place -= earlier
        first = earlier * self._requests
        points = ((request * _GOLDEN + self._shift) % 1 for request in range(first, first + self._requests))
        return sort.alone, tuple(next(kind for edge, kind in sort.kinds if point < edge) for point in points)


def _sorts(mix: Mix) -> list[_Sort]:
    """The sorts of offers that the mix needs."""
    few, answered = (min(weight, mix.multiple / _PARTS) for weight in (mix.parallel_multiple, mix.dialogue))
    lone = _LONE * mix.irrelevance
    weights: list[tuple[bool, dict[str, float]]] = [
        (True, {"simple": mix.simple, "parallel": mix.parallel, "irrelevance": lone}),
        (False, {"multiple": mix.multiple - few - answered, "irrelevance": mix.irrelevance - lone}),
        (False, {"parallel_multiple": mix.parallel_multiple, "multiple": few}),
        (False, {"dialogue": mix.dialogue, "multiple": answered}),
    ]
    sorts, left = list[_Sort](), 0.0
    for alone, kinds in reversed(weights):
        total = sum(kinds.values())
        if total:
            left += total
            sorts.insert(0, _Sort(alone, total / left, _edges(kinds)))
    return sorts


def _edges(weights: dict[str, float]) -> tuple[tuple[float, str], ...]:
    """The kinds that have a weight, each with the sum of the shares up to it."""
    total, edges, edge = sum(weights.values()), list[tuple[float, str]](), 0.0
    for kind, weight in weights.items():
        if weight:
            edge += weight / total
            edges.append((edge, kind))
    return (*edges[:-1], (1.0, edges[-1][1]))
