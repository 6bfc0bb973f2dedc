"""Blurs: each levels one thing that a runtime may do anywhere in a prompt, so that what is left can be compared.

A blur maps a prompt to a coarser one. If two prompts are the same after a blur and not before, what it levels is the
difference. None of them changes anything but what its name says.
"""

import html
import json
import re
from collections.abc import Callable, Mapping

from callwright.conversation import Json

Pairs = tuple[tuple[str, bool], ...]

CONTROLS = "control-tokens"
"""The blur that forgets which texts are control tokens; its cause depends on the direction."""
OF_CALLS = frozenset({"arguments-double-encoded", "arguments-resorted", "number-rewritten", "null-as-text"})
"""Those that would be another cause in a tool's result."""
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


def _each(change: Callable[[str], str]) -> Callable[[Pairs], Pairs]:
    """A blur that changes texts and leaves control tokens alone; texts that become empty are gone."""

    def blur(pairs: Pairs) -> Pairs:
        changed = ((text if control else change(text), control) for text, control in pairs)
        return tuple((text, control) for text, control in changed if text)

    return blur


def _without_space(text: str) -> str:
    return "".join(text.split())


def _without_unicode_escapes(text: str) -> str:
    return _UNICODE.sub(lambda match: _unescaped(match[0]), text)


def _unescaped(escapes: str) -> str:
    """The characters of the escapes that are beyond ASCII; others stay."""
    units = bytes.fromhex("".join(re.split(r"\\+u", escapes)))
    text = units.decode("utf-16-be", errors="replace")
    return "".join(one if ord(one) > 127 else f"\\u{ord(one):04x}" for one in text)


def _without_html_escapes(text: str) -> str:
    """Unescaped as often as it can be, because a text may have had escapes of its own."""
    before = ""
    while before != text:
        before, text = text, _HTML.sub(_html_character, text)
    return text


def _html_character(match: re.Match[str]) -> str:
    escape = match[0].lower()
    return chr(int(escape[-4:], 16)) if escape.startswith("\\") else html.unescape(escape)


def _numbers_alike(text: str) -> str:
    """Numbers in one spelling, also where one is a string."""
    bare = _QUOTED.sub(r"\1\2", text)
    return _NUMBER.sub(lambda match: f"{round(float(match[0]), 6):.6g}".replace("-0", "0"), bare)


def _nulls_alike(text: str) -> str:
    return _NULL.sub("null", text)


def _encoded_once(text: str) -> str:
    """Objects inside JSON strings as if they stood there themselves."""
    before = ""
    while before != text:
        before, text = text, _replaced(text, '"', _object_in_string)
    return text


def _object_in_string(value: Json, spelled: str) -> str:
    inner = value.strip() if isinstance(value, str) else ""
    return inner if inner.startswith("{") and _is_object(inner) else spelled


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _sorted_json(text: str, *, tools: bool) -> str:
    """JSON objects with sorted keys and one spacing: those of tools, or all others.

    In a tool a number and its text are the same, because a tool is rewritten with either.
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


def _flat(pairs: Pairs) -> Pairs:
    return (("".join(text for text, _ in pairs), False),)


BLURS: Mapping[str, Callable[[Pairs], Pairs]] = {
    "unicode-escaped": _each(_without_unicode_escapes),
    "html-escaped": _each(_without_html_escapes),
    "null-as-text": _each(_nulls_alike),
    "arguments-double-encoded": _each(_encoded_once),
    "tools-rewritten": _each(lambda text: _sorted_json(text, tools=True)),
    "arguments-resorted": _each(lambda text: _sorted_json(text, tools=False)),
    "number-rewritten": _each(_numbers_alike),
    "whitespace-in-prompt": _each(_without_space),
    CONTROLS: _flat,
}
"""By cause, in the order in which they are applied: what spoils JSON goes before it is read, space last of texts."""
