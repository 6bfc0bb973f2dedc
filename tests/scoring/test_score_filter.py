"""`callwright score` answers every line with a line, and a bad one with an error."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.conversation import Tool, ToolCall
from callwright.errors import FormatError
from callwright.scoring.checker import score_calls
from callwright.scoring.entry import BfclEntry
from callwright.scoring.filter import score_line

SCHEMA = {"type": "dict", "properties": {"a": {"type": "float"}}, "required": ["a"]}
FUNCTION = {"name": "m.f", "description": "Does it.", "parameters": SCHEMA}
ENTRIES = {
    "simple_python_0": BfclEntry("simple_python_0", "simple_python", (), (FUNCTION,), ({"m.f": {"a": [1.0]}},)),
    "irrelevance_0": BfclEntry("irrelevance_0", "irrelevance", (), (FUNCTION,)),
}


def parse(name: str, variant: str | None, model: str | None, text: str, tools: Sequence[Tool]) -> list[ToolCall] | None:
    if (name, variant, model) not in (("shout", None, None), ("voice", "loud", "m")):
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
        ({"text": "GO", "format": "voice", "variant": "loud", "model": "m"}, None),
        ({"text": "GO", "format": "shout", "underscore_to_dot": True}, None),
        ({"text": "go", "format": "shout"}, "ast_decoder:decoder_failed"),
        ({"entry": "irrelevance_0", "category": "irrelevance", "calls": None}, None),
        ({"calls": [], "category": None}, "simple_function_checker:wrong_count"),
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
        ({"calls": [], "category": "parallel"}, "simple_python, the category of entry simple_python_0; got 'parallel'"),
        ({"text": "x", "format": "whisper"}, "whisper"),
        ({"text": "x", "underscore_to_dot": "yes"}, "underscore_to_dot"),
        ({"calls": {}}, "calls"),
        ({"calls": [{"name": "f"}]}, "arguments"),
        ({"calls": [1]}, "calls[0] to be an object"),
        ({"calls": [{"function": {"arguments": "{}"}}]}, "calls[0].function"),
        ({"calls": [{"type": "custom", "name": "f", "arguments": {}}]}, "custom"),
        ({"calls": [], "entry": "irrelevance_0"}, "irrelevance_0"),
    ],
)
def test_a_bad_line_is_answered_by_an_error_that_names_what_is_wrong(row: dict[str, Any], word: str) -> None:
    result = answer(**row)
    assert result.keys() == {"id", "error"}
    assert result["id"] == 7
    assert word in result["error"]


def wrapped(call: dict[str, Any]) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": call}


ARGUMENTS = st.dictionaries(st.sampled_from("ab"), st.integers() | st.just(1.0) | st.none() | st.text())


@given(st.sampled_from(["m.f", "f", ""]), ARGUMENTS)
def test_calls_mean_the_same_in_each_notation_of_openai(name: str, arguments: dict[str, Any]) -> None:
    plain = {"name": name, "arguments": arguments}
    as_text = {"name": name, "arguments": json.dumps(arguments)}
    notations = [[plain], [as_text], [wrapped(plain)], [wrapped(as_text)], json.dumps([wrapped(as_text)])]
    verdict = score_calls(ENTRIES["simple_python_0"], [ToolCall(name, arguments)])
    for calls in notations:
        assert answer(calls=calls) == {"id": 7, "valid": verdict.valid, "error_type": verdict.error_type}


def is_object_or_blank(text: str) -> bool:
    try:
        return not text.strip() or isinstance(json.loads(text), dict)
    except ValueError:
        return False


NO_OBJECTS = st.text() | st.sampled_from(["[1]", "1", "null", '"{}"', '{"a": NaN}', '{"a": 1', "{'a': 1}", "[" * 9999])


@given(NO_OBJECTS.filter(lambda text: "NaN" in text or not is_object_or_blank(text)), st.booleans())
def test_text_that_is_no_json_object_is_the_fault_of_the_model(text: str, is_wrapped: bool) -> None:
    call: dict[str, Any] = {"name": "m.f", "arguments": text}
    result = answer(calls=[wrapped(call) if is_wrapped else call])
    assert result == {"id": 7, "valid": False, "error_type": "ast_decoder:decoder_wrong_output_format"}


def test_a_key_of_a_call_that_nobody_reads_is_named() -> None:
    result = answer(calls=[{"name": "m.f", "arguments": '{"a": 1}', "score": 5}])
    assert result["valid"]
    assert "calls[0].score" in result["warnings"][0]


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
            "category": st.sampled_from(["simple_python", "irrelevance"]) | json_values,
            "text": st.just("GO") | json_values,
            "calls": json_values | st.lists(st.fixed_dictionaries({"name": st.just("m.f"), "arguments": json_values})),
            "format": st.sampled_from(["bfcl", "shout"]) | json_values,
        },
    )
)
def test_no_line_makes_the_filter_raise(row: dict[str, Any]) -> None:
    result = score_line(json.dumps(row), ENTRIES, parse)
    assert result.keys() in ({"id", "error"}, {"id", "valid", "error_type"})
