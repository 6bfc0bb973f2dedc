"""Ollama's `/api/chat` as a `ChatServer`.

Arguments are objects there, not text. They are kept as they came all the same: numbers digit by digit, keys in their
order and as often as they come, so that `1.0` is not `1` and a rounded integer is seen to be rounded. (How characters
are escaped inside strings is not kept: that is an encoder's choice.)
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from callwright.conversation import Conversation, Json, Message
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer, RawToolCall, curl_command
from callwright.engines.exact_json import ExactJson, ExactNumber, ExactObject, parse_exact, to_json, write_exact
from callwright.engines.ollama_api import Ollama, OllamaResponse
from callwright.engines.response_text import error_text, whole_characters
from callwright.openai import write_tool

PATH = "/api/chat"
OPTIONS = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")
"""Sampling parameters, which have our names there."""


class OllamaChat(ChatServer):
    """One model of an Ollama.

    Args:
      server: Where it is.
      model: Its name.
      slots: How many requests the server answers side by side (its OLLAMA_NUM_PARALLEL).
      shown_as: The name in `curl` and in errors, for a model that will be gone; the model's own when None.
      truncate: Whether messages are left out where the prompt is longer than the context; without it that is an error.
    """

    def __init__(
        self, server: Ollama, model: str, *, slots: int = 1, shown_as: str | None = None, truncate: bool = True
    ) -> None:
        self.server, self.model, self.slots = server, model, slots
        self._shown_as = shown_as or model
        self._truncate = truncate

    def chat(self, request: ChatRequest) -> ChatReply:
        """See `ChatServer.chat`."""
        answer = self.server.ask("POST", PATH, self.body(request))
        reply = read_reply(answer, streamed=request.stream)
        return replace(reply, error=reply.error.replace(self.model, self._shown_as))

    def curl(self, request: ChatRequest) -> str:
        """See `ChatServer.curl`."""
        return curl_command(self.server.address + PATH, self._body(self._shown_as, request))

    def body(self, request: ChatRequest) -> dict[str, Json]:
        """The JSON of a request."""
        return self._body(self.model, request)

    def _body(self, model: str, request: ChatRequest) -> dict[str, Json]:
        return _body(model, request) | ({} if self._truncate else {"truncate": False})


def _body(model: str, request: ChatRequest) -> dict[str, Json]:
    body: dict[str, Json] = {"model": model, "messages": [*_messages(request.conversation)], "stream": request.stream}
    if request.conversation.tools:
        body["tools"] = [write_tool(tool) for tool in request.conversation.tools]
    if request.thinking is not None:
        body["think"] = request.thinking
    limits: dict[str, Json] = {"num_predict": request.max_tokens, "num_ctx": request.context}
    sampling = request.sampling.to_wire({name: name for name in OPTIONS})
    body["options"] = sampling | {name: limit for name, limit in limits.items() if limit is not None}
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


def read_reply(answer: OllamaResponse, *, streamed: bool) -> ChatReply:
    """The reply of `/api/chat` in a response."""
    if answer.status != 200 or (answer.error and not streamed):
        return ChatReply(status=answer.status, error=answer.problem, body=answer.body)
    reader = _ReplyReader()
    if not streamed:
        reader.add(answer.text)
        return reader.reply(answer, reader.pieces[0] if reader.pieces else None)
    for line in answer.text.split("\n"):
        if line.strip() and not reader.error:
            reader.add(line)
    if answer.error:  # the stream broke; the pieces before count all the same
        reader.error = answer.error
    return reader.reply(answer, reader.pieces)


class _ReplyReader:
    """Puts a reply together from its pieces; one that is not streamed has one piece."""

    def __init__(self) -> None:
        self.content: list[str] = []
        self.reasoning: list[str] = []
        self.calls: list[RawToolCall] = []
        self.last: dict[str, ExactJson] = {}
        self.pieces: list[Json] = []
        self.nonempty = 0
        self.done = False
        self.error = ""

    def add(self, text: str) -> None:
        """Reads one piece; what is wrong with it becomes the reply's error."""
        try:
            value = parse_exact(text)
            self.pieces.append(to_json(value))
            self._add(value)
        except (ValueError, RecursionError) as error:
            self.error = f"an answer that is not what /api/chat answers: {error or 'nested too deeply'}"

    def _add(self, value: ExactJson) -> None:
        piece = _object(value, "the answer")
        if "error" in piece:
            self.error = error_text(to_json(value)) or "an error without a message"
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
        self.nonempty += bool(content or reasoning or found)
        self.done, self.last = piece.get("done") is True, piece

    def reply(self, answer: OllamaResponse, body: Json) -> ChatReply:
        """The whole reply."""
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
            pieces=self.nonempty,
            body=body,
        )


def _call(value: ExactJson) -> RawToolCall:
    fields = _object(value, "a tool call")
    function = _object(fields.get("function"), "a tool call's function")
    name, id_ = function.get("name"), fields.get("id")
    if not isinstance(name, str):
        raise ValueError("a tool call's function has no name")
    arguments = write_exact(function["arguments"]) if "arguments" in function else ""
    call_id = whole_characters(id_) if isinstance(id_, str) else None
    return RawToolCall(whole_characters(name), whole_characters(arguments), call_id)


def _object(value: ExactJson, what: str) -> dict[str, ExactJson]:
    if not isinstance(value, ExactObject):
        raise ValueError(f"{what} is no object")
    return dict(value.pairs)


def _text(message: Mapping[str, ExactJson], key: str) -> str:
    value = message.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"message.{key} is no text")
    return value


def _count(value: ExactJson) -> int | None:
    number = to_json(value) if isinstance(value, ExactNumber) else None
    return number if isinstance(number, int) and number >= 0 else None
