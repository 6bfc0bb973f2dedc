"""String literals between Python's four kinds of quotation marks, of which JSON has one."""

import json
import re
import unicodedata
from typing import NoReturn

from callwright.formats.grammar import Malformed

INSIDE = {
    '"': re.compile(r'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+', re.DOTALL),
    "'": re.compile(r"[^'\\\n]*+(?:\\.[^'\\\n]*+)*+", re.DOTALL),
    '"""': re.compile(r'[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+', re.DOTALL),
    "'''": re.compile(r"[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+", re.DOTALL),
}
"""What may stand between each kind of marks."""
INSIDE_LENIENT = INSIDE | {
    '"': re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL),
    "'": re.compile(r"[^'\\]*+(?:\\.[^'\\]*+)*+", re.DOTALL),
}
"""The same with raw line breaks."""
_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]*)\}|(.))", re.DOTALL
)
_PLAIN = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def quotation_mark(text: str, position: int) -> str:
    """The mark at `position` that opens a string; "" if there is none."""
    mark = text[position : position + 1]
    if mark not in ('"', "'"):
        return ""
    return mark * 3 if text.startswith(mark * 3, position) else mark


def has_control(body: str) -> bool:
    """Whether control characters, such as line breaks, stand in it."""
    return _CONTROL.search(body) is not None


def unescaped_json(body: str) -> str | None:
    """What stands between JSON's quotation marks, control characters allowed; None where JSON has no such escape."""
    if "\\" not in body:
        return body
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except json.JSONDecodeError:
        return None


def unescaped(body: str, position: int) -> str:
    """What stands between Python's quotation marks, which open at `position`.

    Raises:
      Malformed: Python does not know an escape in it.
    """

    def one(found: re.Match[str]) -> str:
        octal, byte, short, long, name, plain = found.groups()
        try:
            if octal is not None:
                return chr(int(octal, 8))
            if plain is None:
                return unicodedata.lookup(name) if name is not None else chr(int(byte or short or long, 16))
        except (KeyError, ValueError):
            _bad_escape(position + found.start())
        if plain in "xuUN":
            _bad_escape(position + found.start())
        if plain == "\n":
            return ""
        return _PLAIN.get(plain, "\\" + plain)

    return _ESCAPE.sub(one, body) if "\\" in body else body


def _bad_escape(position: int) -> NoReturn:
    raise Malformed("an escape that Python does not know", position)
