"""Rewards for tool calls: what a completion is worth, component by component.

An exact match is the top score and nothing else comes near it: calls are compared as an unordered multiset of names
and arguments, so a superset earns nothing for its junk. Partial credit exists only to give an early group something to
differ in, is small, and is annealed to zero over the stage. Calling when nothing fits costs as much as a right call
earns, because a reward that is indifferent there teaches a model to call always.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from callwright.conversation import Json, ToolCall
from callwright.formats.base import Parsed
from callwright.settings import Settings


class RewardSettings(Settings):
    """The weight of each component."""

    RENAMED: ClassVar[Mapping[str, str]] = {"needless_call": "unnecessary_call"}

    well_formed: float = Field(0.1, ge=0)
    """The completion ends by itself and everything in it parses."""
    exact: float = Field(1.0, gt=0)
    """The calls are the expected ones, in any order; no call where none fits."""
    unnecessary_call: float = Field(-1.0, le=0)
    """Calling where no tool fits."""
    partial: float = Field(0.2, ge=0)
    """The most that nearly right calls earn at the first step; falls linearly, to zero after the last."""


@dataclass(frozen=True, slots=True)
class Reward:
    """What one completion earned, by component."""

    components: Mapping[str, float]

    @property
    def total(self) -> float:
        """The sum of the components."""
        return sum(self.components.values())


def reward(parsed: Parsed, expected: Sequence[ToolCall], settings: RewardSettings, progress: float) -> Reward:
    """Scores one completion.

    Args:
      parsed: What the model generated, parsed.
      expected: The calls it should have made; none where no tool fits.
      settings: The weights.
      progress: Share of the stage that is over, 0 to 1; partial credit is multiplied by what is left.
    """
    sound = parsed.complete and not parsed.errors
    exact = sound and _multiset(parsed.tool_calls) == _multiset(expected)
    unnecessary = not expected and bool(parsed.tool_calls)
    nearly = 0.0 if exact or not expected else _overlap(parsed.tool_calls, expected)
    return Reward(
        {
            "well_formed": settings.well_formed * sound,
            "exact": settings.exact * exact,
            "unnecessary_call": settings.unnecessary_call * unnecessary,
            "partial": settings.partial * (1 - progress) * nearly,
        }
    )


def _key(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _multiset(calls: Sequence[ToolCall]) -> Counter[tuple[str, str]]:
    return Counter((call.name, _key(dict(call.arguments))) for call in calls)


def _overlap(output: Sequence[ToolCall], expected: Sequence[ToolCall]) -> float:
    """F1 over names and single arguments, as multisets: junk calls lower it as much as missing ones."""
    ours, theirs = _parts(output), _parts(expected)
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def _parts(calls: Sequence[ToolCall]) -> Counter[tuple[str, ...]]:
    names = Counter((call.name,) for call in calls)
    return names + Counter((c.name, key, _key(value)) for c in calls for key, value in c.arguments.items())
