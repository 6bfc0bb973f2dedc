"""What a schema allows, whatever words it uses for it."""

import pytest

from callwright.conversation import Tool
from callwright.formats.parameters import allowed_types
from callwright.json_schema import ANY_TYPE, schema_types

ROOT = {"$defs": {"Point": {"type": "object"}, "Loop": {"$ref": "#/$defs/Loop"}, "a/b": {"type": "null"}}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, {"string"}),
        ({"type": ["integer", "null"]}, {"integer", "null"}),
        ({"type": "string", "nullable": True}, {"string", "null"}),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, {"string", "array"}),
        ({"oneOf": [{"type": "string"}, {}]}, ANY_TYPE),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, {"string"}),
        ({"type": ["string", "integer"], "anyOf": [{"type": "integer"}]}, {"integer"}),
        ({"enum": ["1", "2"]}, {"string"}),
        ({"enum": [1, None, 2.5, True]}, {"integer", "null", "number", "boolean"}),
        ({"const": {"a": 1}}, {"object"}),
        ({"$ref": "#/$defs/Point"}, {"object"}),
        ({"$ref": "#/$defs/a~1b"}, {"null"}),
        ({"$ref": "#/$defs/Loop"}, ANY_TYPE),
        ({"$ref": "#/$defs/Nowhere"}, ANY_TYPE),
        ({"$ref": "other.json"}, ANY_TYPE),
        ({"type": "dict"}, {"object"}),
        ({"type": "float"}, {"number"}),
        ({"type": "varchar"}, ANY_TYPE),
        ({"type": 5, "anyOf": "x", "allOf": None}, ANY_TYPE),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, ANY_TYPE),
        ({}, ANY_TYPE),
        (True, ANY_TYPE),
        (None, ANY_TYPE),
    ],
)
def test_a_schema_allows_what_it_says_and_everything_where_it_cannot_be_understood(schema, expected):
    assert schema_types(schema, ROOT) == frozenset(expected)


def test_parameters_are_looked_up_by_tool_and_name():
    tools = (
        Tool("f", parameters={"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}}),
        Tool("g", parameters={"properties": None}),
    )
    assert allowed_types(tools, "f", "a") == {"integer"}
    assert allowed_types(tools, "f", "b") == {"string"}
    assert allowed_types(tools, "g", "a") == allowed_types(tools, "h", "a") == ANY_TYPE
