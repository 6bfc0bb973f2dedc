"""Offers a declared tool under names, descriptions and types that are new in every example.

What a model can memorise it will: so verbs, nouns, parameter names, naming style, wording of descriptions, the type of
a quantity and the set of optional parameters are drawn afresh each time, and the only way to make the right call is to
read the schema. Names stay natural; nonsense names ("function masking" in its literal form) are left out, because
nobody's tools look like that and a small model has better uses for its steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from callwright.conversation import Json, Tool, ToolCall
from callwright.data.synthetic.draw import Draw
from callwright.data.synthetic.spec import Domain, Param, Spec
from callwright.data.synthetic.values import Kind, Value, flag, options, same, whole

SNAKE, DOTTED, CAMEL = STYLES = "snake", "dotted", "camel"
_SHARES = (SNAKE,) * 10 + (DOTTED,) * 8 + (CAMEL,) * 2
_DEFAULTS = (". Default is {}.", ". Defaults to {}.", " (default {}).", ". Optional; {} if not given.")

EXTRAS = (
    Param("verbose", flag("verbosely"), "Return more detail", "false"),
    Param("timeout", whole(5, 60), "Seconds to wait for the service", "30"),
    Param("response_layout", same("json|text|table"), "How the result is laid out", "'json'"),
    Param("use_cache", flag("from the cache"), "Accept a stored result", "true"),
    Param("request_id", same("a|b"), "Identifier for the logs", ""),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as one example offers it.

    Attributes:
      domain: The domain it comes from.
      spec: Its declaration.
      tool: What the model sees.
      kinds: By key, how each offered parameter is typed here.
      names: By key, how each offered parameter is called here, in the schema's order.
    """

    domain: Domain
    spec: Spec
    tool: Tool
    kinds: Mapping[str, Kind]
    names: Mapping[str, str]

    def call(self, values: Mapping[str, Value]) -> ToolCall:
        """The call with these arguments, in the schema's order."""
        return ToolCall(self.tool.name, {name: values[key].json for key, name in self.names.items() if key in values})


def offer(domain: Domain, spec: Spec, draw: Draw, share: float = 0.7) -> Offer:
    """Names, describes and types a declared tool, with about this share of its optional parameters."""
    style = draw.pick(_SHARES)
    camel = style == CAMEL or draw.chance(0.04)
    variant = draw.unit()
    names, kinds, properties = dict[str, str](), dict[str, Kind](), dict[str, Json]()
    for param in _chosen(spec, draw, share):
        name = _free_name(param, set(names.values()), draw)
        alike = any(kind.hint for kind in param.values)  # one tool writes all its dates, and all its rates, one way
        kind = param.values[int(variant * len(param.values))] if alike else draw.pick(param.values)
        names[param.key], kinds[param.key] = _camel(name) if camel else name, kind
        properties[names[param.key]] = _described(param, kind, draw)
    schema: dict[str, Json] = {
        "type": "object",
        "properties": properties,
        "required": [names[p.key] for p in spec.params if p.required],
    }
    tool = Tool(draw.pick(tool_names(domain, spec, style)), draw.pick(options(spec.about)), schema)
    return Offer(domain, spec, tool, kinds, names)


@cache
def tool_names(domain: Domain, spec: Spec, style: str) -> tuple[str, ...]:
    """All names that the tool can have in a style."""
    actions = [(verb, noun) for verb in spec.verbs for noun in spec.nouns]
    if style == DOTTED:
        spaces = options(domain.namespaces)
        spaced = [f"{space}.{verb}_{noun}" for space in spaces for verb, noun in actions]
        return (*spaced, *(f"{space}.{n}" for space in spaces for n in spec.nouns), *(f"{n}.{v}" for v, n in actions))
    snakes = [f"{verb}_{noun}" for verb, noun in actions] + [noun for noun in spec.nouns if "_" in noun]
    return tuple(_camel(name) for name in snakes) if style == CAMEL else tuple(snakes)


def _chosen(spec: Spec, draw: Draw, share: float) -> list[Param]:
    """All required parameters, some optional ones, and now and then one that no query ever mentions."""
    params = [p for p in spec.params if p.required or draw.chance(share)]
    if draw.chance(0.08):
        params.append(draw.pick(EXTRAS))
    return draw.shuffled(params) if draw.chance(0.15) else params


def _free_name(param: Param, taken: set[str], draw: Draw) -> str:
    free = [name for name in param.names if name not in taken]
    return draw.pick((free[0], draw.pick(free))) if free else f"{param.key}_value"


def _described(param: Param, kind: Kind, draw: Draw) -> dict[str, Json]:
    text = draw.pick(param.abouts)
    if kind.hint:
        text += f" ({kind.hint})" if "(" not in kind.hint and draw.chance(0.3) else f", {kind.hint}"
    elif kind.example and draw.chance(0.2):
        text += f", e.g. '{kind.draw(draw).json}'"
    if param.default:
        text += draw.pick(_DEFAULTS).format(param.default)
    elif draw.chance(0.7):
        text += "."
    described: dict[str, Json] = {"type": kind.schema["type"]}
    if "items" in kind.schema:
        described["items"] = kind.schema["items"]
    return described | {"description": text} | {k: v for k, v in kind.schema.items() if k not in described}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
