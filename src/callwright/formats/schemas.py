"""JSON Schemas printed so that serving leaves them alone.

Ollama re-marshals every tool before any template sees it: a fixed key order, a fixed set of keys, everything else
dropped (measured on its 0.33 line). A format of our own prints schemas in exactly that order and spacing, in training
too, so the bytes that were trained on are the bytes that are served. A keyword that has no place there is left out, and
a warning names tool, parameter and keyword.

References (`$ref`) are put in their place, and the definitions they refer to (`$defs`, `definitions`) are left out. The
emitted chat templates do so too (but refuse references with percent-escapes), where a runtime gives them the tools as
they were sent. Ollama does not: it drops references, and a parameter that is one has no schema there.
"""

from collections.abc import Mapping, Set

from callwright.conversation import Json, Tool
from callwright.errors import FormatError
from callwright.formats.omissions import Omissions
from callwright.formats.references import ROOT, References, Trail, has_reference
from callwright.json_schema import BY_NAME
from callwright.openai import write_tool

PARAMETER_KEYS = ("type", "$defs", "items", "required", "properties")
PROPERTY_KEYS = ("anyOf", "type", "items", "description", "enum", "properties", "required")
_BELOW = frozenset({"anyOf", "items", "properties"})
FUNCTION_KEYS = frozenset({"type", "name", "description", "parameters"})
DEFINITIONS = ("$defs", "definitions")
_DATA = frozenset({"enum", "const", "default", "examples"})
"""Keywords whose values hold no schemas."""


def source_tool(tool: Tool) -> dict[str, Json]:
    """The tool as its source wrote it, wrapped or bare; a tool made here in OpenAI's notation."""
    return dict(tool.given or write_tool(tool))


def source_function(tool: Tool) -> dict[str, Json]:
    """The same without a wrapper."""
    written = source_tool(tool)
    function = written.get("function", written)
    return dict(function) if isinstance(function, Mapping) else written


def tell_of_further_keys(tool: Tool, omissions: Omissions, printed: Set[str]) -> None:
    """Tells which keys of the tool itself its source has beside those that are printed."""
    if tool.given:
        function = tool.given.get("function", tool.given)
        if isinstance(function, Mapping) and not function.keys() <= printed:
            omissions.unprinted(None, function, printed)


def served_tool(tool: Tool, omissions: Omissions) -> dict[str, Json]:
    """The tool as it looks after serving: `name`, `description`, `parameters`, in that order.

    Args:
      tool: The tool.
      omissions: Is told what of the tool is left out.

    Raises:
      FormatError: The schema is nested too deeply, or has too many references.
    """
    try:
        parameters = _Served(tool.parameters, omissions).parameters()
    except RecursionError:
        raise FormatError(f"a schema that ends in {omissions.where}", "one nested too deeply", "flatten it") from None
    tell_of_further_keys(tool, omissions, FUNCTION_KEYS)
    return {"name": tool.name, "description": tool.description or "", "parameters": parameters}


class _Served(References):
    """One tool's schema on its way to what serving makes of it."""

    def parameters(self) -> dict[str, Json]:
        root = self._root
        schema, trails = self.follow(root, "", ROOT) if "$ref" in root else (dict(root), {})
        parameters: dict[str, Json] = {"type": schema.get("type", "object")}
        if schema.get("$defs") and not self._refers():
            parameters["$defs"] = schema["$defs"]
        if schema.get("items"):
            parameters["items"] = self._free(schema["items"], "[]", trails.get("items", ROOT))
        if schema.get("required"):
            parameters["required"] = schema["required"]
        parameters["properties"] = self._properties(schema.get("properties"), "", trails.get("properties", ROOT))
        if not schema.keys() <= parameters.keys():
            self._omissions.unprinted("", schema, (*parameters, *DEFINITIONS))
        return parameters

    def _refers(self) -> bool:
        """Whether there are references: then the definitions stand where they are referred to."""
        return has_reference(dict(self._root))

    def _properties(self, properties: Json, path: str, trail: Trail) -> dict[str, Json]:
        if not isinstance(properties, dict):
            if properties:
                self._omissions.add(path, "properties")
            return {}
        before = f"{path}." if path else ""
        return {name: self._property(schema, f"{before}{name}", trail) for name, schema in properties.items()}

    def _property(self, schema: Json, path: str, trail: Trail) -> Json:
        """One property's schema; its `items` is a free map that serving sorts, all the rest has a fixed order."""
        if not isinstance(schema, dict):
            if schema is not True:
                self._omissions.add(path, "its schema, which is no object")
            return {}
        trails: Mapping[str, Trail] = {}
        if "$ref" in schema:
            schema, trails = self.follow(schema, path, trail)
        out: dict[str, Json] = {}
        for key in PROPERTY_KEYS:
            if key in schema and (value := schema[key]) is not None and value != []:
                out[key] = self._below(key, value, path, trails.get(key, trail)) if key in _BELOW else value
        if len(out) < len(schema):
            self._omissions.unprinted(path, schema, (*out, *DEFINITIONS))
        return out

    def _below(self, key: str, value: Json, path: str, trail: Trail) -> Json:
        """The value of a keyword that holds schemas."""
        if key == "items":
            return self._free(value, f"{path}[]", trail)
        if key == "properties":
            return self._properties(value, path, trail)
        return [self._property(option, path, trail) for option in value] if isinstance(value, list) else value

    def _free(self, value: Json, path: str, trail: Trail) -> Json:
        """A schema, or a list of them, of which everything is kept, with the keys of every object sorted."""
        if isinstance(value, list):
            return [self._free(item, path, trail) for item in value]
        if not isinstance(value, dict):
            return value
        trails: Mapping[str, Trail] = {}
        if "$ref" in value:
            value, trails = self.follow(value, path, trail)
        out: dict[str, Json] = {}
        for key in sorted(value):
            inner, inside = value[key], trails.get(key, trail)
            if key in _DATA:
                out[key] = sorted_keys(inner)
            elif key in BY_NAME and isinstance(inner, dict):
                if key not in DEFINITIONS or not self._refers():
                    out[key] = {name: self._free(inner[name], f"{path}.{name}", inside) for name in sorted(inner)}
            else:
                out[key] = self._free(inner, f"{path}[]" if key == "items" else path, inside)
        return out


def sorted_keys(value: Json) -> Json:
    """The value with the keys of every object in it sorted."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value
