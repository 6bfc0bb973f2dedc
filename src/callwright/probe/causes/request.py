"""Changes: what runtimes do to the messages of a request before a template sees them, done on purpose.

What is done to tools is in `request_tools`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import groupby, product

from callwright.conversation import Json, Message
from callwright.formats.schemas import sorted_keys
from callwright.probe.causes.registry import Cause, Explanations
from callwright.probe.prompt import RenderedRequest

Change = Callable[[RenderedRequest, str], Iterator[RenderedRequest]]
"""(the request, the text of the prompt seen) to the requests that a runtime may have made of it.

There are several where runtimes do the same thing in several ways. The prompt is for changes that have to know how much
is gone.
"""
CHANGES: Explanations[Change] = Explanations()
explains = CHANGES.explains


@explains(Cause.ARGUMENTS_RESORTED)
def sort_arguments(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """The arguments of earlier calls are sorted by name, with the objects inside them or without."""
    yield _with_arguments(request, sorted_keys)
    yield _with_arguments(request, lambda value: dict(sorted(value.items())) if isinstance(value, dict) else value)


@explains(Cause.NUMBER_REWRITTEN)
def print_numbers_as_doubles(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """The numbers in earlier calls pass through float64."""
    yield _with_arguments(request, _through_double)


@explains(Cause.CALLS_LOST_FROM_HISTORY)
def drop_calls(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Earlier calls are lost: all, all but the first or last of each message, those of one message, or a single one."""

    def without_calls(message: Message) -> Message:
        return replace(message, tool_calls=(), content=message.content or "")

    yield _with_each(request, without_calls)
    yield _with_each(request, lambda one: replace(one, tool_calls=one.tool_calls[:1]))
    yield _with_each(request, lambda one: replace(one, tool_calls=one.tool_calls[-1:]))
    yield _with_each(request, lambda one: None if one.tool_calls else one)
    for place, message in enumerate(request.conversation.messages):
        calls = message.tool_calls
        if calls:
            yield _with_one(request, place, without_calls(message))
            yield _with_one(request, place, None)
        for number in range(len(calls) if len(calls) > 1 else 0):
            kept = (*calls[:number], *calls[number + 1 :])
            yield _with_one(request, place, replace(message, tool_calls=kept))


