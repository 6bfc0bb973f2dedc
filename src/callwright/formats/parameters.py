"""Calls whose arguments stand as plain text: `<function=NAME>`, then `<parameter=KEY>`, VALUE, `</parameter>` for each.

A value runs from the line break behind its tag to the one before `</parameter>`. Nothing is escaped in it, so it ends
at the first `</parameter>`; if `<parameter=` or `</tool_call>` comes before that, the closing tag was forgotten, and
the call is malformed. So no value contains `</tool_call>`, and a call ends at its first one.

What the text of a value means, the tool's schema decides. Where it allows strings only, the text is the value,
whatever it looks like. Where it allows no strings, the text is JSON, or one of Python's words `True`, `False`, `None`,
which such formats' templates print. Where it allows both, or says nothing, text that is exactly such a value of an
allowed type is that value, and all other text is a string. So some strings cannot be written (`"42"` where a number may
stand as well); whoever writes asks `cast` whether the text would read back. Text that is of no allowed type is kept as
the value it stands for, or else as a string, and the caller is told. A schema that cannot be understood allows
everything.

Lenient reading supplies what is missing: the tags around the block, `</function>`, and `</parameter>` where the next
tag follows; it reads values in Python's spelling or with a fence around them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callwright.conversation import Json, Tool, ToolCall
from callwright.formats.chatml import CLOSE, OPEN
from callwright.formats.grammar import WHITESPACE, ParseContext, ParsedRegion, ParseIssue, Repair, skip_space, unclosed
from callwright.formats.jsontext import PYTHON_WORDS, read_json
from callwright.formats.repair import repair_json

FUNCTION, FUNCTION_END, PARAMETER_END = "<function=", "</function>", "</parameter>"
NAME = re.compile(r"[^<>\n]+")
"""What a function or a parameter may be called."""
DELIMITER = re.compile(r"</parameter>|<parameter=|</tool_call>")
"""What no value may contain."""
_FUNCTION = re.compile(rf"<function=({NAME.pattern})>")
_PARAMETER = re.compile(rf"<parameter=({NAME.pattern})>")
_NEXT_CALL = re.compile(r"<tool_call>|<function=")
STRING, ANY_TYPE = (
    frozenset({"string"}),
    frozenset({"string", "integer", "number", "boolean", "array", "object", "null"}),
)
_ALIASES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}
"""Names that published schemas use for types beside JSON Schema's."""
_MAX_DEPTH = 16


@dataclass(slots=True)
class _Block:
    """A function block, as far as it could be read.

    Attributes:
      end: Where reading stopped.
      name: The function's name.
      texts: Its arguments as they stand, and where.
      fixes: What is missing in it.
      error: What is wrong at `end`; None when the block is whole.
    """

    end: int
    name: str = ""
    texts: dict[str, tuple[str, int]] = field(default_factory=dict)
    fixes: list[str] = field(default_factory=list)
    error: str | None = None


def read_call(text: str, start: int, context: ParseContext) -> ParsedRegion | None:
    """Reads a call; see `grammar.RegionReader`. No value contains the closing tag, so its first occurrence decides."""
    if not context.final and text.find(CLOSE, start) < 0:
        return None
    opened = text.startswith(OPEN, start)
    block = _block(text, skip_space(text, start + len(OPEN) * opened), context.lenient)
    fixes = [*block.fixes] if opened else [f"a missing {OPEN}", *block.fixes]
    end = skip_space(text, block.end)
    if block.error is None and text.startswith(CLOSE, end):
        return _cast_call(block, end + len(CLOSE), fixes, start, context)
    if block.error is None and context.lenient:
        return _cast_call(block, block.end, [*fixes, f"a missing {CLOSE}"], start, context)
    if not opened:  # in lenient reading only: words that merely begin like a call
        return ParsedRegion(start + len(FUNCTION), content=FUNCTION)
    message = block.error or f"expected {CLOSE} after {FUNCTION_END}"
    close = text.find(CLOSE, start)
    if close < 0:
        return unclosed(text, block.end, message)
    end = close + len(CLOSE)
    return ParsedRegion(end, errors=(ParseIssue(message, block.end),), content=text[start:end])


def _block(text: str, at: int, lenient: bool) -> _Block:
    """The function block at `at`."""
    match = _FUNCTION.match(text, at)
    if match is None:
        return _Block(at, error="expected <function=NAME>")
    block = _Block(skip_space(text, match.end()), match[1])
    while (match := _PARAMETER.match(text, block.end)) is not None:
        delimiter = DELIMITER.search(text, match.end())
        edge = delimiter.start() if delimiter else len(text)
        closed = delimiter is not None and delimiter.group() == PARAMETER_END
        if match[1] in block.texts:
            block.error = f"the parameter {match[1]} is given twice"
        elif not closed and not lenient:
            block.error = f"the parameter {match[1]} is never closed"
        if block.error is not None:
            return block
        if not closed:
            block.fixes.append(f"a missing {PARAMETER_END}")
            edge = _where_it_should_end(text, match.end(), edge)
        value = text[match.end() : edge].removeprefix("\n").removesuffix("\n")
        block.texts[match[1]] = value, match.start()
        block.end = skip_space(text, edge + len(PARAMETER_END) * closed)
    if text.startswith(FUNCTION_END, block.end):
        block.end += len(FUNCTION_END)
    elif lenient and text.startswith(CLOSE, block.end):
        block.fixes.append(f"a missing {FUNCTION_END}")
    else:
        block.error = f"expected <parameter=KEY> or {FUNCTION_END}"
    return block


