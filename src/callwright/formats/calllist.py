"""A list of calls that is the whole message, `[f(a=1), g(b="x")]`: what llama4 and bfcl have in common.

Whether a message that begins with a bracket is such a list is known when it ends: `[f(a=1)] would help` is no call but
words about one. A bracket that no name with a parenthesis follows begins a text like any other. Of a list that was cut,
the calls that a comma follows are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callwright.conversation import Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Format
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
from callwright.formats.pythonic import PARTIAL_NAME, PythonCallReader, write_call
from callwright.formats.reading import Stream


@dataclass(frozen=True, slots=True)
class CallList:
    """Reads `[f(a=1), g(b="x")]` where it is the whole message, up to one of `stops`.

    Attributes:
      opener: What opens the region: "[", a tag before it, or in lenient reading a fence or the name of a tool.
      stops: What may follow the list, apart from white space and the end.
      closer: What may stand behind the list when a tag opened it.
    """

    opener: str
    stops: tuple[str, ...]
    closer: str = ""

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        if self.opener == "[" and not self._is_attempt(text, start, context):
            return self._no_call(start)
        if self.closer:
            begin = skip_space(text, start + len(self.opener))
            if begin < len(text) and text[begin] != "[":
                return self._no_call(start, ParseIssue("expected a list of calls", begin))
        reader = PythonCallReader(text, start, context)
        try:
            calls = self._calls(reader, text, start)
            end = message_end(text, reader.at, self.stops, context.final, self.closer)
        except Unfinished as error:
            if not context.final:
                return None
            cut = unclosed(text, start, str(error))
            return replace(cut, calls=tuple(reader.complete_calls), repairs=tuple(reader.repairs))
        except Malformed as error:
            return self._no_call(start, ParseIssue(str(error), error.position))
        return None if end is None else ParsedRegion(end, calls, repairs=tuple(reader.repairs))

    def _is_attempt(self, text: str, start: int, context: ParseContext) -> bool:
        """Whether a call begins behind the bracket, and not `[1]`, `[link]` or a list of something else."""
        first = skip_space(text, start + 1)
        begun = PARTIAL_NAME.match(text, first)
        end = begun.end() if begun else first
        if end == len(text):
            names = [tool.name for tool in context.tools]
            return not context.final or not names or any(name.startswith(text[first:end]) for name in names)
        return end > first and text[end] == "("

    def _calls(self, reader: PythonCallReader, text: str, start: int) -> tuple[ToolCall, ...]:
        if self.opener == "[":
            return reader.calls()
        if self.opener.endswith("("):
            return self._bare(reader, text, start)
        reader.at = start + len(self.opener)
        if self.opener == "```":
            return self._fenced(reader, text, start)
        reader.peek()
        calls = reader.calls()
        after = skip_space(text, reader.at)
        if text.startswith(self.closer, after):
            reader.at = after + len(self.closer)
        return calls

    def _bare(self, reader: PythonCallReader, text: str, start: int) -> tuple[ToolCall, ...]:
        reader.repairs.append(Repair("missing brackets around the calls", start))
        calls = [reader.call()]
        while text.startswith(",", skip_space(text, reader.at)):
            reader.at = skip_space(text, reader.at) + 1
            reader.peek()
            calls.append(reader.call())
        if text.startswith("]", skip_space(text, reader.at)):
            reader.at = skip_space(text, reader.at) + 1
        return tuple(calls)

    def _fenced(self, reader: PythonCallReader, text: str, start: int) -> tuple[ToolCall, ...]:
        line = text.find("\n", reader.at)
        if line < 0:
            raise Unfinished("the text ends inside a fence")
        reader.at = line
        if reader.peek() != "[":
            raise Malformed("expected a list of calls", reader.at)
        calls = reader.calls()
        reader.peek()
        if not text.startswith("```", reader.at):
            if "```".startswith(text[reader.at :]):
                raise Unfinished("the text ends inside a fence")
            raise Malformed("expected ```", reader.at)
        reader.at += 3
        reader.repairs.append(Repair("a fence around the calls", start))
        return calls

    def _no_call(self, start: int, *errors: ParseIssue) -> ParsedRegion:
        return ParsedRegion(start + len(self.opener), errors=errors, content=self.opener)


def message_end(text: str, position: int, stops: Sequence[str], final: bool, closer: str = "") -> int | None:
    """Where a message that is over behind `position` ends; None if more must come before that is certain.

    Raises:
      Malformed: It is not over: neither a stop nor the end of the text comes next.
    """
    end = skip_space(text, position)
    if text.startswith(tuple(stops), end) or (final and end == len(text)):
        return end
    if not final and any(marker.startswith(text[end : end + 32]) for marker in (*stops, closer)):
        return None
    raise Malformed("a call must be the whole message", end)


class CallListFormat(Format):
    """A format whose calls are a list that is the whole message."""

    def stream(self, *, tools: Sequence[Tool] = (), generation_prompt: str = "", lenient: bool = False) -> Stream:
        """See `Format.stream`; lenient reading also takes calls that begin with the name of a tool, or in a fence."""
        if not lenient:
            return super().stream(tools=tools, generation_prompt=generation_prompt)
        openers = ["```", *dict.fromkeys(f"{tool.name}(" for tool in tools)]
        regions = [Region(opener, CallList(opener, self.stops), at_start=True) for opener in openers]
        grammar = Grammar((*self.grammar.regions, *regions), stops=self.stops, lone_closers=self.grammar.lone_closers)
        return Stream(grammar, tools=tools, special_tokens=self.special_tokens, lenient=True, thinking=False)

    def content_or_calls(self, message: Message, content: str, where: str) -> str:
        """The text of the message: its content, or a list of calls and nothing beside it.

        Raises:
          FormatError: There are both.
        """
        if not message.tool_calls:
            return content
        if content:
            raise FormatError(
                f"no text in {where}.content beside calls",
                "text and calls",
                "keep the calls, which are all of a message",
            )
        calls = [write_call(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
        return f"[{', '.join(calls)}]"

    def check_order(self, messages: Sequence[Message], index: int) -> None:
        """Refuses a result in another place than its call: only the order tells which result answers which call.

        Raises:
          FormatError: `messages[index]` is such a result.
        """
        first = index
        while first >= 0 and messages[first].role == "tool":
            first -= 1
        calls = messages[first].tool_calls if first >= 0 else ()
        place = index - first - 1
        result, call = messages[index], calls[place] if place < len(calls) else None
        by_id = call is not None and None not in (call.id, result.tool_call_id)
        if call is None or (call.id != result.tool_call_id if by_id else result.name not in (None, call.name)):
            raise FormatError(
                f"messages[{index}] to answer the call in the same place",
                "a result without one" if call is None else f"one of {result.tool_call_id or result.name!r}",
                "give the results of a message directly after it, in the order of its calls",
            )
