"""JSON Schemas of tools: what types of values they allow, and what tables write into them.

Tables whose rows share one schema (Arrow, Parquet) give every object the keys of all others and fill them with null. A
null in the place of a schema, or as the value of a keyword other than `default` and `const`, therefore counts as
absent, and so does a null argument whose parameter cannot be null. Members of `enum` and `examples` are values, and
stay. A schema that cannot be understood allows everything.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from callwright.conversation import Json

STRING, ANY_TYPE = (
    frozenset({"string"}),
    frozenset({"string", "integer", "number", "boolean", "array", "object", "null"}),
)
_ALIASES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}
"""Names that published schemas use for types beside JSON Schema's."""
_ONE_TYPE = {name: frozenset({name}) for name in ANY_TYPE}
_NARROWING = frozenset({"$ref", "anyOf", "oneOf", "allOf", "enum", "const", "nullable"})
"""Keywords beside `type` that change which types are allowed."""
_MAX_DEPTH = 16
_LONGEST_NAME = 80
"""Characters of a name that a message shows."""
_VALUE, _VALUES = frozenset({"default", "const"}), frozenset({"enum", "examples"})
"""Keywords that hold a value, and lists of values: null among them means null."""
BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords that hold schemas by name."""


def parameter_types(parameters: Mapping[str, Json], name: str) -> frozenset[str]:
    """The types of values that a tool's parameter may have; everything where its schema does not say."""
    properties = parameters.get("properties")
    if isinstance(properties, Mapping) and name in properties:
        return schema_types(properties[name], parameters)
    return schema_types(parameters.get("additionalProperties"), parameters)


def schema_types(schema: Json, root: Mapping[str, Json], depth: int = _MAX_DEPTH) -> frozenset[str]:
    """The types of values that a schema allows; references are looked up in `root`."""
    if not isinstance(schema, Mapping) or depth == 0:
        return ANY_TYPE
    named = schema.get("type")
    if isinstance(named, str) and named in _ONE_TYPE and _NARROWING.isdisjoint(schema):
        return _ONE_TYPE[named]
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
    types = {_ALIASES.get(name, name) for name in (str(n).lower() for n in names if isinstance(n, str))}
    found = frozenset(types) if types and types <= ANY_TYPE else ANY_TYPE
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list) and values:
        found &= frozenset(map(json_type, values))
    return found


def referred(reference: str, root: Mapping[str, Json]) -> Json:
    """What a reference refers to.

    Args:
      reference: As in `#/$defs/Point`.
      root: The whole schema.

    Raises:
      LookupError: The schema holds no such thing.
    """
    document, *steps = unquote(reference).split("/")
    if document != "#":
        raise LookupError(reference)
    value: Json = dict(root)
    for step in steps:
        if isinstance(value, list):
            value = {str(n): item for n, item in enumerate(value)}
        if not isinstance(value, Mapping):
            raise LookupError(reference)
        value = value[step.replace("~1", "/").replace("~0", "~")]
    return value


def _resolved(reference: Json, root: Mapping[str, Json]) -> Json:
    """What a reference refers to; None for anything that is none, or refers to nothing."""
    try:
        return referred(reference, root) if isinstance(reference, str) else None
    except LookupError:
        return None


def violation(value: Json, schema: Json, root: Mapping[str, Json], path: str = "") -> str:
    """What a schema does not allow of a value; "" where nothing is found.

    Types, `enum`, `const`, `minimum`, `maximum`, `items`, `properties`, `required` and `additionalProperties: false`
    are looked at.

    Args:
      value: Any JSON. It is read no deeper than the schema says something.
      schema: What it must satisfy.
      root: Where references are looked up.
      path: The value's dotted path.
    """
    if not isinstance(schema, Mapping):
        return ""
    subject, types = path or "the value", schema_types(schema, root)
    if types.isdisjoint(_types_of(value)):
        return f"{subject} is of type {json_type(value)}, not {' or '.join(sorted(types))}"
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(allowed, list) and value not in allowed:
        return f"{subject} is none of {', '.join(map(str, allowed))}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int | float) and isinstance(low, int | float) and value < low:
        return f"{subject} is below {low}"
    if isinstance(value, int | float) and isinstance(high, int | float) and value > high:
        return f"{subject} is above {high}"
    if isinstance(value, list):
        found = (violation(item, schema.get("items"), root, f"{path}[{i}]") for i, item in enumerate(value))
        return next(filter(None, found), "")
    return _object_violation(value, schema, root, path) if isinstance(value, dict) else ""


