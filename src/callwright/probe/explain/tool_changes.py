"""What runtimes do to the tools of a request before a template sees them; see `changes`.

Each gives the lists of tools that it may have made of one.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from callwright.conversation import Json, Tool

Tools = Sequence[Tool]
ToolChange = Callable[[Tools, str], Iterable[Tools]]
Schema = Mapping[str, Json]

_CORE = frozenset({"type", "items", "description", "enum", "properties", "required", "anyOf", "$defs"})
"""The keys of a schema that every runtime keeps."""
_SCHEMA_WORDS = ("type", "description", "properties", "required", "items", "enum", "name", "title", "parameters")
_ORDERS: Sequence[tuple[str, ...]] = (
    # Ollama's structures, field by field: of parameters and of a property.
    ("type", "$defs", "items", "required", "properties", "anyOf", "description", "enum"),
    ("anyOf", "type", "items", "description", "enum", "properties", "required"),
    (),
)
_NAMED = ("properties", "$defs")
"""Keys whose value has a schema for each name."""
_BELOW = (*_NAMED, "items", "anyOf", "oneOf", "allOf", "additionalProperties")
"""Keys whose value is a schema, or holds some."""


def _dropped(tools: Tools, seen: str) -> Iterator[Tools]:
    """None left, only the first, only those that the prompt names, or all but one, which an earlier call may name."""
    yield ()
    if len(tools) > 1:
        yield tools[:1]
        yield [tool for tool in tools if _named(tool, seen)]
        yield from ((*tools[:place], *tools[place + 1 :]) for place in range(len(tools)))


def _keys_lost(tools: Tools, seen: str) -> Iterator[Tools]:
    """Keys gone: those that no runtime needs, or those that the prompt has nowhere; also only below the top."""
    yield [replace(tool, given=None) for tool in tools]
    found = {key for tool in tools for key in _keys(tool.parameters)}
    gone = {key for key in found if not re.search(rf"(?<![\w$]){re.escape(key)}(?!\w)", seen)}
    for keys, through, top in product((_CORE, found - gone), (_BELOW, ("properties", "anyOf")), (True, False)):
        kept = partial(_kept, keys=keys, through=through)
        yield _with_schemas(tools, kept if top else lambda schema, kept=kept: _inside(schema, kept))  # type: ignore[misc]
    for lost in sorted(found - {"type", "properties"}):
        yield _with_schemas(tools, partial(_kept, keys=found - {lost}))
    yield [replace(tool, description=None, given=None) for tool in tools]


def _parameter_dropped(tools: Tools, seen: str) -> Iterator[Tools]:
    for words in (_SCHEMA_WORDS, ("type", "description"), *((word,) for word in _SCHEMA_WORDS)):
        yield _with_schemas(tools, partial(_without_parameters, words=words))


def _rewritten(tools: Tools, seen: str) -> Iterator[Tools]:
    """Keys in another order, or the tools, as their names come; an empty description where none is, or null."""
    yield [replace(tool, description=tool.description or "", given=None) for tool in tools]
    yield [replace(tool, given=_with_null(tool)) for tool in tools]
    for order in _ORDERS:
        yield _with_schemas(tools, partial(_ordered, order=order))
    if len(tools) > 1:
        places = {tool.name: _named(tool, seen) for tool in tools}
        yield sorted(tools, key=lambda tool: match.start() if (match := places[tool.name]) else len(seen))


TOOL_CHANGES: Mapping[str, ToolChange] = {
    "tools-dropped": _dropped,
    "tool-keys-lost": _keys_lost,
    "parameter-dropped": _parameter_dropped,
    "tools-rewritten": _rewritten,
}
"""By cause; of two that make the same prompt the first counts."""


def _named(tool: Tool, seen: str) -> re.Match[str] | None:
    """Where the prompt names the tool first."""
    return re.search(rf"(?<![\w.-]){re.escape(tool.name)}(?![\w.-])", seen)


def _with_null(tool: Tool) -> dict[str, Json]:
    """The tool as it is written by code that has a field for a description, whether there is one or not."""
    function: dict[str, Json] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _with_schemas(tools: Tools, change: Callable[[Schema], dict[str, Json]]) -> Tools:
    return [replace(tool, parameters=change(tool.parameters), given=None) for tool in tools]


def _inside(
    schema: Schema, change: Callable[[Schema], dict[str, Json]], through: Container[str] = _BELOW
) -> dict[str, Json]:
    """The schema with `change` done to the schemas right below it."""
    return {
        key: _changed(value, change, named=key in _NAMED) if key in through else value for key, value in schema.items()
    }


def _changed(value: Json, change: Callable[[Schema], dict[str, Json]], *, named: bool) -> Json:
    """The schemas inside a value changed; `named` where the value's keys are names."""
    if isinstance(value, list):
        return [_changed(one, change, named=False) for one in value]
    if not isinstance(value, dict):
        return value
    if named:
        return {name: _changed(one, change, named=False) for name, one in value.items()}
    return change(value)


def _kept(schema: Schema, keys: Container[str], through: Container[str] = _BELOW) -> dict[str, Json]:
    """The schema and those below it with these keys only."""
    inner = _inside(schema, partial(_kept, keys=keys, through=through), through)
    return {key: value for key, value in inner.items() if key in keys}


def _ordered(schema: Schema, order: Sequence[str]) -> dict[str, Json]:
    """Keys in this order, others behind them, sorted; parameters too where no order is given."""
    inner = _inside(schema, partial(_ordered, order=order))
    rank = {key: place for place, key in enumerate(order)}
    result = dict(sorted(inner.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))
    properties = result.get("properties")
    if not order and isinstance(properties, dict):
        result["properties"] = dict(sorted(properties.items()))
    return result


def _without_parameters(schema: Schema, words: Container[str]) -> dict[str, Json]:
    """The schema without the parameters that are named so; they stay required, as runtimes leave it."""
    inner = _inside(schema, partial(_without_parameters, words=words))
    properties = inner.get("properties")
    if isinstance(properties, dict):
        inner["properties"] = {name: value for name, value in properties.items() if name not in words}
    return inner


def _keys(value: Json | Schema, *, named: bool = False) -> Iterator[str]:
    """All keys of schemas, parameters' names left out."""
    if isinstance(value, list):
        for one in value:
            yield from _keys(one)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if not named:
                yield key
            yield from _keys(one, named=not named and key in _NAMED)
