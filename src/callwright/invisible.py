"""Characters that a page or a terminal would hide or obey: found, and named.

Control characters, zero-width and direction marks, private use, halves of surrogate pairs, blanks that are letters and
spaces that are not the space bar's.
"""

import unicodedata

_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
_PLAIN = {" ", "\n", "\t"}
_CONTROL_NAMES = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
)
_BLANK_LETTERS = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}


def is_invisible(character: str) -> bool:
    """Whether it cannot be seen; space, line break and tab count as visible."""
    if character in _PLAIN:
        return False
    return unicodedata.category(character) in _CATEGORIES or character in _BLANK_LETTERS


def character_name(character: str) -> str:
    """A short name for it: `ESC`, `U+202E`."""
    code = ord(character)
    if code < 0x20:
        return _CONTROL_NAMES.split()[code]
    return "DEL" if code == 0x7F else f"U+{code:04X}"


def visible(text: str) -> str:
    """The text with the name of each invisible character in its place, `⟨U+202E⟩`."""
    return "".join(f"⟨{character_name(c)}⟩" if is_invisible(c) else c for c in text)


def printable(text: str) -> str:
    """The text with the replacement character for each character that a terminal would obey."""
    return "".join(c if c.isprintable() else "�" for c in text)
