"""The source of synthetic examples: example i is a function of (seed, i) and nothing else.

`requests_per_offer` examples in a row are requests to one offer: the same tools under the same names, so that all of
their prompts that stands before the user's message is the same. No two requests to an offer have the same words, and
where no tool fits, what is asked for is something that none of the offered tools can do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from callwright.conversation import Conversation, Json, Message
from callwright.data.rng import Rng
from callwright.data.source import Example
from callwright.data.synthetic.naming import OfferedTool, offer_tool
from callwright.data.synthetic.offers import Offer, Offers
from callwright.data.synthetic.phrasing import query
from callwright.data.synthetic.requests import Request, draw_values, request_call, request_calls
from callwright.data.synthetic.settings import SyntheticSettings
from callwright.data.synthetic.small_talk import general_question, refusal
from callwright.data.synthetic.tools import declared_tools
from callwright.notices import Notify

SYNTHETIC_VERSION = 2
"""Rises when the same settings would make other examples: a run that began with another one is not continued."""
_CALLS = (2, 2, 2, 2, 3, 3, 3, 4)  # calls of one tool
_FOLLOW_UPS = (
    "And for {}?", "What about {}?", "Now the same for {}, please.", "Can you do that for {} too?", "And {}?",
)  # fmt: skip
_TRIES = 30  # to find words that no request to the offer had before; a tool may have few
_KEPT = 4096  # examples that are remembered where others are requests to the same offer: about 11 MB


@dataclass(frozen=True, slots=True)
class Composed:
    """An example and where its arguments come from: the requests that were put into words, in order."""

    example: Example
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class _Requests:
    """The first requests to an offer, as far as they were put into words, and these words."""

    offer: Offer
    composed: list[Composed] = field(default_factory=list)
    texts: set[Json] = field(default_factory=set)


class SyntheticSource:
    """Synthetic examples, made when they are asked for."""

    name = "synthetic"

    def __init__(self, settings: SyntheticSettings) -> None:
        self.settings = settings
        self._offers = Offers(settings)
        each = settings.requests_per_offer
        kept = max(1, _KEPT // each) if each > 1 else 0
        self._requests = lru_cache(kept)(lambda number: _Requests(self._offers[number]))

    def __len__(self) -> int:
        return self.settings.examples

    def __getitem__(self, index: int) -> Example:
        return self.compose(index).example

    def read(self, index: int, notify: Notify) -> Example:
        """See `Source.read`; there is nothing to tell."""
        return self[index]

    def group(self, index: int) -> str:
        """See `Source.group`; the requests to one offer."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return str(index // self.settings.requests_per_offer)

    def digests(self) -> dict[str, str]:
        """See `Source.digests`; the settings and `SYNTHETIC_VERSION` say what it makes."""
        return {}

    def compose(self, index: int) -> Composed:
        """The example at `index` together with what its calls were drawn from."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        number, place = divmod(index, self.settings.requests_per_offer)
        requests = self._requests(number)
        while len(requests.composed) <= place:
            self._add(requests, index - place + len(requests.composed))
        return requests.composed[place]

    def _add(self, requests: _Requests, index: int) -> None:
        """Composes the next request to an offer, in words that none before it has."""
        offer, place = requests.offer, len(requests.composed)
        kind, rng = offer.kinds[place], Rng("example", self.settings.seed, index)
        for _ in range(_TRIES):
            messages, asked = _KINDS[kind](offer.tools, offer.leads[place], rng)
            if messages[0].content not in requests.texts:
                break
        requests.texts.add(messages[0].content)
        conversation = Conversation(messages, tuple(each.tool for each in offer.tools))
        example = Example(f"{self.name}-{self.settings.seed}-{index}", conversation, kind)
        requests.composed.append(Composed(example, asked))


Tools = Sequence[OfferedTool]
Worded = tuple[tuple[Message, ...], tuple[Request, ...]]
"""A conversation's messages, and the requests that they make."""


def _calling(requests: Sequence[tuple[OfferedTool, Request]], rng: Rng) -> Worded:
    calls = tuple(call for _, request in requests for call in request.calls)
    messages = (Message("user", query(requests, rng)), Message("assistant", tool_calls=calls))
    return messages, tuple(request for _, request in requests)


def _one_call(tools: Tools, lead: OfferedTool, rng: Rng) -> Worded:
    return _calling([(lead, request_call(lead, rng))], rng)


def _parallel(tools: Tools, lead: OfferedTool, rng: Rng) -> Worded:
    return _calling([(lead, request_calls(lead, rng.pick(_CALLS), rng))], rng)


def _parallel_multiple(tools: Tools, lead: OfferedTool, rng: Rng) -> Worded:
    wanted = [lead, *(each for each in rng.shuffled(tools) if each is not lead)]
    wanted = wanted[: max(2, len(wanted) - rng.chance(0.35))]
    requests = list[tuple[OfferedTool, Request]]()
    for i, each in enumerate(rng.shuffled(wanted)):
        twice = sum(len(r.calls) for _, r in requests) + len(wanted) - i < 4 and rng.chance(0.3)
        requests.append((each, request_calls(each, 2, rng) if twice else request_call(each, rng)))
    return _calling(requests, rng)


def _irrelevance(tools: Tools, lead: OfferedTool, rng: Rng) -> Worded:
    offered = {each.declared for each in tools}
    near = [declared for declared in lead.group.tools if declared not in offered]
    roll, unfit = rng.unit(), None
    if roll < 0.35 and near:
        unfit = offer_tool(lead.group, rng.pick(near), rng)
    elif roll < 0.65:
        unfit = offer_tool(*rng.pick([each for each in declared_tools() if each[1] not in offered]), rng)
    text = query([(unfit, request_call(unfit, rng))], rng) if unfit else general_question(rng)
    return (Message("user", text), Message("assistant", refusal(tools, rng))), ()


def _dialogue(tools: Tools, lead: OfferedTool, rng: Rng) -> Worded:
    declared, request = lead.declared.result, request_call(lead, rng)
    assert declared is not None  # noqa: S101  (only a tool with a result leads a dialogue)
    messages, requests = _calling([(lead, request)], rng)
    result = {name: rng.pick(pool).draw(rng) for name, pool in declared.values.items()}
    given = {key: request.values[0][name] for key, name in lead.names.items() if name in request.values[0]}
    answer = declared.answer.source.format_map({key: value.text for key, value in (given | result).items()})
    messages = (
        *messages,
        Message("tool", {name: value.json for name, value in result.items()}, name=lead.tool.name),
        Message("assistant", answer),
    )
    varied = [key for key in lead.declared.fan_out if key in given]
    if varied and rng.chance(0.6):
        other = draw_values(lead, varied[:1], rng, {k: v for k, v in given.items() if k != varied[0]})
        follow_up = rng.pick(_FOLLOW_UPS).format(other[varied[0]].text)
        call = lead.call(other)
        messages = (*messages, Message("user", follow_up), Message("assistant", tool_calls=(call,)))
        named = {lead.names[key]: value for key, value in other.items()}
        requests = (Request((), (call,), (named,)),)
    return messages, requests


_KINDS = {
    "simple": _one_call,
    "multiple": _one_call,
    "parallel": _parallel,
    "parallel_multiple": _parallel_multiple,
    "irrelevance": _irrelevance,
    "dialogue": _dialogue,
}
