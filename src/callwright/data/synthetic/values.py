"""What arguments can be, and how a person says them: the value pools of the synthetic tools.

A `Kind` is a JSON type together with a way of drawing a value and its wording: 1200 said as "1,200", "2024-03-05" said
as "March 5, 2024", 0.045 said as "4.5%". A pool is several kinds for the same parameter, and each example picks one, so
that the same request asks for 0.045 under one schema and for 4.5 under the next: what decides is the schema's type and
description, which is what the model must learn to read. Whole values of number-typed parameters are written as they are
said, 5 rather than 5.0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from callwright.conversation import Json
from callwright.data.synthetic.draw import Draw


@dataclass(frozen=True, slots=True)
class Value:
    """An argument and its wording.

    Attributes:
      json: The argument.
      text: How the query says it.
      leaves: For an array or an object, its scalars with their wordings; empty for a scalar.
    """

    json: Json
    text: str
    leaves: tuple["Value", ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of typing a parameter.

    Attributes:
      schema: The JSON Schema of the value, without a description.
      draw: Draws a value.
      hint: What a description must add for the value to follow from the query ("in YYYY-MM-DD format").
      example: Whether a drawn value may stand in the description as an example.
    """

    schema: Mapping[str, Json]
    draw: Callable[[Draw], Value]
    hint: str = ""
    example: bool = False


Pool = tuple[Kind, ...]


@cache
def options(text: str) -> tuple[str, ...]:
    """The alternatives of "this|that"."""
    return tuple(text.split("|"))


MONTHS = options("January|February|March|April|May|June|July|August|September|October|November|December")
NUMBER_WORDS = options("zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve")


def said(number: int, draw: Draw) -> str:
    """A whole number as people write it: mostly digits, small ones sometimes as a word, big ones with commas."""
    if 2 <= number <= 12 and draw.chance(0.12):
        return NUMBER_WORDS[number]
    return f"{number:,}" if number >= 1000 and draw.chance(0.4) else str(number)


