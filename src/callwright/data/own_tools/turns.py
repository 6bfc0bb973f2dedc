"""A turn: what a user says to tools that are offered, and what answers it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from callwright.conversation import Json, Message, ToolCall
from callwright.data.own_tools.sides import Side
from callwright.data.own_tools.splits import draw_value
from callwright.data.rng import Rng
from callwright.data.synthetic.naming import OfferedTool
from callwright.data.synthetic.phrasing import query
from callwright.data.synthetic.requests import Request, as_phrase, draw_values, request_call, request_calls, texts
from callwright.data.synthetic.small_talk import small_talk
from callwright.data.tools_file.slots import Phrasing
from callwright.data.tools_file.values import Value

Values = Mapping[str, Value]
"""The arguments of a call, by parameter."""

_COUNTS = (2, 2, 2, 2, 3, 3, 4)  # calls of one tool
_NEAR = 0.6  # share of the requests that nothing serves which sound like one that a tool serves
_QUESTIONS = ("What should the {name} be?", "Could you tell me the {name}?", "Which {name} do you mean?")
_SAID = ("{%s}", "{%s}", "{%s}, please", "It's {%s}", "Make it {%s}")
_TRIES = 20  # to draw other values than those of the call before


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user says, and what answers it.

    Attributes:
      text: What the user says.
      tool: The tool that it is about; None for several or none.
      values: The arguments that are known after it, those of the turns before included.
      stated: The values whose wordings stand in the text.
      calls: The calls that answer it.
      words: What the assistant says, where it makes no call.
    """

    text: str
    tool: OfferedTool | None = None
    values: Values = field(default_factory=dict)
    stated: tuple[Value, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    words: str = ""

    @property
    def answer(self) -> Message:
        """The assistant's message."""
        return Message("assistant", self.words or None, tool_calls=self.calls)


def required(tool: OfferedTool) -> set[str]:
    """The parameters that every call has."""
    return {key for key, parameter in tool.declared.parameters.items() if parameter.is_required}


def single(tool: OfferedTool, rng: Rng) -> Turn:
    """A request for one call."""
    return _requested([(tool, request_call(tool, rng))], rng)


def several(tools: Sequence[OfferedTool], rng: Rng) -> Turn | None:
    """A request for several calls, of one tool or of several; None where the draw gave one call only."""
    varied = [tool for tool in tools if tool.types and tool.declared.several]
    if varied and (len(tools) < 2 or rng.chance(0.5)):
        tool = rng.pick(varied)
        turn = _requested([(tool, request_calls(tool, rng.pick(_COUNTS), rng))], rng)
    else:
        drawn = rng.sample(tools, min(len(tools), rng.pick((2, 2, 3))))
        names = [tool.tool.name for tool in drawn]
        wanted = [tool for n, tool in enumerate(drawn) if tool.declared.several or tool.tool.name not in names[:n]]
        turn = _requested([(tool, request_call(tool, rng)) for tool in wanted], rng)
    return turn if len(turn.calls) > 1 else None


def _requested(requests: Sequence[tuple[OfferedTool, Request]], rng: Rng) -> Turn:
    calls = tuple(call for _, request in requests for call in request.calls)
    stated = tuple(value for _, request in requests for values in request.values for value in values.values())
    if len(calls) > 1:
        return Turn(query(requests, rng), stated=stated, calls=calls)
    return Turn(query(requests, rng), requests[0][0], requests[0][1].values[0], stated, calls)


def incomplete(tool: OfferedTool, side: Side, rng: Rng) -> Turn:
    """A request for a call that lacks a required value."""
    text, keys = rng.pick(tool.declared.incomplete).choose(tool.names, rng)
    return known(tool, _as_request(tool, text, values := draw_values(tool, keys, rng), rng), values, values, side, rng)


def known(tool: OfferedTool, text: str, stated: Values, values: Values, side: Side, rng: Rng) -> Turn:
    """What answers a text after which these values are known: a call, or a question where one is still missing.

    Args:
      tool: The tool that is to be called.
      text: What the user says.
      stated: The values that stand in it.
      values: These, and those that are known from the turns before.
      side: The side of the file.
      rng: Makes the choices.
    """
    missing = [key for key in tool.declared.parameters if key in required(tool) and key not in values]
    if missing and side.file.missing == "ask":
        questions = tool.declared.parameters[missing[0]].questions or _QUESTIONS
        words = rng.pick(questions).replace("{name}", missing[0].replace("_", " "))
        return Turn(text, tool, values, tuple(stated.values()), words=words)
    return Turn(text, tool, values, tuple(stated.values()), (tool.call(values),))


def changed(tool: OfferedTool, phrasings: Sequence[Phrasing], before: Values, side: Side, rng: Rng) -> Turn | None:
    """A call with the values of the call before, except for those that the user says; None where none is new."""
    source = rng.pick(phrasings)
    for _ in range(_TRIES):
        text, keys = source.choose(tool.names, rng)
        kept = {key: value for key, value in before.items() if key in tool.names and key not in keys}
        values = draw_values(tool, keys, rng, kept)
        stated = {key: values[key] for key in keys}
        new = [key for key in source.required or keys if key not in before or values[key].json != before[key].json]
        if new or not keys:
            return known(tool, fragment(text, stated, rng), stated, values, side, rng)
    return None


def answers(tool: OfferedTool, before: Values, side: Side) -> list[Phrasing]:
    """Ways of saying values that are missing after a call or a question: of a required one, if one is missing."""
    missing = next((key for key in tool.declared.parameters if key in required(tool) and key not in before), None)
    ways = [
        way
        for way in tool.declared.answers
        if not way.required & before.keys() and (missing is None or missing in way.required)
    ]
    if not ways and missing is not None:
        ways = [Phrasing(text % missing) for text in _SAID]
    return ways


def unserved(side: Side, rng: Rng) -> Turn | None:
    """A request that no tool serves; None where the file has none."""
    near = [tool for tool in side.tools if tool.declared.near_misses]
    stated = dict[str, Value]()
    if near and (not side.off_topic or rng.chance(_NEAR)):
        tool = rng.pick(near)
        source, keys = rng.pick(tool.declared.near_misses).choose(tool.names, rng)
        stated = draw_values(tool, keys, rng)
        text = _as_request(tool, source, stated, rng)
    elif side.off_topic:
        text = rng.pick(side.off_topic)
    else:
        return None
    fallback = side.file.fallback
    if fallback and fallback.tool is not None:
        return Turn(text, stated=tuple(stated.values()), calls=(ToolCall(fallback.tool),))
    words = rng.pick(fallback.words if fallback else small_talk().refusals)
    return Turn(text, stated=tuple(stated.values()), words=words)


def result_of(turn: Turn, side: Side, rng: Rng) -> tuple[Message, ...]:
    """What the tool gives back and how the assistant words it; empty for a tool that is declared without a result."""
    declared = turn.tool.declared.result if turn.tool and turn.calls else None
    if declared is None or turn.tool is None:
        return ()
    values = {name: draw_value(pool[0], rng, side.held_out) for name, pool in declared.values.items()}
    content: dict[str, Json] = {name: value.json for name, value in values.items()}
    answer = declared.answer.source.format_map(texts({**turn.values, **values}))
    return Message("tool", content, name=turn.tool.tool.name), Message("assistant", answer)


def _as_request(tool: OfferedTool, source: str, values: Values, rng: Rng) -> str:
    return query([(tool, Request((as_phrase(source, texts(values)),), (), ()))], rng)


def fragment(source: str, stated: Values, rng: Rng) -> str:
    """A text that needs no sentence around it, as it stands or written with more care; a value keeps its spelling."""
    text = source.format_map(texts(stated))
    if rng.chance(0.5):
        return text
    begin = text[:1] if source.startswith("{") else text[:1].upper()
    return f"{begin}{text[1:]}" + ("." if text[-1:].isalnum() and rng.chance(0.5) else "")


def spoken_texts(turns: Iterable[Turn]) -> set[str]:
    """The wordings of all values that the user says in these turns."""
    return {leaf.text for turn in turns for value in turn.stated for leaf in (value, *value.leaves)}
