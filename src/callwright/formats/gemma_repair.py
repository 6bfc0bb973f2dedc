"""Common mistakes in Gemma's call notation, repaired when the caller asks for it, and listed.

Repaired are: a fence around the call, a missing `call:`, strings in plain quotes or in none, quoted keys, Python's
spelling of the three words, and brackets missing at the end. Text that fits none of these stays an error.
"""

import json
import re

from callwright.conversation import Json, ToolCall
from callwright.formats.grammar import WHITESPACE, skip_space
from callwright.formats.jsontext import JSON_WORDS, PYTHON_WORDS, finite_float
from callwright.formats.repair import FENCE
from callwright.literals import MAX_CHARS, MAX_DEPTH

_HEAD = re.compile(r"\s*(call:)?\s*([^\s{}<>(),:\"']+)\s*\{")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""A number of JSON; with a fraction or an exponent it is a float."""


def bare_value(text: str) -> Json:
    """The value of a number or a word of JSON.

    Raises:
      ValueError: It is neither, or a number beyond what can be read.
    """
    if text in JSON_WORDS:
        return JSON_WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise ValueError("neither a number nor a word of JSON, and strings have delimiters")
    return finite_float(text) if number[1] or number[2] else int(text)


def repair_call(text: str, delimiter: str, *, closed: bool) -> tuple[ToolCall, int, list[str]] | None:
    """The call that a slightly wrong text means, where it ends, and what was wrong; None if that is not certain.

    Args:
      text: What stands behind the opening marker, up to the closing one if there is one.
      delimiter: What stands around strings.
      closed: Whether there is a closing marker; without one, brackets must all be there.
    """
    if len(text) > MAX_CHARS:
        return None
    repairs: list[str] = []
    fenced = FENCE.fullmatch(text) if closed else None
    if fenced:
        text = fenced[1]
        repairs.append("a fence around it")
    head = _HEAD.match(text)
    if head is None:
        return None
    if head[1] is None:
        repairs.append("a missing call:")
    reader = _Reader(text, delimiter, repairs)
    try:
        arguments, end = reader.object(head.end(), MAX_DEPTH)
    except (ValueError, RecursionError):
        return None
    rest = text[end:].strip(WHITESPACE)
    if rest if closed else reader.cut or rest[:1] not in ("", "<"):
        return None
    return ToolCall(head[2], arguments), end, list(dict.fromkeys(repairs))


class _Reader:
    """Reads values as loosely as one reading allows; raises ValueError where there is none."""

    def __init__(self, text: str, delimiter: str, repairs: list[str]) -> None:
        self._text, self._delimiter, self._repairs = text, delimiter, repairs
        self._quoted = re.compile("|".join([re.escape(delimiter), '"', "'"]))
        self.cut = False

    def object(self, at: int, depth: int) -> tuple[dict[str, Json], int]:
        """An object whose brace stands before `at`."""
        out: dict[str, Json] = {}
        while True:
            at, over = self._over(at, "}")
            if over:
                return out, at
            key, at = self._key(at)
            value, at = self._value(at, depth)
            if key in out:
                raise ValueError("a key is given twice")
            out[key] = value
            at = self._comma(at, "}")

    def _list(self, at: int, depth: int) -> tuple[list[Json], int]:
        out: list[Json] = []
        while True:
            at, over = self._over(at, "]")
            if over:
                return out, at
            value, at = self._value(at, depth)
            out.append(value)
            at = self._comma(at, "]")

    def _over(self, at: int, bracket: str) -> tuple[int, bool]:
        at = skip_space(self._text, at)
        if at == len(self._text):
            self.cut = True
            self._repairs.append("missing closing brackets")
            return at, True
        return (at + 1, True) if self._text[at] == bracket else (at, False)

    def _comma(self, at: int, bracket: str) -> int:
        at = skip_space(self._text, at)
        if at == len(self._text) or self._text[at] == bracket:
            return at
        if self._text[at] != ",":
            raise ValueError("no comma")
        return at + 1

    def _key(self, at: int) -> tuple[str, int]:
        quote = self._quoted.match(self._text, at)
        if quote:
            self._repairs.append("a key between quotes")
            key, at = self._string(quote)
            at = skip_space(self._text, at)
            if not self._text.startswith(":", at):
                raise ValueError("no colon")
            return key, at + 1
        colon = self._text.find(":", at)
        key = self._text[at:colon].strip(WHITESPACE) if colon >= 0 else ""
        if not key or re.search(r"[,{}\[\]<>\"'\n]", key):
            raise ValueError("no key")
        return key, colon + 1

    def _value(self, at: int, depth: int) -> tuple[Json, int]:
        if depth == 0:
            raise ValueError("nested too deeply")
        at = skip_space(self._text, at)
        quote = self._quoted.match(self._text, at)
        if quote:
            return self._string(quote)
        if self._text.startswith("{", at):
            return self.object(at + 1, depth - 1)
        if self._text.startswith("[", at):
            return self._list(at + 1, depth - 1)
        end = next((i for i in range(at, len(self._text)) if self._text[i] in ",}]"), len(self._text))
        return self._bare(self._text[at:end].strip(WHITESPACE)), end

    def _bare(self, word: str) -> Json:
        if word in PYTHON_WORDS:
            self._repairs.append("Python's spelling")
            return PYTHON_WORDS[word]
        if word in JSON_WORDS or _NUMBER.fullmatch(word):
            return bare_value(word)
        if not word or re.search(r"[{\[:<>\"'\n]", word):
            raise ValueError("no value")
        self._repairs.append("a string without delimiters")
        return word

    def _string(self, quote: re.Match[str]) -> tuple[str, int]:
        mark, begin = quote.group(), quote.end()
        if mark == self._delimiter:
            end = self._text.find(mark, begin)
            if end < 0:
                raise ValueError("a string that never ends")
            return self._text[begin:end], end + len(mark)
        self._repairs.append("strings in plain quotes")
        end = begin
        while end < len(self._text) and self._text[end] != mark:
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise ValueError("a string that never ends")
        body = self._text[begin:end]
        if mark == "'":
            body = re.sub(r'(?<!\\)"', r"\"", body).replace("\\'", "'")
        try:
            return json.loads(f'"{body}"', strict=False), end + 1
        except json.JSONDecodeError:
            raise ValueError("a string with a wrong escape") from None
