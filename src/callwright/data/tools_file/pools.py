"""What the values of a parameter are, as tools files say it; docs/tools-file.md explains every key.

Each class is one way, told apart by `type` or by the key that lists the values, and makes a pool of itself. Where a
tools file may say values, a record has a `ValuePool`. Named pools are looked up in the context of the validation: a
mapping of those that may be named here.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetPydanticSchema, ValidationInfo, field_validator, model_validator
from pydantic_core import core_schema

from callwright.conversation import Json
from callwright.data.rng import Rng
from callwright.data.tools_file.values import Pool, Value, ValueType, enumerated, number_text, verbatim
from callwright.errors import nearest, suggest
from callwright.settings import Settings

Pools = Mapping[str, Pool]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


LARGEST = 10**12
"""The largest number that can be declared, by its absolute value: all are exact as floats, decimals included."""
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
"""One text, or a list of texts of which each offer takes one."""
NonEmpty = Annotated[tuple[Text, ...], Field(min_length=1)]
ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class _Values(Settings, ABC):
    """One way of saying what values are."""

    @abstractmethod
    def _pool(self, named: Pools) -> Pool:
        """The pool that is described; `named` are those that it may name."""


class _Range(_Values):
    """Values between two bounds, both included."""

    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _in_order(self) -> "_Range":
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        if max(abs(self.minimum), abs(self.maximum)) > LARGEST:
            raise ValueError(f"minimum and maximum lie within {LARGEST} of 0")
        return self


class IntegerValues(_Range):
    """Whole numbers."""

    type: Literal["integer"]
    minimum: int
    maximum: int
    step: int = Field(1, ge=1)
    """Between one value and the next, counted from the minimum."""

    def _pool(self, named: Pools) -> Pool:
        return (_integer(self.minimum, self.maximum, self.step),)


class YearValues(_Range):
    """Years: integers that are never written with a comma or as a word."""

    type: Literal["year"]
    minimum: int
    maximum: int

    def _pool(self, named: Pools) -> Pool:
        def draw(rng: Rng) -> Value:
            number = rng.between(self.minimum, self.maximum)
            return Value(number, str(number))

        return (ValueType({"type": "integer"}, draw),)


class NumberValues(_Range):
    """Numbers, about as often whole as with decimals."""

    type: Literal["number"]
    decimals: int = Field(1, ge=1, le=6)
    """Digits after the point, at most."""

    def _pool(self, named: Pools) -> Pool:
        return (_number(self.minimum, self.maximum, self.decimals),)


class AmountValues(_Range):
    """A quantity, which is an integer under some schemas and a number under others."""

    type: Literal["amount"]
    minimum: int
    maximum: int
    step: int = Field(1, ge=1)
    """Where it is an integer."""
    decimals: int = Field(1, ge=1, le=6)
    """Where it is a number."""

    def _pool(self, named: Pools) -> Pool:
        low, high = self.minimum, self.maximum
        return _integer(low, high, self.step), _number(low, high, self.decimals)


def _integer(low: int, high: int, step: int) -> ValueType:
    def draw(rng: Rng) -> Value:
        number = low + step * rng.between(0, (high - low) // step)
        return Value(number, number_text(number, rng))

    return ValueType({"type": "integer"}, draw)


def _number(low: float, high: float, decimals: int) -> ValueType:
    scale = 10**decimals

    def draw(rng: Rng) -> Value:
        if low <= int(low) + 1 <= high and rng.chance(0.45):
            integer = rng.between(int(low) + (low > int(low)), int(high))
            return Value(integer, number_text(integer, rng))
        value = _whole(rng.between(round(low * scale), round(high * scale)) / scale)
        return Value(value, str(value))

    return ValueType({"type": "number"}, draw)


def _whole(number: float) -> int | float:
    """The number without a fraction of zero: 5 rather than 5.0."""
    return int(number) if number == int(number) else number


class PercentageValues(_Range):
    """A share worded in percent, which is a fraction under some schemas and percentage points under others."""

    type: Literal["percentage"]

    def _pool(self, named: Pools) -> Pool:
        def percent(rng: Rng) -> int | float:
            return _whole(rng.between(round(self.minimum * 2), round(self.maximum * 2)) / 2)

        def fraction(rng: Rng) -> Value:
            points = percent(rng)
            value = round(points / 100, 4)
            words = (f"{points}%", f"{points}%", f"{points} percent")
            return Value(value, str(value) if rng.chance(0.25) else rng.pick(words))

        def points(rng: Rng) -> Value:
            value = percent(rng)
            return Value(value, rng.pick((f"{value}%", f"{value}%", f"{value} percent")))

        return (
            ValueType({"type": "number"}, fraction, "as a decimal"),
            ValueType({"type": "number"}, fraction, "as a fraction (0.05 for 5%)"),
            ValueType({"type": "number"}, points, "in percent"),
            ValueType({"type": "number"}, points, "as a percentage (5 for 5%)"),
        )


class DateValues(_Range):
    """Days, written as the schema's description says and worded in words or in that very form."""

    type: Literal["date"]
    minimum: int = Field(2023, ge=1000, le=9999)
    """The first year."""
    maximum: int = Field(2026, ge=1000, le=9999)
    """The last year."""

    def _pool(self, named: Pools) -> Pool:
        def in_format(name: str, written: str) -> ValueType:
            def draw(rng: Rng) -> Value:
                y, m, day = rng.between(self.minimum, self.maximum), rng.between(1, 12), rng.between(1, 28)
                value = written.format(y=y, m=m, d=day)
                month = _MONTHS[m - 1]
                suffix = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
                spoken = (f"{month} {day}, {y}", f"{day} {month} {y}", f"{month} {day}{suffix}, {y}", value, value)
                return Value(value, rng.pick(spoken))

            return ValueType({"type": "string"}, draw, f"in {name} format")

        iso = in_format("YYYY-MM-DD", "{y}-{m:02}-{d:02}")
        return iso, iso, in_format("DD/MM/YYYY", "{d:02}/{m:02}/{y}"), in_format("MM-DD-YYYY", "{m:02}-{d:02}-{y}")


