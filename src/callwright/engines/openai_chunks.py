"""A model's message as OpenAI's chat endpoint writes it: the deltas of a stream, and the same as one message."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from callwright.conversation import ToolCall
from callwright.formats.grammar import Event, TextDelta
from callwright.formats.reading import Stream
from callwright.tokens import Segment

Delta = dict[str, Any]
_ARGUMENTS = 16
"""How many characters of a call's arguments come at once."""


def message_deltas(
    stream: Stream, output: Iterable[Segment], finish_reason: str, ids: Iterator[str]
) -> Iterator[Delta]:
    """The parts of a message as the parser becomes certain of them.

    Args:
      stream: The parser.
      output: What the model generates, token by token.
      finish_reason: "stop" or "length".
      ids: Ids for calls that have none.
    """
    calls = 0
    for events in (*map(stream.feed, (segment for segment in output if segment.text)), stream.finish(finish_reason)):
        for event in events:
            yield from _deltas(event, calls, ids)
            calls += isinstance(event, ToolCall)


def _deltas(event: Event, index: int, ids: Iterator[str]) -> Iterator[Delta]:
    if isinstance(event, TextDelta):
        yield {"reasoning_content" if event.reasoning else "content": event.text}
    elif isinstance(event, ToolCall):
        arguments = json.dumps(dict(event.arguments), ensure_ascii=False)
        head = {"index": index, "id": event.id or next(ids), "type": "function"}
        yield {"tool_calls": [head | {"function": {"name": event.name, "arguments": ""}}]}
        for start in range(0, len(arguments), _ARGUMENTS):
            part = arguments[start : start + _ARGUMENTS]
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def whole_message(deltas: Iterable[Delta]) -> dict[str, Any]:
    """The deltas of a stream as one message; its content is null where there is none."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    for delta in deltas:
        for name in ("content", "reasoning_content"):
            if name in delta:
                message[name] = (message.get(name) or "") + delta[name]
        for part in delta.get("tool_calls", ()):
            if "id" in part:
                call = {"id": part["id"], "type": "function", "function": dict(part["function"])}
                message.setdefault("tool_calls", []).append(call)
            else:
                message["tool_calls"][part["index"]]["function"]["arguments"] += part["function"]["arguments"]
    return message
