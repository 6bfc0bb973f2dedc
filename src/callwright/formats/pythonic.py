"""Calls as Python writes them, `get_weather(city="Paris", days=3)`: what llama4, bfcl and tool_code have in common.

A call has a dotted name and keyword arguments, and its values are literals: None, True and False for JSON's null, true
and false, numbers, strings, lists, dicts with string keys. Strings are written in JSON's double quotes, whose escapes
mean the same in Python, so a Jinja template can write them too. All spellings of Python's literals are read, tuples as
lists; nothing is evaluated: arithmetic, names, nested calls and positional arguments are errors. What lenient reading
takes is in `pythonic_repair`.

The reader is its own and not `ast`, because it must know where a call ends while the text still grows, tell a text that
stops early from one that is wrong, and name the place; and Python's parser changes some names (it normalizes them) and
gives up on text that holds half a surrogate pair.
"""

import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence

from callwright.conversation import Json, ToolCall
from callwright.errors import FormatError
from callwright.formats.grammar import Malformed, ParseContext, Repair, Unfinished, skip_space
from callwright.formats.jsontext import JSON_WORDS, PYTHON_WORDS, dumps, dumps_at, finite_float
from callwright.formats.repair import LINE_BREAK, given_twice
from callwright.formats.strings import INSIDE, unescaped
from callwright.literals import MAX_DEPTH

NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
PARTIAL_NAME = re.compile(r"(?:[^\W\d]\w*(?:\.[^\W\d]\w*)*\.?)?")
"""The beginning of a dotted name, which may be nothing yet."""
_KEY = re.compile(r"([^\W\d]\w*)[ \t\r\n]*=(?!=)")
_PARTIAL_KEY = re.compile(r"[^\W\d]\w*[ \t\r\n]*=?")
_PREFIX = re.compile(r"[a-zA-Z]{1,2}")
_PREFIXED = re.compile(r"[a-zA-Z]{0,2}[\"']")
_NUMBER = re.compile(
    r"0[xX](?:_?[0-9a-fA-F])++|0[oO](?:_?[0-7])++|0[bB](?:_?[01])++"
    r"|(?:[0-9](?:_?[0-9])*+)?+(?:\.(?:[0-9](?:_?[0-9])*+)?+)?+(?:[eE][+-]?[0-9](?:_?[0-9])*+)?+"
)
_PARTIAL_NUMBER = re.compile(r"_|[eE][+-]?|[xXoObB]_?")
_MAX_BITS = 14_000
"""Larger integers could not be printed in decimals: Python stops at 4,300 digits."""


def write_call(call: ToolCall, where: str) -> str:
    """The call as Python.

    Raises:
      FormatError: Python cannot write it exactly; the message names `where`.
    """
    if not all(map(_is_python_name, call.name.split("."))):
        raise FormatError(
            f"a dotted Python name as {where}.name", repr(call.name), "rename the tool: underscores for other signs"
        )
    for key in call.arguments:
        if not _is_python_name(key):
            raise FormatError(
                f"names of parameters that Python can say in {where}.arguments", repr(key), "rename the parameter"
            )
    dumps_at(dict(call.arguments), f"{where}.arguments")
    output = ", ".join(f"{key}={_literal(value, where, MAX_DEPTH)}" for key, value in call.arguments.items())
    return f"{call.name}({output})"


def _is_python_name(name: str) -> bool:
    """Whether it is an identifier that Python's parser takes as it stands."""
    return name.isidentifier() and not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name


