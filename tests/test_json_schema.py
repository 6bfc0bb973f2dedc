"""What a schema does not allow of a value is found where a validator of JSON Schema finds something."""

import jsonschema_rs
import pytest

from callwright.json_schema import violation

POINT = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"], "additionalProperties": False}
SCHEMAS = {
    "text": {"type": "string"},
    "whole": {"type": "integer", "minimum": 2, "maximum": 9},
    "number": {"type": "number", "minimum": -0.5},
    "truth": {"type": "boolean"},
    "enum": {"enum": ["a", 1, None]},
    "const": {"const": [1]},
    "either": {"type": ["string", "null"]},
    "any_of": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "list": {"type": "array", "items": {"type": "integer"}},
    "object": POINT,
    "nested": {"type": "array", "items": POINT},
    "open": {"type": "object", "properties": {"a": {"type": "string"}}},
    "anything": {},
}
VALUES = [
    None, True, False, 0, 1, 5, 5.0, 5.5, 10, -1, -0.25, 10**400, "", "a", [], [1], [1, "2"], [1.0], {}, {"x": 1},
    {"x": "1"}, {"x": 1, "y": 2}, {"a": 3}, {"a": "b", "c": 4}, [{"x": 1}], [{"x": 1}, {}], [{"y": 1}],
]  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_agrees_with_a_validator(name):
    schema = SCHEMAS[name]
    for value in VALUES:
        valid = jsonschema_rs.is_valid(schema, value) if abs(value if isinstance(value, int) else 0) < 2**53 else None
        assert valid in (None, violation(value, schema, schema) == ""), value


@pytest.mark.parametrize(
    ("value", "schema", "says"),
    [
        (5, "text", "the value is of type integer, not string"),
        (True, "whole", "the value is of type boolean, not integer"),
        (10**400, "whole", "the value is above 9"),
        (-1, "number", "the value is below -0.5"),
        ("b", "enum", "the value is none of a, 1, None"),
        ([1, "2"], "list", "[1] is of type string, not integer"),
        ([{"x": 1}, {}], "nested", "[1].x is missing"),
        ({"x": 1, "y": 2}, "object", "y is no parameter"),
        ({"x": "1"}, "object", "x is of type string, not number"),
    ],
)
def test_it_names_the_place(value, schema, says):
    assert violation(value, SCHEMAS[schema], SCHEMAS[schema]) == says


def test_a_value_nested_without_end_is_read_no_deeper_than_the_schema():
    value = []
    for _ in range(100_000):
        value = [value]
    assert violation(value, {"type": "array", "items": {"type": "array"}}, {}) == ""
