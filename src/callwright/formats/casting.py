"""Text to values by a tool's schema, for formats that write arguments without their types.

What the schema allows decides. Where it allows strings only, the text is the value, whatever it looks like. Where it
allows no strings, the text is JSON, or one of Python's words `True`, `False`, `None`, which such formats' templates
print. Where it allows both, or says nothing, text that is exactly such a value of an allowed kind is that value, and
all other text is a string. So some strings cannot be said (`"42"` where a number may stand as well); whoever writes
asks `cast` whether the text would read back.

Text that is of no allowed kind is not dropped and not bent: it is what it spells, or else a string, and the caller is
told. A schema that cannot be understood allows everything.
"""

from collections.abc import Mapping, Sequence

from callwright.conversation import Json, Tool
from callwright.formats.jsontext import read_json

STRING, ANYTHING = (
    frozenset({"string"}),
    frozenset({"string", "integer", "number", "boolean", "array", "object", "null"}),
)
_ALIASES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}
"""Names that schemas in the wild give to types."""
_WORDS: dict[str, Json] = {"True": True, "False": False, "None": None}
_MAX_DEPTH = 16


def allowed(tools: Sequence[Tool], function: str, parameter: str) -> frozenset[str]:
    """The kinds of values that a tool's parameter may have; everything where the tools do not say."""
    tool = next((tool for tool in tools if tool.name == function), None)
    if tool is None:
        return ANYTHING
    properties = tool.parameters.get("properties")
    if isinstance(properties, Mapping) and parameter in properties:
        return kinds(properties[parameter], tool.parameters)
    return kinds(tool.parameters.get("additionalProperties"), tool.parameters)


def kinds(schema: Json, root: Mapping[str, Json], depth: int = _MAX_DEPTH) -> frozenset[str]:
    """The kinds of values that a schema allows; references are looked up in `root`."""
    if not isinstance(schema, Mapping) or depth == 0:
        return ANYTHING
    found = _named(schema)
    if "$ref" in schema:
        found &= kinds(_referred(schema["$ref"], root), root, depth - 1)
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            found &= frozenset().union(*(kinds(option, root, depth - 1) for option in options))
    parts = schema.get("allOf")
    for part in parts if isinstance(parts, list) else ():
        found &= kinds(part, root, depth - 1)
    if schema.get("nullable") is True:
        found |= {"null"}
    return found or ANYTHING


def _named(schema: Mapping[str, Json]) -> frozenset[str]:
    """What `type`, `enum` and `const` allow."""
    named = schema.get("type")
    names = named if isinstance(named, list) else [named]
    types = {_ALIASES.get(name, name) for name in names if isinstance(name, str)}
    found = frozenset(types) if types and types <= ANYTHING else ANYTHING
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list) and values:
        found &= frozenset(map(kind_of, values))
    return found


def _referred(reference: Json, root: Mapping[str, Json]) -> Json:
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


def cast(text: str, kinds: frozenset[str]) -> tuple[Json, bool]:
    """The value that a text means, and whether it is of one of these kinds."""
    if kinds == STRING:
        return text, True
    spelled = _spelled(text if "string" in kinds else text.strip())
    if spelled is not None and fits(spelled[0], kinds):
        return spelled[0], True
    if "string" in kinds or spelled is None:
        return text, "string" in kinds
    return spelled[0], False


def fits(value: Json, kinds: frozenset[str]) -> bool:
    """Whether a value is of one of these kinds; an integer is a number, and 2.0 is an integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return bool(kinds & {"integer", "number"})
    if isinstance(value, float):
        return "number" in kinds or ("integer" in kinds and value.is_integer())
    return kind_of(value) in kinds


def _spelled(text: str) -> tuple[Json] | None:
    """The value that is no string and that all of the text spells."""
    if text in _WORDS:
        return (_WORDS[text],)
    try:
        value, stop = read_json(text, 0)
    except ValueError:
        return None
    return None if isinstance(value, str) or stop < len(text) else (value,)


def kind_of(value: Json) -> str:
    """The name that JSON Schema gives to the value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, types in (("string", str), ("integer", int), ("number", float), ("array", list)):
        if isinstance(value, types):
            return kind
    return "object"


def listed(kinds: frozenset[str]) -> str:
    """The kinds in words."""
    return " or ".join(sorted(kinds)) if kinds != ANYTHING else "anything"
