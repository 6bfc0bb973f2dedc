"""What a schema allows, whatever words it uses for it."""

import pytest

from callwright.conversation import Tool
from callwright.formats.casting import ANYTHING, allowed, kinds

ROOT = {"$defs": {"Point": {"type": "object"}, "Loop": {"$ref": "#/$defs/Loop"}, "a/b": {"type": "null"}}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, {"string"}),
        ({"type": ["integer", "null"]}, {"integer", "null"}),
        ({"type": "string", "nullable": True}, {"string", "null"}),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, {"string", "array"}),
        ({"oneOf": [{"type": "string"}, {}]}, ANYTHING),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, {"string"}),
        ({"type": ["string", "integer"], "anyOf": [{"type": "integer"}]}, {"integer"}),
        ({"enum": ["1", "2"]}, {"string"}),
        ({"enum": [1, None, 2.5, True]}, {"integer", "null", "number", "boolean"}),
        ({"const": {"a": 1}}, {"object"}),
        ({"$ref": "#/$defs/Point"}, {"object"}),
        ({"$ref": "#/$defs/a~1b"}, {"null"}),
        ({"$ref": "#/$defs/Loop"}, ANYTHING),
        ({"$ref": "#/$defs/Nowhere"}, ANYTHING),
        ({"$ref": "other.json"}, ANYTHING),
        ({"type": "dict"}, {"object"}),
        ({"type": "float"}, {"number"}),
        ({"type": "varchar"}, ANYTHING),
        ({"type": 5, "anyOf": "x", "allOf": None}, ANYTHING),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, ANYTHING),
        ({}, ANYTHING),
        (True, ANYTHING),
        (None, ANYTHING),
    ],
)
def test_a_schema_allows_what_it_says_and_everything_where_it_cannot_be_understood(schema, expected):
    assert kinds(schema, ROOT) == frozenset(expected)


def test_parameters_are_looked_up_by_tool_and_name():
    tools = (
        Tool("f", parameters={"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}}),
        Tool("g", parameters={"properties": None}),
    )
    assert allowed(tools, "f", "a") == {"integer"}
    assert allowed(tools, "f", "b") == {"string"}
    assert allowed(tools, "g", "a") == allowed(tools, "h", "a") == ANYTHING
