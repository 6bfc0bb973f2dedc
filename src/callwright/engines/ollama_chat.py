"""Ollama's `/api/chat` as a `ChatServer`.

On this wire arguments are objects, not text. They are kept as they came all the same: numbers in their spelling, keys
in their order and as often as they stand there, so that `1.0` is not `1` and a rounded integer is seen to be rounded.
(How characters are escaped inside strings is not kept: that is an encoder's choice.)
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from callwright.conversation import Conversation, Json, Message
from callwright.engines.chat import ChatReply, ChatRequest, WireCall, curl_command, results_as_text
from callwright.engines.ollama_api import Answer, Ollama
from callwright.engines.wire import complaint, whole_characters
from callwright.engines.wire_json import Pairs, Spelled, Wire, plain, read_wire, spelled
from callwright.openai import write_tool

_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")


class OllamaChat:
    """One model of an Ollama.

    Args:
      server: Where it is.
      model: Its name.
      slots: How many requests the server answers side by side (its OLLAMA_NUM_PARALLEL).
      shown_as: The name in `curl` and in errors, for a model that will be gone; the model's own when None.
    """

    def __init__(self, server: Ollama, model: str, *, slots: int = 1, shown_as: str | None = None) -> None:
        self.server, self.model, self._slots = server, model, slots
        self._shown_as = shown_as or model

    @property
    def slots(self) -> int:
        """See `ChatServer.slots`."""
        return self._slots

    def chat(self, request: ChatRequest) -> ChatReply:
        """See `ChatServer.chat`."""
        answer = self.server.ask("POST", "/api/chat", _body(self.model, request))
        reply = _streamed(answer) if request.stream else _whole(answer)
        return replace(reply, error=reply.error.replace(self.model, self._shown_as))

    def curl(self, request: ChatRequest) -> str:
        """See `ChatServer.curl`."""
        return curl_command(f"{self.server.address}/api/chat", _body(self._shown_as, request))

    def carried(self, conversation: Conversation) -> Conversation:
        """See `ChatServer.carried`."""
        return results_as_text(conversation)


def _body(model: str, request: ChatRequest) -> dict[str, Json]:
    body: dict[str, Json] = {"model": model, "messages": [*_messages(request.conversation)], "stream": request.stream}
    if request.conversation.tools:
        body["tools"] = [write_tool(tool) for tool in request.conversation.tools]
    if request.thinking is not None:
        body["think"] = request.thinking
    chosen = {name: getattr(request.sampling, name) for name in _SAMPLING}
    options = chosen | {"num_predict": request.max_tokens, "num_ctx": request.context}
    body["options"] = {name: value for name, value in options.items() if value is not None}
    return body


def _messages(conversation: Conversation) -> Iterable[dict[str, Json]]:
    names: dict[str, str] = {}  # of the functions called so far, by the calls' ids
    for message in conversation.messages:
        names |= {call.id: call.name for call in message.tool_calls if call.id is not None}
        yield _message(message, names)


def _message(message: Message, names: Mapping[str, str]) -> dict[str, Json]:
    content = message.content if message.role == "tool" else message.content or ""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    wire: dict[str, Json] = {"role": message.role, "content": text}
    if message.role == "tool":
        name = message.name or names.get(message.tool_call_id or "")
        if name is not None:
            wire["tool_name"] = name
        if message.tool_call_id is not None:
            wire["tool_call_id"] = message.tool_call_id
    if message.reasoning is not None:
        wire["thinking"] = message.reasoning
    if message.tool_calls:
        wire["tool_calls"] = [
            ({} if call.id is None else {"id": call.id})
            | {"function": {"name": call.name, "arguments": dict(call.arguments)}}
            for call in message.tool_calls
        ]
    return wire


def _whole(answer: Answer) -> ChatReply:
    if answer.error or answer.status != 200:
        return ChatReply(status=answer.status, error=answer.complaint, body=answer.body)
    reading = _Reading()
    reading.take(answer.text)
    return reading.reply(answer, reading.pieces[-1] if reading.pieces else None)


def _streamed(answer: Answer) -> ChatReply:
    if answer.status != 200:
        return ChatReply(status=answer.status, error=answer.complaint, body=answer.body)
    reading = _Reading()
    for line in answer.text.split("\n"):
        if line.strip() and not reading.error:
            reading.take(line)
    if answer.error:  # what had come before the stream broke counts, and that it broke
        reading.error = answer.error
    return reading.reply(answer, list(reading.pieces))


class _Reading:
    """Puts an answer together from its pieces, of which an unstreamed one has one."""

    def __init__(self) -> None:
        self.content: list[str] = []
        self.reasoning: list[str] = []
        self.calls: list[WireCall] = []
        self.last: dict[str, Wire] = {}
        self.pieces: list[Json] = []
        self.speaking = 0
        self.done = False
        self.error = ""

    def take(self, text: str) -> None:
        """Reads one piece; what is wrong with it is the answer's error."""
        try:
            wire = read_wire(text)
            self.pieces.append(plain(wire))
            self._take(wire)
        except (ValueError, RecursionError) as error:
            self.error = f"an answer that is not what /api/chat answers: {error or 'nested too deeply'}"

    def _take(self, wire: Wire) -> None:
        piece = _object(wire, "the answer")
        if "error" in piece:
            self.error = complaint(plain(wire)) or "an error without words"
            return
        if self.done:
            raise ValueError("something after the end")
        message = _object(piece.get("message"), "message")
        content, reasoning = _text(message, "content"), _text(message, "thinking")
        calls = message.get("tool_calls")
        if not isinstance(calls, list | None):
            raise ValueError("message.tool_calls is no list")
        found = [_call(call) for call in calls or []]
        self.content.append(content)
        self.reasoning.append(reasoning)
        self.calls += found
        self.speaking += bool(content or reasoning or found)
        self.done, self.last = piece.get("done") is True, piece

    def reply(self, answer: Answer, body: Json) -> ChatReply:
        """The answer put together."""
        reason = self.last.get("done_reason")
        return ChatReply(
            status=answer.status,
            content=whole_characters("".join(self.content)),
            reasoning=whole_characters("".join(self.reasoning)),
            calls=tuple(self.calls),
            finish_reason=whole_characters(reason) if isinstance(reason, str) else None,
            prompt_tokens=_count(self.last.get("prompt_eval_count")),
            answer_tokens=_count(self.last.get("eval_count")),
            error=self.error or ("" if self.done else "the answer ended before it was done"),
            pieces=self.speaking,
            body=body,
        )


def _call(wire: Wire) -> WireCall:
    fields = _object(wire, "a tool call")
    function = _object(fields.get("function"), "a tool call's function")
    name, id_ = function.get("name"), fields.get("id")
    if not isinstance(name, str):
        raise ValueError("a tool call's function has no name")
    arguments = spelled(function["arguments"]) if "arguments" in function else ""
    named = whole_characters(id_) if isinstance(id_, str) else None
    return WireCall(whole_characters(name), whole_characters(arguments), named)


def _object(wire: Wire, what: str) -> dict[str, Wire]:
    if not isinstance(wire, Pairs):
        raise ValueError(f"{what} is no object")
    return dict(wire.pairs)


def _text(message: Mapping[str, Wire], key: str) -> str:
    value = message.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"message.{key} is no text")
    return value


def _count(value: Wire) -> int | None:
    number = plain(value) if isinstance(value, Spelled) else None
    return number if isinstance(number, int) and number >= 0 else None
