"""Gemma's notation for tools, calls and results: `name{key:value,...}`, with control tokens around strings.

Gemma 4 and FunctionGemma share it and differ in the delimiter, `<|"|>` or `<escape>`. Keys are bare, strings are raw
between delimiters, numbers are as Python prints them, and nothing can be escaped. So a string cannot hold the
delimiter, and a key cannot hold what ends one; both are refused when written. A key may hold a colon (some template
prints it, so we must) where the value brings its own delimiter; before a bare number or word it would read back as
another key, so `time:10:30` is an error and never a number called `time:10`; nor may a `=` stand there, which models
write for the colon, or quotation marks around a key, which they know from JSON.

Keys are sorted as Jinja's `dictsort` does it: ignoring case, those that differ in nothing else in the order given. What
is written here is read in `gemma_calls`.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from callwright.conversation import Json, ToolCall
from callwright.errors import FormatError
from callwright.formats.grammar import WHITESPACE
from callwright.literals import MAX_DEPTH
from callwright.openai import TEXT_PARTS
from callwright.tokens import Segment

Keys = Literal["call", "result", "schema"]
"""How keys are written: bare and so that they read back, bare, or between delimiters."""

NAME = re.compile(r"[^{}<>\n]*")
"""What a function's name may hold."""

_QUOTES = ('"', "'")


def dictsort(value: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """The items in the order of Jinja's filter of that name."""
    return sorted(value.items(), key=lambda item: item[0].lower())


class SegmentWriter:
    """Collects the segments of a prompt.

    Attributes:
      learning: Whether the message that is written is to be learned; if not, nothing becomes supervised.
    """

    def __init__(self, delimiter: str) -> None:
        self.learning = True
        self._delimiter = delimiter
        # Most segments of a prompt are this one: a frozen one, made once for each kind.
        self._marks = tuple(Segment(delimiter, control=True, supervised=kind) for kind in (False, True))
        self._segments: list[Segment] = []
        self._plain: list[str] = []
        self._supervised = False

    @property
    def segments(self) -> list[Segment]:
        """What was written; neighboring plain text is one segment."""
        self._flush()
        return self._segments

    @property
    def supervised(self) -> bool:
        """Whether the loss is computed on what is written now."""
        return self._supervised

    @supervised.setter
    def supervised(self, supervised: bool) -> None:
        supervised = supervised and self.learning
        if supervised != self._supervised:
            self._flush()
            self._supervised = supervised

    def _flush(self) -> None:
        if self._plain:
            text = "".join(self._plain)
            if text:
                self._segments.append(Segment(text, supervised=self._supervised))
            self._plain.clear()

    def text(self, text: str) -> None:
        """Plain text."""
        self._plain.append(text)

    def control(self, token: str) -> None:
        """A control token."""
        self._flush()
        self._segments.append(Segment(token, control=True, supervised=self._supervised))

    def string(self, text: str, where: str) -> None:
        """A string between delimiters; `where` names the field it comes from."""
        if self._delimiter in text:
            raise FormatError(
                f"{where} without {self._delimiter}",
                f"one in {excerpt(text)}",
                "remove it: it ends a string in this format, and nothing can escape it",
            )
        self._flush()
        mark = self._marks[self._supervised]
        self._segments += (mark, Segment(text, supervised=self._supervised), mark) if text else (mark, mark)

    def strings(self, values: Iterable[object], where: str) -> None:
        """A list of strings."""
        self.text("[")
        for index, value in enumerate(values):
            self.text("," if index else "")
            self.string(str(value), where)
        self.text("]")

    def value(self, value: Json, where: str, keys: Keys = "call", depth: int = MAX_DEPTH) -> None:
        """Any value, as it stands in a call, in a result, or in a schema."""
        if depth == 0:
            raise FormatError(f"{where} no deeper than {MAX_DEPTH} levels", "a deeper value", "flatten it")
        if isinstance(value, str):
            self.string(value, where)
        elif isinstance(value, Mapping):
            self.text("{")
            for index, (key, item) in enumerate(dictsort(value)):
                self.text("," if index else "")
                self._key(key, item, where, keys)
                self.value(item, where, keys, depth - 1)
            self.text("}")
        elif isinstance(value, list | tuple):
            self.text("[")
            for index, item in enumerate(value):
                self.text("," if index else "")
                self.value(item, where, keys, depth - 1)
            self.text("]")
        else:
            self.text(_scalar(value, where))

    def _key(self, key: str, value: Json, where: str, keys: Keys) -> None:
        """A key and its colon: bare, but in a schema a string."""
        if keys == "schema":
            self.string(key, where)
            self.text(":")
            return
        bare = keys == "call" and not isinstance(value, str | Mapping | list | tuple)
        if (
            key != key.strip(WHITESPACE)
            or self._delimiter in key
            or any(mark in key for mark in ",{}[]")
            or (bare and any(mark in key for mark in ":="))
            or (keys == "call" and is_quoted(key))
        ):
            raise FormatError(
                f"keys that the format can spell in {where}",
                f"{excerpt(key)} before {type(value).__name__}",
                "rename it: a key has no white space or quotes at its edges, no delimiter, no , { } [ ], "
                "and no colon or = unless its value is a string, a list or an object",
            )
        self.text(f"{key}:")

    def calls(self, calls: Sequence[ToolCall], where: str, opener: str, closer: str) -> None:
        """The calls of the message `where`, each between two control tokens."""
        for number, call in enumerate(calls):
            place = f"{where}.tool_calls[{number}]"
            if not is_name(call.name):
                raise FormatError(
                    f"a name that the format can spell as {place}.name",
                    excerpt(call.name),
                    "rename the function: no braces, angle brackets, line breaks, or white space at its edges",
                )
            self.control(opener)
            self.text(f"call:{call.name}")
            self.value(dict(call.arguments), f"{place}.arguments")
            self.control(closer)

    def result(self, name: str, content: Json, where: str, opener: str, closer: str, *, first: bool) -> None:
        """A result between two control tokens: the keys of an object, or the key `value`.

        The model itself generates the token that opens the first, because it stops there.
        """
        self.supervised = first
        self.control(opener)
        self.supervised = False
        self.text(f"response:{name}")
        self.value(content if isinstance(content, Mapping) else {"value": content}, where, keys="result")
        self.control(closer)


def is_name(name: str) -> bool:
    """Whether a call can have this name."""
    return bool(name) and name == name.strip(WHITESPACE) and NAME.fullmatch(name) is not None


def is_quoted(key: str) -> bool:
    """Whether a key begins or ends with a quotation mark: models write `"key":` as in JSON, and mean `key`."""
    return key[:1] in _QUOTES or key[-1:] in _QUOTES


def excerpt(text: str) -> str:
    """The text, or its beginning, for a message."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _scalar(value: Json, where: str) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        try:
            return str(value)
        except ValueError as error:
            raise FormatError(f"shorter integers in {where}", str(error), "write it as a string") from error
    raise FormatError(f"JSON values in {where}", repr(value), "use plain, finite JSON values")


def parts_joined(content: Json, where: str) -> Json:
    """A list of content parts as one text; any other value as it is."""
    if not isinstance(content, list) or not content:
        return content
    parts = [part for part in content if isinstance(part, dict) and "type" in part]
    if len(parts) < len(content):
        return content
    for part in parts:
        if part["type"] not in TEXT_PARTS or not isinstance(part.get("text"), str):
            raise FormatError(f"text parts in {where}", f"one of type {part['type']!r}", "keep text only")
    return "".join(str(part["text"]) for part in parts)
