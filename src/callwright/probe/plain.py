"""What can be found out about a server that has only its own model: by counting, without knowing what it says.

A server counts the tokens of each prompt. So what reaches the model can be weighed though it cannot be read: a request
with tools must count more than one without, a long result more than a short one. And greedy answers, equal seeds and
limits have properties that hold for any model. All else needs an instrument, and is reported as not tested.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.engines.chat import PURE, ChatReply, ChatRequest, ChatServer
from callwright.probe.explain.said import reply_as_json
from callwright.probe.fidelity.case import Case
from callwright.probe.outcome import Outcome

OWN = "own model"
"""What stands in place of a format."""
_own = partial(Outcome, format=OWN)
_CITY: Json = {"type": "string", "description": "The city whose weather is asked for"}
_TOOL = Tool(
    "get_weather",
    "Get the weather for a city, now and for some days to come.",
    {"type": "object", "properties": {"city": _CITY}, "required": ["city"]},
)
_ASKED = Message("user", "What is the weather in Paris?")
_CALL = Message("assistant", None, tool_calls=(ToolCall("get_weather", {"city": "Paris"}, id="call00001"),))
_LONG = "It rains in the north, the south is dry, and the wind comes from the west. " * 20


def _result(text: str) -> Message:
    return Message("tool", text, name="get_weather", tool_call_id="call00001")


def _asks(*messages: Message, tools: tuple[Tool, ...] = ()) -> ChatRequest:
    return ChatRequest(conversation=Conversation(messages, tools), max_tokens=1)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Two requests of which the second must have a longer prompt, by so many tokens at least."""

    id: str
    fault_class: str
    light: ChatRequest
    heavy: ChatRequest
    least: int = 1


_WEIGHED: Sequence[_Weighed] = (
    _Weighed("plain.tools-count", "tools-dropped", _asks(_ASKED), _asks(_ASKED, tools=(_TOOL,)), 10),
    _Weighed(
        "plain.system-counts", "system-lost", _asks(_ASKED), _asks(Message("system", "Answer in French."), _ASKED), 2
    ),
    _Weighed(
        "plain.calls-count",
        "calls-lost-from-history",
        _asks(_ASKED, Message("assistant", ""), Message("user", "Go on."), tools=(_TOOL,)),
        _asks(_ASKED, _CALL, _result("Rain."), Message("user", "Go on."), tools=(_TOOL,)),
        8,
    ),
    _Weighed(
        "plain.result-counts",
        "result-cut",
        _asks(_ASKED, _CALL, _result("Rain."), tools=(_TOOL,)),
        _asks(_ASKED, _CALL, _result(_LONG), tools=(_TOOL,)),
        200,
    ),
)


def probe_plain(server: ChatServer, cases: Sequence[Case], reason: str) -> Iterator[Outcome]:
    """The outcomes for a server with a model of its own.

    Args:
      server: The server.
      cases: The fidelity set, which is left out.
      reason: Why, in a line that says how to load an instrument.
    """
    for pair in _WEIGHED:
        yield _weigh(server, pair)
    for check in (_steady, _limited, _streamed, _seeded):
        yield check(server)
    for case in cases:
        yield _untested(case.id, case.fault_class, reason)


def _untested(id_: str, fault_class: str, reason: str) -> Outcome:
    return _own(id=id_, fault_class=fault_class, result="not_tested", cause=reason)


def _settled(
    id_: str, fault_class: str, holds: bool, expected: Json, seen: Json, server: ChatServer, *asked: ChatRequest
) -> Outcome:
    if holds:
        return _own(id=id_, fault_class=fault_class, result="faithful", expected=expected, seen=seen)
    return _own(
        id=id_,
        fault_class=fault_class,
        result="fault",
        cause=fault_class,
        expected=expected,
        seen=seen,
        reproduce="\n".join(map(server.curl, asked)),
    )


def _asked(server: ChatServer, *requests: ChatRequest) -> tuple[list[ChatReply], str]:
    """The answers, and why they say nothing; "" when they do."""
    replies = [server.chat(request) for request in requests]
    problem = next((reply.error for reply in replies if reply.error), "")
    return replies, problem


def _weigh(server: ChatServer, pair: _Weighed) -> Outcome:
    replies, problem = _asked(server, pair.light, pair.heavy)
    light, heavy = (reply.prompt_tokens for reply in replies)
    if problem or light is None or heavy is None:
        return _untested(pair.id, pair.fault_class, problem or "the server does not count prompts")
    expected = f"{light + pair.least} tokens or more, {light} being there without it"
    holds = heavy >= light + pair.least
    return _settled(pair.id, pair.fault_class, holds, expected, f"{heavy} tokens", server, pair.light, pair.heavy)


def _steady(server: ChatServer) -> Outcome:
    request = _asks(_ASKED, tools=(_TOOL,))
    replies, problem = _asked(server, request, request, request)
    if problem:
        return _untested("plain.same-prompt", "unstable-prompt", problem)
    counts: list[Json] = [reply.prompt_tokens for reply in replies]
    holds = len(set(map(str, counts))) == 1
    return _settled("plain.same-prompt", "unstable-prompt", holds, "one length", counts, server, request)


def _limited(server: ChatServer) -> Outcome:
    request = _asks(Message("user", "Count from one to one hundred, in words."))
    [reply], problem = _asked(server, request)
    if problem or not reply.words:
        return _untested("plain.limit", "limit-as-stop", problem or "the model said nothing")
    holds = reply.finish_reason == "length"
    return _settled("plain.limit", "limit-as-stop", holds, "length", reply.finish_reason, server, request)


def _streamed(server: ChatServer) -> Outcome:
    whole = replace(_asks(_ASKED, tools=(_TOOL,)), max_tokens=48)
    return _alike(server, "plain.stream", "stream-differs", whole, replace(whole, stream=True))


def _seeded(server: ChatServer) -> Outcome:
    request = replace(_asks(Message("user", "Tell me a story.")), max_tokens=24, sampling=replace(PURE, seed=11))
    return _alike(server, "plain.same-seed", "seed-ignored", request, request)


def _alike(server: ChatServer, id_: str, fault_class: str, one: ChatRequest, other: ChatRequest) -> Outcome:
    """Two requests that must have the same answer."""
    replies, problem = _asked(server, one, other)
    if problem:
        return _untested(id_, fault_class, problem)
    first, second = map(reply_as_json, replies)
    return _settled(id_, fault_class, first == second, first, second, server, one, other)
