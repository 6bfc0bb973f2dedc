"""What a faulty reader does to the calls in a model's output: it finds more of them, fewer, or other values in them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from callwright.conversation import Conversation, Json, Message, ToolCall
from callwright.errors import CallwrightError
from callwright.formats.base import Format
from callwright.formats.parameters import allowed_types, fits
from callwright.probe.causes.output import (
    ChatAnswer,
    ModelOutput,
    Reading,
    is_close,
    loads,
    without_markers,
    without_space,
)
from callwright.probe.causes.registry import Cause, Explanations

READINGS: Explanations[Reading] = Explanations()
explains = READINGS.explains


@explains(Cause.CUT_CALL_ACCEPTED)
def accept_cut_calls(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """What the token limit cut is given as a call."""
    return _with_more_calls(output, answer, seen) if output.cut else None


@explains(Cause.CALL_IN_REASONING)
def read_calls_in_reasoning(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """What the reasoning mentions is given as a call."""
    extra = seen.calls[len(answer.calls) :]
    named = bool(answer.reasoning) and all(name in answer.reasoning for name, _ in extra)
    return _with_more_calls(output, answer, seen) if named and not output.parsed.errors else None


@explains(Cause.CALL_INVENTED)
def invent_calls(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """A call has no name, or a name or text that the model did not generate."""
    extra = seen.calls[len(answer.calls) :]
    invented = any(not name or not _is_generated(output, name, arguments) for name, arguments in extra)
    return _with_more_calls(output, answer, seen) if invented else None


@explains(Cause.UNCLOSED_CALL_ACCEPTED)
def accept_unclosed_calls(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """A call that the model did not close is given as if it had."""
    return None if output.parsed.complete else _with_more_calls(output, answer, seen)


@explains(Cause.MALFORMED_CALL_REPAIRED)
def repair_calls(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """A malformed call is given as what it may have meant."""
    return _with_more_calls(output, answer, seen) if output.parsed.errors else None


@explains(Cause.CALL_INVENTED)
def make_calls_of_text(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """Well-formed output without a call is given as one."""
    return _with_more_calls(output, answer, seen)


@explains(Cause.CALL_LEFT_IN_CONTENT)
def leave_calls_in_text(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """A call is left in text or reasoning, which name its tool more often than they should."""
    own, text = answer.content + answer.reasoning, seen.reasoning + seen.content
    left = any(text.count(name) > own.count(name) for name, _ in answer.calls[len(seen.calls) :])
    return _with_fewer_calls(answer, seen) if left else None


@explains(Cause.PARALLEL_CALLS_LOST)
def drop_last_calls(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """Only the first calls are given."""
    return _with_fewer_calls(answer, seen) if seen.calls and _have_same_names(answer, seen) else None


@explains(Cause.CALL_DROPPED)
def drop_calls(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """Calls are given neither as calls nor as text."""
    return _with_fewer_calls(answer, seen)


@explains(Cause.STRING_CUT_AT_DELIMITER)
def end_call_at_closer_in_text(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """A closing marker inside a text ends the call, and the rest of it is left in the content."""
    if not output.parsed.tool_calls or not seen.content.strip():
        return None
    closers = {closer for region in output.fmt.grammar.regions for closer in region.closers}
    quoted = [text for call in output.parsed.tool_calls for text in _texts(dict(call.arguments))]
    rests = [output.words.partition(closer)[2] for closer in closers if any(closer in text for text in quoted)]
    left = without_markers(output.fmt, seen.content)
    if not any(left == without_markers(output.fmt, rest) for rest in rests):
        return None
    return replace(answer, calls=seen.calls, content=seen.content)


def explain_arguments(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> Iterator[Cause]:
    """The causes for which the calls of an answer, held against each other in their order, are not those seen."""
    for (name, ours), (other, theirs) in zip(answer.calls, seen.calls, strict=False):
        if ours is theirs:  # a reading has taken it from the answer seen
            continue
        if name != other:
            yield Cause.CALL_ALTERED
            continue
        decoded = _decoded_twice(theirs) if isinstance(theirs, str) else None
        if decoded is not None:
            yield Cause.VALUE_AS_STRING
        arguments = theirs if decoded is None else decoded
        if isinstance(ours, dict) and isinstance(arguments, dict):
            yield from explain_value(ours, _as_meant(output, ToolCall(name, ours), arguments))
        else:  # cut, or something else
            yield Cause.CALL_ALTERED


def _decoded_twice(text: str) -> dict[str, Json] | None:
    """The object inside a JSON string; None where it is anything else."""
    inner = loads(text)
    value = loads(inner) if isinstance(inner, str) else None
    return value if isinstance(value, dict) else None


def _with_more_calls(output: ModelOutput, answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """The answer with the calls that are seen beyond its own; what they were made of is gone from the text."""
    extra = seen.calls[len(answer.calls) :]
    if not extra:
        return None
    made_of_unclosed = output.unclosed and seen.content in (output.parsed.content or "")
    made_of_malformed = output.parsed.errors and is_beginning(seen, answer) and not is_cut_at_marker(output, seen)
    content = seen.content if made_of_unclosed or made_of_malformed else answer.content
    return replace(answer, calls=(*answer.calls, *extra), content=content)


def _with_fewer_calls(answer: ChatAnswer, seen: ChatAnswer) -> ChatAnswer | None:
    """The answer with as many calls as are seen; where these are not the first ones, with those seen."""
    if len(seen.calls) >= len(answer.calls):
        return None
    calls = answer.calls[: len(seen.calls)] if _have_same_names(answer, seen) else seen.calls
    named = any(name in seen.content for name, _ in answer.calls)
    left = named and without_space(answer.content) != without_space(seen.content)
    return replace(answer, calls=calls, content=seen.content if left else answer.content)


def is_beginning(seen: ChatAnswer, answer: ChatAnswer) -> bool:
    """Whether the text seen is shorter, and no other than the beginning of the answer's, white space aside."""
    ours, theirs = answer.content.strip(), seen.content.strip()
    return len(theirs) < len(ours) and ours.startswith(theirs)


