"""References inside a JSON Schema, `{"$ref": "#/$defs/Point"}`, put in their place.

A reference is a JSON pointer into the schema it stands in, percent-escapes and `~0`, `~1` included; `#` is the whole.
What stands beside it counts before what it refers to, so a parameter keeps its own description. What cannot be put in
its place is named in a warning:

- a reference that nothing in the schema answers (another document, an anchor, a missing definition) is left out;
- one to a schema that it stands in itself is cut: only the type of what it refers to is kept;
- a keyword that stands beside it with another value replaces the one referred to (a description is meant to).
"""

from collections.abc import Mapping

from callwright.conversation import Json
from callwright.errors import FormatError
from callwright.formats.omissions import UNMISSED, Omissions
from callwright.json_schema import referred

Trail = tuple[str, ...]
"""The references that a schema stands in; the whole schema is one."""
ROOT: Trail = ("#",)
MAX_REFERENCES = 1000
"""How many references one tool may have once each stands in its place: definitions that use others twice double."""
_ANNOTATIONS = UNMISSED | {"description", "default", "examples"}
"""Keywords that are written beside a reference to replace those referred to."""


def has_reference(value: Json) -> bool:
    """Whether a reference stands anywhere in a value."""
    if isinstance(value, Mapping):
        return isinstance(value.get("$ref"), str) or any(map(has_reference, value.values()))
    return isinstance(value, list) and any(map(has_reference, value))


class References:
    """The references of one schema.

    Args:
      root: The whole schema.
      omissions: Is told what cannot be put in its place.
    """

    def __init__(self, root: Mapping[str, Json], omissions: Omissions) -> None:
        self._root, self._omissions = root, omissions
        self._count = 0

    def follow(self, schema: Mapping[str, Json], path: str, trail: Trail) -> tuple[dict[str, Json], dict[str, Trail]]:
        """Puts a schema's own reference in its place; those further inside it stay.

        Args:
          schema: Any part of the whole.
          path: The parameter it belongs to, for warnings.
          trail: The references it stands in.

        Returns:
          The schema without a reference of its own, and for each keyword that came from one its longer trail.

        Raises:
          FormatError: There are too many references.
        """
        trails: dict[str, Trail] = {}
        schema = dict(schema)
        while isinstance(reference := schema.get("$ref"), str):
            self._count += 1
            if self._count > MAX_REFERENCES:
                raise FormatError(
                    f"at most {MAX_REFERENCES} references in {self._omissions.where}, each put in its place",
                    "more",
                    "simplify the schema: its definitions refer to one another too often",
                )
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            try:
                found = referred(reference, self._root)
            except LookupError:
                found = None
            target = {} if found is True else found
            if not isinstance(target, dict):
                self._omissions.add(path, f"$ref {_excerpt(reference)} (the schema has nothing there)")
                target = {}
            elif reference in trail:
                self._omissions.add(path, f"$ref {_excerpt(reference)} (recursive)")
                target = {"type": target["type"]} if "type" in target else {}
            else:
                trail = (*trail, reference)
            for key, value in beside.items():
                if key in target and target[key] != value and key not in _ANNOTATIONS:
                    self._omissions.add(path, f"{key} of {_excerpt(reference)}")
            trails |= {key: trail for key in target if key not in beside}
            schema = {**target, **beside}
        return schema, trails


def _excerpt(reference: str) -> str:
    return reference if len(reference) <= 60 else f"{reference[:57]}..."
