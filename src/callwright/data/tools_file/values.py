"""What arguments can be, and how a person words them: the value pools of tools files.

A `ValueType` is a JSON type together with a way of drawing a value and its wording: 1200 as "1,200", "2024-03-05" as
"March 5, 2024", 0.045 as "4.5%". A pool holds several types for the same parameter, of which each offer takes one,
so that the same request asks for 0.045 under one schema and for 4.5 under the next: what decides is the schema's type
and description, which is what the model must learn to read. Whole values of number-typed parameters are written as they
are worded, 5 rather than 5.0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from callwright.conversation import Json
from callwright.data.rng import Rng


@dataclass(frozen=True, slots=True)
class Value:
    """An argument and its wording.

    Attributes:
      json: The argument.
      text: How the query words it.
      leaves: For an array or an object, its scalars with their wordings; empty for a scalar.
    """

    json: Json
    text: str
    leaves: tuple["Value", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ValueType:
    """One way of typing a parameter. Two are equal only if they are the same.

    Attributes:
      schema: The JSON Schema of the value, without a description.
      draw: Draws a value.
      hint: What a description must add for the value to follow from the query ("in YYYY-MM-DD format").
      example: Whether a drawn value may stand in the description as an example.
      listed: All texts that are drawn, where they are listed.
      closed: Whether the tools file names all values and the schema or a phrase means each: enums and booleans.
      parts: What items or properties are drawn from; empty for a scalar.
      of_parts: The same type with other parts in their place, for one that has some.
    """

    schema: Mapping[str, Json]
    draw: Callable[[Rng], Value]
    hint: str = ""
    example: bool = False
    listed: tuple[str, ...] = ()
    closed: bool = False
    parts: tuple["ValueType", ...] = ()
    of_parts: "Callable[[Sequence[ValueType]], ValueType] | None" = None


Pool = tuple[ValueType, ...]

NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def number_text(number: int, rng: Rng) -> str:
    """A whole number as people write it: mostly digits, small ones sometimes as a word, big ones with commas."""
    if 2 <= number <= 12 and rng.chance(0.12):
        return NUMBER_WORDS[number]
    return f"{number:,}" if number >= 1000 and rng.chance(0.4) else str(number)


@cache
def verbatim(string: str) -> Value:
    """Text that is its own wording."""
    return Value(string, string)


def enumerated(values: Sequence[Value]) -> str:
    """The wordings as "a, b and c"."""
    *most, last = [value.text for value in values]
    return f"{', '.join(most)} and {last}" if most else last
