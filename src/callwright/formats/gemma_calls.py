"""Reads calls in Gemma's notation, as strictly as `gemma_notation` writes them.

White space around keys and values means nothing. A string is read first and what it holds is never looked at, so no
marker in it ends the call; where a call is broken, it ends at the first closing marker. A text that ends inside a
string, or before the closing marker, has not closed its call.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from callwright.conversation import Json, ToolCall
from callwright.formats.gemma_notation import NAME, excerpt, is_name
from callwright.formats.gemma_repair import bare_value, repair_call
from callwright.formats.grammar import (
    WHITESPACE,
    Malformed,
    ParseContext,
    ParsedRegion,
    ParseIssue,
    Repair,
    skip_space,
    unclosed,
)
from callwright.literals import MAX_DEPTH


class _Unfinished(Malformed):
    """The text ends before the call does."""


@dataclass(frozen=True)
class GemmaCallReader:
    """Reads `opener call:name{key:value,...} closer`; see `grammar.RegionReader`.

    Attributes:
      opener: The control token before a call.
      closer: The control token behind it.
      delimiter: The control token around strings.
    """

    opener: str
    closer: str
    delimiter: str

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        begin = start + len(self.opener)
        try:
            call, end = self._call(text, begin)
            return ParsedRegion(end, calls=(call,))
        except _Unfinished as error:
            if not context.final:
                return None
            repaired = self._repaired(text, begin, -1) if context.lenient else None
            return repaired or unclosed(text, error.position, str(error))
        except Malformed as error:
            close = text.find(self.closer, begin)
            if close < 0 and not context.final:
                return None
            repaired = self._repaired(text, begin, close) if context.lenient else None
            if repaired or close < 0:
                return repaired or unclosed(text, error.position, str(error))
            end = close + len(self.closer)
            return ParsedRegion(end, errors=(ParseIssue(str(error), error.position),), content=text[start:end])

    def _repaired(self, text: str, begin: int, close: int) -> ParsedRegion | None:
        """The call in text up to a closer, or, when there is none, in all of it if the call itself is whole."""
        repaired = repair_call(text[begin : close if close >= 0 else len(text)], self.delimiter, closed=close >= 0)
        if repaired is None:
            return None
        call, length, fixes = repaired
        end = close + len(self.closer) if close >= 0 else begin + length
        if close < 0:
            fixes = [*fixes, f"a missing {self.closer}"]
        return ParsedRegion(end, calls=(call,), repairs=(Repair(" and ".join(fixes), begin),))

    @cached_property
    def _edge(self) -> re.Pattern[str]:
        """What ends a key or a bare value."""
        return re.compile(f"{re.escape(self.delimiter)}|{re.escape(self.closer)}|[,{{}}\\[\\]]")

    def _call(self, text: str, begin: int) -> tuple[ToolCall, int]:
        at = skip_space(text, begin)
        if not text.startswith("call:", at):
            self._fail(text, at, "call:")
        named = NAME.match(text, at + len("call:"))
        name = named.group() if named else ""
        brace = at + len("call:") + len(name)
        if brace == len(text):
            raise _Unfinished("no arguments", brace)
        if text[brace] != "{" or not is_name(name):
            raise Malformed("expected a function's name and {", brace)
        arguments, at = self._object(text, brace + 1, MAX_DEPTH)
        at = skip_space(text, at)
        if not text.startswith(self.closer, at):
            self._fail(text, at, self.closer)
        return ToolCall(name, arguments), at + len(self.closer)

    def _fail(self, text: str, at: int, expected: str) -> NoReturn:
        kind = _Unfinished if expected.startswith(text[at : at + len(expected)]) else Malformed
        raise kind(f"expected {expected}", at)

    def _object(self, text: str, at: int, depth: int) -> tuple[dict[str, Json], int]:
        out: dict[str, Json] = {}
        at = skip_space(text, at)
        if text.startswith("}", at):
            return out, at + 1
        while True:
            edge = self._find_edge(text, at)
            before = text[at : edge.start()]
            if edge.group() in (self.delimiter, "{", "["):
                head = before.rstrip(WHITESPACE)
                if not head.endswith(":"):
                    raise Malformed("expected a key and a colon", at)
                key = head[:-1]
                value, end = self._delimited(text, edge.start(), depth)
            else:
                key, colon, bare = before.partition(":")
                if not colon:
                    raise Malformed("expected a key and a colon", at)
                value, end = self._bare(bare, edge.start() - len(bare)), edge.start()
            key = key.strip(WHITESPACE)
            if key in out:
                raise Malformed(f"the key {excerpt(key)} is given twice", at)
            out[key] = value
            at, last = self._next(text, end, "}")
            if last:
                return out, at

    def _list(self, text: str, at: int, depth: int) -> tuple[list[Json], int]:
        out: list[Json] = []
        at = skip_space(text, at)
        if text.startswith("]", at):
            return out, at + 1
        while True:
            edge = self._find_edge(text, at)
            before = text[at : edge.start()].strip(WHITESPACE)
            if edge.group() not in (self.delimiter, "{", "["):
                value, end = self._bare(before, at), edge.start()
            elif before:
                raise Malformed("expected a value", at)
            else:
                value, end = self._delimited(text, edge.start(), depth)
            out.append(value)
            at, last = self._next(text, end, "]")
            if last:
                return out, at

    def _find_edge(self, text: str, at: int) -> re.Match[str]:
        edge = self._edge.search(text, at)
        if edge is None:
            raise _Unfinished("it ends inside the arguments", len(text))
        return edge

    def _next(self, text: str, at: int, bracket: str) -> tuple[int, bool]:
        """The offset behind the comma or the bracket after a value, and whether it was the bracket."""
        at = skip_space(text, at)
        if at == len(text):
            raise _Unfinished("it ends inside the arguments", at)
        if text[at] not in (",", bracket):
            raise Malformed(f"expected , or {bracket}", at)
        return at + 1, text[at] == bracket

    def _delimited(self, text: str, at: int, depth: int) -> tuple[Json, int]:
        """The string, object or list that begins at `at`."""
        if depth == 0:
            raise Malformed("nested too deeply", at)
        if text[at] == "{":
            return self._object(text, at + 1, depth - 1)
        if text[at] == "[":
            return self._list(text, at + 1, depth - 1)
        begin = at + len(self.delimiter)
        end = text.find(self.delimiter, begin)
        if end < 0:
            raise _Unfinished("it ends inside a string", len(text))
        return text[begin:end], end + len(self.delimiter)

    def _bare(self, text: str, at: int) -> Json:
        """A number or one of the three words."""
        text = text.strip(WHITESPACE)
        try:
            return bare_value(text)
        except ValueError as error:
            raise Malformed(f"{excerpt(text)} is no value: {error}", at) from None