class TimeValues(_Values):
    """Times of day: 24-hour "HH:MM", or word for word as the query has it."""

    type: Literal["time"]

    def _pool(self, named: Pools) -> Pool:
        def drawn(rng: Rng) -> tuple[int, int, str]:
            hour, minute = rng.between(7, 21), rng.pick((0, 0, 15, 30, 45))
            half = "am" if hour < 12 else "pm"
            twelve = (hour - 1) % 12 + 1
            return hour, minute, f"{twelve}:{minute:02} {half}" if minute or rng.chance(0.5) else f"{twelve} {half}"

        def in_24_hours(rng: Rng) -> Value:
            hour, minute, spoken = drawn(rng)
            value = f"{hour:02}:{minute:02}"
            return Value(value, value if rng.chance(0.4) else spoken)

        return (
            ValueType({"type": "string"}, in_24_hours, "in 24-hour HH:MM format"),
            ValueType({"type": "string"}, lambda rng: verbatim(drawn(rng)[2]), example=True),
        )


class BooleanValues(_Values):
    """True or false, as a phrase implies."""

    type: Literal["boolean"]
    when_true: Texts = Field(min_length=1)
    """Phrases that mean true."""
    when_false: Texts = ()
    """Phrases that mean false; where there are none, the value is always true."""

    def _pool(self, named: Pools) -> Pool:
        phrases = [(True, self.when_true)] + ([(False, self.when_false)] if self.when_false else [])
        return (ValueType({"type": "boolean"}, _drawing(phrases), closed=True),)


def _drawing(choices: Sequence[tuple[Json, Sequence[str]]]) -> Callable[[Rng], Value]:
    """Draws one of the values in one of its wordings."""

    def draw(rng: Rng) -> Value:
        value, words = rng.pick(choices)
        return Value(value, rng.pick(words))

    return draw


def listed_type(texts: tuple[str, ...]) -> ValueType:
    """Texts, word for word as in the query."""
    return ValueType({"type": "string"}, lambda rng: verbatim(rng.pick(texts)), example=True, listed=texts)


