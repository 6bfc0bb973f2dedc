"""Random choices that are the same in every process and on every Python.

Python promises stability for one method of `random.Random` only: `random()` after seeding with an int. Every choice
here is built on that method, and the seed comes from a hash of what the choice is for, so example 17 needs nothing of
example 16.
"""

import hashlib
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """A random generator: a stream of choices that is a function of `seed` alone."""

    def __init__(self, *seed: str | int) -> None:
        digest = hashlib.sha256("\x1f".join(map(str, seed)).encode()).digest()
        self.unit = Random(int.from_bytes(digest[:8])).random

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self.unit() * len(options))]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options in random order."""
        left = list(options)
        for i in range(count):
            j = self.between(i, len(left) - 1)
            left[i], left[j] = left[j], left[i]
        return left[:count]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All options in random order."""
        return self.sample(options, len(options))
