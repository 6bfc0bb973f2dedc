"""BFCL's prompting text, `[f(a=1), g(b='x')]`, to calls: the official decoder's meaning without its `eval`.

The benchmark's verdicts depend on how its decoder reads odd text, so its oddities are kept: a missing bracket at either
end is added; every unary operator negates (`+5` is -5); a bare name is a string, and so is a subscript; a call as a
value is its source text if it has no keywords and a nested dict if it has; positional arguments are dropped; of a
chain of calls only the last is kept. What the official decoder computes with `eval`, arithmetic, is folded by
`literals` within bounds; what it would execute (a call inside arithmetic) does not decode.
"""

import ast
from typing import Any

from callwright.conversation import ToolCall
from callwright.literals import MAX_DEPTH, NotLiteral, fold, make_dict, parse_expression


def decode(text: str) -> tuple[ToolCall, ...] | None:
    """The calls that the text makes, or None if it does not decode; never raises and never executes.

    Values are Python's: tuples stay tuples, and a number may be complex. Arguments given as `**value` are kept under
    the name `**`, which no schema has.
    """
    text = text.strip("`\n ")
    text = text if text.startswith("[") else "[" + text
    text = text if text.endswith("]") else text + "]"
    try:
        match parse_expression(text):
            case ast.Call() as call:
                calls = [call]
            case ast.List(elts=items) | ast.Tuple(elts=items):
                calls = [item for item in items if isinstance(item, ast.Call)]
                if len(calls) != len(items):
                    return None
            case _:
                return None
        return tuple(ToolCall(_name(call.func), _arguments(call, MAX_DEPTH)) for call in calls)
    # ast.unparse recurses without a bound, and will not print an integer of thousands of digits.
    except (ValueError, RecursionError, MemoryError):
        return None


def _name(function: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    if isinstance(function, ast.Name):
        parts.append(function.id)
    return ".".join(reversed(parts))


def _arguments(call: ast.Call, depth: int) -> dict[str, Any]:
    return {keyword.arg or "**": _value(keyword.value, depth - 1) for keyword in call.keywords}


def _value(node: ast.expr | None, depth: int) -> Any:
    if depth == 0:
        raise NotLiteral("nested too deeply")
    match node:
        case ast.Constant(value=value):
            return "..." if value is ... else value
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() | complex() as value)):
            return -value
        case ast.BinOp():
            return fold(node)
        case ast.Name(id=name):
            return name
        case ast.List(elts=items):
            return [_value(item, depth - 1) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, depth - 1) for item in items)
        case ast.Dict(keys=keys, values=values):
            return make_dict((_value(k, depth - 1), _value(v, depth - 1)) for k, v in zip(keys, values, strict=True))
        case ast.Call(keywords=[]):
            return ast.unparse(node)
        case ast.Call():
            return {_name(node.func): _arguments(node, depth)}
        case ast.Subscript(value=value, slice=index):
            return f"{ast.unparse(value)}[{ast.unparse(index)}]"
    raise NotLiteral(f"{type(node).__name__} does not decode")
