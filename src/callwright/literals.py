"""Python literals from untrusted text.

Model output is data. It is parsed to a syntax tree and the tree is walked; nothing is ever evaluated, imported or
called. The tree may hold constants, lists, tuples, dicts, and arithmetic on them, because models write `end=2*3.1416`;
arithmetic is folded within bounds, because models also write `9**9**9`. Time and memory stay linear in the length of
the text, which is limited.

A text that is not a literal is not an error of the user's, so it raises `NotLiteral`, a plain `ValueError`, which
callers turn into a record. Left out on purpose: sets, comparisons, f-strings, attributes, names and calls, and the `%`
of strings.
"""

import ast
import operator
import warnings
from collections.abc import Callable
from typing import Any

MAX_CHARS = 100_000
"""Longer texts are refused unread."""
MAX_DEPTH = 200
"""How deep values may nest; Python's own tokenizer stops at as many brackets."""
MAX_BITS = 4096
"""The largest integer that arithmetic may start from or lead to, in bits."""
MAX_REPEATED = 1000
"""The largest string or list that `*` may make, in characters and items at all depths."""

_NUMBERS = (int, float, complex)
_SEQUENCES = (str, bytes, list, tuple)
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_JOINED = {ast.Add: _SEQUENCES, ast.BitOr: (dict,)}
"""Operators that join containers; the result is as large as its parts, which stand in the text."""


class NotLiteral(ValueError):  # noqa: N818 - a finding about a text, not an error of the program or of its user
    """The text or the node is not a literal, or goes beyond the bounds."""


def literal(text: str) -> Any:
    """The value of a literal.

    Raises:
      NotLiteral: It is not a literal, or one beyond the bounds.
    """
    return fold(parse_expression(text))


def parse_expression(text: str) -> ast.expr:
    """The syntax tree of one Python expression, not evaluated.

    Raises:
      NotLiteral: The text is too long, nested too deeply, or not an expression.
    """
    if len(text) > MAX_CHARS:
        raise NotLiteral(f"{len(text)} characters, at most {MAX_CHARS} are read")
    try:
        with warnings.catch_warnings():
            # Python warns about text such as "\d", which does not concern whoever runs the benchmark.
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral(f"not an expression: {error}") from None


def fold(node: ast.expr) -> Any:
    """The value of a tree of constants, containers and bounded arithmetic, with Python's own meaning.

    Raises:
      NotLiteral: There is anything else in it, or the result is beyond the bounds.
    """
    try:
        return _fold(node, MAX_DEPTH)
    except RecursionError:
        raise NotLiteral("nested too deeply") from None


def _fold(node: ast.expr | None, depth: int) -> Any:
    if depth == 0:
        raise NotLiteral("nested too deeply")
    match node:
        case ast.Constant(value=value) if value is not ...:
            return value
        case ast.List(elts=items):
            return [_fold(item, depth - 1) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_fold(item, depth - 1) for item in items)
        case ast.Dict(keys=keys, values=values):
            return make_dict((_fold(k, depth - 1), _fold(v, depth - 1)) for k, v in zip(keys, values, strict=True))
        case ast.UnaryOp(op=op, operand=operand):
            return _apply(_UNARY[type(op)], _fold(operand, depth - 1))
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _fold(left, depth - 1), _fold(right, depth - 1))
    raise NotLiteral(f"{type(node).__name__} is not a literal")


def make_dict(pairs: Any) -> dict[Any, Any]:
    """A dict of the pairs, the last of equal keys winning.

    Raises:
      NotLiteral: A key cannot be hashed.
    """
    try:
        return dict(pairs)
    except TypeError as error:
        raise NotLiteral(str(error)) from None


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
        _check_bits(op, left, right)
    elif isinstance(op, ast.Mult):
        sequence, times = (left, right) if isinstance(left, _SEQUENCES) else (right, left)
        if not (isinstance(sequence, _SEQUENCES) and isinstance(times, int)) or _size(sequence) * times > MAX_REPEATED:
            raise NotLiteral("a repetition of something else than a string or a list, or one that is too large")
    elif not isinstance(left, _JOINED.get(type(op), ())):
        raise NotLiteral(f"{type(op).__name__} of {type(left).__name__} and {type(right).__name__}")
    operate = _BINARY.get(type(op))
    if operate is None:
        raise NotLiteral(f"{type(op).__name__} is not folded")
    return _apply(operate, left, right)


def _check_bits(op: ast.operator, left: complex, right: complex) -> None:
    """Refuses arithmetic on integers whose result could be long to compute or to print."""
    if not (isinstance(left, int) and isinstance(right, int)):
        return
    bits = max(left.bit_length(), right.bit_length())
    if isinstance(op, ast.Pow):
        bits = max(bits, left.bit_length() * max(right, 0))
    elif isinstance(op, ast.LShift):
        bits = max(bits, left.bit_length() + max(right, 0))
    if bits > MAX_BITS:
        raise NotLiteral("an integer too large to fold")


def _apply(operate: Callable[..., Any], *operands: Any) -> Any:
    try:
        return operate(*operands)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise NotLiteral(str(error)) from None


def _size(value: Any) -> int:
    """Characters and items at all depths."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return 1 + sum(_size(k) + _size(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return 1 + sum(map(_size, value))
    return 1
