"""Gemma's notation for tools, calls and results: `name{key:value,...}`, with control tokens around strings.

Gemma 4 and FunctionGemma share it and differ in the delimiter, `<|"|>` or `<escape>`. Keys are bare, strings are raw
between delimiters, numbers are as Python prints them, and nothing can be escaped. So a string cannot hold the
delimiter, and a key cannot hold what ends one; both are refused when written. A key may hold a colon (some template
prints it, so we must) where the value brings its own delimiter; before a bare number or word it would read back as
another key, so `time:10:30` is an error and never a number called `time:10`.

White space around keys and values means nothing when read. Keys are sorted as Jinja's `dictsort` does it: ignoring
case, those that differ in nothing else in the order given.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NoReturn

from callwright.conversation import Json, ToolCall
from callwright.errors import FormatError
from callwright.formats.gemma_repair import mend_call
from callwright.formats.reading import WHITESPACE, Context, Found, ParseIssue, Repair, unclosed
from callwright.formats.tagged import skip_space
from callwright.literals import MAX_DEPTH
from callwright.tokens import Segment

Keys = Literal["call", "result", "schema"]
"""How keys are written: bare and so that they read back, bare, or between delimiters."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}
_NAME = re.compile(r"[^{}<>\n]*")


def dictsort(value: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """The items in the order of Jinja's filter of that name."""
    return sorted(value.items(), key=lambda item: item[0].lower())


class Writer:
    """Collects the segments of a prompt.

    Attributes:
      segments: What was written.
      trained: Whether what is written now is what the model must learn to say.
    """

    def __init__(self, delimiter: str) -> None:
        self.segments: list[Segment] = []
        self.trained = False
        self._delimiter = delimiter

    def say(self, text: str) -> None:
        """Plain text."""
        if text:
            self.segments.append(Segment(text, trained=self.trained))

    def control(self, token: str) -> None:
        """A control token."""
        self.segments.append(Segment(token, control=True, trained=self.trained))

    def string(self, text: str, where: str) -> None:
        """A string between delimiters; `where` names the field it comes from."""
        if self._delimiter in text:
            raise FormatError(
                f"{where} without {self._delimiter}",
                f"one in {_excerpt(text)}",
                "remove it: it ends a string in this format, and nothing can escape it",
            )
        self.control(self._delimiter)
        self.say(text)
        self.control(self._delimiter)

    def strings(self, values: Iterable[object], where: str) -> None:
        """A list of strings."""
        self.say("[")
        for index, value in enumerate(values):
            self.say("," if index else "")
            self.string(str(value), where)
        self.say("]")

    def value(self, value: Json, where: str, keys: Keys = "call", depth: int = MAX_DEPTH) -> None:
        """Any value, as it stands in a call, in a result, or in a schema."""
        if depth == 0:
            raise FormatError(f"{where} no deeper than {MAX_DEPTH} levels", "a deeper value", "flatten it")
        if isinstance(value, str):
            self.string(value, where)
        elif isinstance(value, Mapping):
            self.say("{")
            for index, (key, item) in enumerate(dictsort(value)):
                self.say("," if index else "")
                self._key(key, item, where, keys)
                self.value(item, where, keys, depth - 1)
            self.say("}")
        elif isinstance(value, list | tuple):
            self.say("[")
            for index, item in enumerate(value):
                self.say("," if index else "")
                self.value(item, where, keys, depth - 1)
            self.say("]")
        else:
            self.say(_scalar(value, where))

    def _key(self, key: str, value: Json, where: str, keys: Keys) -> None:
        """A key and its colon: bare, but in a schema a string."""
        if keys == "schema":
            self.string(key, where)
            self.say(":")
            return
        bare = keys == "call" and not isinstance(value, str | Mapping | list | tuple)
        if (
            key != key.strip(WHITESPACE)
            or self._delimiter in key
            or any(mark in key for mark in ",{}[]")
            or (bare and ":" in key)
        ):
            raise FormatError(
                f"keys that the format can spell in {where}",
                f"{_excerpt(key)} before {type(value).__name__}",
                "rename it: a key has no white space at its edges, no delimiter, no , { } [ ], "
                "and no colon unless its value is a string, a list or an object",
            )
        self.say(f"{key}:")

    def call(self, call: ToolCall, where: str) -> None:
        """A call, without the tokens around it."""
        if not _is_name(call.name):
            raise FormatError(
                f"a name that the format can spell as {where}.name",
                _excerpt(call.name),
                "rename the function: no braces, angle brackets, line breaks, or white space at its edges",
            )
        self.say(f"call:{call.name}")
        self.value(dict(call.arguments), f"{where}.arguments")


def _is_name(name: str) -> bool:
    return bool(name) and name == name.strip(WHITESPACE) and _NAME.fullmatch(name) is not None


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _scalar(value: Json, where: str) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float) and math.isfinite(value):
        try:
            return str(value)
        except ValueError as error:
            raise FormatError(f"shorter integers in {where}", str(error), "write it as a string") from error
    raise FormatError(f"JSON values in {where}", repr(value), "use plain, finite JSON values")


class _Malformed(ValueError):  # noqa: N818 - a finding about a text, not an error of the program or of its user
    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


class _Unfinished(_Malformed):
    """The text ends before the call does."""


@dataclass(frozen=True)
class CallReader:
    """Reads `opener call:name{key:value,...} closer`; see `reading.Read`.

    Attributes:
      opener: The control token before a call.
      closer: The control token behind it.
      delimiter: The control token around strings.
    """

    opener: str
    closer: str
    delimiter: str

    def __call__(self, text: str, start: int, context: Context) -> Found | None:
        """See `reading.Read`."""
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
        named = _NAME.match(text, at + len("call:"))
        name = named.group() if named else ""
        brace = at + len("call:") + len(name)
        if brace == len(text):
            raise _Unfinished(brace, "no arguments")
        if text[brace] != "{" or not _is_name(name):
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
                raise _Malformed(at, f"the key {_excerpt(key)} is given twice")
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
        if text in _WORDS:
            return _WORDS[text]
        number = _NUMBER.fullmatch(text)
        if number is None:
            raise _Malformed(at, f"{_excerpt(text)} is no value; strings stand between {self.delimiter}")
        try:
            value = float(text) if number[1] or number[2] else int(text)
        except ValueError as error:
            raise _Malformed(at, str(error)) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise _Malformed(at, f"{_excerpt(text)} is beyond the range of a float")
        return value
