"""Normalizations: each makes alike one thing that a runtime may do anywhere in a prompt, so that the rest is compared.

If two prompts are the same after a normalization and not before, what it makes alike is the difference. None of them
changes anything but what its sentence says. They are applied in this order: what spoils JSON goes before it is read,
white space last of what concerns texts.
"""

import html
import json
import re
from collections.abc import Callable
from functools import wraps

from callwright.conversation import Json
from callwright.probe.causes.output import loads
from callwright.probe.causes.registry import Cause, Explanations
from callwright.probe.prompt import PromptPieces, change_texts, text_of_pieces

Normalization = Callable[[PromptPieces], PromptPieces]
NORMALIZATIONS: Explanations[Normalization] = Explanations()

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]*\d)")
_READ = "\ud800"
"""What a number that was read from JSON begins with, so that it is no string; no text can have it."""
_QUOTED = re.compile(rf"(?<=[:\[,])(\s*)\"{_READ}?(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\"(?=\s*[,}}\]])")
"""A number that stands as a string where JSON has a value."""
_UNICODE = re.compile(r"(?:\\+u[0-9a-fA-F]{4})+")
"""Escapes, also those whose backslash was escaped when a text with them became a JSON string."""
_HTML = re.compile(r"\\+u00(?:3[ce]|2[67])|&(?:lt|gt|amp|quot|apos|#34|#39|#x27);", re.IGNORECASE)
_NULL = re.compile(r"\"?(?:<nil>|\b(?:null|None|nil|undefined|NULL)\b)\"?")
_DECODER = json.JSONDecoder(parse_float=_READ.__add__, parse_int=_READ.__add__, parse_constant=_READ.__add__)
_TOOL_WORDS = frozenset({"properties", "parameters", "function"})


def explains(cause: Cause) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
    """A decorator that registers a change of texts, done to all of a prompt."""

    def register(change: Callable[[str], str]) -> Callable[[str], str]:
        @NORMALIZATIONS.explains(cause)
        @wraps(change)
        def normalize(pieces: PromptPieces) -> PromptPieces:
            return change_texts(pieces, change)

        return change

    return register


@explains(Cause.UNICODE_ESCAPED)
def without_unicode_escapes(text: str) -> str:
    """Escapes of characters beyond ASCII are the characters."""
    return _UNICODE.sub(lambda match: _unescaped(match[0]), text)


@explains(Cause.HTML_ESCAPED)
def without_html_escapes(text: str) -> str:
    """HTML's escapes, and JSON's of the same characters, are the characters, however often they were escaped."""
    before = ""
    while before != text:
        before, text = text, _HTML.sub(_html_character, text)
    return text


@explains(Cause.NULL_AS_TEXT)
def with_one_null(text: str) -> str:
    """The words that languages have for null are one word."""
    return _NULL.sub("null", text)


@explains(Cause.ARGUMENTS_DOUBLE_ENCODED)
def with_objects_encoded_once(text: str) -> str:
    """An object inside a JSON string is the object."""
    before = ""
    while before != text:
        before, text = text, _replaced(text, '"', _object_in_string)
    return text


@explains(Cause.TOOLS_REWRITTEN)
def with_sorted_tools(text: str) -> str:
    """Tools in JSON have sorted keys and one spacing, and a number in them is the same as its text."""
    return _sorted_json(text, tools=True)


@explains(Cause.ARGUMENTS_RESORTED)
def with_sorted_objects(text: str) -> str:
    """JSON objects that are no tools have sorted keys and one spacing."""
    return _sorted_json(text, tools=False)


@explains(Cause.NUMBER_REWRITTEN)
def with_one_spelling_of_numbers(text: str) -> str:
    """Numbers have one spelling, also where one is a string."""
    bare = _QUOTED.sub(r"\1\2", text)
    return _NUMBER.sub(lambda match: f"{round(float(match[0]), 6):.6g}".replace("-0", "0"), bare)


@explains(Cause.WHITESPACE_IN_PROMPT)
def without_whitespace(text: str) -> str:
    """No text has white space."""
    return "".join(text.split())


@NORMALIZATIONS.explains(Cause.CONTROL_TOKEN_INJECTION)
def without_special_tokens(pieces: PromptPieces) -> PromptPieces:
    """Special tokens are text; the cause is the reverse one, `CONTROL_TOKEN_AS_TEXT`, where the prompt has fewer."""
    return ((text_of_pieces(pieces), False),)


def _unescaped(escapes: str) -> str:
    """The characters of the escapes that are beyond ASCII; others stay."""
    units = bytes.fromhex("".join(re.split(r"\\+u", escapes)))
    text = units.decode("utf-16-be", errors="replace")
    return "".join(one if ord(one) > 127 else f"\\u{ord(one):04x}" for one in text)


def _html_character(match: re.Match[str]) -> str:
    escape = match[0].lower()
    return chr(int(escape[-4:], 16)) if escape.startswith("\\") else html.unescape(escape)


def _object_in_string(value: Json, spelled: str) -> str:
    inner = value.strip() if isinstance(value, str) else ""
    return inner if inner.startswith("{") and isinstance(loads(inner), dict) else spelled


def _sorted_json(text: str, *, tools: bool) -> str:
    """JSON objects with sorted keys and one spacing: those of tools, or all others.

    In a tool a number and its text are the same, because runtimes rewrite tools with either.
    """

    def printed(value: Json, spelled: str) -> str:
        if _is_tool(value) != tools:
            return spelled
        sorted_ = json.dumps(value, sort_keys=True, ensure_ascii=False)
        return sorted_.replace(_READ, "") if tools else sorted_

    return _replaced(text, "{", printed)


def _replaced(text: str, opener: str, printed: Callable[[Json, str], str]) -> str:
    """The text with each JSON value that begins so printed anew; numbers keep their spelling, marked as such."""
    parts, done, at = [], 0, text.find(opener)
    while at >= 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
            parts += [text[done:at], printed(value, text[at:end])]
            done = end
        except (ValueError, RecursionError):
            end = at + 1
        if opener == '"' and done == end and parts[-1] == text[at:end]:
            done, end = at + 1, at + 1  # a quote may also be where a string ends
            parts[-1] = opener
        at = text.find(opener, end)
    return "".join([*parts, text[done:]])


def _is_tool(value: Json) -> bool:
    return isinstance(value, dict) and bool(_TOOL_WORDS & value.keys())