@explains(Cause.CONTENT_LOST_FROM_HISTORY)
def drop_content_beside_calls(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """The text of messages with calls is null, or empty."""
    yield _with_each(request, lambda one: replace(one, content=None) if one.tool_calls else one)
    yield _with_each(request, lambda one: replace(one, content="") if one.tool_calls else one)


@explains(Cause.LOOP_REASONING_CHANGED)
def drop_reasoning(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """The reasoning of earlier answers is lost."""
    yield _with_each(request, lambda one: replace(one, reasoning=None))


@explains(Cause.RESULT_LOST)
def drop_results(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Results are lost or emptied, all or one, or one has the text of the first or the last."""
    yield _with_results(request, lambda result: None)
    yield _with_results(request, lambda result: replace(result, content=""))
    messages = request.conversation.messages
    results = [place for place, message in enumerate(messages) if message.role == "tool"]
    for place in reversed(results):
        yield _with_one(request, place, None)
        yield _with_one(request, place, replace(messages[place], content=""))
        for other in {results[0], results[-1]} - {place}:
            yield _with_one(request, place, replace(messages[place], content=messages[other].content))


@explains(Cause.RESULT_REWRITTEN)
def rewrite_results(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Results are read as JSON and printed anew, quoted or stripped, or have no name."""

    def printed(change: Callable[[Json], Json]) -> RenderedRequest:
        return _with_results(request, lambda result: replace(result, content=change(result.content)))

    dumps: list[Callable[[Json], Json]] = [
        partial(json.dumps, ensure_ascii=False, separators=separators) for separators in ((", ", ": "), (",", ":"))
    ]
    for change, dump in product((_same, sorted_keys, _through_double), [_same, *dumps]):
        yield printed(partial(_reprinted, change=change, dump=dump))
    for dump in dumps:
        yield printed(dump)
    yield printed(lambda content: content.strip() if isinstance(content, str) else content)
    yield _with_results(request, lambda result: replace(result, name=None))


@explains(Cause.RESULTS_SWAPPED)
def swap_results(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Results are taken for those of other calls, or come in the order of the calls, reversed, or as in the prompt."""
    calls = [call for message in request.conversation.messages for call in message.tool_calls]
    following = iter(calls)

    def next_called(result: Message) -> Message:
        """The result as that of the call at its place, whatever call it names."""
        call = next(following, None)
        return replace(result, name=call.name, tool_call_id=call.id) if call else result

    def crossed(results: list[Message]) -> list[Message]:
        pairs = zip(results, results[::-1], strict=True)
        return [replace(one, name=other.name, tool_call_id=other.tool_call_id) for one, other in pairs]

    yield _with_results(request, next_called)
    yield _with_rounds(request, crossed)
    places = {call.id: place for place, call in enumerate(calls)}
    yield _with_rounds(request, partial(sorted, key=lambda result: places.get(result.tool_call_id, len(places))))
    yield _with_rounds(request, lambda results: results[::-1])
    yield _with_rounds(request, partial(sorted, key=lambda result: seen.find(str(result.content))))
    yield _with_rounds(request, partial(sorted, key=lambda result: seen.rfind(str(result.content))))


@explains(Cause.RESULT_CUT)
def cut_results(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Each result is cut to as much of its beginning as stands in the prompt."""

    def cut(result: Message) -> Message:
        if not isinstance(result.content, str):
            return result
        low, high = 0, len(result.content)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if result.content[:middle] in seen else (low, middle - 1)
        return replace(result, content=result.content[:low])

    yield _with_results(request, cut)


@explains(Cause.SYSTEM_LOST)
def drop_system(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """The system prompt is lost, or all system messages but the first."""
    yield _with_each(request, lambda one: None if one.role == "system" else one)
    first, *rest = request.conversation.messages
    yield request.with_messages((first, *(message for message in rest if message.role != "system")))


@explains(Cause.SYSTEM_MOVED)
def move_system(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Later system messages stand at the beginning: the first as it is, or all as one."""
    messages = request.conversation.messages
    system = [message for message in messages if message.role == "system"]
    if not system or messages[: len(system)] == tuple(system):
        return
    others = [message for message in messages if message.role != "system"]
    yield request.with_messages((system[0], *others))
    yield request.with_messages((*system, *others))
    for space in ("\n\n", "\n"):
        joined = replace(system[0], content=space.join(str(message.content or "") for message in system))
        yield request.with_messages((joined, *others))


@explains(Cause.THINKING_DEFAULT)
def switch_thinking(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Thinking is on, off or left open, otherwise than the request says."""
    yield from (replace(request, thinking=other) for other in (True, False, None) if other is not request.thinking)


@explains(Cause.OLDEST_MESSAGES_DROPPED)
def drop_oldest_messages(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """The first messages after the system prompt are dropped, one or more."""
    messages = request.conversation.messages
    first = int(messages[0].role == "system")
    for count in range(1, len(messages) - first):
        yield request.with_messages((*messages[:first], *messages[first + count :]))


@explains(Cause.SYSTEM_DROPPED)
def drop_system_and_oldest_messages(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """The system prompt is dropped, and the first messages after it."""
    messages = request.conversation.messages
    if messages[0].role == "system":
        for count in range(2, len(messages)):
            yield request.with_messages(messages[count:])


def _with_each(request: RenderedRequest, change: Callable[[Message], Message | None]) -> RenderedRequest:
    """The request with every message but the user's changed; where the change gives None it is gone."""
    changed = (change(message) if message.role != "user" else message for message in request.conversation.messages)
    return request.with_messages(message for message in changed if message is not None)


def _with_results(request: RenderedRequest, change: Callable[[Message], Message | None]) -> RenderedRequest:
    """The same for the tools' results only."""
    return _with_each(request, lambda message: change(message) if message.role == "tool" else message)


def _with_rounds(request: RenderedRequest, order: Callable[[list[Message]], list[Message]]) -> RenderedRequest:
    """The request with the results of each round of calls in another order."""
    messages: list[Message] = []
    for is_result, run in groupby(request.conversation.messages, lambda message: message.role == "tool"):
        together = list(run)
        messages += order(together) if is_result else together
    return request.with_messages(messages)


def _with_one(request: RenderedRequest, place: int, message: Message | None) -> RenderedRequest:
    """The request with another message at this place, or none."""
    before, after = request.conversation.messages[:place], request.conversation.messages[place + 1 :]
    return request.with_messages((*before, *((message,) if message is not None else ()), *after))


def _with_arguments(request: RenderedRequest, change: Callable[[Json], Json]) -> RenderedRequest:
    """The request with the arguments of every call changed."""

    def changed(message: Message) -> Message:
        calls = [(call, change(dict(call.arguments))) for call in message.tool_calls]
        made = (replace(call, arguments=new) if isinstance(new, dict) else call for call, new in calls)
        return replace(message, tool_calls=tuple(made))

    return _with_each(request, changed)


def _same(value: Json) -> Json:
    return value


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


def _reprinted(content: Json, change: Callable[[Json], Json], dump: Callable[[Json], Json]) -> Json:
    """The content changed and printed anew; text that is no JSON as it is."""
    try:
        value = json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return content
    return dump(change(value))
