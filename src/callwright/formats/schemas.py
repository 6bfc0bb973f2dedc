"""JSON Schemas printed so that serving leaves them alone.

Ollama re-marshals every tool before any template sees it: a fixed key order, a fixed set of keys, everything else
dropped (measured on its 0.33 line). A format of our own prints schemas in exactly that order and spacing, in training
too, so the bytes that were trained on are the bytes that are served.
"""

from collections.abc import Mapping

from callwright.conversation import Json, Tool
from callwright.openai import write_tool

PARAMETER_KEYS = ("type", "$defs", "items", "required", "properties")
PROPERTY_KEYS = ("anyOf", "type", "items", "description", "enum", "properties", "required")


def source_tool(tool: Tool) -> dict[str, Json]:
    """The tool as its source wrote it, wrapped or bare; a tool made here in OpenAI's notation."""
    return dict(tool.given or write_tool(tool))


def source_function(tool: Tool) -> dict[str, Json]:
    """The same without a wrapper."""
    written = source_tool(tool)
    function = written.get("function", written)
    return dict(function) if isinstance(function, Mapping) else written


def served_tool(tool: Tool) -> dict[str, Json]:
    """The tool as it looks after serving: `name`, `description`, `parameters`, in that order."""
    parameters: dict[str, Json] = {"type": tool.parameters.get("type", "object")}
    parameters |= {key: tool.parameters[key] for key in PARAMETER_KEYS[1:4] if tool.parameters.get(key)}
    if "items" in parameters:
        parameters["items"] = sorted_keys(parameters["items"])
    parameters["properties"] = _properties(tool.parameters.get("properties"))
    return {"name": tool.name, "description": tool.description or "", "parameters": parameters}


def _properties(properties: Json) -> dict[str, Json]:
    if not isinstance(properties, Mapping):
        return {}
    return {name: _property(schema) for name, schema in properties.items()}


def _property(schema: Json) -> Json:
    """One property's schema; its `items` is a free map that serving sorts, all the rest has a fixed order."""
    if not isinstance(schema, Mapping):
        return {}
    out: dict[str, Json] = {}
    for key in PROPERTY_KEYS:
        value = schema.get(key)
        if value is None or value == []:
            continue
        if key == "anyOf" and isinstance(value, list):
            value = [_property(option) for option in value]
        elif key == "items":
            value = sorted_keys(value)
        elif key == "properties":
            value = _properties(value)
        out[key] = value
    return out


def sorted_keys(value: Json) -> Json:
    """The value with the keys of every object in it sorted."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value
