"""Common mistakes in Gemma's call notation, repaired when the caller asks for it, and listed.

Repaired is what `repair` repairs in JSON, with the same reader, and besides: a missing `call:`, strings in plain quotes
or in none, quoted keys, `=` for the colon, and a call without braces, which has no arguments. Text that fits none of
these stays an error.
"""

import re

from callwright.conversation import Json, ToolCall
from callwright.formats.call_objects import NO_ARGUMENTS, SEVERAL
from callwright.formats.grammar import WHITESPACE, Malformed, ParseContext
from callwright.formats.repair import LenientReader
from callwright.formats.strings import quotation_mark

_HEAD = re.compile(r"(call:)?+[ \t\r\n]*+([^\s{}<>(),:;\"'`]*+)")
_KEY = re.compile(r"[^,{}\[\]<>\"'\n:=]+")
_NO_WORD = re.compile(r"[{\[:=<>\"'\n]")


class LenientGemmaReader(LenientReader):
    """Reads the calls of a block as loosely as one reading allows; see `LenientReader`."""

    colons = ":="

    def __init__(self, text: str, at: int, context: ParseContext, *, opener: str, closer: str, delimiter: str) -> None:
        super().__init__(text, at, context, opener=opener, closer=closer)
        self._delimiter = delimiter
        self._markers = (*self._ends, delimiter)

    def calls(self) -> list[ToolCall]:
        """The calls up to the closing marker or another end, which is passed if it is the closing marker."""
        found = self.several(self._call)
        if len(found) > 1:
            self.repairs.append(SEVERAL)
        return found

    def _call(self) -> ToolCall:
        self._next()
        head = _HEAD.match(self._text, self.at)
        if head is None or not head[2]:
            raise self._fail("a function's name")
        self.at = head.end()
        follows = self._next()  # the name may go on where the text ends
        if head[1] is None:
            self.repairs.append("a missing call:")
        elif not follows:
            self.repairs.append(NO_ARGUMENTS)
            return ToolCall(head[2], {})
        if follows != "{":
            raise self._fail("{")
        arguments = self.value()
        return ToolCall(head[2], arguments if isinstance(arguments, dict) else {})

    def _value_string(self) -> str | None:
        plain = quotation_mark(self._text, self.at)
        read = self._string()
        if read is not None and plain:
            self.repairs.append("strings in plain quotes")
        return read

    def _string(self) -> str | None:
        if not self._text.startswith(self._delimiter, self.at):
            return super()._string()
        begin = self.at + len(self._delimiter)
        return self._between(self._delimiter, begin, self._text.find(self._delimiter, begin, self._limit))

    def _key(self) -> str:
        quoted = self._string()
        if quoted is not None:
            self.repairs.append("a key between quotes")
            self._colon()
            return quoted
        found = _KEY.match(self._text, self.at, self._limit)
        key = found[0].strip(WHITESPACE) if found else ""
        if not key:
            raise self._fail("a key")
        self.at += len(found[0]) if found else 0
        self._colon()
        return key

    def _colon(self) -> None:
        if self._next() == "=":
            self.repairs.append("= for a colon")
        super()._colon()

    def _other(self, word: str) -> Json:
        if _NO_WORD.search(word):
            raise Malformed("neither a number nor a word", self.at)
        self.repairs.append("a string without delimiters")
        return word