def _literal(value: Json, where: str, depth: int) -> str:
    if depth == 0:
        raise FormatError(f"at most {MAX_DEPTH} levels in {where}.arguments", "more", "nest less deeply")
    match value:
        case None | True | False:
            return str(value)
        case Mapping():
            return "{" + ", ".join(f"{dumps(key)}: {_literal(v, where, depth - 1)}" for key, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(_literal(item, where, depth - 1) for item in value) + "]"
    return dumps(value)


class PythonCallReader:
    """Reads calls from `at` on, which moves.

    Its methods raise `Unfinished` where the text ends too early and `Malformed` where something else stands. What one
    of them answers, it answers for every longer text.

    Attributes:
      at: Where reading continues.
      complete_calls: The calls whose end is certain, because a separator follows them: they remain of a text that was
        cut.
      repairs: What was repaired so far.
      lenient: Whether common mistakes are repaired.
    """

    lenient = False
    _inside = INSIDE

    def __init__(self, text: str, at: int, context: ParseContext) -> None:
        self.at = at
        self.complete_calls: list[ToolCall] = []
        self.repairs: list[Repair] = []
        self._text, self._context = text, context
        self._limit = len(text)  # no string reaches beyond it
        self._stopped = False  # the text is known to end where the model ended it

    def peek(self) -> str:
        """The next character that is not white space; reading continues there."""
        self.at = skip_space(self._text, self.at)
        if self.at >= len(self._text):
            raise Unfinished("the text ends inside a call")
        return self._text[self.at]

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of a bracketed list."""
        calls: list[ToolCall] = []
        self._expect("[")
        while self.peek() != "]":
            calls.append(self.call())
            if not self._take_comma("]"):
                break
            self.complete_calls = calls[:]
        self._expect("]")
        if not calls:
            raise Malformed("a list without calls", self.at)
        return tuple(calls)

    def call(self) -> ToolCall:
        """One call."""
        start = self.at
        name = NAME.match(self._text, start)
        end = name.end() if name else start
        if PARTIAL_NAME.fullmatch(self._text, start):
            raise Unfinished("the text ends inside a name")
        if name is None or self._text[end] != "(":
            raise Malformed("expected a call, name(key=value)", end)
        for part in name[0].split("."):
            self._check_name(part, start)
        self.at = end + 1
        return ToolCall(name[0], self._arguments(name[0]))

    def _arguments(self, name: str) -> dict[str, Json]:
        arguments: dict[str, Json] = {}
        positional: list[Json] = []
        while self.peek() not in (")", ""):
            start = self.at
            key = _KEY.match(self._text, start)
            if key is not None:
                self._check_name(key[1], start)
                self.at = key.end()
                twice = key[1] in arguments
                if twice and not self.lenient:
                    raise Malformed(f"argument {key[1]} is given twice", start)
                arguments[key[1]] = self.value()
                if twice:
                    self.repairs.append(Repair(given_twice(key[1], arguments[key[1]]), start))
            elif _PARTIAL_KEY.fullmatch(self._text, start):
                raise Unfinished("the text ends inside an argument")
            elif arguments or not self.lenient:
                raise Malformed("expected key=value", start)
            else:
                positional.append(self.value())
            if not self._take_comma(")"):
                break
        self._expect(")")
        return self._named(name, positional, arguments) if positional else arguments

    def _named(self, name: str, positional: Sequence[Json], arguments: dict[str, Json]) -> dict[str, Json]:
        """Positional arguments under the names that the tool's schema has for them."""
        tool = next((tool for tool in self._context.tools if tool.name == name), None)
        properties = tool.parameters.get("properties") if tool else None
        keys = list(properties)[: len(positional)] if isinstance(properties, Mapping) else []
        if len(keys) < len(positional) or any(key in arguments for key in keys):
            raise Malformed("positional arguments that the tool's schema has no names for", self.at)
        self.repairs.append(Repair(f"positional arguments read as {', '.join(keys)}", self.at))
        return dict(zip(keys, positional, strict=True)) | arguments

    def value(self, depth: int = MAX_DEPTH) -> Json:
        """One literal."""
        if depth == 0:
            raise Malformed("nested too deeply", self.at)
        first = self.peek()
        if first == "{":
            return self._dict(depth - 1)
        if first in ("[", "("):
            return self._list(first, depth - 1)
        if _PREFIXED.match(self._text, self.at):
            return self._strings()
        if first and first in "-.0123456789":
            return self._number()
        return self._word()

    def _list(self, opened: str, depth: int) -> list[Json]:
        start, closer = self.at, "]" if opened == "[" else ")"
        items: list[Json] = []
        self.at += 1
        comma = False
        while self.peek() not in (closer, ""):
            items.append(self.value(depth))
            comma = self._take_comma(closer)
            if not comma:
                break
        self._expect(closer)
        if opened == "(" and len(items) == 1 and not comma:
            raise Malformed("a value in parentheses is no literal", start)
        return items

    def _dict(self, depth: int) -> dict[str, Json]:
        items: dict[str, Json] = {}
        self.at += 1
        while self.peek() not in ("}", ""):
            start = self.at
            if not _PREFIXED.match(self._text, start):
                self._expect_more_of_prefix()
                raise Malformed("expected a string as key", start)
            key = self._strings()
            twice = key in items
            if twice and not self.lenient:
                raise Malformed("a key is given twice", start)
            self._expect(":")
            items[key] = self.value(depth)
            if twice:
                self.repairs.append(Repair(given_twice(key, items[key]), start))
            if not self._take_comma("}"):
                break
        self._expect("}")
        return items

    def _strings(self) -> str:
        """A string, or several side by side, which are one."""
        parts = [self._string()]
        while self.peek() and _PREFIXED.match(self._text, self.at):
            parts.append(self._string())
        self._expect_more_of_prefix()
        return "".join(parts)

    def _expect_more_of_prefix(self) -> None:
        """Letters at the very end may yet open a string, as in r"..."."""
        if _PREFIX.fullmatch(self._text, self.at):
            raise Unfinished("the text ends where a string may begin")

    def _string(self) -> str:
        start = self.at
        quoted = _PREFIXED.match(self._text, start)
        prefix = quoted[0][:-1].lower() if quoted else ""
        if quoted is None or prefix not in ("", "r", "u"):
            raise Malformed("neither bytes nor f-strings are read", start)
        quote = quoted[0][-1]
        opened = quoted.end() - 1
        if self._text.startswith(quote * 2, opened) and opened + 2 == len(self._text):
            raise Unfinished("the text ends where a string may go on")
        if self._text.startswith(quote * 3, opened):
            quote *= 3
        inside = self._inside[quote].match(self._text, opened + len(quote), self._limit)
        end = inside.end() if inside else opened
        if not self._text.startswith(quote, end):
            if self._text[end : end + 1] == "\n":
                raise Malformed("a line break inside a string", end)
            if self._limit < len(self._text):
                raise Malformed("a string that never ends", start)
            raise Unfinished("the text ends inside a string")
        self.at = end + len(quote)
        body = self._text[opened + len(quote) : end]
        if self.lenient and len(quote) == 1 and "\n" in body.replace("\\\n", ""):
            self.repairs.append(Repair(LINE_BREAK, start))
        return body if "\\" not in body or prefix == "r" else unescaped(body, opened)

    def _number(self) -> Json:
        start = self.at
        negative = self._text[start] == "-"
        begin = skip_space(self._text, start + negative)
        number = _NUMBER.match(self._text, begin)
        end = number.end() if number else begin
        if end >= len(self._text) and not self._stopped:
            raise Unfinished("the text ends inside a number")
        spelled = self._text[begin:end].replace("_", "")
        follows = self._text[end : end + 1]
        if spelled in ("", ".") or follows in (".", "_") or follows.isalnum():
            if spelled not in ("", ".") and _PARTIAL_NUMBER.fullmatch(self._text, end):
                raise Unfinished("the text ends inside a number")
            raise Malformed("not a number", start)
        value = _number(spelled, start)
        self.at = end
        return -value if negative else value

    def _word(self) -> Json:
        start = self.at
        name = NAME.match(self._text, start)
        if name is None:
            raise Malformed("expected a literal", start)
        if name.end() >= len(self._text) and not self._stopped:
            raise Unfinished("the text ends inside a word")
        if name[0] in PYTHON_WORDS:
            self.at = name.end()
            return PYTHON_WORDS[name[0]]
        if name[0] in JSON_WORDS and self.lenient:
            self.at = name.end()
            self.repairs.append(Repair(f"{name[0]} read as {JSON_WORDS[name[0]]}", start))
            return JSON_WORDS[name[0]]
        raise Malformed("names and calls are no literals", start)

    def _check_name(self, name: str, position: int) -> None:
        if name.isidentifier() and not keyword.iskeyword(name):
            return
        if not self.lenient:
            raise Malformed(f"{name} is no name in Python", position)
        self.repairs.append(Repair(f"{name} read as a name, which Python does not allow", position))

    def _take_comma(self, closer: str) -> bool:
        """Whether a comma stands here, which is passed; otherwise `closer` must."""
        follows = self.peek()
        if follows == ",":
            self.at += 1
            return True
        if follows != closer:
            raise Malformed(f"expected , or {closer}", self.at)
        return False

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise Malformed(f"expected {character}", self.at)
        self.at += 1


def _number(spelled: str, position: int) -> int | float:
    if spelled[:2].lower() in ("0x", "0o", "0b"):
        if len(spelled) > _MAX_BITS:
            raise Malformed("an integer of too many digits", position)
        whole = int(spelled, 0)
    elif spelled.isdecimal():
        if spelled[0] == "0" and spelled.strip("0"):
            raise Malformed("an integer must not begin with 0", position)
        try:
            whole = int(spelled)
        except ValueError:
            raise Malformed("an integer of too many digits", position) from None
    else:
        try:
            return finite_float(spelled)
        except ValueError as error:
            raise Malformed(str(error), position) from None
    if whole.bit_length() > _MAX_BITS:
        raise Malformed("an integer of too many digits", position)
    return whole
