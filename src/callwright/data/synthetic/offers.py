"""Which tools are offered together and which of them each request is about: a function of seed and number of the offer.

The tool that an offer is about goes through a permutation of all tools before it comes back. Distractors come from the
same group more often than not, because telling look-alikes apart is what "multiple" tests, and each of them is asked
for in its turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from callwright.data.rng import Rng
from callwright.data.synthetic.arrangement import Arrangement
from callwright.data.synthetic.naming import OfferedTool, offer_tool
from callwright.data.synthetic.settings import SyntheticSettings
from callwright.data.synthetic.tools import declared_tools
from callwright.data.tools_file.declaration import DeclaredTool, ToolGroup

_SIZES = (2, 2, 3, 3, 3, 4)  # tools on offer where there are several
_LEAN = 0.4  # share of optional parameters where several tools are on offer: prompts stay short enough to train on
_SHORT = 0.75  # share of `tools_length` where several calls follow
_TRIES = 30  # to find tools that fit


@dataclass(frozen=True, slots=True)
class Offer:
    """Tools on offer, and what the requests that are made to them are about.

    Attributes:
      tools: The tools, in the order in which they are offered.
      kinds: The kind of each request.
      leads: The tool that each request is about; the first one if it is about several, and of a request that no tool
        fits the one that it comes near.
    """

    tools: tuple[OfferedTool, ...]
    kinds: tuple[str, ...]
    leads: tuple[OfferedTool, ...]


class Offers:
    """The offers of a source, by number from 0, made when they are asked for."""

    def __init__(self, settings: SyntheticSettings) -> None:
        self._settings = settings
        self._tools = declared_tools()[: settings.tools]
        self._declared = frozenset(declared for _, declared in self._tools)
        self._with_result = [each for each in self._tools if each[1].result]
        self._arrangement = Arrangement(settings.mix, settings.requests_per_offer, settings.seed)
        self._permutation = lru_cache(maxsize=8)(
            lambda block: Rng("order", settings.seed, block).shuffled(range(len(self._tools)))
        )

    def __getitem__(self, number: int) -> Offer:
        alone, kinds = self._arrangement.offer(number)
        rng = Rng("offer", self._settings.seed, number)
        group, declared = rng.pick(self._with_result) if "dialogue" in kinds else self._turn(number)
        if alone:
            only = offer_tool(group, declared, rng)
            return Offer((only,), kinds, (only,) * len(kinds))
        first = offer_tool(group, declared, rng, _LEAN)
        tools = self._beside(first, rng, _SHORT if "parallel_multiple" in kinds else 1)
        return Offer(tools, kinds, _leads((first, *(each for each in tools if each is not first)), kinds))

    def _turn(self, number: int) -> tuple[ToolGroup, DeclaredTool]:
        block, place = divmod(number, len(self._tools))
        return self._tools[self._permutation(block)[place]]

    def _beside(self, first: OfferedTool, rng: Rng, share: float) -> tuple[OfferedTool, ...]:
        """The tool and others, mostly from the same group, in random order.

        A tool that does not fit into this share of `tools_length` is passed over, but two are offered in any case.
        """
        total = min(rng.pick(_SIZES), self._settings.max_tools, len(self._tools))
        offers, length = [first], _length(first)
        for attempt in count():
            if len(offers) == total or (attempt >= _TRIES and len(offers) > 1):
                break
            if rng.chance(0.6):
                group = first.group
                declared = rng.pick(group.tools)
            else:
                group, declared = rng.pick(self._tools)
            if declared not in self._declared or any(each.declared is declared for each in offers):
                continue
            new = offer_tool(group, declared, rng, _LEAN)
            fits = length + _length(new) <= share * self._settings.tools_length
            fits = fits or (len(offers) < 2 and attempt >= _TRIES - 10)
            if fits and all(each.tool.name != new.tool.name for each in offers):
                offers.append(new)
                length += _length(new)
        return tuple(rng.shuffled(offers))


def _leads(tools: Sequence[OfferedTool], kinds: Sequence[str]) -> tuple[OfferedTool, ...]:
    """For each request the tool that was asked for least before it; in a dialogue, of those that have a result."""
    leads, asked = list[OfferedTool](), [0] * len(tools)
    for kind in kinds:
        able = [i for i, each in enumerate(tools) if kind != "dialogue" or each.declared.result]
        lead = min(able, key=asked.__getitem__)
        asked[lead] += kind != "irrelevance"
        leads.append(tools[lead])
    return tuple(leads)


def _length(offered: OfferedTool) -> int:
    tool = offered.tool
    return len(tool.name) + len(tool.description or "") + len(str(tool.parameters)) + 50
