"""Known slips of models in JSON, mended when the caller asks for it, and named.

Only slips with one reading are here: a fence around the value, Python's spelling (single quotes, True, None, a comma
too many), closing brackets that are missing at the very end. Anything else stays an error.
"""

import ast
import re

from callwright.conversation import Json
from callwright.formats.jsontext import dumps, read_json
from callwright.literals import MAX_CHARS, NotLiteral, fold, parse_expression

_FENCE = re.compile(r"\s*```[a-zA-Z_]*\n?(.*?)\n?```\s*", re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}


def mend_json(text: str) -> tuple[Json, str] | None:
    """The value that a slightly wrong text means and what was wrong with it; None if that is not certain."""
    if len(text) > MAX_CHARS:
        return None
    slips = []
    fenced = _FENCE.fullmatch(text)
    if fenced:
        text = fenced[1]
        slips.append("a fence around it")
    text = text.strip()
    for mended, slip in ((text, ""), (_closed(text), "missing closing brackets")):
        for read, spelling in ((_json, ""), (_python, "Python's spelling")):
            value = read(mended)
            if value is not None:
                return value[0], " and ".join(filter(None, [*slips, slip, spelling]))
    return None


def _json(text: str) -> tuple[Json] | None:
    try:
        value, stop = read_json(text, 0)
    except ValueError:
        return None
    return (value,) if stop == len(text) else None


def _python(text: str) -> tuple[Json] | None:
    """A Python literal that is JSON in another spelling: no tuples, no bytes, keys that are strings."""
    try:
        value = fold(_JsonNames().visit(parse_expression(text)))
        return (value,) if _json(dumps(value)) == (value,) else None
    except (NotLiteral, ValueError, TypeError, RecursionError):
        return None


class _JsonNames(ast.NodeTransformer):
    """JSON's three words, which Python reads as names."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(_WORDS[node.id]) if node.id in _WORDS else node


_WORDS = {"true": True, "false": False, "null": None}


def _closed(text: str) -> str:
    """The text with the brackets closed that are still open at its end; unchanged if it ends inside a string."""
    opened: list[str] = []
    string = escaped = False
    for character in text:
        if string:
            string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            string = True
        elif character in _CLOSING:
            opened.append(_CLOSING[character])
        elif opened and character == opened[-1]:
            opened.pop()
    return text if string else text + "".join(reversed(opened))
