"""Answers of `/v1/chat/completions` put together, whole or streamed, whatever a server sends.

A whole answer is a stream of one piece. Pieces add up as in OpenAI's own client: texts are appended, calls are told
apart by their index. The first thing that is not as it should be is kept as the answer's error, in one line, and the
rest is read all the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from callwright.conversation import Json
from callwright.engines.chat import ChatReply, WireCall
from callwright.engines.wire import complaint, one_line, read_json, shown, whole_characters

MAX_EVENTS = 100_000
"""Of a stream."""


@dataclass(slots=True)
class _Call:
    id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Reading:
    """An answer that is being read."""

    def __init__(self) -> None:
        self.status = 0
        self._error = ""
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._finish_reason: str | None = None
        self._usage: Mapping[str, Json] = {}
        self._pieces = 0
        self._body: Json = None

    def reply(self) -> ChatReply:
        """What was read so far."""
        return ChatReply(
            status=self.status,
            content=whole_characters("".join(self._content)),
            reasoning=whole_characters("".join(self._reasoning)),
            calls=tuple(_wire_call(self._calls[index]) for index in sorted(self._calls)),
            finish_reason=self._finish_reason,
            prompt_tokens=_count(self._usage.get("prompt_tokens")),
            answer_tokens=_count(self._usage.get("completion_tokens")),
            error=self._error,
            pieces=self._pieces,
            body=self._body,
        )

    def blame(self, error: str) -> None:
        """Notes what is wrong; what was noted first counts."""
        self._error = self._error or one_line(error)

    def whole(self, data: bytes) -> None:
        """Reads an answer in one piece, or a refusal."""
        text = data.decode("utf-8", "replace")
        try:
            self._body = read_json(text)
        except ValueError as error:
            self._body = whole_characters(text[:2000])
            self.blame(f"HTTP {self.status}: {error}" if self.status >= 300 else str(error))
            return
        if self.status >= 300:
            self.blame(complaint(self._body) or f"HTTP {self.status}: {shown(self._body)}")
        elif not self._read(self._body, "message"):
            self.blame(complaint(self._body) or f"expected choices with a message; got {shown(self._body)}")

    def stream(self, chunks: Iterable[bytes]) -> None:
        """Reads a stream of server-sent events."""
        events: list[Json] = []
        self._body = events
        done = False
        for kind, data in sent_events(chunks):
            if data.strip() == "[DONE]":
                done = True
                break
            if len(events) == MAX_EVENTS:
                self.blame(f"a stream of more than {MAX_EVENTS} events")
                return
            try:
                event = read_json(data)
            except ValueError as error:
                events.append(whole_characters(data[:2000]))
                self.blame(f"in the stream: {error}")
                continue
            events.append(event)
            if kind == "error":
                self.blame(complaint(event) or shown(event))
            elif not self._read(event, "delta"):
                self.blame(complaint(event) or f"expected choices in the stream; got {shown(event)}")
        if not done and self._finish_reason is None:
            self.blame("the stream ended before the answer was finished")

    def _read(self, event: Any, part: str) -> bool:
        """Reads an object of the wire; whether it has the form of one."""
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
                self.blame(f"expected text as finish_reason; got {shown(reason)}")
            carried = self._add(choice[part], streamed=part == "delta")
            self._pieces += carried and part == "delta"
        return True

    def _add(self, part: Mapping[str, Any], *, streamed: bool) -> bool:
        """Adds a message or a piece of one; whether it carried anything."""
        content = self._text(part.get("content"), "content")
        given = "reasoning" if part.get("reasoning_content") is None else "reasoning_content"
        reasoning = self._text(part.get(given), given)
        self._content.append(content)
        self._reasoning.append(reasoning)
        calls = part.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            self.blame(f"expected a list as tool_calls; got {shown(calls)}")
            calls = None
        for call in calls or ():
            self._add_call(call, streamed)
        return bool(content or reasoning or calls)

    def _add_call(self, given: Any, streamed: bool) -> None:
        function = given.get("function") if isinstance(given, Mapping) else None
        if not isinstance(given, Mapping) or not isinstance(function, Mapping):
            self.blame(f"expected calls with a function; got {shown(given)}")
            return
        name, arguments = self._text(function.get("name"), "a function's name"), function.get("arguments")
        call = self._calls.setdefault(self._index(given.get("index"), named=bool(name), streamed=streamed), _Call())
        call.name += name
        if call.id is None and isinstance(given.get("id"), str):
            call.id = given["id"]
        if isinstance(arguments, str):
            call.arguments.append(arguments)
        elif arguments is not None:
            call.arguments.append(shown(arguments))

    def _index(self, given: Any, *, named: bool, streamed: bool) -> int:
        """Which call is meant; where no index says it, a name begins the next."""
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
        self.blame(f"expected text as {where}; got {shown(value)}")
        return ""


def _wire_call(call: _Call) -> WireCall:
    id_ = None if call.id is None else whole_characters(call.id)
    return WireCall(whole_characters(call.name), whole_characters("".join(call.arguments)), id_)


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sent_events(chunks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Server-sent events as (kind, data); what is still open when the chunks end is given too."""
    kind, data = "message", list[str]()
    for line in _lines(chunks):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and data:
            yield kind, "\n".join(data)
        if not line:
            kind, data = "message", []
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "error":  # some versions of llama.cpp
            kind = "error"
            data.append(value)
    if data:
        yield kind, "\n".join(data)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines; only line feeds end one, because JSON may hold all else that Unicode calls a line's end."""
    rest = bytearray()
    for chunk in chunks:
        searched = len(rest)
        rest += chunk
        begin = 0
        while (end := rest.find(b"\n", max(searched, begin))) >= 0:
            yield rest[begin:end].decode("utf-8", "replace").removesuffix("\r")
            begin = end + 1
        del rest[:begin]
    if rest:
        yield rest.decode("utf-8", "replace").removesuffix("\r")