def _types_of(value: Json) -> frozenset[str]:
    """The names of the value's types: an integer is a number, too, and so is 5.0 an integer."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return frozenset({json_type(value)})
    return frozenset({"number", "integer"} if value % 1 == 0 else {"number"})


def _object_violation(value: dict[str, Json], schema: Mapping[str, Json], root: Mapping[str, Json], path: str) -> str:
    properties, required = schema.get("properties"), schema.get("required")
    properties = properties if isinstance(properties, Mapping) else {}
    begin = f"{path}." if path else ""
    for name in required if isinstance(required, list) else ():
        if name not in value:
            return f"{begin}{name} is missing"
    for name, inner in value.items():
        if name not in properties and schema.get("additionalProperties") is False:
            return f"{begin}{name[:_LONGEST_NAME]} is no parameter"
        if found := violation(inner, properties.get(name), root, f"{begin}{name}"):
            return found
    return ""


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


def has_null(value: Any) -> bool:
    """Whether null stands anywhere in a JSON value."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if None in items:
        return True
    for item in items:  # noqa: SIM110 - any() takes twice as long, and every tool of every line comes here
        if isinstance(item, (dict, list)) and has_null(item):
            return True
    return False


def without_nulls(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what is null and counts as absent."""
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _VALUE or (key in _VALUES and value is not None):
            out[key] = value
        elif key in BY_NAME and isinstance(value, dict):
            out[key] = {name: _cleaned(inner) for name, inner in value.items() if inner is not None}
        elif value is not None:
            out[key] = _cleaned(value)
    return out


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return without_nulls(value)
    return [_cleaned(item) for item in value if item is not None] if isinstance(value, list) else value


def without_null_arguments(
    arguments: dict[str, Any],
    schema: Json | Mapping[str, Json],
    root: Mapping[str, Json],
    dropped: Callable[[str], None],
    path: str = "",
) -> dict[str, Any]:
    """The arguments without nulls where the schema allows none, at every depth.

    Args:
      arguments: A call's arguments, or an object among them.
      schema: What they must satisfy. A null under a name that it does not declare is another function's, unless it
        allows further names or the call gives one a value.
      root: Where references are looked up.
      dropped: Takes the dotted path of each argument that is dropped.
      path: The path of the object.
    """
    declared = _object_schema(schema, root)
    if declared is None or not has_null(arguments):
        return arguments
    properties = declared.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    others = declared.get("additionalProperties")
    if others is None and all(name in properties or value is None for name, value in arguments.items()):
        others = False  # nothing says that the function takes other names, neither its schema nor this call
    out: dict[str, Any] = {}
    for name, value in arguments.items():
        place = f"{path}.{name}" if path else name
        inner = properties.get(name, others)
        if value is None and (inner is False or "null" not in schema_types(inner, root)):
            dropped(place)
        else:
            out[name] = _without_inner_nulls(value, inner, root, dropped, place)
    return out


def _without_inner_nulls(
    value: Any, schema: Json, root: Mapping[str, Json], dropped: Callable[[str], None], path: str
) -> Any:
    if isinstance(value, dict):
        return without_null_arguments(value, schema, root, dropped, path)
    if isinstance(value, list):
        declared = _declared(schema, root, "items")
        items = declared.get("items") if declared is not None else None
        return [_without_inner_nulls(item, items, root, dropped, f"{path}[{i}]") for i, item in enumerate(value)]
    return value


def _object_schema(schema: Json | Mapping[str, Json], root: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """The part of a schema that declares an object's properties; None where it may have any."""
    declared = _declared(schema, root, "properties")
    if declared is None and schema is root and "patternProperties" not in root and "$ref" not in root:
        return root  # a function without parameters
    return None if declared is None or "patternProperties" in declared else declared


def _declared(
    schema: Json | Mapping[str, Json], root: Mapping[str, Json], keyword: str, depth: int = _MAX_DEPTH
) -> Mapping[str, Json] | None:
    """The schema, what it refers to, or the one of its alternatives that has the keyword; None if not exactly one."""
    if not isinstance(schema, Mapping) or depth == 0:
        return None
    if keyword in schema:
        return schema
    options = [_resolved(schema["$ref"], root)] if "$ref" in schema else []
    for key in ("anyOf", "oneOf", "allOf"):
        alternatives = schema.get(key)
        options += alternatives if isinstance(alternatives, list) else []
    found = [one for one in (_declared(option, root, keyword, depth - 1) for option in options) if one is not None]
    return found[0] if len(found) == 1 else None
