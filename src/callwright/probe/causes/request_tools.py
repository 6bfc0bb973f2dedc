"""Changes: what runtimes do to the tools of a request before a template sees them, done on purpose; see `request`.

Each function gives the lists of tools that a runtime may have made of one.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from itertools import product

from callwright.conversation import Json, Tool
from callwright.probe.causes.registry import Cause, Explanations
from callwright.probe.causes.request import Change
from callwright.probe.prompt import RenderedRequest

Tools = Sequence[Tool]
ToolChange = Callable[[Tools, str], Iterable[Tools]]
"""(the tools of a request, the text of the prompt seen) to the tools that a runtime may have made of them."""
Schema = Mapping[str, Json]

TOOL_CHANGES: Explanations[Change] = Explanations()

_CORE = frozenset({"type", "items", "description", "enum", "properties", "required", "anyOf", "$defs"})
"""The keys of a schema that every runtime keeps."""
_SCHEMA_WORDS = ("type", "description", "properties", "required", "items", "enum", "name", "title", "parameters")
_HIDDEN_WORDS = ("type", "description", "properties", "required", "nullable")
"""Those that Gemma's templates leave out where a schema stands in for its properties."""
_NAMED = ("properties", "$defs")
"""Keys whose value has a schema for each name."""
_BELOW = (*_NAMED, "items", "anyOf", "oneOf", "allOf", "additionalProperties")
"""Keys whose value is a schema, or holds some."""


def explains(cause: Cause) -> Callable[[ToolChange], ToolChange]:
    """A decorator that registers a function from tools to tools as a change of requests that have some."""

    def register(change_tools: ToolChange) -> ToolChange:
        @TOOL_CHANGES.explains(cause)
        @wraps(change_tools)
        def change(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
            if request.conversation.tools:
                yield from map(request.with_tools, change_tools(request.conversation.tools, seen))

        return change_tools

    return register


@explains(Cause.TOOLS_DROPPED)
def drop_tools(tools: Tools, seen: str) -> Iterator[Tools]:
    """No tool is left, only the first, only those that the prompt names, or all but one, which a call may name."""
    yield ()
    if len(tools) > 1:
        yield tools[:1]
        yield [tool for tool in tools if _named(tool, seen)]
        yield from ((*tools[:place], *tools[place + 1 :]) for place in range(len(tools)))


@explains(Cause.TOOL_KEYS_LOST)
def drop_keys(tools: Tools, seen: str) -> Iterator[Tools]:
    """Keys are lost: those that no runtime needs, or those that the prompt has nowhere; also only below the top."""
    yield [replace(tool, given=None) for tool in tools]
    found = {key for tool in tools for key in _keys(tool.parameters)}
    absent = {key for key in found if not re.search(rf"(?<![\w$]){re.escape(key)}(?!\w)", seen)}
    for keys, through, top in product((_CORE, found - absent), (_BELOW, ("properties", "anyOf")), (True, False)):
        kept = partial(_kept, keys=keys, through=through)
        yield _with_schemas(tools, kept if top else partial(inside, change=kept))
    for lost in sorted(found - {"type", "properties"}):
        yield _with_schemas(tools, partial(_kept, keys=found - {lost}))
    yield [replace(tool, description=None, given=None) for tool in tools]


@explains(Cause.TYPE_LOST)
def lose_types(tools: Tools, seen: str) -> Iterator[Tools]:
    """Of several types only the first is shown, or the first that is not null; or parameters have no type at all."""
    for one_of in (_first_type, _first_type_but_null):
        yield _with_schemas(tools, partial(_typed, one_of=one_of))
    yield _with_schemas(tools, partial(inside, change=_untyped))


@explains(Cause.PARAMETER_DROPPED)
def drop_parameters(tools: Tools, seen: str) -> Iterator[Tools]:
    """Parameters that are named like words of a schema are not shown."""
    for words in (_SCHEMA_WORDS, _HIDDEN_WORDS, ("type", "description"), *((word,) for word in _SCHEMA_WORDS)):
        yield _with_schemas(tools, partial(_without_parameters, words=words))


@explains(Cause.TOOLS_REWRITTEN)
def rewrite_tools(tools: Tools, seen: str) -> Iterator[Tools]:
    """A missing description is empty or null, keys are sorted, or the tools come in the order of the prompt."""
    yield [replace(tool, description=tool.description or "", given=None) for tool in tools]
    yield [replace(tool, given=_with_null(tool)) for tool in tools]
    yield _with_schemas(tools, _sorted)
    if len(tools) > 1:
        places = {tool.name: _named(tool, seen) for tool in tools}
        yield sorted(tools, key=lambda tool: match.start() if (match := places[tool.name]) else len(seen))


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


def inside(
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
    inner = inside(schema, partial(_kept, keys=keys, through=through), through)
    return {key: value for key, value in inner.items() if key in keys}


def _typed(schema: Schema, one_of: Callable[[list[Json]], Json]) -> dict[str, Json]:
    """The schema and those below it with one of several types."""
    inner = inside(schema, partial(_typed, one_of=one_of))
    several = inner.get("type")
    return {**inner, "type": one_of(several)} if isinstance(several, list) and several else inner


def _first_type(types: list[Json]) -> Json:
    return types[0]


def _first_type_but_null(types: list[Json]) -> Json:
    return next((type_ for type_ in types if type_ != "null"), types[0])


def _untyped(schema: Schema) -> dict[str, Json]:
    """The schema and those below it without types."""
    return {key: value for key, value in inside(schema, _untyped).items() if key != "type"}


def _sorted(schema: Schema) -> dict[str, Json]:
    """The schema and those below it with sorted keys, and sorted parameters."""
    result = dict(sorted(inside(schema, _sorted).items()))
    properties = result.get("properties")
    if isinstance(properties, dict):
        result["properties"] = dict(sorted(properties.items()))
    return result


def _without_parameters(schema: Schema, words: Container[str]) -> dict[str, Json]:
    """The schema without the parameters that are named so; they stay required, as runtimes leave it."""
    inner = inside(schema, partial(_without_parameters, words=words))
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
