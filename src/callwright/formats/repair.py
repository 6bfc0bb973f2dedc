"""Common mistakes of models in JSON, repaired when the caller asks for it, and listed.

Only mistakes with one possible meaning are here: a fence around the value, Python's spelling (single quotes, True,
None, a comma too many), closing brackets that are missing at the very end. Anything else stays an error.
"""

import ast
import re

from callwright.conversation import Json
from callwright.formats.jsontext import dumps, read_json
from callwright.literals import MAX_CHARS, NotLiteral, fold, parse_expression

FENCE = re.compile(r"\s*```[a-zA-Z_]*\n?(.*?)\n?```\s*", re.DOTALL)
"""Backticks around all of a text."""
_CONSTANTS = {"true": True, "false": False, "null": None}
_CLOSING = {"{": "}", "[": "]"}


def repair_json(text: str) -> tuple[Json, str] | None:
    """The value that a slightly wrong text means and what was wrong with it; None if that is not certain."""
    if len(text) > MAX_CHARS:
        return None
    repairs = []
    fenced = FENCE.fullmatch(text)
    if fenced:
        text = fenced[1]
        repairs.append("a fence around it")
    text = text.strip()
    for repaired, repair in ((text, ""), (_closed(text), "missing closing brackets")):
        for read, spelling in ((_json, ""), (_python, "Python's spelling")):
            value = read(repaired)
            if value is not None:
                return value[0], " and ".join(filter(None, [*repairs, repair, spelling]))
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
        return ast.Constant(_CONSTANTS[node.id]) if node.id in _CONSTANTS else node


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
