"""Choices are the same in every process, on every Python, in every version of this package."""

from callwright.data.rng import Rng


def test_choices_are_pinned():
    rng = Rng("pinned", 7)
    assert [rng.between(0, 99) for _ in range(6)] == [91, 18, 71, 35, 26, 62]
    assert Rng("pinned", 7).unit() != Rng("pinned", 8).unit()
