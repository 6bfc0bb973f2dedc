"""JSON as it was written: numbers keep their digits, objects the order of their keys, repeated ones included."""

import json
import math
from dataclasses import dataclass
from typing import NoReturn

from callwright.conversation import Json


@dataclass(frozen=True, slots=True)
class ExactNumber:
    """A number by its digits."""

    text: str


@dataclass(frozen=True, slots=True)
class ExactObject:
    """An object by its keys and values, in order."""

    pairs: list[tuple[str, "ExactJson"]]


ExactJson = None | bool | str | ExactNumber | list["ExactJson"] | ExactObject


def parse_exact(text: str) -> ExactJson:
    """The value of a JSON text.

    Raises:
      ValueError: It is not JSON; NaN and Infinity are not.
      RecursionError: It is nested too deeply.
    """
    value: ExactJson = json.loads(
        text, parse_int=ExactNumber, parse_float=ExactNumber, parse_constant=_no_constant, object_pairs_hook=ExactObject
    )
    return value


def write_exact(value: ExactJson) -> str:
    """The value as JSON text."""
    if isinstance(value, ExactNumber):
        return value.text
    if isinstance(value, ExactObject):
        return "{" + ", ".join(f"{_quoted(key)}: {write_exact(item)}" for key, item in value.pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_exact, value)) + "]"
    return _quoted(value)


def to_json(value: ExactJson) -> Json:
    """The value in Python's types: of a repeated key the last counts, a number that none can hold stays text."""
    if isinstance(value, ExactNumber):
        return _number(value.text)
    if isinstance(value, ExactObject):
        return {key: to_json(item) for key, item in value.pairs}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value


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
