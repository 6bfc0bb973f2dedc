"""Why calls are not those in a model's words: more, fewer, or others."""

import json
from collections.abc import Iterator, Sequence

from callwright.conversation import Json, ToolCall
from callwright.engines.chat import ChatReply, WireCall
from callwright.probe.explain.said import Said, arguments_of, loads, without_markers
from callwright.probe.explain.values import explain_arguments


def explain_calls(said: Said, reply: ChatReply) -> Iterator[str]:
    """The causes for which the calls of an answer are not those that the model made."""
    expected, seen = said.parsed.tool_calls, reply.calls
    if len(seen) > len(expected):
        yield from invented(said, reply, seen[len(expected) :])
    elif len(seen) < len(expected):
        yield from _lost(said, reply)
        if not _same_names(expected, seen):  # not the first ones, so values cannot be held against each other
            return
    if tail_in_content(said, reply):
        yield "string-cut-at-delimiter"
        return
    for ours, theirs in zip(expected, seen, strict=False):
        yield from _call(said, ours, theirs)


def tail_in_content(said: Said, reply: ChatReply) -> bool:
    """Whether a closing marker inside a string ended the call, so that the rest of it stands in the text."""
    if not said.parsed.tool_calls or not reply.content.strip():
        return False
    closers = {closer for region in said.form.grammar.regions for closer in region.closers}
    quoted = [text for call in said.parsed.tool_calls for text in texts(dict(call.arguments))]
    seen = without_markers(said.form, reply.content)
    return any(
        seen == without_markers(said.form, said.words.partition(closer)[2])
        for closer in closers
        if any(closer in text for text in quoted)
    )


def _same_names(expected: Sequence[ToolCall], seen: Sequence[WireCall]) -> bool:
    return all(ours.name == theirs.name for ours, theirs in zip(expected, seen, strict=False))


def invented(said: Said, reply: ChatReply, extra: Sequence[WireCall]) -> Iterator[str]:
    """More calls than there are in the words."""
    reasoning = said.parsed.reasoning or ""
    if said.cut:
        yield "cut-call-accepted"
    elif reasoning and all(call.name in reasoning for call in extra) and not said.parsed.errors:
        yield "call-in-reasoning"
    elif any(not call.name or not _is_said(said, call) for call in extra):
        yield "call-invented"
    elif not said.parsed.complete:
        yield "unclosed-call-accepted"
    elif said.parsed.errors:
        yield "malformed-call-repaired"
    else:
        yield "call-invented"


def _is_said(said: Said, call: WireCall) -> bool:
    """Whether the words have the call's name and the texts among its arguments, as they are or as JSON spells them."""
    for text in (call.name, *texts(arguments_of(call))):
        spelled = (text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1])
        if not any(one.strip() in said.words for one in spelled):
            return False
    return True


def texts(value: Json) -> Iterator[str]:
    """All texts in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)


def _lost(said: Said, reply: ChatReply) -> Iterator[str]:
    """Fewer calls than there are in the words."""
    expected, seen = said.parsed.tool_calls, reply.calls
    own, text = said.text + (said.parsed.reasoning or ""), reply.words
    if any(text.count(call.name) > own.count(call.name) for call in expected[len(seen) :]):
        yield "call-left-in-content"
    elif seen and _same_names(expected, seen):
        yield "parallel-calls-lost"
    else:
        yield "call-dropped"


def _call(said: Said, ours: ToolCall, theirs: WireCall) -> Iterator[str]:
    if ours.name != theirs.name:
        yield "call-altered"
        return
    arguments = arguments_of(theirs)
    inner = loads(theirs.arguments)
    if isinstance(inner, str) and isinstance(decoded := loads(inner), dict):  # an object inside a JSON string
        yield "value-as-string"
        arguments = decoded
    if isinstance(arguments, dict):
        yield from explain_arguments(said, ours, arguments)
    else:  # cut, or something else
        yield "call-altered"
