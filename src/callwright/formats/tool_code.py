"""`tool_code`: calls as Python on Gemma 3 turns, in the fenced blocks that Gemma 3 knows from its own training.

A block begins with a line ```` ```tool_code ````, holds one call a line, each with keyword arguments and literal
values, and ends with a line of three backticks. Results come in a user turn, each as JSON in a ```` ```tool_output ````
block, and tools open the first user turn as a JSON list in a ```` ```tools ```` block. Of all this only `<bos>`,
`<start_of_turn>` and `<end_of_turn>` are control tokens. Only a block that begins its line is one, and backticks inside
strings end none. Of a block that was cut, the calls whose lines are whole are kept. Nothing of a block is ever
executed.

What Python has no words for is refused: names of functions that are not dotted identifiers, and parameters whose names
are no identifiers or are keywords, such as `from`. Lenient reading takes comment lines, `print(...)` around a call,
and several calls on one line. Thinking is left out, as Gemma 3 has no channel for it.
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
    Unfinished,
    skip_space,
    unclosed,
)
from callwright.formats.pythonic import PythonCallReader, write_call
from callwright.formats.pythonic_repair import LenientPythonCallReader

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
                Region(OPEN, _read_block, closers=(FENCE,), at_start=True, repair=_repair_block),
                Region("\n" + OPEN, _read_block, closers=(FENCE,), repair=_repair_block),
            ),
            stops=self.stops,
        )

    def chat_template(self) -> str:
        """See `Format.chat_template`."""
        return self.tools_template + super().chat_template()

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
        calls = _lines(reader, text)
        return ParsedRegion(reader.at, calls)
    except Unfinished as error:
        if not context.final:
            return None
        return replace(unclosed(text, opened, str(error)), calls=tuple(reader.complete_calls))
    except Malformed as error:
        closed = text.find(FENCE, max(inside, error.position))
        if closed >= 0:
            end = closed + len(FENCE)
            return ParsedRegion(end, errors=(ParseIssue(str(error), error.position),), content=text[start:end])
        return unclosed(text, opened, str(error)) if context.final else None


def _lines(reader: PythonCallReader, text: str) -> tuple[ToolCall, ...]:
    """The calls up to the closing fence, after which reading continues."""
    calls: list[ToolCall] = []
    while True:
        line = _LINE_ENDS.match(text, reader.at)
        if line is None and skip_space(text, reader.at) < len(text):
            raise Malformed("expected one call a line", reader.at)
        reader.complete_calls = calls[:] if line else reader.complete_calls
        reader.at = line.end() if line else len(text)
        if reader.peek() == "`":
            break
        calls.append(reader.call())
    if not text.startswith(FENCE, reader.at):
        if FENCE.startswith(text[reader.at : reader.at + 3]):
            raise Unfinished("the text ends inside a fence")
        raise Malformed(f"expected {FENCE}", reader.at)
    if not calls:
        raise Malformed("a block without calls", reader.at)
    reader.at += len(FENCE)
    return tuple(calls)


def _repair_block(text: str, start: int, context: ParseContext, found: ParsedRegion) -> ParsedRegion | None:
    """See `grammar.RegionRepairer`."""
    inside = text.index(OPEN, start) + len(OPEN)
    if found.right or not _LABEL_ENDS.match(text, inside):
        return None
    reader = LenientPythonCallReader(text, inside, context, opener=OPEN, closers=(FENCE,))
    calls: list[ToolCall] = []
    while reader.peek():
        calls += _lenient_line(reader, text)
        if not reader.at_end() and not _LINE_ENDS.match(text, reader.at):
            reader.add_repair("several calls on one line")
            reader.at = skip_space(text, reader.at)
            reader.at += text[reader.at] in ",;"
    if not calls:
        return None
    if text.startswith(FENCE, reader.at):
        reader.at += len(FENCE)
    else:
        reader.add_repair(f"a missing {FENCE}")
    return ParsedRegion(reader.at, tuple(calls), repairs=tuple(reader.repairs))


def _lenient_line(reader: LenientPythonCallReader, text: str) -> Sequence[ToolCall]:
    """One line that holds a call, in `print(...)` or not, a list of calls, or a comment."""
    start = reader.at
    if text[start] == "#":
        reader.add_repair("a comment left out")
        reader.at = text.find("\n", start)
        if reader.at < 0:
            raise Unfinished("the text ends inside a comment")
        return ()
    if text[start] == "[":
        reader.add_repair("a list of calls on one line")
        return reader.calls()
    if not text.startswith("print(", start):
        return (reader.call(),)
    reader.add_repair("print(...) around a call left out")
    reader.at += len("print")
    return (reader.call_in_parentheses(),)
