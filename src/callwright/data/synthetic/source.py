"""The source of synthetic examples: example i is a function of (seed, i) and nothing else.

Two things are spread evenly instead of being drawn, so that a few hundred examples already hold the whole mix: kinds
follow the golden-ratio sequence, and the tool that an example is about goes through a permutation of all tools before
it comes back. Distractors come from the same group more often than not, because telling look-alikes apart is
what "multiple" tests.
"""

from dataclasses import dataclass
from functools import lru_cache

from pydantic import Field, model_validator

from callwright.conversation import Conversation, Message, Tool
from callwright.data.source import Example
from callwright.data.synthetic.declaration import DeclaredTool, ToolGroup
from callwright.data.synthetic.naming import OfferedTool, offer_tool
from callwright.data.synthetic.phrasing import query
from callwright.data.synthetic.requests import Request, draw_values, request_call, request_calls
from callwright.data.synthetic.rng import Rng
from callwright.data.synthetic.small_talk import general_question, refusal
from callwright.data.synthetic.tools import declared_tools
from callwright.notices import Notify
from callwright.settings import Settings

_GOLDEN = 0.6180339887498949
_CALLS = (2, 2, 2, 2, 3, 3, 3, 4)  # calls of one tool
_OFFERS = (2, 2, 3, 3, 3, 4)  # tools on offer where there are several
_LEAN = 0.4  # share of optional parameters where several tools are on offer: prompts stay short enough to train on
_FOLLOW_UPS = (
    "And for {}?", "What about {}?", "Now the same for {}, please.", "Can you do that for {} too?", "And {}?",
)  # fmt: skip


class Mix(Settings):
    """How often each kind of example comes, as weights that need not add up to anything."""

    simple: float = Field(default=0.24, ge=0)
    """One tool, one call."""
    multiple: float = Field(default=0.2, ge=0)
    """Two or more tools, one call."""
    parallel: float = Field(default=0.2, ge=0)
    """One tool, called several times."""
    parallel_multiple: float = Field(default=0.17, ge=0)
    """Two or more tools, several calls."""
    irrelevance: float = Field(default=0.14, ge=0)
    """No tool fits and the assistant says so."""
    dialogue: float = Field(default=0.05, ge=0)
    """A result comes back and is answered, or a follow-up changes the call."""


class SyntheticSettings(Settings):
    """The synthetic source."""

    seed: int = 0
    """Which of the endless sets of examples."""
    examples: int = Field(default=2000, ge=1)
    """How many examples the source has."""
    tools: int | None = Field(default=None, ge=1)
    """Only the first so many declared tools; all of them when absent."""
    mix: Mix = Mix()
    """How often each kind comes."""
    max_tools: int = Field(default=4, ge=1, le=8)
    """The most tools that an example offers."""
    tools_length: int = Field(default=1150, ge=0)
    """Characters of tool definitions that a further tool may not go beyond, a quarter less where several calls follow.
    About three make a token, and a prompt with its calls should fit into a training row of 512."""

    @model_validator(mode="after")
    def _can_be_made(self) -> "SyntheticSettings":
        weights = self.mix.model_dump()
        if not any(weights.values()):
            raise ValueError("every weight of mix is 0; give at least one kind a positive weight")
        if min(self.max_tools, self.tools or 2) < 2 and (self.mix.multiple or self.mix.parallel_multiple):
            raise ValueError(
                "multiple and parallel_multiple need two tools; set both weights of mix to 0 or offer more"
            )
        return self


@dataclass(frozen=True, slots=True)
class Composed:
    """An example and where its arguments come from: the requests that were put into words, in order."""

    example: Example
    requests: tuple[Request, ...]


