"""`callwright score` answers every line with a line, and a bad one with an error."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.conversation import Tool, ToolCall
from callwright.errors import FormatError
from callwright.scoring.entry import BfclEntry
from callwright.scoring.filter import score_line

SCHEMA = {"type": "dict", "properties": {"a": {"type": "float"}}, "required": ["a"]}
FUNCTION = {"name": "m.f", "description": "Does it.", "parameters": SCHEMA}
ENTRIES = {
    "simple_python_0": BfclEntry("simple_python_0", "simple_python", (), (FUNCTION,), ({"m.f": {"a": [1.0]}},)),
    "irrelevance_0": BfclEntry("irrelevance_0", "irrelevance", (), (FUNCTION,)),
}


def parse(name: str, text: str, tools: Sequence[Tool]) -> list[ToolCall] | None:
    if name != "shout":
        raise FormatError("a known format", name, "use shout")
    return [ToolCall(tools[0].name, {"a": 1.0})] if text == "GO" else None


def answer(**row: Any) -> dict[str, Any]:
    return score_line(
        json.dumps({"id": 7, "entry": "simple_python_0", "category": "simple_python", **row}), ENTRIES, parse
    )


@pytest.mark.parametrize(
    ("row", "error_type"),
    [
        ({"text": "[m.f(a=1)]"}, None),
        ({"text": "[m.f(a=1)]", "format": "bfcl"}, None),
        ({"text": "[m.f(a=2)]"}, "value_error:others"),
        ({"text": "no"}, "ast_decoder:decoder_failed"),
        ({"text": "[m_f(a=1)]", "underscore_to_dot": True}, None),
        ({"text": "[m_f(a=1)]"}, "simple_function_checker:wrong_func_name"),
        ({"calls": [{"name": "m.f", "arguments": {"a": 1}}]}, None),
        ({"calls": [{"name": "m.f", "arguments": "a"}]}, "ast_decoder:decoder_wrong_output_format"),
        ({"calls": []}, "simple_function_checker:wrong_count"),
        ({"calls": None}, "ast_decoder:decoder_failed"),
        ({"text": "GO", "format": "shout"}, None),
        ({"text": "GO", "format": "shout", "underscore_to_dot": True}, None),
        ({"text": "go", "format": "shout"}, "ast_decoder:decoder_failed"),
        ({"entry": "irrelevance_0", "category": "irrelevance", "calls": None}, None),
        ({"calls": [], "category": "parallel"}, "parallel_function_checker_no_order:wrong_count"),
    ],
)
def test_a_line_is_answered_by_its_verdict(row: dict[str, Any], error_type: str | None) -> None:
    assert answer(**row) == {"id": 7, "valid": error_type is None, "error_type": error_type}


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({}, "neither"),
        ({"text": "x", "calls": []}, "both"),
        ({"text": 1}, "text"),
        ({"text": "x", "entry": "simple_python_999"}, "simple_python_999"),
        ({"text": "x", "entry": 5}, "entry"),
        ({"text": "x", "category": "simple_cobol"}, "simple_cobol"),
        ({"text": "x", "format": "whisper"}, "whisper"),
        ({"text": "x", "underscore_to_dot": "yes"}, "underscore_to_dot"),
        ({"calls": {}}, "calls"),
        ({"calls": [{"name": "f"}]}, "arguments"),
        ({"calls": [1]}, "arguments"),
        ({"calls": [], "entry": "irrelevance_0"}, "irrelevance_0"),
    ],
)
def test_a_bad_line_is_answered_by_an_error_that_names_what_is_wrong(row: dict[str, Any], word: str) -> None:
    result = answer(**row)
    assert result.keys() == {"id", "error"}
    assert result["id"] == 7
    assert word in result["error"]


@pytest.mark.parametrize("line", ["", "{", "[1]", "null", "[" * 100_000, '{"id": 1', "\x00"])
def test_a_line_that_is_no_object_is_answered_by_an_error(line: str) -> None:
    result = score_line(line, ENTRIES, parse)
    assert result["id"] is None
    assert "JSON" in result["error"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "entry": st.sampled_from([*ENTRIES, "x"]) | json_values,
            "category": st.sampled_from(["simple_python", "parallel", "irrelevance"]) | json_values,
            "text": st.just("GO") | json_values,
            "calls": json_values | st.lists(st.fixed_dictionaries({"name": st.just("m.f"), "arguments": json_values})),
            "format": st.sampled_from(["bfcl", "shout"]) | json_values,
        },
    )
)
def test_no_line_makes_the_filter_raise(row: dict[str, Any]) -> None:
    result = score_line(json.dumps(row), ENTRIES, parse)
    assert result.keys() in ({"id", "error"}, {"id", "valid", "error_type"})
