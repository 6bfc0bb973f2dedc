"""Reads calls in Gemma's notation, as strictly as `gemma_notation` writes them.

White space around keys and values means nothing. A string is read first and what it holds is never looked at, so no
marker in it ends the call; where a call is broken, it ends at the first closing marker. A text that ends inside a
string, or before the closing marker, has not closed its call.
"""

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from callwright.conversation import Json, ToolCall
from callwright.formats.gemma_notation import NAME, excerpt, is_name
from callwright.formats.gemma_repair import NUMBER, WORDS, mend_call
from callwright.formats.grammar import WHITESPACE, Context, Found, ParseIssue, Repair, unclosed
from callwright.formats.tagged import skip_space
from callwright.literals import MAX_DEPTH


class _Malformed(ValueError):  # noqa: N818 - a finding about a text, not an error of the program or of its user
    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


class _Unfinished(_Malformed):
    """The text ends before the call does."""


@dataclass(frozen=True)
class CallReader:
    """Reads `opener call:name{key:value,...} closer`; see `grammar.Read`.

    Attributes:
      opener: The control token before a call.
      closer: The control token behind it.
      delimiter: The control token around strings.
    """

    opener: str
    closer: str
    delimiter: str

    def __call__(self, text: str, start: int, context: Context) -> Found | None:
        """See `grammar.Read`."""
        begin = start + len(self.opener)
        try:
            call, end = self._call(text, begin)
            return Found(end, calls=(call,))
        except _Unfinished as error:
            if not context.final:
                return None
            mended = self._mended(text, begin, -1) if context.lenient else None
            return mended or unclosed(text, error.position, str(error))
        except _Malformed as error:
            close = text.find(self.closer, begin)
            if close < 0 and not context.final:
                return None
            mended = self._mended(text, begin, close) if context.lenient else None
            if mended or close < 0:
                return mended or unclosed(text, error.position, str(error))
            end = close + len(self.closer)
            return Found(end, errors=(ParseIssue(str(error), error.position),), content=text[start:end])

    def _mended(self, text: str, begin: int, close: int) -> Found | None:
        """The call in text up to a closer, or, when there is none, in all of it if the call itself is whole."""
        mended = mend_call(text[begin : close if close >= 0 else len(text)], self.delimiter, closed=close >= 0)
        if mended is None:
            return None
        call, length, slips = mended
        end = close + len(self.closer) if close >= 0 else begin + length
        if close < 0:
            slips = [*slips, f"a missing {self.closer}"]
        return Found(end, calls=(call,), repairs=(Repair(" and ".join(slips), begin),))

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
            raise _Unfinished(brace, "no arguments")
        if text[brace] != "{" or not is_name(name):
            raise _Malformed(brace, "expected a function's name and {")
        arguments, at = self._object(text, brace + 1, MAX_DEPTH)
        at = skip_space(text, at)
        if not text.startswith(self.closer, at):
            self._fail(text, at, self.closer)
        return ToolCall(name, arguments), at + len(self.closer)

    def _fail(self, text: str, at: int, expected: str) -> NoReturn:
        kind = _Unfinished if expected.startswith(text[at : at + len(expected)]) else _Malformed
        raise kind(at, f"expected {expected}")

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
                    raise _Malformed(at, "expected a key and a colon")
                key = head[:-1]
                value, end = self._delimited(text, edge.start(), depth)
            else:
                key, colon, bare = before.partition(":")
                if not colon:
                    raise _Malformed(at, "expected a key and a colon")
                value, end = self._bare(bare, edge.start() - len(bare)), edge.start()
            key = key.strip(WHITESPACE)
            if key in out:
                raise _Malformed(at, f"the key {excerpt(key)} is given twice")
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
                raise _Malformed(at, "expected a value")
            else:
                value, end = self._delimited(text, edge.start(), depth)
            out.append(value)
            at, last = self._next(text, end, "]")
            if last:
                return out, at

    def _find_edge(self, text: str, at: int) -> re.Match[str]:
        edge = self._edge.search(text, at)
        if edge is None:
            raise _Unfinished(len(text), "it ends inside the arguments")
        return edge

    def _next(self, text: str, at: int, bracket: str) -> tuple[int, bool]:
        """The offset behind the comma or the bracket after a value, and whether it was the bracket."""
        at = skip_space(text, at)
        if at == len(text):
            raise _Unfinished(at, "it ends inside the arguments")
        if text[at] not in (",", bracket):
            raise _Malformed(at, f"expected , or {bracket}")
        return at + 1, text[at] == bracket

    def _delimited(self, text: str, at: int, depth: int) -> tuple[Json, int]:
        """The string, object or list that begins at `at`."""
        if depth == 0:
            raise _Malformed(at, "nested too deeply")
        if text[at] == "{":
            return self._object(text, at + 1, depth - 1)
        if text[at] == "[":
            return self._list(text, at + 1, depth - 1)
        begin = at + len(self.delimiter)
        end = text.find(self.delimiter, begin)
        if end < 0:
            raise _Unfinished(len(text), "it ends inside a string")
        return text[begin:end], end + len(self.delimiter)

    def _bare(self, text: str, at: int) -> Json:
        """A number or one of the three words."""
        text = text.strip(WHITESPACE)
        if text in WORDS:
            return WORDS[text]
        number = NUMBER.fullmatch(text)
        if number is None:
            raise _Malformed(at, f"{excerpt(text)} is no value; strings stand between {self.delimiter}")
        try:
            value = float(text) if number[1] or number[2] else int(text)
        except ValueError as error:
            raise _Malformed(at, str(error)) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise _Malformed(at, f"{excerpt(text)} is beyond the range of a float")
        return value
