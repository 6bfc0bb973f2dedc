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
from callwright.formats.gemma_notation import NAME, excerpt, is_name, is_quoted
from callwright.formats.gemma_repair import LenientGemmaReader
from callwright.formats.grammar import (
    WHITESPACE,
    Malformed,
    ParseContext,
    ParsedRegion,
    ParseIssue,
    Region,
    Repair,
    skip_space,
    unclosed,
)
from callwright.formats.jsontext import bare_value
from callwright.formats.repair import in_words
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

    def region(self) -> Region:
        """What it reads, for a grammar."""
        return Region(self.opener, self, closers=(self.closer,), repair=self.repair)

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        begin = start + len(self.opener)
        try:
            call, end = self._call(text, begin)
            return ParsedRegion(end, calls=(call,))
        except _Unfinished as error:
            return unclosed(text, error.position, str(error)) if context.final else None
        except Malformed as error:
            close = text.find(self.closer, begin)
            if close < 0:
                return unclosed(text, error.position, str(error)) if context.final else None
            end = close + len(self.closer)
            return ParsedRegion(end, errors=(ParseIssue(str(error), error.position),), content=text[start:end])

    def repair(self, text: str, start: int, context: ParseContext, found: ParsedRegion) -> ParsedRegion | None:
        """See `grammar.RegionRepairer`."""
        if found.right:
            return None
        begin = start + len(self.opener)
        reader = LenientGemmaReader(
            text, begin, context, opener=self.opener, closer=self.closer, delimiter=self.delimiter
        )
        calls = tuple(reader.calls())
        if not reader.repairs:
            return None
        return ParsedRegion(reader.at, calls, repairs=(Repair(in_words(reader.repairs), start),))

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
                if "=" in key:
                    raise Malformed("expected a colon behind the key", at)
                value, end = self._bare(bare, edge.start() - len(bare)), edge.start()
            key = key.strip(WHITESPACE)
            if is_quoted(key):
                raise Malformed(f"the key {excerpt(key)} stands between quotes, which are no part of a key", at)
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
