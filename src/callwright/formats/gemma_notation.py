"""Gemma's notation for tools, calls and results: `name{key:value,...}`, with control tokens around strings.

Gemma 4 and FunctionGemma share it and differ in the delimiter, `<|"|>` or `<escape>`. Keys are bare, strings are raw
between delimiters, numbers are as Python prints them, and nothing can be escaped. So a string cannot hold the
delimiter, and a key cannot hold what ends one; both are refused when written. A key may hold a colon (some template
prints it, so we must) where the value brings its own delimiter; before a bare number or word it would read back as
another key, so `time:10:30` is an error and never a number called `time:10`.

Keys are sorted as Jinja's `dictsort` does it: ignoring case, those that differ in nothing else in the order given.
What is written here is read in `gemma_calls`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from callwright.conversation import Json, Message, ToolCall
from callwright.errors import FormatError
from callwright.formats.grammar import WHITESPACE
from callwright.literals import MAX_DEPTH
from callwright.tokens import Segment

Keys = Literal["call", "result", "schema"]
"""How keys are written: bare and so that they read back, bare, or between delimiters."""

NAME = re.compile(r"[^{}<>\n]*")
"""What a function's name may hold."""


def dictsort(value: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """The items in the order of Jinja's filter of that name."""
    return sorted(value.items(), key=lambda item: item[0].lower())


class Writer:
    """Collects the segments of a prompt."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._segments: list[Segment] = []
        self._plain: list[str] = []
        self._trained = False

    @property
    def segments(self) -> list[Segment]:
        """What was written; neighbouring plain text is one segment."""
        self._flush()
        return self._segments

    @property
    def trained(self) -> bool:
        """Whether what is written now is what the model must learn to say."""
        return self._trained

    @trained.setter
    def trained(self, trained: bool) -> None:
        if trained != self._trained:
            self._flush()
            self._trained = trained

    def _flush(self) -> None:
        text = "".join(self._plain)
        if text:
            self._segments.append(Segment(text, trained=self._trained))
        self._plain.clear()

    def say(self, text: str) -> None:
        """Plain text."""
        self._plain.append(text)

    def control(self, token: str) -> None:
        """A control token."""
        self._flush()
        self._segments.append(Segment(token, control=True, trained=self._trained))

    def string(self, text: str, where: str) -> None:
        """A string between delimiters; `where` names the field it comes from."""
        if self._delimiter in text:
            raise FormatError(
                f"{where} without {self._delimiter}",
                f"one in {excerpt(text)}",
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
                f"{excerpt(key)} before {type(value).__name__}",
                "rename it: a key has no white space at its edges, no delimiter, no , { } [ ], "
                "and no colon unless its value is a string, a list or an object",
            )
        self.say(f"{key}:")

    def call(self, call: ToolCall, where: str) -> None:
        """A call, without the tokens around it."""
        if not is_name(call.name):
            raise FormatError(
                f"a name that the format can spell as {where}.name",
                excerpt(call.name),
                "rename the function: no braces, angle brackets, line breaks, or white space at its edges",
            )
        self.say(f"call:{call.name}")
        self.value(dict(call.arguments), f"{where}.arguments")


def is_name(name: str) -> bool:
    """Whether a call can have this name."""
    return bool(name) and name == name.strip(WHITESPACE) and NAME.fullmatch(name) is not None


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


def text_of(message: Message, index: int) -> str:
    """The content of `messages[index]` as text; none is no text."""
    if message.content is None:
        return ""
    if not isinstance(message.content, str):
        came = type(message.content).__name__
        raise FormatError(f"text as messages[{index}].content", came, f"give the {message.role} message a string")
    return message.content


def parts_joined(content: Json, where: str) -> Json:
    """A list of content parts as one text; any other value as it is."""
    if not isinstance(content, list) or not content:
        return content
    parts = [part for part in content if isinstance(part, dict) and "type" in part]
    if len(parts) < len(content):
        return content
    for part in parts:
        if part["type"] != "text" or not isinstance(part.get("text"), str):
            raise FormatError(f"text parts in {where}", f"one of type {part['type']!r}", "keep text only")
    return "".join(str(part["text"]) for part in parts)