def _where_it_should_end(text: str, start: int, edge: int) -> int:
    """Where a value ends that nothing closes before `edge`: at the next call, and before the function's end."""
    match = _NEXT_CALL.search(text, start, edge)
    edge = match.start() if match else edge
    last = text.rfind(FUNCTION_END, start, edge)
    return last if last >= 0 and not text[last + len(FUNCTION_END) : edge].strip(WHITESPACE) else edge


def _cast_call(block: _Block, end: int, fixes: list[str], start: int, context: ParseContext) -> ParsedRegion:
    """The call of a whole block, its values cast."""
    arguments: dict[str, Json] = {}
    errors = []
    repairs = [Repair(" and ".join(fixes), start)] if fixes else []
    for key, (text, position) in block.texts.items():
        types = allowed_types(context.tools, block.name, key)
        arguments[key], good = cast(text, types)
        repaired = repair_json(text) if not good and context.lenient else None
        if repaired is not None and fits(repaired[0], types):
            arguments[key] = repaired[0]
            repairs.append(Repair(f"{repaired[1]} in {key}", position))
        elif not good:
            read = json_type(arguments[key])
            errors.append(ParseIssue(f"{key} should be {types_in_words(types)} and was read as {read}", position))
    return ParsedRegion(end, (ToolCall(block.name, arguments),), tuple(errors), tuple(repairs))


def allowed_types(tools: Sequence[Tool], function: str, parameter: str) -> frozenset[str]:
    """The types of values that a tool's parameter may have; everything where the tools do not say."""
    tool = next((tool for tool in tools if tool.name == function), None)
    if tool is None:
        return ANY_TYPE
    properties = tool.parameters.get("properties")
    if isinstance(properties, Mapping) and parameter in properties:
        return schema_types(properties[parameter], tool.parameters)
    return schema_types(tool.parameters.get("additionalProperties"), tool.parameters)


def schema_types(schema: Json, root: Mapping[str, Json], depth: int = _MAX_DEPTH) -> frozenset[str]:
    """The types of values that a schema allows; references are looked up in `root`."""
    if not isinstance(schema, Mapping) or depth == 0:
        return ANY_TYPE
    found = _declared_types(schema)
    if "$ref" in schema:
        found &= schema_types(_resolved(schema["$ref"], root), root, depth - 1)
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            found &= frozenset().union(*(schema_types(option, root, depth - 1) for option in options))
    parts = schema.get("allOf")
    for part in parts if isinstance(parts, list) else ():
        found &= schema_types(part, root, depth - 1)
    if schema.get("nullable") is True:
        found |= {"null"}
    return found or ANY_TYPE


def _declared_types(schema: Mapping[str, Json]) -> frozenset[str]:
    """What `type`, `enum` and `const` allow."""
    named = schema.get("type")
    names = named if isinstance(named, list) else [named]
    types = {_ALIASES.get(name, name) for name in names if isinstance(name, str)}
    found = frozenset(types) if types and types <= ANY_TYPE else ANY_TYPE
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list) and values:
        found &= frozenset(map(json_type, values))
    return found


def _resolved(reference: Json, root: Mapping[str, Json]) -> Json:
    """What a reference into the same schema points to; None for any other."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    value: Json = dict(root)
    for step in reference[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value


def cast(text: str, types: frozenset[str]) -> tuple[Json, bool]:
    """The value that a text stands for, and whether it is of one of these types."""
    if types == STRING:
        return text, True
    spelled = _literal_of(text if "string" in types else text.strip())
    if spelled is not None and fits(spelled[0], types):
        return spelled[0], True
    if "string" in types or spelled is None:
        return text, "string" in types
    return spelled[0], False


def fits(value: Json, types: frozenset[str]) -> bool:
    """Whether a value is of one of these types; an integer is a number, and 2.0 is an integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return bool(types & {"integer", "number"})
    if isinstance(value, float):
        return "number" in types or ("integer" in types and value.is_integer())
    return json_type(value) in types


def _literal_of(text: str) -> tuple[Json] | None:
    """The value, in a tuple, that the whole text is a literal of; None where there is none or it is a string."""
    if text in PYTHON_WORDS:
        return (PYTHON_WORDS[text],)
    try:
        value, stop = read_json(text, 0)
    except ValueError:
        return None
    return None if isinstance(value, str) or stop < len(text) else (value,)


def json_type(value: Json) -> str:
    """The name that JSON Schema gives to the value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, types in (("string", str), ("integer", int), ("number", float), ("array", list)):
        if isinstance(value, types):
            return kind
    return "object"


def types_in_words(types: frozenset[str]) -> str:
    """The types as a phrase for messages."""
    return " or ".join(sorted(types)) if types != ANY_TYPE else "anything"
