"""A BFCL entry: the question, the functions that are offered, and the calls that count as right.

Functions keep BFCL's own types (`dict`, `float`, `tuple` and `any`), because the checker's rules are about those;
`to_tools` translates them to JSON Schema for everybody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callwright.conversation import Message, Tool, ToolCall

PYTHON_HINT = " Note that the provided function is in Python 3 syntax."
"""What the leaderboard appends to every description that a model sees."""

# BFCL's types that JSON Schema names differently; "any" means no type at all.
_JSON_TYPES = {"dict": "object", "float": "number", "tuple": "array"}

GoldCall = Mapping[str, Mapping[str, list[Any]]]
"""A call that counts as right: {function: {parameter: [acceptable values]}}, "" among them if it may be omitted."""


@dataclass(frozen=True, slots=True)
class BfclEntry:
    """One entry of the benchmark.

    Attributes:
      id: BFCL's id, such as `simple_python_0`.
      category: The name of its category.
      question: The messages so far, the last of them the user's.
      functions: The functions that are offered, with BFCL's own types.
      gold_calls: The expected calls; empty in the categories that only ask whether to call at all.
    """

    id: str
    category: str
    question: tuple[Message, ...]
    functions: tuple[Mapping[str, Any], ...]
    gold_calls: tuple[GoldCall, ...] = ()


def to_tools(entry: BfclEntry, *, underscore_to_dot: bool = False) -> tuple[Tool, ...]:
    """The entry's functions as tools whose parameters are JSON Schema, at every depth.

    Args:
      entry: The entry.
      underscore_to_dot: Replace dots in names by underscores, for formats whose names cannot hold a dot; score what
        comes back with the same option.
    """
    return tuple(
        Tool(
            name=undotted(function["name"]) if underscore_to_dot else function["name"],
            description=function["description"] + PYTHON_HINT,
            parameters=_json_schema(function["parameters"]),
        )
        for function in entry.functions
    )


def undotted(name: str) -> str:
    """The name for models whose function names cannot hold a dot."""
    return name.replace(".", "_")


def _json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A BFCL schema as JSON Schema. Property names are kept, that of a property called "type" too."""
    translated: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "type":
            if value != "any":
                translated[key] = _JSON_TYPES.get(value, value)
        elif key == "properties":
            translated[key] = {name: _json_schema(inner) for name, inner in value.items()}
        elif key == "items":
            translated[key] = _json_schema(value)
        else:
            translated[key] = value
    return translated


def expected_calls(entry: BfclEntry) -> tuple[ToolCall, ...]:
    """One set of calls that is right: the gold calls with the first acceptable value of each parameter.

    A parameter that may be omitted is, if omission comes first or the function does not have it; one that is required
    never is. BFCL contradicts itself in a few live entries, where even these calls are not valid.
    """
    schemas = {function["name"]: function["parameters"] for function in entry.functions}
    return tuple(
        ToolCall(name, _first_values(parameters, schemas[name]))
        for gold in entry.gold_calls
        for name, parameters in gold.items()
    )


def _first_values(parameters: Mapping[str, list[Any]], schema: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, values in parameters.items():
        omitted = not values or ("" in values and (values[0] == "" or name not in schema["properties"]))
        if name in schema["required"] or not omitted:
            arguments[name] = _plain(next((value for value in values if value != ""), ""))
    return arguments


def _plain(value: Any) -> Any:
    """The value itself, but of a dict, which lists the acceptable values of its keys, the first of each."""
    if isinstance(value, dict):
        return {key: values[0] for key, values in value.items() if values[0] != ""}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
