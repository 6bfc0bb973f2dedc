"""How the templates of Gemma 4 and FunctionGemma print a tool: a declaration in Gemma's notation.

Both print the tool as its source wrote it, by the same odd rules, which the models were trained on. A
property shows its description; then, by its type, `enum` (of a string), `items` (of an array) or `properties` and
`required` (of an object); and last its type in capitals, an empty one where there is none (`anyOf`, say), and Python's
spelling of a list where there are several. Bounds, defaults and patterns are left out. Inside `items` everything
survives, but further down in capital letters no more, and with quoted keys. An object without `properties` shows the
keys of its own schema as if they were properties. `parameters` without a type leave a brace open.

What is left out, several types in one and a key shown as a property are named in a warning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from callwright.conversation import Json, Tool
from callwright.errors import FormatError
from callwright.formats.gemma_notation import SegmentWriter, dictsort
from callwright.formats.omissions import Omissions, is_missed
from callwright.formats.references import has_reference
from callwright.formats.schemas import FUNCTION_KEYS, source_function

_FUNCTION_KEYS = FUNCTION_KEYS | {"response"}
_PARAMETER_KEYS = frozenset({"properties", "required", "type"})
_OWN_KEYS = ("description", "type", "properties", "required", "nullable")
"""What an object's own schema does not show when it stands in for its properties."""


@dataclass(slots=True)
class DeclarationWriter:
    """Writes the declaration of one tool.

    Attributes:
      out: Where to.
      omissions: Is told what is left out of it.
      gemma4: Whether as Gemma 4's template does it; FunctionGemma's, which is older, prints a description even where
        there is none, and no `nullable`.
    """

    out: SegmentWriter
    omissions: Omissions
    gemma4: bool

    def write(self, tool: Tool) -> None:
        """The declaration, without the tokens around it."""
        try:
            self._function(source_function(tool))
        except RecursionError:
            where = self.omissions.where
            raise FormatError(f"a schema that ends in {where}", "one nested too deeply", "flatten it") from None

    def _function(self, function: dict[str, Any]) -> None:
        self.out.text(f"declaration:{function.get('name', '')}{{description:")
        self._string(function.get("description", ""))
        parameters = function.get("parameters")
        if parameters:
            self._parameters(parameters)
        if "response" in function:
            self._response(function["response"])
        self.out.text("}")
        if not function.keys() <= _FUNCTION_KEYS:
            self.omissions.unprinted(None, function, _FUNCTION_KEYS)

    def _parameters(self, parameters: Json) -> None:
        self.out.text(",parameters:{")
        if properties := _get(parameters, "properties"):
            self.out.text("properties:")
            self._properties(self._mapping(properties, "parameters.properties"), "")
            self.out.text(",")
        if required := _get(parameters, "required"):
            self.out.text("required:")
            self._strings(required)
            self.out.text(",")
        if _get(parameters, "type"):
            self._type(_type(parameters))
            self.out.text("}")
        if isinstance(parameters, dict) and not parameters.keys() <= _PARAMETER_KEYS:
            self.omissions.unprinted("", parameters, _PARAMETER_KEYS)

    def _response(self, response: Json) -> None:
        self.out.text(",response:{")
        if description := _get(response, "description"):
            self.out.text("description:")
            self._string(description)
            self.out.text(",")
        if _type(response) == "OBJECT":
            self._type("OBJECT")
            self.out.text("}")
        for keyword, value in response.items() if isinstance(response, dict) else ():
            if keyword not in ("description", "type") and is_missed(keyword, value):
                self.omissions.add(None, f"{keyword} of its response")

    def _properties(self, properties: dict[str, Json], path: str, hidden: tuple[str, ...] = ()) -> None:
        self.out.text("{")
        before = f"{path}." if path else ""
        separator = ""
        for name, schema in dictsort(properties):
            if name in hidden:
                continue
            self.out.text(f"{separator}{name}:{{")
            separator = ","
            self._property(schema, f"{before}{name}")
            self.out.text("}")
        self.out.text("}")

    def _property(self, schema: Json, path: str) -> None:
        kind = _type(schema)
        printed = {"description"}
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
            printed.add("enum")
        elif kind == "ARRAY" and isinstance(items, dict) and items:
            self.out.text("items:{")
            self._items(items, f"{path}[]")
            self.out.text("},")
            printed.add("items")
        if self.gemma4 and _get(schema, "nullable"):
            self.out.text("nullable:true,")
            printed.add("nullable")
        if kind == "OBJECT":
            printed |= self._object(self._mapping(schema, "a schema"), path)
        self._type(kind)
        if isinstance(schema, dict):
            if isinstance(schema.get("type"), str):
                printed.add("type")
            if not schema.keys() <= printed:
                self.omissions.unprinted(path, schema, printed)

    def _object(self, schema: dict[str, Json], path: str) -> set[str]:
        """What an object has beside other schemas; returns the keywords that are printed."""
        printed = {"properties", "required"}
        properties = schema.get("properties")
        self.out.text("properties:")
        if isinstance(properties, dict):
            self._properties(properties, path)
        else:
            self._properties(schema, path, hidden=_OWN_KEYS)
            printed |= {keyword for keyword, value in schema.items() if isinstance(value, dict)}
        self.out.text(",")
        if required := _get(schema, "required"):
            self.out.text("required:")
            self._strings(required)
            self.out.text(",")
        return printed

    def _items(self, items: dict[str, Json], path: str) -> None:
        separator = ""
        for key, value in dictsort(items):
            if value is None:
                self.omissions.unprinted(path, {key: value}, ())
                continue
            self.out.text(f"{separator}{key}:")
            separator = ","
            if key == "properties":
                self._properties(value if isinstance(value, dict) else {}, path)
            elif key == "required":
                self._strings(value)
            elif key == "type" and isinstance(value, str):
                self._string(value.upper())
            elif key == "type":
                self._strings(str(kind).upper() for kind in self._list(value))
            else:
                self._value(value)
                if key == "$ref" or has_reference(value):
                    self.omissions.add(path, "$ref")

    def _type(self, kind: str) -> None:
        self.out.text("type:")
        self._string(kind)

    def _string(self, value: object) -> None:
        self.out.string(str(value), self.omissions.where)

    def _strings(self, values: Json | Iterable[str]) -> None:
        self.out.strings(self._list(values), self.omissions.where)

    def _value(self, value: Json) -> None:
        self.out.value(value, self.omissions.where, "schema")

    def _list(self, value: Any) -> Iterable[object]:
        if not isinstance(value, Iterable):
            raise FormatError(
                f"lists as type and required in {self.omissions.where}", repr(value), "correct the schema"
            )
        return value

    def _mapping(self, value: Json, what: str) -> dict[str, Json]:
        if not isinstance(value, dict):
            raise FormatError(f"an object as {what} in {self.omissions.where}", repr(value), "correct the schema")
        return value


def _get(schema: Json, key: str) -> Json:
    return schema.get(key) if isinstance(schema, dict) else None


def _type(schema: Json) -> str:
    """The type in capitals; Python's spelling of what is no string, and nothing where there is none."""
    if not isinstance(schema, dict) or "type" not in schema:
        return ""
    return str(schema["type"]).upper()
