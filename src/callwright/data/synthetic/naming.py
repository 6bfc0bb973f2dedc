"""Offers a declared tool under names, descriptions and types that are new in every offer.

What a model can memorize it will: so verbs, nouns, parameter names, naming style, wording of descriptions, the type of
a quantity and the set of optional parameters are drawn afresh each time, and the only way to make the right call is to
read the schema. Names stay natural; nonsense names ("function masking" in its literal form) are left out, because
nobody's tools look like that and a small model has better uses for its steps.

A tool that is declared with a `name` is offered as it stands, under that name and with all its parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from callwright.conversation import Json, Tool, ToolCall
from callwright.data.rng import Rng
from callwright.data.tools_file.declaration import DeclaredParameter, DeclaredTool, ToolGroup
from callwright.data.tools_file.values import Value, ValueType

SNAKE, DOTTED, CAMEL = STYLES = "snake", "dotted", "camel"
_SHARES = (SNAKE,) * 10 + (DOTTED,) * 8 + (CAMEL,) * 2
_DEFAULTS = (". Default is {}.", ". Defaults to {}.", " (default {}).", ". Optional; {} if not given.")


_BOOLEAN = {"type": "boolean", "when_true": "always"}
EXTRAS = {
    key: DeclaredParameter.model_validate({"description": description, "default": default, **values})
    for key, description, default, values in (
        ("verbose", "Return more detail", False, _BOOLEAN),
        ("timeout", "Seconds to wait for the service", 30, {"type": "integer", "minimum": 5, "maximum": 60}),
        ("response_layout", "How the result is laid out", "'json'", {"enum": ["json", "text", "table"]}),
        ("use_cache", "Accept a stored result", True, _BOOLEAN),
        ("request_id", "Identifier for the logs", "", {"enum": ["a", "b"]}),
    )
}
"""Parameters that any tool may have and that no query mentions, by key."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as one offer has it.

    Attributes:
      group: The group it comes from.
      declared: Its declaration.
      tool: What the model sees.
      types: By key, how each offered parameter is typed here.
      names: By key, how each offered parameter is called here, in the schema's order.
    """

    group: ToolGroup
    declared: DeclaredTool
    tool: Tool
    types: Mapping[str, ValueType]
    names: Mapping[str, str]

    def call(self, values: Mapping[str, Value]) -> ToolCall:
        """The call with these arguments, in the schema's order."""
        return ToolCall(self.tool.name, {name: values[key].json for key, name in self.names.items() if key in values})


def offer_tool(group: ToolGroup, declared: DeclaredTool, rng: Rng, share: float = 0.7) -> OfferedTool:
    """Names, describes and types a declared tool, with about this share of its optional parameters."""
    if declared.name is not None:
        return _as_declared(group, declared)
    style = rng.pick(_SHARES)
    camel = style == CAMEL or rng.chance(0.04)
    variant = rng.unit()
    names, types, properties = dict[str, str](), dict[str, ValueType](), dict[str, Json]()
    for key, parameter in _chosen(declared, rng, share):
        name, options = _free_name((key, *parameter.aliases), set(names.values()), rng), parameter.types
        alike = any(option.hint for option in options)  # one tool writes all its dates, and all its rates, one way
        value_type = options[int(variant * len(options))] if alike else rng.pick(options)
        names[key], types[key] = _camel(name) if camel else name, value_type
        properties[names[key]] = _described(parameter, value_type, rng)
    name = rng.pick(tool_names(group, declared, style))
    tool = Tool(name, rng.pick(declared.descriptions), _schema(declared, properties, names))
    return OfferedTool(group, declared, tool, types, names)


def _as_declared(group: ToolGroup, declared: DeclaredTool) -> OfferedTool:
    """The tool under its own name, every parameter under its key, with its first type and first description."""
    types = {key: parameter.types[0] for key, parameter in declared.parameters.items()}
    properties = {key: _with_description(types[key], p.descriptions[0]) for key, p in declared.parameters.items()}
    names = {key: key for key in types}
    tool = Tool(str(declared.name), declared.descriptions[0], _schema(declared, dict(properties), names))
    return OfferedTool(group, declared, tool, types, names)


def _schema(declared: DeclaredTool, properties: dict[str, Json], names: Mapping[str, str]) -> dict[str, Json]:
    required: list[Json] = [names[key] for key, parameter in declared.parameters.items() if parameter.is_required]
    return {"type": "object", "properties": properties, "required": required}


@cache
def tool_names(group: ToolGroup, declared: DeclaredTool, style: str) -> tuple[str, ...]:
    """All names that a tool without a fixed name can have in a style."""
    nouns, spaces = declared.nouns, group.namespaces
    actions = [(verb, noun) for verb in declared.verbs for noun in nouns]
    if style == DOTTED:
        spaced = [f"{space}.{verb}_{noun}" for space in spaces for verb, noun in actions]
        return (*spaced, *(f"{space}.{n}" for space in spaces for n in nouns), *(f"{n}.{v}" for v, n in actions))
    snakes = [f"{verb}_{noun}" for verb, noun in actions] + [noun for noun in nouns if "_" in noun]
    return tuple(_camel(name) for name in snakes) if style == CAMEL else tuple(snakes)


def _chosen(declared: DeclaredTool, rng: Rng, share: float) -> list[tuple[str, DeclaredParameter]]:
    """All required parameters, some optional ones, and now and then one that no query ever mentions."""
    parameters = [(key, p) for key, p in declared.parameters.items() if p.is_required or rng.chance(share)]
    if rng.chance(0.08):
        parameters.append(rng.pick(tuple(EXTRAS.items())))
    return rng.shuffled(parameters) if rng.chance(0.15) else parameters


def _free_name(names: Sequence[str], taken: set[str], rng: Rng) -> str:
    free = [name for name in names if name not in taken]
    return rng.pick((free[0], rng.pick(free))) if free else f"{names[0]}_value"


def _described(parameter: DeclaredParameter, value_type: ValueType, rng: Rng) -> dict[str, Json]:
    text, hint = rng.pick(parameter.descriptions), value_type.hint
    if hint:
        text += f" ({hint})" if "(" not in hint and rng.chance(0.3) else f", {hint}"
    elif value_type.example and rng.chance(0.2):
        text += f", e.g. '{value_type.draw(rng).json}'"
    if parameter.default:
        text += rng.pick(_DEFAULTS).format(parameter.default)
    elif rng.chance(0.7):
        text += "."
    return _with_description(value_type, text)


def _with_description(value_type: ValueType, text: str) -> dict[str, Json]:
    """The schema of a value with its description, which stands behind what says the type."""
    described = {key: value_type.schema[key] for key in ("type", "items") if key in value_type.schema}
    return described | {"description": text} | {k: v for k, v in value_type.schema.items() if k not in described}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
