"""Common mistakes of models in JSON, repaired when the caller asks for it, and listed.

Only mistakes with one possible meaning are here: a fence around the value, Python's spelling (single quotes, True,
None), a comma too many, control characters in strings (a line break that is not escaped), doubled braces, closing
brackets that close nothing, a key given twice (its last value counts), and closing brackets that are missing where the
model ended its turn or wrote the closing marker. Several values may stand side by side. Anything else stays an error.

Gemma's notation and Python's calls have readers of their own (`gemma_repair`, `pythonic_repair`), which repair the same
and say it in the same words.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from callwright.conversation import Json
from callwright.formats.grammar import WHITESPACE, Malformed, ParseContext, Unfinished, skip_space
from callwright.formats.jsontext import PYTHON_WORDS, bare_value, dumps, is_bare_value
from callwright.formats.strings import INSIDE_LENIENT, has_control, quotation_mark, unescaped, unescaped_json
from callwright.literals import MAX_DEPTH, literal

T = TypeVar("T")

_FENCE = re.compile(r"\s*```[a-zA-Z_]*")
_BARE = re.compile(r"[^,{}\[\]\"'<\n]*+")

COMMA = "a comma too many"
DOUBLED = "doubled braces"
FENCED = "a fence around it"
LINE_BREAK = "control characters in a string"
MISSING = "missing closing brackets"
PYTHON = "Python's spelling"
SURPLUS = "a closing bracket that closes nothing"


def given_twice(key: str, value: Json) -> str:
    """What to say of a key whose earlier value was dropped."""
    return f"the key {_excerpt(key)} given twice and its last value {_excerpt(value)} taken"


def in_words(repairs: Sequence[str]) -> str:
    """The repairs of one region as one message, each once."""
    return " and ".join(dict.fromkeys(repairs))


def repair_json(text: str) -> tuple[Json, str] | None:
    """The value that a slightly wrong text means and what was wrong with it; None if that is not certain."""
    reader = LenientReader(text, 0, ParseContext(lenient=True, stopped=True))
    try:
        values = reader.values()
    except ValueError:
        return None
    return (values[0], in_words(reader.repairs)) if len(values) == 1 else None


class LenientReader:
    """Reads JSON as loosely as one reading allows.

    Its methods raise `Unfinished` where the text ends too early and `Malformed` where nothing certain stands. What one
    of them answers, it answers for every longer text. No string reaches beyond the next opening marker, so that many
    broken calls in one text are read in linear time.

    Attributes:
      at: Where reading continues.
      repairs: What was wrong so far.
    """

    colons = ":"
    """What may stand between a key and its value."""

    def __init__(self, text: str, at: int, context: ParseContext, *, opener: str = "", closer: str = "") -> None:
        following = text.find(opener, at) if opener else -1
        self._limit = following if following >= 0 else len(text)
        self.at = at
        self.repairs: list[str] = []
        self._text, self._context, self._closer = text, context, closer
        self._ends = tuple(filter(None, (closer, opener, *context.stops)))
        self._markers = self._ends  # what a text that goes on may have the beginning of at its end
        self._open = {"}": 0, "]": 0}

    def values(self) -> list[Json]:
        """The values up to the closing marker or another end, which is passed if it is the closing marker."""
        return self.several(self.value)

    def several(self, read: Callable[[], T]) -> list[T]:
        """What `read` reads, again and again, up to an end; commas, semicolons and white space may stand between."""
        fence = _FENCE.match(self._text, self.at, self._limit)
        if fence is not None:
            self.at = fence.end()
            self.repairs.append(FENCED)
        found = [read()]
        while not self._finished(fenced=fence is not None):
            if self._text[self.at] in ",;":
                self.at += 1
                self._next()
                if self._finished(fenced=fence is not None):
                    self.repairs.append(COMMA)
                    break
            found.append(read())
        return found

    def value(self, depth: int = MAX_DEPTH) -> Json:
        """One value, and the brackets behind it that close nothing."""
        if depth == 0:
            raise Malformed("nested too deeply", self.at)
        first = self._next()
        if first == "{":
            value: Json = self._object(depth - 1)
        elif first == "[":
            value = self._list(depth - 1)
        else:
            string = self._value_string()
            value = self._bare() if string is None else string
        self._skip_surplus()
        return value

    def at_end(self) -> bool:
        """Whether an end comes next and no value."""
        return not self._next()

    def _finished(self, *, fenced: bool) -> bool:
        """Whether the values are over; then the closing marker is passed, or listed as missing.

        Raises:
          Unfinished: The text ends before it, and nothing says that the call was not cut.
        """
        self.at = skip_space(self._text, self.at)
        if fenced and self._text.startswith("```", self.at):
            self.at += 3
        if not self._ended():
            return False
        if self._closer and self._text.startswith(self._closer, self.at):
            self.at += len(self._closer)
        elif self._closer:
            if self.at == len(self._text) and not self._context.stopped:
                raise Unfinished(f"no {self._closer}")
            self.repairs.append(f"a missing {self._closer}")
        return True

    def _ended(self) -> bool:
        """Whether an end stands here, white space aside: a marker, or the end of the text."""
        self.at = skip_space(self._text, self.at)
        if self.at == len(self._text) and not self._context.final:
            raise Unfinished("the text ends behind a value")
        return self.at == len(self._text) or self._text.startswith(self._ends, self.at)

    def _next(self) -> str:
        """The next character that is not white space; reading continues there. "" where brackets may be missing."""
        self.at = skip_space(self._text, self.at)
        if self.at == len(self._text) and not self._context.stopped:
            raise Unfinished("the text ends inside a value")
        if self.at == len(self._text) or self._text.startswith(self._ends, self.at):
            return ""
        return self._text[self.at]

    def _fail(self, expected: str) -> Malformed | Unfinished:
        """What is wrong here: with the text, or only with its end."""
        rest = self._text[self.at : self.at + 32]
        if not self._context.final and any(marker.startswith(rest) for marker in self._markers):
            return Unfinished(f"expected {expected}")
        return Malformed(f"expected {expected}", self.at)

    def _object(self, depth: int) -> dict[str, Json]:
        braces = 0
        while self._next() == "{":  # a key must follow, so a second brace can only repeat the first
            braces += 1
            self.at += 1
        if braces > 1:
            self.repairs.append(DOUBLED)
        self._open["}"] += 1
        items: dict[str, Json] = {}
        while self._next() not in ("}", ""):
            key = self._key()
            value = self.value(depth)
            if key in items:
                self.repairs.append(given_twice(key, value))
            items[key] = value
            self._comma("}")
        self._open["}"] -= 1
        if not self._next():
            self.repairs.append(MISSING)
        while braces and self._next() == "}":
            braces -= 1
            self.at += 1
        return items

    def _list(self, depth: int) -> list[Json]:
        self.at += 1
        self._open["]"] += 1
        items: list[Json] = []
        while self._next() not in ("]", ""):
            items.append(self.value(depth))
            self._comma("]")
        self._open["]"] -= 1
        if self._next():
            self.at += 1
        else:
            self.repairs.append(MISSING)
        return items

    def _comma(self, bracket: str) -> None:
        follows = self._next()
        if follows == ",":
            self.at += 1
            if self._next() in (bracket, ""):
                self.repairs.append(PYTHON)
        elif follows == "{" and bracket == "]":
            self.repairs.append("a missing comma")
        elif follows not in (bracket, ""):
            raise self._fail(f", or {bracket}")

    def _skip_surplus(self) -> None:
        at = skip_space(self._text, self.at)
        while at < len(self._text) and self._open.get(self._text[at], 1) == 0:
            self.repairs.append(SURPLUS)
            self.at = at + 1
            at = skip_space(self._text, self.at)

    def _key(self) -> str:
        key = self._string()
        if key is None:
            raise self._fail("a key")
        self._colon()
        return key

    def _colon(self) -> None:
        follows = self._next()
        if not follows or follows not in self.colons:
            raise self._fail("a colon")
        self.at += 1

    def _value_string(self) -> str | None:
        """The string that stands here as a value, if one does."""
        return self._string()

    def _string(self) -> str | None:
        """The string that stands here, if one does."""
        mark = quotation_mark(self._text, self.at)
        if not mark:
            return None
        start, begin = self.at, self.at + len(mark)
        inside = INSIDE_LENIENT[mark].match(self._text, begin, self._limit)
        end = inside.end() if inside else begin
        body = self._between(mark, begin, end)
        if has_control(body) and len(mark) == 1:
            self.repairs.append(LINE_BREAK)
        read = unescaped_json(body) if mark == '"' else None
        if read is not None:
            return read
        self.repairs.append(PYTHON)
        return unescaped(body, start)

    def _between(self, mark: str, begin: int, end: int) -> str:
        """The text of a string up to the mark at `end`, which is passed."""
        if end < 0 or not self._text.startswith(mark, end):
            if self._limit == len(self._text):
                raise Unfinished("the text ends inside a string")
            raise Malformed("a string that never ends", begin)
        self.at = end + len(mark)
        return self._text[begin:end]

    def _bare(self) -> Json:
        """A number or a word."""
        found = _BARE.match(self._text, self.at, self._limit)
        word = found[0].rstrip(WHITESPACE) if found else ""
        end = self.at + len(word)
        if found and found.end() == len(self._text) and not self._context.stopped:
            raise Unfinished("the text ends inside a value")
        if not word:
            raise self._fail("a value")
        value = self._meaning(word)
        self.at = end
        return value

    def _meaning(self, word: str) -> Json:
        if word in PYTHON_WORDS:
            self.repairs.append(PYTHON)
            return PYTHON_WORDS[word]
        if not is_bare_value(word):
            return self._other(word)
        try:
            return bare_value(word)
        except ValueError as error:
            raise Malformed(str(error), self.at) from None

    def _other(self, word: str) -> Json:
        """What a word means that is none of JSON's: a number as Python writes it, or arithmetic."""
        try:
            value = literal(word)
            if isinstance(value, int | float):
                dumps(value)
                self.repairs.append(PYTHON)
                return value
        except ValueError:
            pass
        raise Malformed("neither a number nor a word", self.at)


def _excerpt(value: Json) -> str:
    text = dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
