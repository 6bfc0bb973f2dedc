"""Changes: what runtimes do to a request before a template sees it, done on purpose.

Each is named by its cause, and gives the requests that it would make of one; there are several where runtimes do the
same thing in several ways. `seen` is the text of the prompt that reached the model, for changes that have to know how
much is gone. What is done to tools is in `tool_changes`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from callwright.conversation import Conversation, Json, Message
from callwright.probe.explain.tool_changes import TOOL_CHANGES, ToolChange

Request = tuple[Conversation, bool | None]
Change = Callable[[Conversation, bool | None, str], Iterable[Request]]

_SPREAD: Sequence[tuple[str, str]] = ((", ", ": "), (",", ":"))


def _arguments_resorted(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield _with_arguments(conversation, _sorted_keys), thinking
    yield (
        _with_arguments(conversation, lambda value: dict(sorted(value.items())) if isinstance(value, dict) else value),
        thinking,
    )


def _numbers_rewritten(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield _with_arguments(conversation, _through_double), thinking


def _calls_lost(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield _with_messages(conversation, lambda one: replace(one, tool_calls=(), content=one.content or "")), thinking
    yield _with_messages(conversation, lambda one: replace(one, tool_calls=one.tool_calls[:1])), thinking
    yield _with_messages(conversation, lambda one: replace(one, tool_calls=one.tool_calls[-1:])), thinking
    yield _with_messages(conversation, lambda one: None if one.tool_calls else one), thinking
    for place, message in enumerate(conversation.messages):  # only those of one message, or only one of them
        calls = message.tool_calls
        if calls:
            yield (
                _with_message(conversation, place, replace(message, tool_calls=(), content=message.content or "")),
                thinking,
            )
            yield _with_message(conversation, place, None), thinking
        for number in range(len(calls) if len(calls) > 1 else 0):
            kept = (*calls[:number], *calls[number + 1 :])
            yield _with_message(conversation, place, replace(message, tool_calls=kept)), thinking


def _content_lost(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield _with_messages(conversation, lambda one: replace(one, content=None) if one.tool_calls else one), thinking
    yield _with_messages(conversation, lambda one: replace(one, content="") if one.tool_calls else one), thinking


def _reasoning_lost(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield _with_messages(conversation, lambda one: replace(one, reasoning=None)), thinking


def _results_lost(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield _with_messages(conversation, lambda one: None if one.role == "tool" else one), thinking
    yield _with_messages(conversation, lambda one: replace(one, content="") if one.role == "tool" else one), thinking
    results = [place for place, one in enumerate(conversation.messages) if one.role == "tool"]
    for place in reversed(results):  # only one of them, or the text of the first or the last in its stead
        message = conversation.messages[place]
        yield _with_message(conversation, place, None), thinking
        yield _with_message(conversation, place, replace(message, content="")), thinking
        for other in {results[0], results[-1]} - {place}:
            text = conversation.messages[other].content
            yield _with_message(conversation, place, replace(message, content=text)), thinking


def _results_rewritten(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    def changed(change: Callable[[Json], Json]) -> Request:
        return _with_messages(
            conversation, lambda one: replace(one, content=change(one.content)) if one.role == "tool" else one
        ), thinking

    for change in (lambda content: content, _sorted_keys, _through_double):
        yield changed(lambda content, change=change: change(_decoded(content)))  # type: ignore[misc]
        for separators in _SPREAD:
            dump = partial(json.dumps, ensure_ascii=False, separators=separators)
            yield changed(partial(_reprinted, change=change, dump=dump))
    for separators in _SPREAD:
        yield changed(partial(json.dumps, ensure_ascii=False, separators=separators))
    yield changed(lambda content: content.strip() if isinstance(content, str) else content)
    yield _with_messages(conversation, lambda one: replace(one, name=None) if one.role == "tool" else one), thinking
    calls = iter([call for message in conversation.messages for call in message.tool_calls])

    def next_called(one: Message) -> Message:
        """The result as that of the call at its place, whatever call it names."""
        call = next(calls, None) if one.role == "tool" else None
        return replace(one, name=call.name, tool_call_id=call.id) if call else one

    yield _with_messages(conversation, next_called), thinking


def _results_cut(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    """Each result cut to as much of it as stands in the prompt."""

    def cut(one: Message) -> Message:
        if one.role != "tool" or not isinstance(one.content, str):
            return one
        low, high = 0, len(one.content)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if one.content[:middle] in seen else (low, middle - 1)
        return replace(one, content=one.content[:low])

    yield _with_messages(conversation, cut), thinking


def _system_lost(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield _with_messages(conversation, lambda one: None if one.role == "system" else one), thinking


def _oldest_dropped(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    """The first messages after the system prompt gone."""
    messages = conversation.messages
    first = int(messages[0].role == "system")
    for count in range(1, len(messages) - first):
        yield replace(conversation, messages=(*messages[:first], *messages[first + count :])), thinking


def _system_dropped(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    """The system prompt gone, and the first messages after it."""
    if conversation.messages[0].role == "system":
        for count in range(2, len(conversation.messages)):
            yield replace(conversation, messages=conversation.messages[count:]), thinking


def _thinking_switched(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    yield from ((conversation, other) for other in (True, False, None) if other is not thinking)


def _of_tools(change: ToolChange, conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    if conversation.tools:
        yield from ((replace(conversation, tools=tuple(tools)), thinking) for tools in change(conversation.tools, seen))


CHANGES: Mapping[str, Change] = {
    **{cause: partial(_of_tools, change) for cause, change in TOOL_CHANGES.items()},
    "arguments-resorted": _arguments_resorted,
    "number-rewritten": _numbers_rewritten,
    "calls-lost-from-history": _calls_lost,
    "content-lost-from-history": _content_lost,
    "loop-reasoning-changed": _reasoning_lost,
    "result-lost": _results_lost,
    "result-rewritten": _results_rewritten,
    "result-cut": _results_cut,
    "system-lost": _system_lost,
    "thinking-default": _thinking_switched,
    "oldest-messages-dropped": _oldest_dropped,
    "system-dropped": _system_dropped,
}
"""By cause; of two that make the same prompt the first counts."""


def _with_messages(conversation: Conversation, change: Callable[[Message], Message | None]) -> Conversation:
    changed = (change(message) if message.role != "user" else message for message in conversation.messages)
    return replace(conversation, messages=tuple(message for message in changed if message is not None))


def _with_message(conversation: Conversation, place: int, message: Message | None) -> Conversation:
    """The conversation with another message at this place, or none."""
    before, after = conversation.messages[:place], conversation.messages[place + 1 :]
    return replace(conversation, messages=(*before, *((message,) if message is not None else ()), *after))


def _with_arguments(conversation: Conversation, change: Callable[[Json], Json]) -> Conversation:
    def changed(message: Message) -> Message:
        calls = [(call, change(dict(call.arguments))) for call in message.tool_calls]
        return replace(
            message,
            tool_calls=tuple(replace(call, arguments=new) if isinstance(new, dict) else call for call, new in calls),
        )

    return _with_messages(conversation, changed)


def _sorted_keys(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sorted_keys(one) for key, one in sorted(value.items())}
    return [_sorted_keys(one) for one in value] if isinstance(value, list) else value


def _through_double(value: Json) -> Json:
    """Numbers as an encoder prints doubles: whole ones without a point."""
    if isinstance(value, dict):
        return {key: _through_double(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_through_double(one) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        double = float(value) if abs(value) < 1e300 else value
        return int(double) if double == int(double) and abs(double) < 1e21 else double
    return value


def _reprinted(content: Json, change: Callable[[Json], Json], dump: Callable[[Json], str]) -> Json:
    """The content printed anew if it is JSON; other text as it is."""
    value = _decoded(content)
    return dump(change(value)) if value is not content else content


def _decoded(content: Json) -> Json:
    """The JSON that a text is, or the content itself."""
    try:
        return json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return content
