"""Faults of the stream alone: the whole answer is as it should be."""

from collections.abc import Callable
from typing import Any

from tests.support.fault import Faults

FAULTS = Faults()
Chunk = dict[str, Any]


def _each_call(chunk: Chunk, change: Callable[[dict[str, Any]], None]) -> Chunk:
    for choice in chunk["choices"]:
        for call in choice["delta"].get("tool_calls", ()):
            change(call)
    return chunk


@FAULTS.chunk("arguments-not-streamed", "reply")
def arguments_never_sent(chunk: Chunk) -> Chunk:
    """A stream names the calls, and nothing follows."""

    def emptied(call: dict[str, Any]) -> None:
        call["function"].pop("arguments", None)

    return _each_call(chunk, emptied)


@FAULTS.chunk("arguments-not-streamed", "reply")
def empty_arguments_never_sent(chunk: Chunk) -> Chunk:
    """A call without arguments has no text for them in a stream, instead of an empty object."""

    def emptied(call: dict[str, Any]) -> None:
        if call["function"].get("arguments") == "{}":
            call["function"]["arguments"] = ""

    return _each_call(chunk, emptied)


@FAULTS.chunk("stream-differs", "reply")
def all_calls_have_index_0(chunk: Chunk) -> Chunk:
    """Calls of a stream cannot be told apart by their index."""

    def first(call: dict[str, Any]) -> None:
        call["index"] = 0

    return _each_call(chunk, first)


@FAULTS.chunk("stream-differs content-whitespace", "reply")
def line_breaks_lost_in_the_stream(chunk: Chunk) -> Chunk:
    """Line breaks of the text get lost where it is cut into events."""
    for choice in chunk["choices"]:
        if choice["delta"].get("content"):
            choice["delta"]["content"] = choice["delta"]["content"].replace("\n", "")
    return chunk


@FAULTS.chunk("stream-differs finish-reason-wrong", "reply")
def calls_streamed_as_stop(chunk: Chunk) -> Chunk:
    """A stream with calls ends like one without."""
    for choice in chunk["choices"]:
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = "stop"
    return chunk
