"""JSON as it stood on a wire: numbers keep their spelling, objects the order of their keys, repeated ones included."""

import json
import math
from dataclasses import dataclass
from typing import NoReturn

from callwright.conversation import Json


@dataclass(frozen=True, slots=True)
class Spelled:
    """A number, as it was spelled."""

    text: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """An object: its keys and values as they stood."""

    pairs: list[tuple[str, "Wire"]]


Wire = None | bool | str | Spelled | list["Wire"] | Pairs


def read_wire(text: str) -> Wire:
    """The value that the text spells.

    Raises:
      ValueError: It is not JSON; NaN and Infinity are not.
      RecursionError: It is nested too deeply.
    """
    wire: Wire = json.loads(
        text, parse_int=Spelled, parse_float=Spelled, parse_constant=_no_constant, object_pairs_hook=Pairs
    )
    return wire


def spelled(wire: Wire) -> str:
    """The value as JSON text."""
    if isinstance(wire, Spelled):
        return wire.text
    if isinstance(wire, Pairs):
        return "{" + ", ".join(f"{_quoted(key)}: {spelled(value)}" for key, value in wire.pairs) + "}"
    if isinstance(wire, list):
        return "[" + ", ".join(map(spelled, wire)) + "]"
    return _quoted(wire)


def plain(wire: Wire) -> Json:
    """The value in Python's types: of a repeated key the last counts, a number that none can hold stays text."""
    if isinstance(wire, Spelled):
        return _number(wire.text)
    if isinstance(wire, Pairs):
        return {key: plain(value) for key, value in wire.pairs}
    if isinstance(wire, list):
        return [plain(value) for value in wire]
    return wire


def _number(text: str) -> Json:
    try:
        return int(text)
    except ValueError:  # a fraction, or more digits than Python reads
        number = float(text)
        return number if math.isfinite(number) else text


def _quoted(value: str | bool | None) -> str:
    return json.dumps(value, ensure_ascii=False)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
