"""How the templates of Gemma 4 and FunctionGemma print a tool: a declaration in Gemma's notation.

Both print the tool as its source wrote it, by the same odd rules, which the models were trained on. A
property shows its description; then, by its type, `enum` (of a string), `items` (of an array) or `properties` and
`required` (of an object); and last its type in capitals, an empty one where there is none (`anyOf`, say), and Python's
spelling of a list where there are several. Bounds, defaults and patterns are left out. Inside `items` everything
survives, but further down in capital letters no more, and with quoted keys. An object without `properties` shows the
keys of its own schema as if they were properties. `parameters` without a type leave a brace open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from callwright.conversation import Json, Tool
from callwright.errors import FormatError
from callwright.formats.gemma_notation import SegmentWriter, dictsort
from callwright.formats.schemas import source_tool

_OWN_KEYS = ("description", "type", "properties", "required", "nullable")
"""What an object's own schema does not show when it stands in for its properties."""


@dataclass(slots=True)
class DeclarationWriter:
    """Writes the declaration of one tool.

    Attributes:
      out: Where to.
      where: Its place, for errors.
      gemma4: Whether as Gemma 4's template does it; FunctionGemma's, which is older, prints a description even where
        there is none, and no `nullable`.
    """

    out: SegmentWriter
    where: str
    gemma4: bool

    def write(self, tool: Tool) -> None:
        """The declaration, without the tokens around it."""
        function = source_tool(tool).get("function", source_tool(tool))
        try:
            self._function(function if isinstance(function, Mapping) else {})
        except RecursionError:
            raise FormatError(f"a schema that ends in {self.where}", "one nested too deeply", "flatten it") from None

    def _function(self, function: Mapping[str, Any]) -> None:
        self.out.text(f"declaration:{function.get('name', '')}{{description:")
        self._string(function.get("description", ""))
        parameters = function.get("parameters")
        if parameters:
            self._parameters(parameters)
        if "response" in function:
            self._response(function["response"])
        self.out.text("}")

    def _parameters(self, parameters: Json) -> None:
        self.out.text(",parameters:{")
        if properties := _get(parameters, "properties"):
            self.out.text("properties:")
            self._properties(self._mapping(properties, "parameters.properties"))
            self.out.text(",")
        if required := _get(parameters, "required"):
            self.out.text("required:")
            self._strings(required)
            self.out.text(",")
        if _get(parameters, "type"):
            self._type(parameters)
            self.out.text("}")

    def _response(self, response: Json) -> None:
        self.out.text(",response:{")
        if description := _get(response, "description"):
            self.out.text("description:")
            self._string(description)
            self.out.text(",")
        if _type(response) == "OBJECT":
            self._type(response)
            self.out.text("}")

    def _properties(self, properties: Mapping[str, Json], hidden: tuple[str, ...] = ()) -> None:
        self.out.text("{")
        separator = ""
        for name, schema in dictsort(properties):
            if name in hidden:
                continue
            self.out.text(f"{separator}{name}:{{")
            separator = ","
            self._property(schema)
            self.out.text("}")
        self.out.text("}")

    def _property(self, schema: Json) -> None:
        kind = _type(schema)
        description = _get(schema, "description")
        if description or not self.gemma4:
            self.out.text("description:")
            self._string("" if description is None else description)
            self.out.text(",")
        enum, items = _get(schema, "enum"), _get(schema, "items")
        if kind == "STRING" and enum:
            self.out.text("enum:")
            self._value(enum)
            self.out.text(",")
        elif kind == "ARRAY" and isinstance(items, Mapping) and items:
            self.out.text("items:{")
            self._items(items)
            self.out.text("},")
        if self.gemma4 and _get(schema, "nullable"):
            self.out.text("nullable:true,")
        if kind == "OBJECT":
            self._object(schema)
        self._type(schema)

    def _object(self, schema: Json) -> None:
        properties = _get(schema, "properties")
        self.out.text("properties:")
        if isinstance(properties, Mapping):
            self._properties(properties)
        else:
            self._properties(self._mapping(schema, "a schema"), hidden=_OWN_KEYS)
        self.out.text(",")
        if required := _get(schema, "required"):
            self.out.text("required:")
            self._strings(required)
            self.out.text(",")

    def _items(self, items: Mapping[str, Json]) -> None:
        separator = ""
        for key, value in dictsort(items):
            if value is None:
                continue
            self.out.text(f"{separator}{key}:")
            separator = ","
            if key == "properties":
                self._properties(value if isinstance(value, Mapping) else {})
            elif key == "required":
                self._strings(value)
            elif key == "type" and isinstance(value, str):
                self._string(value.upper())
            elif key == "type":
                self._strings(str(kind).upper() for kind in self._list(value))
            else:
                self._value(value)

    def _type(self, schema: Json) -> None:
        self.out.text("type:")
        self._string(_type(schema))

    def _string(self, value: object) -> None:
        self.out.string(str(value), self.where)

    def _strings(self, values: Json | Iterable[str]) -> None:
        self.out.strings(self._list(values), self.where)

    def _value(self, value: Json) -> None:
        self.out.value(value, self.where, "schema")

    def _list(self, value: Any) -> Iterable[object]:
        if not isinstance(value, Iterable):
            raise FormatError(f"lists as type and required in {self.where}", repr(value), "correct the schema")
        return value

    def _mapping(self, value: Json, what: str) -> Mapping[str, Json]:
        if not isinstance(value, Mapping):
            raise FormatError(f"an object as {what} in {self.where}", repr(value), "correct the schema")
        return value


def _get(schema: Json, key: str) -> Json:
    return schema.get(key) if isinstance(schema, Mapping) else None


def _type(schema: Json) -> str:
    """The type in capitals; Python's spelling of what is no string, and nothing where there is none."""
    if not isinstance(schema, Mapping) or "type" not in schema:
        return ""
    return str(schema["type"]).upper()