def is_cut_at_marker(output: ModelOutput, seen: ChatAnswer) -> bool:
    """Whether the text seen ends where a marker was only mentioned: of a call to no tool, or of a thought."""
    if output.unclosed and not any(tool.name in output.unclosed for tool in output.tools):
        return True
    text, thought = seen.content.strip(), output.fmt.grammar.thought
    rest = output.text.strip()[len(text) :].lstrip()
    return thought is not None and bool(text) and rest.startswith((thought.opener, thought.closer))


def _have_same_names(answer: ChatAnswer, seen: ChatAnswer) -> bool:
    return all(ours[0] == theirs[0] for ours, theirs in zip(answer.calls, seen.calls, strict=False))


def _is_generated(output: ModelOutput, name: str, arguments: Json) -> bool:
    """Whether a call's name and the texts among its arguments are in the output, as they are or as JSON spells them."""
    for text in (name, *_texts(arguments)):
        spelled = (text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1])
        if not any(one.strip() in output.words for one in spelled):
            return False
    return True


def _texts(value: Json) -> Iterator[str]:
    """All texts in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _as_meant(output: ModelOutput, call: ToolCall, theirs: dict[str, Json]) -> dict[str, Json]:
    """Their arguments, with our value where it and theirs are the same in the output, and the schema allows both.

    A format that writes values without their types leaves it open whether `1` is a number where no schema says it.
    """
    meant = dict(theirs)
    for key, value in theirs.items():
        ours, types = call.arguments.get(key), allowed_types(output.tools, call.name, key)
        if key not in call.arguments or not isinstance(value, str) or isinstance(ours, str):
            continue
        if fits(value, types) and fits(ours, types) and not _renders_otherwise(output.fmt, call, key, value):
            meant[key] = ours
    return meant


def _renders_otherwise(fmt: Format, call: ToolCall, key: str, text: str) -> bool:
    """Whether the format can write this text as an argument, and writes it otherwise than the call's value."""
    try:
        ours, theirs = (
            fmt.render(Conversation((Message("user", "Go."), Message("assistant", tool_calls=(one,))))).segments
            for one in (call, replace(call, arguments={**call.arguments, key: text}))
        )
    except CallwrightError:
        return False
    return ours != theirs


VALUES: Explanations[Callable[[Any, Any], bool]] = Explanations()
"""(the model's value, the one seen), not both objects or lists of one length, to whether this explains the other."""


@VALUES.explains(Cause.INTEGER_ROUNDED)
def is_rounded_integer(ours: Any, theirs: Any) -> bool:
    """An integer lost its last digits."""
    return isinstance(ours, int) and ours != theirs and is_close(ours, theirs)


@VALUES.explains(Cause.NUMBER_RETYPED)
def is_other_spelling(ours: Any, theirs: Any) -> bool:
    """A number has another spelling, or lost its last digits after the point."""
    return is_close(ours, theirs)


@VALUES.explains(Cause.NEWLINES_STRIPPED)
def is_stripped(ours: Any, theirs: Any) -> bool:
    """A text has other white space at its edges."""
    return isinstance(ours, str) and isinstance(theirs, str) and ours.strip() == theirs.strip()


@VALUES.explains(Cause.STRING_CUT_AT_DELIMITER)
def is_cut(ours: Any, theirs: Any) -> bool:
    """A text ends early."""
    return isinstance(ours, str) and isinstance(theirs, str) and bool(theirs) and ours.startswith(theirs)


@VALUES.explains(Cause.VALUE_AS_STRING)
def is_written_or_read(ours: Any, theirs: Any) -> bool:
    """A value is given as a text that spells it, or a text as the value that it spells; null stands for any text."""
    if isinstance(ours, str) == isinstance(theirs, str):
        return False
    text, value = (ours, theirs) if isinstance(ours, str) else (theirs, ours)
    return value is None or loads(text) == value or (text is theirs and text in (str(value), json.dumps(value)))


@VALUES.explains(Cause.CALL_ALTERED)
def is_another(ours: Any, theirs: Any) -> bool:
    """Nothing better explains it."""
    return True


def explain_value(ours: Json, theirs: Json) -> Iterator[Cause]:
    """The causes for which a value, and what is in it, is not the same to the letter."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            yield _cause_of_keys(ours, theirs)
            return
        if list(ours) != list(theirs):
            yield Cause.ARGUMENT_ORDER_LOST
        for key, value in ours.items():
            yield from explain_value(value, theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs, strict=True):
            yield from explain_value(one, other)
    elif json.dumps(ours) != json.dumps(theirs):
        yield next(cause for cause, holds in VALUES if holds(ours, theirs))


def _cause_of_keys(ours: dict[str, Json], theirs: dict[str, Json]) -> Cause:
    """Why an object has other keys: a text that ended too early leaves out the rest of the arguments."""
    for key, value in theirs.items():
        mine = ours.get(key)
        if isinstance(mine, str) and isinstance(value, str) and mine != value and mine.startswith(value.rstrip()):
            return Cause.STRING_CUT_AT_DELIMITER
    return Cause.CALL_ALTERED
