"""Conversations of each kind, up to the message that answers the last request; `turns` makes their turns.

What a kind needs a file may not have: pronouns, tools of which a value can be missing, anything that nothing serves.
`Conversations.makes` says which kinds a file is good for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from callwright.conversation import Message
from callwright.data.own_tools.sides import Side
from callwright.data.own_tools.turns import (
    Turn,
    answers,
    changed,
    fragment,
    incomplete,
    known,
    required,
    result_of,
    several,
    single,
    unserved,
)
from callwright.data.rng import Rng
from callwright.data.synthetic.naming import OfferedTool
from callwright.data.synthetic.requests import draw_values
from callwright.data.tools_file.slots import Phrasing
from callwright.data.tools_file.values import ValueType

_EARLIER = 0.2  # share of the conversations that have another request before
_RESULTS = 0.7  # share of the calls that a later turn changes which got their result, where the tool has one
_PROBES = 40  # conversations to find out whether a kind can be made
_TRIES = 30

Exchange = tuple[Turn, tuple[Message, ...]]
"""A turn, and what comes between its answer and the next turn: a result with its answer, or nothing."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A conversation.

    Attributes:
      before: The turns before the last one.
      last: The turn whose answer is learned and scored.
    """

    before: tuple[Exchange, ...]
    last: Turn

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns."""
        return (*(turn for turn, _ in self.before), self.last)


