"""What a chat template leaves out of a tool, found by trying: a keyword without which it prints the same is lost.

A template that prints the tool as JSON loses nothing of it; this is seen at once. Else the keywords are taken away, all
of them, then halves, down to single ones: a trial or two for each that is printed, fewer where several are lost.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from callwright.conversation import Json
from callwright.errors import FormatError
from callwright.formats.jsontext import dumps_at
from callwright.formats.omissions import is_missed

Write = Callable[[Mapping[str, Json]], str]
Place = tuple[str | int, ...]
"""The keys to a keyword, itself the last."""
Keyword = tuple[str | None, str]
"""The parameter it belongs to, as `Omissions` has it, and the keyword."""


def omitted(function: Mapping[str, Json], write: Write) -> list[Keyword]:
    """The keywords of a tool that make no difference to what is written, without those that stand inside others.

    Args:
      function: The tool, without a wrapper.
      write: What is written of such a tool.

    Raises:
      FormatError: The whole tool cannot be written.
    """
    whole = write(function)
    found: dict[Place, str | None] = {(key,): None for key in function if key not in ("type", "name", "parameters")}
    parameters = function.get("parameters")
    if isinstance(parameters, Mapping) and not _is_printed(dict(parameters), whole):
        found |= {place: path for place, path in _keywords(parameters, ("parameters",), "") if place != _TYPE}
    tried = [place for place in found if is_missed(str(place[-1]), _at(function, place))]

    def lost(places: Sequence[Place]) -> Iterator[Place]:
        if places and _same(function, places, write, whole):
            yield from places
        elif len(places) > 1:
            middle = len(places) // 2
            yield from lost(places[:middle])
            yield from lost(places[middle:])

    missing = set(lost(tried))
    return [
        (found[place], str(place[-1]))
        for place in tried
        if place in missing and not any(place[:length] in missing for length in range(1, len(place)))
    ]


_TYPE = ("parameters", "type")
"""It is always an object."""


def _is_printed(parameters: Json, text: str) -> bool:
    """Whether a schema stands in a text as JSON, on one line or on several, however far these are indented."""
    if dumps_at(parameters, "parameters") in text:
        return True
    return _on_one_line(json.dumps(parameters, indent=1, ensure_ascii=False)) in _on_one_line(text)


def _on_one_line(text: str) -> str:
    return "".join(line.strip() for line in text.split("\n"))


def _same(function: Mapping[str, Json], places: Sequence[Place], write: Write, whole: str) -> bool:
    """Whether the tool is written alike without some keywords."""
    fewer = deepcopy(dict(function))
    for place in reversed(places):  # what stands inside goes first
        del _at(fewer, place[:-1])[place[-1]]
    try:
        return write(fewer) == whole
    except FormatError:
        return False


def _at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def _keywords(schema: Mapping[str, Json], place: Place, path: str) -> Iterator[tuple[Place, str]]:
    """Every keyword of a schema and of those in it, from the outside in, and the parameter it belongs to."""
    for keyword, value in schema.items():
        here = (*place, keyword)
        yield here, path
        inside = f"{path}[]" if keyword == "items" else path
        if keyword == "properties" and isinstance(value, Mapping):
            for name, one in value.items():
                if isinstance(one, Mapping):
                    yield from _keywords(one, (*here, name), f"{path}.{name}" if path else name)
        elif keyword in ("items", "additionalProperties", "not") and isinstance(value, Mapping):
            yield from _keywords(value, here, inside)
        elif keyword in ("items", "prefixItems", "anyOf", "oneOf", "allOf") and isinstance(value, list):
            for n, one in enumerate(value):
                if isinstance(one, Mapping):
                    yield from _keywords(one, (*here, n), inside)
