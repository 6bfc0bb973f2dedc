"""What can be found out about a server that has only its own model: by counting tokens, whatever the model says.

A server reports how many tokens each prompt has. So the length of what reaches the model is known though its text is
not: a request with tools must count more than one without, a long result more than a short one. And greedy answers,
equal seeds and limits have properties that hold for any model. Everything else needs an instrument and is reported as
not tested.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer
from callwright.engines.sampling import PURE
from callwright.probe.cases.schema import Case
from callwright.probe.causes.output import reply_as_json
from callwright.probe.causes.registry import Cause
from callwright.probe.outcome import OWN, Outcome

Compared = str | tuple[bool, Json, Json]
"""Why nothing can be concluded; or whether it is as it should be, what was expected, and what was seen."""
_CITY: Json = {"type": "string", "description": "The city whose weather is asked for"}
_TOOL = Tool(
    "get_weather",
    "Get the weather for a city, now and for some days to come.",
    {"type": "object", "properties": {"city": _CITY}, "required": ["city"]},
)
_QUESTION = Message("user", "What is the weather in Paris?")
_CALL = Message("assistant", None, tool_calls=(ToolCall("get_weather", {"city": "Paris"}, id="call00001"),))
_LONG = "It rains in the north, the south is dry, and the wind comes from the west. " * 20


def _result(text: str) -> Message:
    return Message("tool", text, name="get_weather", tool_call_id="call00001")


def _request(*messages: Message, tools: tuple[Tool, ...] = ()) -> ChatRequest:
    return ChatRequest(conversation=Conversation(messages, tools), max_tokens=1)


def _is_longer(least: int, replies: Sequence[ChatReply]) -> Compared:
    """Whether the second prompt is longer by at least so many tokens."""
    short, long = (reply.prompt_tokens for reply in replies)
    if short is None or long is None:
        return "the server does not count prompts"
    return long >= short + least, f"{short + least} tokens or more, {short} being there without it", f"{long} tokens"


def _have_one_length(replies: Sequence[ChatReply]) -> Compared:
    counts: list[Json] = [reply.prompt_tokens for reply in replies]
    return len(set(map(str, counts))) == 1, "one length", counts


def _ends_at_limit(replies: Sequence[ChatReply]) -> Compared:
    [reply] = replies
    return (reply.finish_reason == "length", "length", reply.finish_reason) if reply.words else "the model said nothing"


def _are_same(replies: Sequence[ChatReply]) -> Compared:
    first, second = map(reply_as_json, replies)
    return first == second, first, second


@dataclass(frozen=True, slots=True)
class _Property:
    """What must hold whatever the model says.

    Attributes:
      id: The id of the outcome.
      fault_class: What is wrong where it does not hold.
      why: What goes wrong for a user then.
      compare: The answers to whether it holds.
      requests: What is asked.
      shown: How many of the requests the outcome shows at most.
    """

    id: str
    fault_class: Cause
    why: str
    compare: Callable[[Sequence[ChatReply]], Compared]
    requests: tuple[ChatRequest, ...]
    shown: int = 2


_GO_ON = Message("user", "Go on.")
_ASKED, _OFFERED = _request(_QUESTION), _request(_QUESTION, tools=(_TOOL,))
_WITH_SYSTEM = _request(Message("system", "Answer in French."), _QUESTION)
_NOT_CALLED = _request(_QUESTION, Message("assistant", ""), _GO_ON, tools=(_TOOL,))
_CALLED = _request(_QUESTION, _CALL, _result("Rain."), _GO_ON, tools=(_TOOL,))
_SHORT_RESULT, _LONG_RESULT = (_request(_QUESTION, _CALL, _result(text), tools=(_TOOL,)) for text in ("Rain.", _LONG))
_COUNT = _request(Message("user", "Count from one to one hundred, in words."))
_WHOLE = replace(_OFFERED, max_tokens=48)
_STORY = replace(_request(Message("user", "Tell me a story.")), max_tokens=24, sampling=replace(PURE, seed=11))
_PROPERTIES = (
    _Property(
        "plain.tools-count",
        Cause.TOOLS_DROPPED,
        "A model that is not shown the tools cannot call them.",
        partial(_is_longer, 10),
        (_ASKED, _OFFERED),
    ),
    _Property(
        "plain.system-counts",
        Cause.SYSTEM_LOST,
        "What the system prompt demands has no effect.",
        partial(_is_longer, 2),
        (_ASKED, _WITH_SYSTEM),
    ),
    _Property(
        "plain.calls-count",
        Cause.CALLS_LOST_FROM_HISTORY,
        "The model does not know what it has called, and calls it again.",
        partial(_is_longer, 8),
        (_NOT_CALLED, _CALLED),
    ),
    _Property(
        "plain.result-counts",
        Cause.RESULT_CUT,
        "The model answers from a part of a result as if it were all.",
        partial(_is_longer, 200),
        (_SHORT_RESULT, _LONG_RESULT),
    ),
    _Property(
        "plain.same-prompt",
        Cause.UNSTABLE_PROMPT,
        "The same question gets other answers, and no prompt can be cached.",
        _have_one_length,
        (_OFFERED,) * 3,
        shown=1,
    ),
    _Property(
        "plain.limit", Cause.LIMIT_AS_STOP, "Half an answer is taken for a whole one.", _ends_at_limit, (_COUNT,)
    ),
    _Property(
        "plain.stream",
        Cause.STREAM_DIFFERS,
        "A client that streams gets another answer than one that does not.",
        _are_same,
        (_WHOLE, replace(_WHOLE, stream=True)),
    ),
    _Property(
        "plain.same-seed", Cause.SEED_IGNORED, "What was seen once cannot be seen again.", _are_same, (_STORY, _STORY)
    ),
)
WHY: Mapping[str, str] = {one.id: one.why for one in _PROPERTIES}
"""Why each of them matters, by id."""


def plan_plain(reason: str) -> list[Outcome]:
    """The outcomes where nothing was found out, and why."""
    return [_not_tested(one, reason) for one in _PROPERTIES]


def probe_plain(server: ChatServer, cases: Sequence[Case], reason: str) -> Iterator[Outcome]:
    """The outcomes for a server with a model of its own.

    Args:
      server: The server.
      cases: The fidelity set, which is left out.
      reason: Why, in a line that says how to load an instrument.
    """
    yield from (_outcome(server, one) for one in _PROPERTIES)
    for case in cases:
        yield Outcome(id=case.id, format=OWN, fault_class=case.fault_class, result="not_tested", cause=reason)


def _outcome(server: ChatServer, tested: _Property) -> Outcome:
    replies = [server.chat(request) for request in tested.requests]
    found = next((reply.error for reply in replies if reply.error), "") or tested.compare(replies)
    if isinstance(found, str):
        return _not_tested(tested, found)
    made = partial(Outcome, id=tested.id, format=OWN, fault_class=tested.fault_class)
    holds, expected, seen = found
    if holds:
        return made(result="faithful", expected=expected, seen=seen)
    asked = "\n".join(map(server.curl, tested.requests[: tested.shown]))
    return made(result="fault", cause=tested.fault_class, expected=expected, seen=seen, reproduce=asked)


def _not_tested(one: _Property, reason: str) -> Outcome:
    return Outcome(id=one.id, format=OWN, fault_class=one.fault_class, result="not_tested", cause=reason)