class Conversations:
    """Conversations of one side of a tools file.

    Args:
      side: The side.
      unanswered: Whether the call of a tool that is declared with a result may get none, as not every format can say.
    """

    def __init__(self, side: Side, *, unanswered: bool) -> None:
        self._side = side
        self._results = _RESULTS if unanswered else 1.0
        self._served = _with(side.tools, "phrasings")
        fallback = side.file.fallback.tool if side.file.fallback else None
        self._joined = [tool for tool in self._served if tool.tool.name != fallback]  # what can be asked for together
        self._lacking = _with(side.tools, "incomplete")
        self._follow_ups = _with(self._served, "follow_ups")
        self._corrections = _with(self._served, "corrections")
        self._pronouns = _with(self._served, "pronouns")
        self._carry_overs = [
            (tool, way, others)
            for tool in side.tools
            for way in tool.declared.carry_overs
            if (others := [other for other in self._served if _carries(other, tool, way)])
        ]
        completed = _with(self._served, "answers") if side.file.missing == "call" else []
        self._completed = [*self._lacking, *completed]
        self._makers: Mapping[str, Callable[[Rng], Drawn | None]] = {
            "single": self._single,
            "several": self._several,
            "missing": self._missing,
            "no_tool": self._no_tool,
            "follow_up": self._follow_up,
            "pronoun": self._pronoun,
            "correction": self._correction,
            "answer": self._answer,
            "unanswered": self._unanswered,
        }

    def makes(self, kind: str) -> bool:
        """Whether the file has what the kind needs."""
        rng = Rng("probe", kind)
        return kind in self._makers and any(self._makers[kind](rng) for _ in range(_PROBES))

    def draw(self, kind: str, rng: Rng) -> Drawn:
        """A conversation of a kind that can be made; some have a request of another kind before."""
        for _ in range(_TRIES * _PROBES):
            if drawn := self._makers[kind](rng):
                break
        else:
            raise AssertionError(f"{kind} was found to be possible")
        if not self._served or not rng.chance(_EARLIER):
            return drawn
        earlier = single(rng.pick(self._served), rng)
        return Drawn(((earlier, result_of(earlier, self._side, rng)), *drawn.before), drawn.last)

    def _single(self, rng: Rng) -> Drawn | None:
        return _alone(single(rng.pick(self._served), rng)) if self._served else None

    def _several(self, rng: Rng) -> Drawn | None:
        return _alone(several(self._joined, rng)) if self._joined else None

    def _missing(self, rng: Rng) -> Drawn | None:
        return _alone(incomplete(rng.pick(self._lacking), self._side, rng)) if self._lacking else None

    def _no_tool(self, rng: Rng) -> Drawn | None:
        return _alone(unserved(self._side, rng))

    def _follow_up(self, rng: Rng) -> Drawn | None:
        return self._change(self._follow_ups, lambda tool: tool.declared.follow_ups, rng)

    def _correction(self, rng: Rng) -> Drawn | None:
        return self._change(self._corrections, lambda tool: tool.declared.corrections, rng)

    def _change(
        self, tools: Sequence[OfferedTool], ways: Callable[[OfferedTool], Sequence[Phrasing]], rng: Rng
    ) -> Drawn | None:
        """A call, and the same with other values."""
        if not tools:
            return None
        tool = rng.pick(tools)
        first = single(tool, rng)
        turn = changed(tool, ways(tool), first.values, self._side, rng)
        return Drawn((self._exchange(first, rng),), turn) if turn else None

    def _exchange(self, turn: Turn, rng: Rng) -> Exchange:
        return turn, result_of(turn, self._side, rng) if rng.chance(self._results) else ()

    def _pronoun(self, rng: Rng) -> Drawn | None:
        """A call, and one that takes values from it, of the same tool or of another."""
        if self._carry_overs and (not self._pronouns or rng.chance(0.5)):
            tool, way, others = rng.pick(self._carry_overs)
            first = single(rng.pick(others), rng)
        elif self._pronouns:
            tool = rng.pick(self._pronouns)
            first, way = single(tool, rng), rng.pick(tool.declared.pronouns)
        else:
            return None
        types = first.tool.types if first.tool else {}
        values = {key: first.values[key] for key in first.values if _is_alike(key, tool.types, types)}
        turn = changed(tool, [way], values, self._side, rng)
        if turn is None or not values or not required(tool) <= turn.values.keys():
            return None
        return Drawn((self._exchange(first, rng),), turn)

    def _answer(self, rng: Rng) -> Drawn | None:
        """A value is missing, and the user says it when asked, or after a call without it."""
        if not self._completed:
            return None
        tool = rng.pick(self._completed)
        turn, questions = self._start(tool, rng), self._side.file.missing == "ask"
        before = list[Exchange]()
        while ways := answers(tool, turn.values, self._side):
            if before and turn.calls and (questions or rng.chance(0.5)):
                break
            before.append((turn, ()))
            way = rng.pick(ways)
            text, keys = way.choose([key for key in tool.names if key not in turn.values], rng)
            values = draw_values(tool, keys, rng, turn.values)
            turn = known(tool, fragment(text, values, rng), {key: values[key] for key in keys}, values, self._side, rng)
        return Drawn(tuple(before), turn) if before else None

    def _start(self, tool: OfferedTool, rng: Rng) -> Turn:
        """A request to which something can be added."""
        if tool.declared.incomplete and (not tool.declared.phrasings or rng.chance(0.7)):
            return incomplete(tool, self._side, rng)
        return single(tool, rng)

    def _unanswered(self, rng: Rng) -> Drawn | None:
        if not self._served:
            return None
        turns = [self._any(rng) for _ in range(rng.pick((1, 1, 2, 3)))]
        return Drawn(tuple((turn, ()) for turn in turns), single(rng.pick(self._served), rng))

    def _any(self, rng: Rng) -> Turn:
        fallback = self._side.file.fallback
        strange = unserved(self._side, rng) if fallback and fallback.tool and rng.chance(0.2) else None
        return strange or single(rng.pick(self._served), rng)


def _alone(turn: Turn | None) -> Drawn | None:
    return Drawn((), turn) if turn else None


def _with(tools: Sequence[OfferedTool], phrasings: str) -> list[OfferedTool]:
    return [tool for tool in tools if getattr(tool.declared, phrasings)]


def _carries(other: OfferedTool, tool: OfferedTool, way: Phrasing) -> bool:
    """Whether a call of the other tool has what this way of asking leaves to it: at least one value."""
    left = required(tool) - way.parameters
    shared = {key for key in tool.types if _is_alike(key, tool.types, other.types)}
    return other.tool.name != tool.tool.name and left <= shared and bool(shared - way.required)


def _is_alike(key: str, types: Mapping[str, ValueType], others: Mapping[str, ValueType]) -> bool:
    """Whether a value of the parameter can be taken from one tool to the other."""
    return key in types and key in others and types[key].schema == others[key].schema
