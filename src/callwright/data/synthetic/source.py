"""A source of synthetic examples: example i is a function of (seed, i) and nothing else.

Two things are spread evenly instead of being drawn, so that a few hundred examples already hold the whole mix: kinds
follow the golden-ratio sequence, and the tool that an example is about goes through a new permutation of all tools
before it comes back. Distractors come from the same domain more often than not, because telling look-alikes apart is
what "multiple" tests.
"""

from dataclasses import dataclass
from functools import lru_cache

from pydantic import Field, model_validator

from callwright.conversation import Conversation, Message, Tool
from callwright.data.source import Example
from callwright.data.synthetic.draw import Draw
from callwright.data.synthetic.naming import Offer, offer
from callwright.data.synthetic.phrasing import query
from callwright.data.synthetic.requests import Request, ask, ask_several, draw_values
from callwright.data.synthetic.small_talk import general_question, refusal
from callwright.data.synthetic.spec import Domain, Spec
from callwright.data.synthetic.tools import TOOLS
from callwright.data.synthetic.values import options
from callwright.settings import Settings

_GOLDEN = 0.6180339887498949
_CALLS = (2, 2, 2, 2, 3, 3, 3, 4)  # calls of one tool
_OFFERS = (2, 2, 3, 3, 3, 4)  # tools on offer where there are several
_LEAN = 0.4  # share of optional parameters where several tools are on offer: prompts stay short enough to train on
_FOLLOW_UPS = options("And for {}?|What about {}?|Now the same for {}, please.|Can you do that for {} too?|And {}?")


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
        self._tools = TOOLS[: settings.tools]
        self._specs = frozenset(spec for _, spec in self._tools)
        self._about_replies = [i for i, (_, spec) in enumerate(self._tools) if spec.reply]
        weights = settings.mix.model_dump()
        total, edge = sum(weights.values()), 0.0
        self._edges = list[tuple[float, str]]()
        for kind, weight in weights.items():
            edge += weight / total
            self._edges.append((edge, kind))
        self._permutation = lru_cache(maxsize=8)(
            lambda block: Draw("order", settings.seed, block).shuffled(range(len(self._tools)))
        )

    def __len__(self) -> int:
        return self.settings.examples

    def __getitem__(self, index: int) -> Example:
        return self.compose(index).example

    def compose(self, index: int) -> Composed:
        """The example at `index` together with what its calls were drawn from."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        draw = Draw("example", self.settings.seed, index)
        kind = self._kind(index)
        conversation, requests = getattr(self, f"_{kind}")(index, draw)
        return Composed(Example(f"{self.name}-{self.settings.seed}-{index}", conversation, kind), requests)

    def _kind(self, index: int) -> str:
        point = (index * _GOLDEN + Draw("kind", self.settings.seed).unit()) % 1
        return next((kind for edge, kind in self._edges if point < edge), self._edges[-1][1])

    def _turn(self, index: int) -> tuple[Domain, Spec]:
        block, place = divmod(index, len(self._tools))
        return self._tools[self._permutation(block)[place]]

    def _beside(
        self, chosen: list[Offer], total: int, draw: Draw, avoid: Spec | None = None, room: float = 1
    ) -> list[Offer]:
        """The chosen offers and others up to `total`, mostly from the same domain, in random order.

        A tool that does not fit into this share of `tools_length` is passed over, but two are offered in any case.
        """
        offers, length = list(chosen), sum(map(_length, chosen))
        for attempt in range(30):
            if len(offers) >= total:
                break
            near = chosen and draw.chance(0.6)
            domain, spec = (chosen[0].domain, draw.pick(chosen[0].domain.tools)) if near else draw.pick(self._tools)
            if spec is avoid or spec not in self._specs or any(o.spec is spec for o in offers):
                continue
            new = offer(domain, spec, draw, _LEAN)
            short = length + _length(new) <= room * self.settings.tools_length or (len(offers) < 2 and attempt >= 20)
            if short and all(o.tool.name != new.tool.name for o in offers):
                offers.append(new)
                length += _length(new)
        return draw.shuffled(offers)

    def _some(self, draw: Draw) -> int:
        return min(draw.pick(_OFFERS), self.settings.max_tools, len(self._tools))

    def _simple(self, index: int, draw: Draw) -> tuple[Conversation, tuple[Request, ...]]:
        only = offer(*self._turn(index), draw)
        return _calling([only], [(only, ask(only, draw))], draw)

    def _multiple(self, index: int, draw: Draw) -> tuple[Conversation, tuple[Request, ...]]:
        wanted = offer(*self._turn(index), draw, _LEAN)
        return _calling(self._beside([wanted], self._some(draw), draw), [(wanted, ask(wanted, draw))], draw)

    def _parallel(self, index: int, draw: Draw) -> tuple[Conversation, tuple[Request, ...]]:
        only = offer(*self._turn(index), draw)
        return _calling([only], [(only, ask_several(only, draw.pick(_CALLS), draw))], draw)

    def _parallel_multiple(self, index: int, draw: Draw) -> tuple[Conversation, tuple[Request, ...]]:
        first = offer(*self._turn(index), draw, _LEAN)
        offers = self._beside([first], self._some(draw), draw, room=0.75)
        wanted = [first, *(o for o in offers if o is not first)]
        wanted = wanted[: max(2, len(wanted) - draw.chance(0.35))]
        requests = list[tuple[Offer, Request]]()
        for i, each in enumerate(draw.shuffled(wanted)):
            twice = sum(len(r.calls) for _, r in requests) + len(wanted) - i < 4 and draw.chance(0.3)
            requests.append((each, ask_several(each, 2, draw) if twice else ask(each, draw)))
        return _calling(offers, requests, draw)

    def _irrelevance(self, index: int, draw: Draw) -> tuple[Conversation, tuple[Request, ...]]:
        first = offer(*self._turn(index), draw)
        near = [spec for spec in first.domain.tools if spec is not first.spec]
        roll, unfit = draw.unit(), None
        if roll < 0.35 and near:
            unfit = offer(first.domain, draw.pick(near), draw)
        elif roll < 0.65:
            unfit = offer(*draw.pick([t for t in TOOLS if t[1] is not first.spec]), draw)
        total = 1 if draw.chance(0.6) else self._some(draw)
        offers = self._beside([first], total, draw, avoid=unfit.spec if unfit else None)
        text = query([(unfit, ask(unfit, draw))], draw) if unfit else general_question(draw)
        messages = (Message("user", text), Message("assistant", refusal(offers, draw)))
        return Conversation(messages, _tools(offers)), ()

    def _dialogue(self, index: int, draw: Draw) -> tuple[Conversation, tuple[Request, ...]]:
        place = self._about_replies[index % len(self._about_replies)]
        wanted = offer(*self._tools[place], draw, _LEAN)
        reply, request = wanted.spec.reply, ask(wanted, draw)
        assert reply is not None  # noqa: S101  (only tools with a reply are chosen)
        conversation, requests = _calling(self._beside([wanted], self._some(draw), draw), [(wanted, request)], draw)
        result = {field: draw.pick(pool).draw(draw) for field, pool in reply.fields.items()}
        said = {key: request.values[0][name] for key, name in wanted.names.items() if name in request.values[0]}
        answer = reply.text.format_map({key: value.text for key, value in (said | result).items()})
        messages = (
            *conversation.messages,
            Message("tool", {field: value.json for field, value in result.items()}, name=wanted.tool.name),
            Message("assistant", answer),
        )
        fans = [key for key in options(wanted.spec.fan) if key in said]
        if fans and draw.chance(0.6):
            other = draw_values(wanted, fans[:1], draw, {k: v for k, v in said.items() if k != fans[0]})
            follow_up = draw.pick(_FOLLOW_UPS).format(other[fans[0]].text)
            call = wanted.call(other)
            messages = (*messages, Message("user", follow_up), Message("assistant", tool_calls=(call,)))
            named = {wanted.names[key]: value for key, value in other.items()}
            requests = (Request((), (call,), (named,)),)
        return Conversation(messages, conversation.tools), requests


def _length(offered: Offer) -> int:
    tool = offered.tool
    return len(tool.name) + len(tool.description or "") + len(str(tool.parameters)) + 50


def _tools(offers: list[Offer]) -> tuple[Tool, ...]:
    return tuple(o.tool for o in offers)


def _calling(
    offers: list[Offer], requests: list[tuple[Offer, Request]], draw: Draw
) -> tuple[Conversation, tuple[Request, ...]]:
    calls = tuple(call for _, request in requests for call in request.calls)
    messages = (Message("user", query(requests, draw)), Message("assistant", tool_calls=calls))
    return Conversation(messages, _tools(offers)), tuple(request for _, request in requests)
