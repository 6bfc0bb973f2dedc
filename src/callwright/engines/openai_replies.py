"""Replies of `/v1/chat/completions` put together, whole or streamed, whatever a server sends.

A whole reply is a stream of one piece. Pieces add up as in OpenAI's own client: texts are appended, and calls are told
apart by their index. The first thing that is wrong becomes the reply's error, in one line, and the rest is read all the
same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import httpx
from httpx_sse import EventSource

from callwright.conversation import Json
from callwright.engines.chat import ChatReply, RawToolCall
from callwright.engines.response_text import error_text, json_text, one_line, read_json, whole_characters

MAX_EVENTS = 100_000
"""How many events of a stream are read."""
_ERROR = b"\nerror:"


@dataclass(slots=True)
class _PartialCall:
    id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ReplyReader:
    """Reads one reply.

    Attributes:
      status: The HTTP status.
    """

    def __init__(self) -> None:
        self.status = 0
        self._error = ""
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, _PartialCall] = {}
        self._finish_reason: str | None = None
        self._usage: Mapping[str, Json] = {}
        self._pieces = 0
        self._body: Json = None

    def reply(self) -> ChatReply:
        """The reply, as far as it has been read."""
        return ChatReply(
            status=self.status,
            content=whole_characters("".join(self._content)),
            reasoning=whole_characters("".join(self._reasoning)),
            calls=tuple(_raw_call(self._calls[index]) for index in sorted(self._calls)),
            finish_reason=self._finish_reason,
            prompt_tokens=_count(self._usage.get("prompt_tokens")),
            answer_tokens=_count(self._usage.get("completion_tokens")),
            error=self._error,
            pieces=self._pieces,
            body=self._body,
        )

    def record_error(self, error: str) -> None:
        """Keeps the first error."""
        self._error = self._error or one_line(error)

    def read_whole(self, data: bytes) -> None:
        """Reads a reply in one piece, or an error."""
        text = data.decode("utf-8", "replace")
        try:
            self._body = read_json(text)
        except ValueError as error:
            self._body = whole_characters(text[:2000])
            self.record_error(f"HTTP {self.status}: {error}" if self.status >= 300 else str(error))
            return
        if self.status >= 300:
            self.record_error(error_text(self._body) or f"HTTP {self.status}: {json_text(self._body)}")
        elif not self._read(self._body, "message"):
            self.record_error(error_text(self._body) or f"expected choices with a message; got {json_text(self._body)}")

    def read_stream(self, chunks: Iterable[bytes]) -> None:
        """Reads a stream of server-sent events."""
        events: list[Json] = []
        self._body = events
        done = False
        for kind, data in sent_events(chunks):
            if data.strip() == "[DONE]":
                done = True
                break
            if len(events) == MAX_EVENTS:
                self.record_error(f"a stream of more than {MAX_EVENTS} events")
                return
            try:
                event = read_json(data)
            except ValueError as error:
                events.append(whole_characters(data[:2000]))
                self.record_error(f"in the stream: {error}")
                continue
            events.append(event)
            if kind == "error":
                self.record_error(error_text(event) or json_text(event))
            elif not self._read(event, "delta"):
                self.record_error(error_text(event) or f"expected choices in the stream; got {json_text(event)}")
        if not done and self._finish_reason is None:
            self.record_error("the stream ended before the answer was finished")

    def _read(self, event: Any, part: str) -> bool:
        """Reads a completion or a chunk; false where the object is neither."""
        if not isinstance(event, Mapping) or event.get("error"):
            return False
        if isinstance(event.get("usage"), Mapping):
            self._usage = event["usage"]
        choices = event.get("choices")
        if not isinstance(choices, list) or not (choices or part == "delta"):
            return False
        for choice in choices[:1]:
            if not isinstance(choice, Mapping) or not isinstance(choice.get(part), Mapping):
                return False
            reason = choice.get("finish_reason")
            if isinstance(reason, str):
                self._finish_reason = whole_characters(reason)
            elif reason is not None:
                self.record_error(f"expected text as finish_reason; got {json_text(reason)}")
            nonempty = self._add(choice[part], streamed=part == "delta")
            self._pieces += nonempty and part == "delta"
        return True

    def _add(self, part: Mapping[str, Any], *, streamed: bool) -> bool:
        """Adds a message or a piece of one; false where it is empty."""
        content = self._text(part.get("content"), "content")
        given = "reasoning" if part.get("reasoning_content") is None else "reasoning_content"
        reasoning = self._text(part.get(given), given)
        self._content.append(content)
        self._reasoning.append(reasoning)
        calls = part.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            self.record_error(f"expected a list as tool_calls; got {json_text(calls)}")
            calls = None
        for call in calls or ():
            self._add_call(call, streamed)
        return bool(content or reasoning or calls)

    def _add_call(self, given: Any, streamed: bool) -> None:
        function = given.get("function") if isinstance(given, Mapping) else None
        if not isinstance(given, Mapping) or not isinstance(function, Mapping):
            self.record_error(f"expected calls with a function; got {json_text(given)}")
            return
        name, arguments = self._text(function.get("name"), "a function's name"), function.get("arguments")
        call = self._calls.setdefault(
            self._index(given.get("index"), named=bool(name), streamed=streamed), _PartialCall()
        )
        call.name += name
        if call.id is None and isinstance(given.get("id"), str):
            call.id = given["id"]
        if isinstance(arguments, str):
            call.arguments.append(arguments)
        elif arguments is not None:
            call.arguments.append(json_text(arguments))

    def _index(self, given: Any, *, named: bool, streamed: bool) -> int:
        """The call that a piece belongs to; without an index a name begins the next one."""
        following = max(self._calls, default=-1) + 1
        if not streamed:
            return following
        if isinstance(given, int) and not isinstance(given, bool):
            return given
        return following if named or not self._calls else following - 1

    def _text(self, value: Any, where: str) -> str:
        match value:
            case None:
                return ""
            case str():
                return value
            case [*parts] if all(isinstance(one, Mapping) and isinstance(one.get("text"), str) for one in parts):
                return "".join(one["text"] for one in parts)
        self.record_error(f"expected text as {where}; got {json_text(value)}")
        return ""


def _raw_call(call: _PartialCall) -> RawToolCall:
    id_ = None if call.id is None else whole_characters(call.id)
    return RawToolCall(whole_characters(call.name), whole_characters("".join(call.arguments)), id_)


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sent_events(chunks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """The name and data of each server-sent event; one that is still open when the chunks end is given too."""
    closed = chain(_name_errors(chunks), (b"\n\n",))
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=closed)
    for event in EventSource(response).iter_sse():
        if event.data:
            yield event.event, event.data


def _name_errors(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The stream with `error: ...`, as some versions of llama.cpp write it, as an event named error.

    What may be the beginning of such a line is held back until the next chunk.
    """
    held = b"\n"  # its line break has been passed on already
    for chunk in chunks:
        text = (held + chunk).replace(_ERROR, b"\nevent: error\ndata:")
        passed = min(len(held), 1)
        tail = text[text.rfind(b"\n") :]
        held = tail if _ERROR.startswith(tail) else b""
        yield text[passed : len(text) - len(held[1:])]
    yield held[1:]
