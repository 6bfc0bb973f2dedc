"""`tool_code`: calls as Python on Gemma 3 turns, in the fenced blocks that Gemma 3 knows from its own training.

A block begins with a line ```` ```tool_code ````, holds one call a line, each with keyword arguments and literal
values, and ends with a line of three backticks. Results come in a user turn, each as JSON in a ```` ```tool_output ````
block, and tools open the first user turn as a JSON list in a ```` ```tools ```` block. Of all this only `<bos>`,
`<start_of_turn>` and `<end_of_turn>` are control tokens. Only a block that begins its line is one, and backticks inside
strings end none. Of a block that was cut, the calls whose lines are whole are kept. Nothing of a block is ever
executed.

What Python has no words for is refused: names of functions that are not dotted identifiers, and parameters whose names
are no identifiers or are keywords, such as `from`. Lenient reading takes comment lines, `print(...)` around a call, and
a list of calls on one line. Thinking is left out, as Gemma 3 has no channel for it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from callwright.conversation import Message, ToolCall
from callwright.formats.gemma3 import Gemma3Format
from callwright.formats.grammar import (
    Grammar,
    Malformed,
    ParseContext,
    ParsedRegion,
    ParseIssue,
    Region,
    Repair,
    skip_space,
    unclosed,
)
from callwright.formats.jsontext import Unfinished
from callwright.formats.pythonic import PythonCallReader, write_call

FENCE = "```"
OPEN = "```tool_code"
_LABEL_ENDS = re.compile(r"[ \t]*\r?\n")
_LINE_ENDS = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")


class ToolCodeFormat(Gemma3Format):
    """The format."""

    name = "tool_code"
    around_tools = ("```tools", FENCE)
    around_result = ("```tool_output", FENCE)

    def __init__(self) -> None:
        self.grammar = Grammar(
            (
                Region(OPEN, _read_block, closers=(FENCE,), at_start=True),
                Region("\n" + OPEN, _read_block, closers=(FENCE,)),
            ),
            stops=self.stops,
        )

    def _turn_text(self, message: Message, content: str, where: str) -> str:
        if not message.tool_calls:
            return content
        calls = [write_call(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
        block = "\n".join([OPEN, *calls, FENCE])
        return f"{content}\n{block}" if content else block


def _read_block(text: str, start: int, context: ParseContext) -> ParsedRegion | None:
    """One block; see `grammar.RegionReader`."""
    opened = text.index(OPEN, start)
    inside = opened + len(OPEN)
    if not _LABEL_ENDS.match(text, inside):
        if not text[inside : inside + 80].strip(" \t\r"):
            return unclosed(text, opened) if context.final else None
        return ParsedRegion(inside, content=text[start:inside])
    reader = PythonCallReader(text, inside, context)
    try:
        calls = _lines(reader, text, context)
        return ParsedRegion(reader.at, calls, repairs=tuple(reader.repairs))
    except Unfinished as error:
        if not context.final:
            return None
        cut = unclosed(text, opened, str(error))
        return replace(cut, calls=tuple(reader.complete_calls), repairs=tuple(reader.repairs))
    except Malformed as error:
        closed = text.find(FENCE, max(inside, error.position))
        if closed >= 0:
            end = closed + len(FENCE)
            return ParsedRegion(end, errors=(ParseIssue(str(error), error.position),), content=text[start:end])
        return unclosed(text, opened, str(error)) if context.final else None


def _lines(reader: PythonCallReader, text: str, context: ParseContext) -> tuple[ToolCall, ...]:
    """The calls up to the closing fence, after which reading continues."""
    calls: list[ToolCall] = []
    while True:
        line = _LINE_ENDS.match(text, reader.at)
        if line is None and skip_space(text, reader.at) < len(text):
            raise Malformed("expected one call a line", reader.at)
        reader.complete_calls = calls[:] if line else reader.complete_calls
        reader.at = line.end() if line else len(text)
        if context.lenient and _ended_without_fence(reader, text, context, calls):
            return tuple(calls)
        if reader.peek() == "`":
            break
        calls += _lenient_line(reader, text) if context.lenient else [reader.call()]
    if not text.startswith(FENCE, reader.at):
        if FENCE.startswith(text[reader.at : reader.at + 3]):
            raise Unfinished("the text ends inside a fence")
        raise Malformed(f"expected {FENCE}", reader.at)
    if not calls:
        raise Malformed("a block without calls", reader.at)
    reader.at += len(FENCE)
    return tuple(calls)


def _ended_without_fence(reader: PythonCallReader, text: str, context: ParseContext, calls: Sequence[ToolCall]) -> bool:
    if not calls or not context.final or reader.at < len(text):
        return False
    reader.repairs.append(Repair(f"a missing {FENCE}", reader.at))
    return True


def _lenient_line(reader: PythonCallReader, text: str) -> Sequence[ToolCall]:
    """One line that holds a call, in `print(...)` or not, a list of calls, or a comment."""
    start = reader.at
    if text[start] == "#":
        reader.repairs.append(Repair("a comment left out", start))
        reader.at = text.find("\n", start)
        if reader.at < 0:
            raise Unfinished("the text ends inside a comment")
        return ()
    if text[start] == "[":
        reader.repairs.append(Repair("a list of calls on one line", start))
        return reader.calls()
    if not text.startswith("print(", start):
        return (reader.call(),)
    reader.at += len("print(")
    reader.peek()
    call = reader.call()
    if reader.peek() != ")":
        raise Malformed("expected )", reader.at)
    reader.at += 1
    reader.repairs.append(Repair("print(...) around a call left out", start))
    return (call,)
