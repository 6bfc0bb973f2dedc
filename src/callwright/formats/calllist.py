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
    Unfinished,
    skip_space,
    unclosed,
)
from callwright.formats.pythonic import PARTIAL_NAME, PythonCallReader, write_call
from callwright.formats.pythonic_repair import LenientPythonCallReader
from callwright.formats.reading import Stream

FENCE = "```"


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

    def region(self) -> Region:
        """What it reads, for a grammar."""
        closers = ("]", *self.stops) if self.closer else ("]",) if self.opener == "[" else ()
        return Region(self.opener, self, closers=closers, at_start=not self.closer, repair=self.repair)

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        if self.opener == "[" and not self._is_attempt(text, start, context):
            return self._no_call(start)
        if self.closer:
            begin = skip_space(text, start + len(self.opener))
            if begin < len(text) and text[begin] != "[":
                return self._no_call(start, ParseIssue("expected a list of calls", begin))
        if self.opener != "[" and not self.closer:
            return self._no_call(start)  # a fence or a name, which count in lenient reading
        reader = PythonCallReader(text, start if self.opener == "[" else start + len(self.opener), context)
        try:
            calls = reader.calls()
            if self.closer:
                after = skip_space(text, reader.at)
                reader.at = after + len(self.closer) if text.startswith(self.closer, after) else after
            end = message_end(text, reader.at, self.stops, context.final, self.closer)
        except Unfinished as error:
            cut = unclosed(text, start, str(error))
            return replace(cut, calls=tuple(reader.complete_calls)) if context.final else None
        except Malformed as error:
            return self._no_call(start, ParseIssue(str(error), error.position))
        return None if end is None else ParsedRegion(end, calls)

    def repair(self, text: str, start: int, context: ParseContext, found: ParsedRegion) -> ParsedRegion | None:
        """See `grammar.RegionRepairer`."""
        if found.right:
            return None
        begin = start if self.opener == "[" or self.opener.endswith("(") else start + len(self.opener)
        closers = tuple(filter(None, (self.closer, FENCE)))
        tag = self.opener if self.closer else ""
        reader = LenientPythonCallReader(text, begin, context, opener=tag, closers=closers)
        if self.opener == FENCE:
            reader.add_repair("a fence around the calls")
            reader.at = text.find("\n", begin)
            if reader.at < 0:
                raise Unfinished("the text ends inside a fence")
        calls = self._lenient_calls(reader, text)
        if self.opener == FENCE and not text.startswith(FENCE, skip_space(text, reader.at)):
            if not context.ended_at(text, reader.at):
                raise Unfinished("the text ends inside a fence")
            reader.add_repair(f"a missing {FENCE}")
        for closer in closers:
            if text.startswith(closer, skip_space(text, reader.at)):
                reader.at = skip_space(text, reader.at) + len(closer)
        end = message_end(text, reader.at, self.stops, context.final)
        if end is None:
            raise Unfinished("the text ends behind the calls")
        return ParsedRegion(end, tuple(calls), repairs=tuple(reader.repairs)) if reader.repairs else None

    def _lenient_calls(self, reader: LenientPythonCallReader, text: str) -> list[ToolCall]:
        """Calls in one list, in several or in none, side by side."""
        calls: list[ToolCall] = []
        bare = False
        while True:
            if reader.peek() == "[":
                if calls:
                    reader.add_repair("several lists of calls")
                calls += reader.calls()
            else:
                if not bare:
                    reader.add_repair("missing brackets around the calls")
                bare = True
                calls.append(reader.call())
            if not reader.at_end():
                reader.at = skip_space(text, reader.at)
                reader.at += text[reader.at] in ",;"
            if reader.at_end():
                return calls

    def _is_attempt(self, text: str, start: int, context: ParseContext) -> bool:
        """Whether a call begins behind the bracket, and not `[1]`, `[link]` or a list of something else."""
        first = skip_space(text, start + 1)
        begun = PARTIAL_NAME.match(text, first)
        end = begun.end() if begun else first
        if end == len(text):
            names = [tool.name for tool in context.tools]
            return not context.final or not names or any(name.startswith(text[first:end]) for name in names)
        return end > first and text[end] == "("

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
        openers = [FENCE, *dict.fromkeys(f"{tool.name}(" for tool in tools)]
        regions = [CallList(opener, self.stops).region() for opener in openers]
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
