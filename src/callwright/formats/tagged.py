"""Calls as one JSON object between two tags: what xml, Qwen and Hermes have in common.

The tags inside JSON strings are no tags: the JSON is decoded first, and the closing tag is looked for behind it. Where
the JSON is broken, the call ends at the first closing tag. Lenient reading goes on behind tags in strings there too,
and takes an end of turn or the next call for the closing tag.
"""

from dataclasses import dataclass

from callwright.conversation import Json, ToolCall
from callwright.formats.call_objects import read_calls
from callwright.formats.grammar import (
    ParseContext,
    ParsedRegion,
    ParseIssue,
    Region,
    Repair,
    Trim,
    Unfinished,
    skip_space,
    unclosed,
)
from callwright.formats.jsontext import read_json
from callwright.formats.repair import LenientReader, in_words


@dataclass(frozen=True, slots=True)
class TaggedJson:
    """Reads `opener {"name": ..., key: {...}} closer`."""

    opener: str
    closer: str
    key: str = "arguments"

    def region(self, before: Trim) -> Region:
        """What it reads, for a grammar; `before` is what is removed before the call."""
        return Region(self.opener, self, closers=(self.closer,), before=before, repair=self.repair)

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        begin = skip_space(text, start + len(self.opener))
        try:
            value, stop = read_json(text, begin)
        except Unfinished as error:
            return self._malformed(text, start, begin, f"not JSON: {error}", context) if context.final else None
        except ValueError as error:
            return self._malformed(text, start, begin, f"not JSON: {error}", context)
        close = skip_space(text, stop)
        if not text.startswith(self.closer, close):
            if self.closer.startswith(text[close:]) and not context.final:
                return None
            return self._malformed(text, start, close, f"expected {self.closer} after the JSON", context)
        end = close + len(self.closer)
        call = self.call(value)
        if isinstance(call, ToolCall):
            return ParsedRegion(end, calls=(call,))
        return ParsedRegion(end, errors=(ParseIssue(call, begin),), content=text[start:end])

    def call(self, value: Json) -> ToolCall | str:
        """The call that a JSON value is, or what is wrong with it."""
        if not isinstance(value, dict) or len(value) != 2 or "name" not in value or self.key not in value:
            return f'expected {{"name": ..., "{self.key}": {{...}}}}'
        name, arguments = value["name"], value[self.key]
        if not isinstance(name, str) or not name or not isinstance(arguments, dict):
            return f'"name" must be a string that is not empty, and "{self.key}" an object'
        return ToolCall(name, arguments)

    def repair(self, text: str, start: int, context: ParseContext, found: ParsedRegion) -> ParsedRegion | None:
        """See `grammar.RegionRepairer`."""
        if found.right:
            return None
        reader = LenientReader(text, start + len(self.opener), context, opener=self.opener, closer=self.closer)
        calls = tuple(read_calls(reader, self.key))
        if not calls or not reader.repairs:
            return None
        return ParsedRegion(reader.at, calls, repairs=(Repair(in_words(reader.repairs), start),))

    def _malformed(
        self, text: str, start: int, position: int, message: str, context: ParseContext
    ) -> ParsedRegion | None:
        close = text.find(self.closer, start + len(self.opener))
        if close < 0:
            return unclosed(text, position, message) if context.final else None
        end = close + len(self.closer)
        return ParsedRegion(end, errors=(ParseIssue(message, position),), content=text[start:end])