class SyntheticSource:
    """Synthetic examples, made when they are asked for."""

    name = "synthetic"

    def __init__(self, settings: SyntheticSettings) -> None:
        self.settings = settings
        self._tools = declared_tools()[: settings.tools]
        self._declared = frozenset(declared for _, declared in self._tools)
        self._with_result = [i for i, (_, declared) in enumerate(self._tools) if declared.result]
        weights = settings.mix.model_dump()
        total, edge = sum(weights.values()), 0.0
        self._edges = list[tuple[float, str]]()
        for kind, weight in weights.items():
            edge += weight / total
            self._edges.append((edge, kind))
        self._permutation = lru_cache(maxsize=8)(
            lambda block: Rng("order", settings.seed, block).shuffled(range(len(self._tools)))
        )

    def __len__(self) -> int:
        return self.settings.examples

    def __getitem__(self, index: int) -> Example:
        return self.compose(index).example

    def read(self, index: int, notify: Notify) -> Example:
        """See `Source.read`; there is nothing to tell."""
        return self[index]

    def digests(self) -> dict[str, str]:
        """See `Source.digests`; the settings and the version say what it makes."""
        return {}

    def compose(self, index: int) -> Composed:
        """The example at `index` together with what its calls were drawn from."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = Rng("example", self.settings.seed, index)
        kind = self._kind(index)
        conversation, requests = getattr(self, f"_{kind}")(index, rng)
        return Composed(Example(f"{self.name}-{self.settings.seed}-{index}", conversation, kind), requests)

    def _kind(self, index: int) -> str:
        point = (index * _GOLDEN + Rng("kind", self.settings.seed).unit()) % 1
        return next((kind for edge, kind in self._edges if point < edge), self._edges[-1][1])

    def _turn(self, index: int) -> tuple[ToolGroup, DeclaredTool]:
        block, place = divmod(index, len(self._tools))
        return self._tools[self._permutation(block)[place]]

    def _beside(
        self, chosen: list[OfferedTool], total: int, rng: Rng, avoid: DeclaredTool | None = None, share: float = 1
    ) -> list[OfferedTool]:
        """The chosen tools and others up to `total`, mostly from the same group, in random order.

        A tool that does not fit into this share of `tools_length` is passed over, but two are offered in any case.
        """
        offers, length = list(chosen), sum(map(_length, chosen))
        for attempt in range(30):
            if len(offers) >= total:
                break
            if chosen and rng.chance(0.6):
                group = chosen[0].group
                declared = rng.pick(group.tools)
            else:
                group, declared = rng.pick(self._tools)
            if declared is avoid or declared not in self._declared or any(o.declared is declared for o in offers):
                continue
            new = offer_tool(group, declared, rng, _LEAN)
            short = length + _length(new) <= share * self.settings.tools_length or (len(offers) < 2 and attempt >= 20)
            if short and all(o.tool.name != new.tool.name for o in offers):
                offers.append(new)
                length += _length(new)
        return rng.shuffled(offers)

    def _some(self, rng: Rng) -> int:
        return min(rng.pick(_OFFERS), self.settings.max_tools, len(self._tools))

    def _simple(self, index: int, rng: Rng) -> tuple[Conversation, tuple[Request, ...]]:
        only = offer_tool(*self._turn(index), rng)
        return _calling([only], [(only, request_call(only, rng))], rng)

    def _multiple(self, index: int, rng: Rng) -> tuple[Conversation, tuple[Request, ...]]:
        wanted = offer_tool(*self._turn(index), rng, _LEAN)
        return _calling(self._beside([wanted], self._some(rng), rng), [(wanted, request_call(wanted, rng))], rng)

    def _parallel(self, index: int, rng: Rng) -> tuple[Conversation, tuple[Request, ...]]:
        only = offer_tool(*self._turn(index), rng)
        return _calling([only], [(only, request_calls(only, rng.pick(_CALLS), rng))], rng)

    def _parallel_multiple(self, index: int, rng: Rng) -> tuple[Conversation, tuple[Request, ...]]:
        first = offer_tool(*self._turn(index), rng, _LEAN)
        offers = self._beside([first], self._some(rng), rng, share=0.75)
        wanted = [first, *(o for o in offers if o is not first)]
        wanted = wanted[: max(2, len(wanted) - rng.chance(0.35))]
        requests = list[tuple[OfferedTool, Request]]()
        for i, each in enumerate(rng.shuffled(wanted)):
            twice = sum(len(r.calls) for _, r in requests) + len(wanted) - i < 4 and rng.chance(0.3)
            requests.append((each, request_calls(each, 2, rng) if twice else request_call(each, rng)))
        return _calling(offers, requests, rng)

    def _irrelevance(self, index: int, rng: Rng) -> tuple[Conversation, tuple[Request, ...]]:
        first = offer_tool(*self._turn(index), rng)
        near = [declared for declared in first.group.tools if declared is not first.declared]
        roll, unfit = rng.unit(), None
        if roll < 0.35 and near:
            unfit = offer_tool(first.group, rng.pick(near), rng)
        elif roll < 0.65:
            unfit = offer_tool(*rng.pick([t for t in declared_tools() if t[1] is not first.declared]), rng)
        total = 1 if rng.chance(0.6) else self._some(rng)
        offers = self._beside([first], total, rng, avoid=unfit.declared if unfit else None)
        text = query([(unfit, request_call(unfit, rng))], rng) if unfit else general_question(rng)
        messages = (Message("user", text), Message("assistant", refusal(offers, rng)))
        return Conversation(messages, _tools(offers)), ()

    def _dialogue(self, index: int, rng: Rng) -> tuple[Conversation, tuple[Request, ...]]:
        place = self._with_result[index % len(self._with_result)]
        wanted = offer_tool(*self._tools[place], rng, _LEAN)
        declared, request = wanted.declared.result, request_call(wanted, rng)
        assert declared is not None  # noqa: S101  (only tools with a result are chosen)
        conversation, requests = _calling(self._beside([wanted], self._some(rng), rng), [(wanted, request)], rng)
        result = {field: rng.pick(pool).draw(rng) for field, pool in declared.values.items()}
        given = {key: request.values[0][name] for key, name in wanted.names.items() if name in request.values[0]}
        answer = declared.answer.source.format_map({key: value.text for key, value in (given | result).items()})
        messages = (
            *conversation.messages,
            Message("tool", {field: value.json for field, value in result.items()}, name=wanted.tool.name),
            Message("assistant", answer),
        )
        varied = [key for key in wanted.declared.fan_out if key in given]
        if varied and rng.chance(0.6):
            other = draw_values(wanted, varied[:1], rng, {k: v for k, v in given.items() if k != varied[0]})
            follow_up = rng.pick(_FOLLOW_UPS).format(other[varied[0]].text)
            call = wanted.call(other)
            messages = (*messages, Message("user", follow_up), Message("assistant", tool_calls=(call,)))
            named = {wanted.names[key]: value for key, value in other.items()}
            requests = (Request((), (call,), (named,)),)
        return Conversation(messages, conversation.tools), requests


def _length(offered: OfferedTool) -> int:
    tool = offered.tool
    return len(tool.name) + len(tool.description or "") + len(str(tool.parameters)) + 50


def _tools(offers: list[OfferedTool]) -> tuple[Tool, ...]:
    return tuple(o.tool for o in offers)


def _calling(
    offers: list[OfferedTool], requests: list[tuple[OfferedTool, Request]], rng: Rng
) -> tuple[Conversation, tuple[Request, ...]]:
    calls = tuple(call for _, request in requests for call in request.calls)
    messages = (Message("user", query(requests, rng)), Message("assistant", tool_calls=calls))
    return Conversation(messages, _tools(offers)), tuple(request for _, request in requests)