class StringValues(_Values):
    """Text that the query has word for word."""

    type: Literal["string"] = "string"
    values: NonEmpty
    """All of them."""

    def _pool(self, named: Pools) -> Pool:
        return (listed_type(self.values),)


class JoinedValues(_Values):
    """Text made of one piece of each part, such as a first and a last name."""

    type: Literal["string"] = "string"
    parts: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = Field(min_length=1)
    """For each place, the pieces that can stand there; nothing may, too."""
    separator: str = " "
    """Between the pieces."""

    def _pool(self, named: Pools) -> Pool:
        def draw(rng: Rng) -> Value:
            return verbatim(self.separator.join(rng.pick(part) for part in self.parts))

        return (ValueType({"type": "string"}, draw, example=True),)


class EnumValues(_Values):
    """One of a few strings, which the schema lists as an enum or in words."""

    type: Literal["string"] = "string"
    enum: dict[str, NonEmpty] = Field(min_length=1)
    """Each with the wordings that mean it; in a list, each is worded as it is spelled."""

    @field_validator("enum", mode="before")
    @classmethod
    def _worded(cls, enum: Any) -> Any:
        if isinstance(enum, list) and all(isinstance(value, str) for value in enum):
            return {value: [value] for value in enum}
        if not isinstance(enum, dict):
            raise ValueError("texts, as a list or each with the wordings that mean it (a number in quotes is a text)")
        return {value: _listed(words) for value, words in enum.items()}

    @field_validator("enum")
    @classmethod
    def _unambiguous(cls, enum: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        meant: dict[str, str] = {}
        for value, words in enum.items():
            for word in words:
                if meant.setdefault(word, value) != value:
                    raise ValueError(f"{word!r} means both {meant[word]!r} and {value!r}")
        return enum

    def _pool(self, named: Pools) -> Pool:
        draw, listed = _drawing(tuple(self.enum.items())), ", ".join(f"'{value}'" for value in self.enum)
        enum = ValueType({"type": "string", "enum": list(self.enum)}, draw, closed=True)
        return (enum, enum, ValueType({"type": "string"}, draw, f"one of {listed}", closed=True))


class ArrayValues(_Values):
    """Several values, which the query enumerates."""

    type: Literal["array"]
    items: "ValuePool"
    """What each is drawn from."""
    min_items: int = Field(2, ge=1, alias="minItems")
    max_items: int = Field(5, ge=1, alias="maxItems")
    unique_items: bool = Field(True, alias="uniqueItems")

    @model_validator(mode="after")
    def _can_be_drawn(self) -> "ArrayValues":
        if self.min_items > self.max_items:
            raise ValueError(f"minItems {self.min_items} is above maxItems {self.max_items}")
        for value_type in self.items if self.unique_items else ():
            rng, found = Rng("distinct"), list[Json]()
            for _ in range(100 * self.max_items):
                value = value_type.draw(rng).json
                if value not in found:
                    found.append(value)
                if len(found) == self.max_items:
                    break
            else:  # drawing would wait for another item for ever
                raise ValueError(
                    f"items have {len(found)} different values, fewer than the {self.max_items} of maxItems; lower it, "
                    "add values, or set uniqueItems to false"
                )
        return self

    def _pool(self, named: Pools) -> Pool:
        return tuple(map(self._of, self.items))

    def _of(self, item: ValueType) -> ValueType:
        numeric = item.schema["type"] != "string"

        def draw(rng: Rng) -> Value:
            size, values = rng.between(self.min_items, self.max_items), list[Value]()
            for _ in range(100 * size):  # of a part of the values, there may be too few different ones
                if len(values) == size:
                    break
                drawn = item.draw(rng)
                if not self.unique_items or drawn.json not in [other.json for other in values]:
                    values.append(drawn)
            if numeric:
                values = [Value(value.json, str(value.json)) for value in values]
            plain = ", ".join(value.text for value in values)
            if numeric and rng.chance(0.3):
                wording = f"[{plain}]"
            else:
                wording = rng.pick((plain, enumerated(values), enumerated(values)))
            return Value([value.json for value in values], wording, tuple(values))

        schema: dict[str, Json] = {"type": "array", "items": dict(item.schema)}
        return ValueType(schema, draw, item.hint, parts=(item,), of_parts=lambda parts: self._of(parts[0]))


class ObjectValues(_Values):
    """An object with properties, each of the first type of its pool."""

    type: Literal["object"]
    phrasing: str
    """Its words, with every property in braces."""
    properties: dict[ParameterName, "PropertySettings"] = Field(min_length=1)

    @model_validator(mode="after")
    def _worded(self) -> "ObjectValues":
        named, rest = set(re.findall(r"{(\w+)}", self.phrasing)), re.sub(r"{\w+}", "", self.phrasing)
        if named != self.properties.keys() or re.search(r"[{}]", rest):
            raise ValueError(f"phrasing must name each of {', '.join(self.properties)} in braces, and nothing else")
        return self

    def _pool(self, named: Pools) -> Pool:
        return (self._of([each.types[0] for each in self.properties.values()]),)

    def _of(self, types: Sequence[ValueType]) -> ValueType:
        described = zip(self.properties.items(), types, strict=True)
        schemas: dict[str, Json] = {
            name: {**each.schema, "description": f"{own.description} {each.hint}".strip()}
            for (name, own), each in described
        }

        def draw(rng: Rng) -> Value:
            drawn = {name: each.draw(rng) for name, each in zip(self.properties, types, strict=True)}
            wording = self.phrasing.format_map({name: value.text for name, value in drawn.items()})
            return Value({name: value.json for name, value in drawn.items()}, wording, tuple(drawn.values()))

        schema: dict[str, Json] = {"type": "object", "properties": schemas, "required": list(schemas)}
        return ValueType(schema, draw, parts=tuple(types), of_parts=self._of)


class NamedPool(_Values):
    """The values of a named pool."""

    name: str = Field(alias="pool")

    def _pool(self, named: Pools) -> Pool:
        if self.name not in named:
            raise ValueError(f"a pool that is declared before, here or in the package ({suggest(self.name, named)})")
        return named[self.name]


class AnyOf(_Values):
    """Several pools, of which each offer takes one."""

    any_of: tuple["ValuePool", ...] = Field(min_length=1, alias="anyOf")

    def _pool(self, named: Pools) -> Pool:
        return tuple(value_type for part in self.any_of for value_type in part)


_KINDS: Mapping[str, type[_Values]] = {
    "integer": IntegerValues,
    "year": YearValues,
    "number": NumberValues,
    "amount": AmountValues,
    "percentage": PercentageValues,
    "date": DateValues,
    "time": TimeValues,
    "boolean": BooleanValues,
    "array": ArrayValues,
    "object": ObjectValues,
    "values": StringValues,
    "parts": JoinedValues,
    "enum": EnumValues,
    "pool": NamedPool,
    "anyOf": AnyOf,
}


def _read_pool(value: Any, info: ValidationInfo) -> Pool:
    given = value if isinstance(value, dict) else {}
    by_key = next((key for key in ("pool", "anyOf", "values", "parts", "enum") if key in given), given.get("type"))
    kind = _KINDS.get(str(by_key))
    if kind is None:
        hint = nearest(str(by_key), _KINDS) if by_key is not None else []
        raise ValueError(
            "say what the values are: a type (integer, year, number, amount, percentage, date, time, boolean, array, "
            f"object), or values, parts, enum, pool or anyOf{f'; did you mean {hint[0]}?' if hint else ''}"
        )
    return kind.model_validate(value, context=info.context)._pool(info.context or {})


ValuePool = Annotated[Pool, GetPydanticSchema(lambda *_: core_schema.with_info_plain_validator_function(_read_pool))]
"""The pool that a tools file describes by a mapping with the keys of one of these classes."""


class WithValues(Settings):
    """A mapping in which the keys of values stand beside others."""

    types: ValuePool = Field(alias="[drawn]")
    """How it can be typed, and what its values are."""

    @model_validator(mode="before")
    @classmethod
    def _gather_values(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        own = {
            key: data[key] for key in data if key in {field.alias or name for name, field in cls.model_fields.items()}
        }
        return own | {"[drawn]": {key: data[key] for key in data if key not in own}}


class PropertySettings(WithValues):
    """A property of an object."""

    description: str
    """What its description says."""