def whole(low: int, high: int, step: int = 1) -> Pool:
    """Integers from `low` to `high`, in steps."""

    def draw(d: Draw) -> Value:
        number = low + step * d.between(0, (high - low) // step)
        return Value(number, said(number, d))

    return (Kind({"type": "integer"}, draw),)


def year(low: int, high: int) -> Pool:
    """Years: integers that are never written with a comma or as a word."""

    def draw(d: Draw) -> Value:
        number = d.between(low, high)
        return Value(number, str(number))

    return (Kind({"type": "integer"}, draw),)


def number(low: float, high: float, digits: int = 1) -> Pool:
    """Numbers: about as often whole as with decimals."""
    scale = 10**digits

    def draw(d: Draw) -> Value:
        if low <= int(low) + 1 <= high and d.chance(0.45):
            integer = d.between(int(low) + (low > int(low)), int(high))
            return Value(integer, said(integer, d))
        value = d.between(round(low * scale), round(high * scale)) / scale
        value = int(value) if value == int(value) else value
        return Value(value, str(value))

    return (Kind({"type": "number"}, draw),)


def amount(low: int, high: int, step: int = 1, digits: int = 1) -> Pool:
    """A quantity that some schemas type as integer and others as number."""
    return whole(low, high, step) + number(low, high, digits)


def rate(low: float, high: float) -> Pool:
    """A share said as a percentage: a fraction under some schemas, percentage points under others."""

    def percent(d: Draw) -> int | float:
        half = d.between(round(low * 2), round(high * 2)) / 2
        return int(half) if half == int(half) else half

    def fraction(d: Draw) -> Value:
        points = percent(d)
        value = round(points / 100, 4)
        return Value(value, str(value) if d.chance(0.25) else d.pick((f"{points}%", f"{points}%", f"{points} percent")))

    def points(d: Draw) -> Value:
        value = percent(d)
        return Value(value, d.pick((f"{value}%", f"{value}%", f"{value} percent")))

    return (
        Kind({"type": "number"}, fraction, "as a decimal"),
        Kind({"type": "number"}, fraction, "as a fraction (0.05 for 5%)"),
        Kind({"type": "number"}, points, "in percent"),
        Kind({"type": "number"}, points, "as a percentage (5 for 5%)"),
    )


def text(choices: str) -> Pool:
    """Strings that the call repeats word for word."""
    values = options(choices)
    return (Kind({"type": "string"}, lambda d: _verbatim(d.pick(values)), example=True),)


def joined(*parts: str, between: str = " ") -> Pool:
    """Strings put together from one option of each part, such as a first and a last name."""
    lists = [options(part) for part in parts]
    return (Kind({"type": "string"}, lambda d: _verbatim(between.join(d.pick(p) for p in lists)), example=True),)


@cache
def _verbatim(string: str) -> Value:
    return Value(string, string)


def choice(wordings: Mapping[str, str]) -> Pool:
    """One of a few strings, with the wordings that mean it; the schema lists them as an enum or in words."""
    table = tuple((value, options(words)) for value, words in wordings.items())
    listed = ", ".join(f"'{value}'" for value in wordings)

    def draw(d: Draw) -> Value:
        value, words = d.pick(table)
        return Value(value, d.pick(words))

    enum: Kind = Kind({"type": "string", "enum": list(wordings)}, draw)
    return (enum, enum, Kind({"type": "string"}, draw, f"one of {listed}"))


def same(choices: str) -> Pool:
    """One of a few strings, each said as it is spelt."""
    return choice({option: option for option in options(choices)})


def flag(yes: str, no: str = "") -> Pool:
    """A boolean that a phrase implies; without a phrase for no, only yes is ever said."""
    phrases = [(True, options(yes))] + ([(False, options(no))] if no else [])

    def draw(d: Draw) -> Value:
        value, words = d.pick(phrases)
        return Value(value, d.pick(words))

    return (Kind({"type": "boolean"}, draw),)


def date(first: int = 2023, last: int = 2026) -> Pool:
    """A day, written as the description demands and said in words or in that very form."""

    def kind(pattern: str, written: str) -> Kind:
        def draw(d: Draw) -> Value:
            y, m, day = d.between(first, last), d.between(1, 12), d.between(1, 28)
            value = written.format(y=y, m=m, d=day)
            month = MONTHS[m - 1]
            suffix = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
            spoken = (f"{month} {day}, {y}", f"{day} {month} {y}", f"{month} {day}{suffix}, {y}", value, value)
            return Value(value, d.pick(spoken))

        return Kind({"type": "string"}, draw, f"in {pattern} format")

    iso = kind("YYYY-MM-DD", "{y}-{m:02}-{d:02}")
    return iso, iso, kind("DD/MM/YYYY", "{d:02}/{m:02}/{y}"), kind("MM-DD-YYYY", "{m:02}-{d:02}-{y}")


def clock() -> Pool:
    """A time of day: 24-hour "HH:MM", or word for word as the query says it."""

    def draw(d: Draw) -> tuple[int, int, str]:
        hour, minute = d.between(7, 21), d.pick((0, 0, 15, 30, 45))
        half = "am" if hour < 12 else "pm"
        twelve = (hour - 1) % 12 + 1
        return hour, minute, f"{twelve}:{minute:02} {half}" if minute or d.chance(0.5) else f"{twelve} {half}"

    def day(d: Draw) -> Value:
        hour, minute, spoken = draw(d)
        value = f"{hour:02}:{minute:02}"
        return Value(value, value if d.chance(0.4) else spoken)

    def verbatim(d: Draw) -> Value:
        return _verbatim(draw(d)[2])

    return Kind({"type": "string"}, day, "in 24-hour HH:MM format"), Kind({"type": "string"}, verbatim, example=True)


def listing(pool: Pool, low: int = 2, high: int = 5, *, repeats: bool = False) -> Pool:
    """An array that the query enumerates."""

    def kind(item: Kind) -> Kind:
        numeric = item.schema["type"] != "string"

        def draw(d: Draw) -> Value:
            size, items = d.between(low, high), list[Value]()
            while len(items) < size:
                drawn = item.draw(d)
                if repeats or drawn.json not in [other.json for other in items]:
                    items.append(drawn)
            if numeric:
                items = [Value(i.json, str(i.json)) for i in items]
            plain = ", ".join(i.text for i in items)
            wording = (
                f"[{plain}]" if numeric and d.chance(0.3) else d.pick((plain, enumerated(items), enumerated(items)))
            )
            return Value([i.json for i in items], wording, tuple(items))

        return Kind({"type": "array", "items": dict(item.schema)}, draw, item.hint)

    return tuple(kind(item) for item in pool)


def enumerated(items: list[Value]) -> str:
    """The wordings as "a, b and c"."""
    return ", ".join(i.text for i in items[:-1]) + " and " + items[-1].text if len(items) > 1 else items[0].text


def record(pattern: str, **fields: tuple[Pool, str]) -> Pool:
    """A nested object, worded by a pattern over its fields; each field is a pool and a description."""
    kinds = {name: (pool[0], about) for name, (pool, about) in fields.items()}
    properties: dict[str, Json] = {
        name: {**kind.schema, "description": " ".join((about, kind.hint)).strip()}
        for name, (kind, about) in kinds.items()
    }

    def draw(d: Draw) -> Value:
        drawn = {name: kind.draw(d) for name, (kind, _) in kinds.items()}
        wording = pattern.format_map({name: value.text for name, value in drawn.items()})
        return Value({name: value.json for name, value in drawn.items()}, wording, tuple(drawn.values()))

    return (Kind({"type": "object", "properties": properties, "required": list(fields)}, draw),)
