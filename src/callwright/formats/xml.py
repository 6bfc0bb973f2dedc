"""`xml`: tool calls in XML tags on Gemma 3 turns, the format Callwright trains by default.

Gemma 3 has no system role and no control tokens for tools, so tools and system text open the first user turn, a call is
one line of JSON between `<tool_call>` and `</tool_call>` in the model's turn, and results come back in a user turn. Of
all this only `<bos>`, `<start_of_turn>` and `<end_of_turn>` are control tokens; the tags are plain text, which every
runtime keeps. The tags inside JSON strings are no tags: parsing decodes the JSON first and looks for the closing tag
after it.

Two variants differ in one key of a call: `args` (the default) and `arguments`, which generic parsers of runtimes know.

Left out on purpose: thinking. Gemma 3 has no reasoning channel, so a message with reasoning is refused.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Parsed, ParseIssue
from callwright.formats.schemas import dumps, served_tool
from callwright.tokens import Segment

OPEN, CLOSE = "<tool_call>", "</tool_call>"
RESPONSE_OPEN, RESPONSE_CLOSE = "<tool_response>", "</tool_response>"
WHITESPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class XmlFormat:
    """The format; `key` names the arguments of a call: "args" or "arguments"."""

    key: str = "args"
    name: str = "xml"
    stops: tuple[str, ...] = ("<end_of_turn>",)

    def render(self, conversation: Conversation, *, add_generation_prompt: bool = False) -> list[Segment]:
        """See `Format.render`."""
        return list(self._segments(conversation, add_generation_prompt))

    def _segments(self, conversation: Conversation, add_generation_prompt: bool) -> Iterator[Segment]:
        yield Segment("<bos>", control=True)
        preamble, start = self._preamble(conversation)
        messages = conversation.messages
        if preamble and (start == len(messages) or messages[start].role != "user"):
            yield from _turn("user", preamble)
            preamble = ""
        index = start
        while index < len(messages):
            message = messages[index]
            if message.role == "tool":
                stop = next((i for i in range(index, len(messages)) if messages[i].role != "tool"), len(messages))
                yield from _turn("user", "\n".join(self._result(messages, i) for i in range(index, stop)))
                index = stop
                continue
            if message.role == "assistant":
                yield from _turn("model", self._answer(message, index), trained=True)
            elif message.role == "user":
                yield from _turn("user", preamble + _text(message, index))
                preamble = ""
            else:
                raise FormatError(
                    "system messages before all others",
                    f"one as messages[{index}]",
                    "move its text into the first system message",
                )
            index += 1
        if add_generation_prompt:
            yield Segment("<start_of_turn>", control=True)
            yield Segment("model\n")

    def _preamble(self, conversation: Conversation) -> tuple[str, int]:
        """Tools and system text, as they open the first user turn, and the index of the first other message."""
        parts = []
        if conversation.tools:
            parts.append(
                f"<tools>\n[{', '.join(_json(served_tool(t), 'tools') for t in conversation.tools)}]\n</tools>"
            )
        start = 0
        for start, message in enumerate((*conversation.messages, None)):
            if message is None or message.role != "system":
                break
            parts.append(_text(message, start))
        return "".join(f"{part}\n\n" for part in parts), start

    def _answer(self, message: Message, index: int) -> str:
        if message.reasoning is not None:
            raise FormatError(
                f"messages[{index}] without reasoning", "reasoning", "drop it: this format has no place for thinking"
            )
        content = _text(message, index) if message.content is not None else ""
        if OPEN in content:
            raise FormatError(
                f"messages[{index}].content without {OPEN}",
                "one at character " + str(content.index(OPEN)),
                "say it as a tool call, or write the tag differently: read back it would be a call",
            )
        calls = [self._call(call, f"messages[{index}].tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
        return "\n".join([content, *calls] if content else calls)

    def _call(self, call: ToolCall, where: str) -> str:
        body = _json({"name": call.name, self.key: dict(call.arguments)}, where)
        return f"{OPEN}\n{body}\n{CLOSE}"

    def _result(self, messages: Sequence[Message], index: int) -> str:
        message = messages[index]
        body = _json({"name": _result_name(messages, index), "result": message.content}, f"messages[{index}].content")
        return f"{RESPONSE_OPEN}\n{body}\n{RESPONSE_CLOSE}"

    def parse(self, raw: str, *, tools: Sequence[Tool] = (), finish_reason: str | None = None) -> Parsed:
        """See `Format.parse`; types come from the JSON itself, so `tools` is not consulted."""
        content: list[str] = []
        calls: list[ToolCall] = []
        errors: list[ParseIssue] = []
        position, complete = 0, finish_reason != "length"
        while True:
            opened = raw.find(OPEN, position)
            if opened < 0:
                content.append(raw[position:])
                break
            content.append(raw[position:opened].removesuffix("\n"))
            end, found = self._read_call(raw, opened)
            if isinstance(found, ToolCall):
                calls.append(found)
            else:
                errors.append(found)
                if end < 0:
                    complete = False
                    break
                content.append(raw[opened:end])
            position = end
        return Parsed("".join(content) or None, None, tuple(calls), complete, tuple(errors))

    def _read_call(self, raw: str, opened: int) -> tuple[int, ToolCall | ParseIssue]:
        """The call whose tag opens at `opened`, or what is wrong with it; and where it ends, -1 if it never does."""
        start = _skip(raw, opened + len(OPEN))
        try:
            value, stop = _decode(raw, start)
        except (ValueError, RecursionError) as error:
            return self._malformed(raw, opened, start, f"not JSON: {_reason(error)}")
        close = _skip(raw, stop)
        if not raw.startswith(CLOSE, close):
            return self._malformed(raw, opened, close, f"expected {CLOSE} after the JSON")
        end = close + len(CLOSE)
        if not isinstance(value, dict) or set(value) != {"name", self.key}:
            return end, ParseIssue(f'expected {{"name": ..., "{self.key}": {{...}}}}', start)
        name, arguments = value["name"], value[self.key]
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return end, ParseIssue(f'"name" must be a string and "{self.key}" an object', start)
        return end, ToolCall(name, arguments)

    def _malformed(self, raw: str, opened: int, position: int, message: str) -> tuple[int, ParseIssue]:
        close = raw.find(CLOSE, opened)
        if close < 0:
            return -1, ParseIssue(f"the call is never closed ({message})", position)
        return close + len(CLOSE), ParseIssue(message, position)


def _turn(role: str, text: str, *, trained: bool = False) -> Iterator[Segment]:
    yield Segment("<start_of_turn>", control=True)
    yield Segment(f"{role}\n")
    yield Segment(text, trained=trained)
    yield Segment("<end_of_turn>", control=True, trained=trained)
    yield Segment("\n")


def _text(message: Message, index: int) -> str:
    if not isinstance(message.content, str):
        raise FormatError(
            f"text as messages[{index}].content",
            type(message.content).__name__,
            f"give the {message.role} message a string",
        )
    return message.content


def _result_name(messages: Sequence[Message], index: int) -> str:
    """The function a result comes from: its own name, else the name of the call it answers by id."""
    message = messages[index]
    for earlier in reversed(messages[:index]):
        for call in earlier.tool_calls:
            if message.tool_call_id is not None and call.id == message.tool_call_id:
                return call.name
    if message.name:
        return message.name
    raise FormatError(
        f"messages[{index}] to name the function it comes from",
        f"no name and tool_call_id {message.tool_call_id!r}, which answers no earlier call",
        "set name, or the id of a call that was made",
    )


def _json(value: Json, where: str) -> str:
    try:
        return dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(f"JSON as {where}", _reason(error), "use plain, finite JSON values") from error


def _skip(raw: str, position: int) -> int:
    while position < len(raw) and raw[position] in WHITESPACE:
        position += 1
    return position


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is given twice")
    return out


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _decode(raw: str, start: int) -> tuple[Json, int]:
    """The JSON value at `start` and where it ends, read through a growing window.

    The standard decoder counts the lines before an error, which makes many errors in one long text quadratic; a window
    bounds what it counts. An error well inside the window is final, one at its edge may only be the edge.

    Raises:
      ValueError: no JSON value stands there.
      RecursionError: it is nested too deeply.
    """
    size = 4096
    while True:
        window = raw[start : start + size]
        try:
            value, stop = _DECODER.raw_decode(window)
            return value, start + stop
        except json.JSONDecodeError as error:
            at_edge = error.msg.startswith("Unterminated string") or error.pos > size - 32
            if not at_edge or start + size >= len(raw):
                raise
        size *= 8


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
