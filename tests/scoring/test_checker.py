"""Calls are judged by BFCL's rules, with the official error types."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.conversation import ToolCall
from callwright.errors import ConfigError, DataError
from callwright.scoring.checker import score_calls, score_text
from callwright.scoring.entry import BfclEntry, expected_calls, to_tools

PROPERTIES = {
    "count": {"type": "integer"},
    "ratio": {"type": "float"},
    "flag": {"type": "boolean"},
    "place": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "point": {"type": "tuple", "items": {"type": "float"}},
    "options": {"type": "dict", "properties": {"mode": {"type": "string"}, "depth": {"type": "integer"}}},
    "rows": {"type": "array", "items": {"type": "dict"}},
    "spare": {"type": "any"},
}
ANSWERS: dict[str, list[Any]] = {
    "count": [3, 4],
    "ratio": [2.0],
    "flag": [True],
    "place": ["San Francisco, CA", "SF"],
    "tags": [["new", "Red-Hot"]],
    "point": [[1.5, 2.0]],
    "options": [{"mode": ["fast"], "depth": [1, ""]}],
    "rows": [[{"id": [1]}, {"id": [2], "name": ["b"]}]],
    "spare": ["x"],
}


def function(name: str, *parameters: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    properties = {parameter: PROPERTIES[parameter] for parameter in parameters}
    schema = {"type": "dict", "properties": properties, "required": list(required)}
    return {"name": name, "description": "Does it.", "parameters": schema}


def about(parameter: str) -> BfclEntry:
    """An entry that asks for one parameter of one function."""
    return BfclEntry("e", "simple_python", (), (function("f", parameter),), ({"f": {parameter: ANSWERS[parameter]}},))


PAIR = BfclEntry(
    "e",
    "parallel_multiple",
    (),
    (function("a.b", "count", required=("count",)), function("g", "place", "flag")),
    ({"a.b": {"count": [1]}}, {"g": {"place": ["x"], "flag": ["", True]}}, {"a.b": {"count": [1, 2]}}),
)
ONE, TWO, G = ToolCall("a.b", {"count": 1}), ToolCall("a.b", {"count": 2}), ToolCall("g", {"place": "X"})


@pytest.mark.parametrize(
    ("parameter", "value", "error_type"),
    [
        ("count", 4, None),
        ("count", 5, "value_error:others"),
        ("count", 3.0, "type_error:simple"),
        ("count", "3", "type_error:simple"),
        ("count", True, "type_error:simple"),
        ("count", None, "type_error:simple"),
        ("ratio", 2, None),
        ("ratio", 2.5, "value_error:others"),
        ("ratio", 10**400, "value_error:others"),
        ("ratio", "2.0", "type_error:simple"),
        ("flag", False, "value_error:others"),
        ("flag", 1, "type_error:simple"),
        ("place", "san francisco ca", None),
        ("place", "San Francisco", "value_error:string"),
        ("place", ["SF"], "type_error:simple"),
        ("tags", ["NEW", "red hot"], None),
        ("tags", ["red hot", "new"], "value_error:list/tuple"),
        ("tags", ["new", 1], "type_error:nested"),
        ("tags", ("new", "red-hot"), "type_error:simple"),
        ("tags", "new", "type_error:simple"),
        ("point", [1.5, 2.0], None),
        ("point", (1.5, 2.0), None),
        ("point", (1.5, 2), "type_error:nested"),
        ("options", {"mode": "FAST"}, None),
        ("options", {"mode": "fast", "depth": 1}, None),
        ("options", {"mode": "fast", "depth": 2}, "value_error:dict_value"),
        ("options", {"mode": "fast", "x": 2}, "value_error:dict_key"),
        ("options", {"depth": 1}, "value_error:dict_key"),
        ("options", [], "type_error:simple"),
        ("rows", [{"id": 1}, {"id": 2, "name": "B"}], None),
        ("rows", [{"id": 2, "name": "b"}, {"id": 1}], "value_error:dict_value"),
        ("rows", [{"id": 1}], "value_error:list_dict_count"),
        ("rows", [1, 2], "type_error:nested"),
        ("spare", "X", None),
        ("spare", 1, "type_error:simple"),
    ],
)
def test_a_value_gets_the_official_error_type(parameter: str, value: Any, error_type: str | None) -> None:
    verdict = score_calls(about(parameter), [ToolCall("f", {parameter: value})])
    assert (verdict.valid, verdict.error_type) == (error_type is None, error_type)
    assert bool(verdict.detail) == (error_type is not None)


@pytest.mark.parametrize(
    ("calls", "error_type"),
    [
        ([ONE, G, TWO], None),
        ([TWO, G, ONE], None),
        ([ONE, ONE, G], None),
        ([TWO, TWO, G], "parallel_function_checker_no_order:cannot_find_match"),
        ([ONE, TWO], "parallel_function_checker_no_order:wrong_count"),
        ([], "parallel_function_checker_no_order:wrong_count"),
        (None, "ast_decoder:decoder_failed"),
    ],
)
def test_parallel_calls_match_in_any_order(calls: list[ToolCall] | None, error_type: str | None) -> None:
    assert score_calls(PAIR, calls).error_type == error_type


def test_parallel_calls_match_greedily_and_without_going_back() -> None:
    answers: tuple[Any, ...] = ({"a.b": {"count": [1, 2]}}, {"a.b": {"count": [1]}})
    entry = BfclEntry("e", "parallel", (), PAIR.functions, answers)
    assert score_calls(entry, [TWO, ONE]).valid
    assert not score_calls(entry, [ONE, TWO]).valid


@pytest.mark.parametrize(
    ("text", "error_type"),
    [
        ("[f(count=3)]", None),
        ("[F(count=3)]", "simple_function_checker:wrong_func_name"),
        ("[f()]", "simple_function_checker:missing_required"),
        ("[f(count=3, x=1)]", "simple_function_checker:unexpected_param"),
        ("[f(count=3, flag=True)]", "simple_function_checker:unexpected_param"),
        ("[f(count=3), f(count=3)]", "simple_function_checker:wrong_count"),
        ("[]", "simple_function_checker:wrong_count"),
        ("I will not", "ast_decoder:decoder_failed"),
    ],
)
def test_names_and_counts_get_the_official_error_type(text: str, error_type: str | None) -> None:
    functions = (function("f", "count", "flag", required=("count",)),)
    entry = BfclEntry("e", "simple_python", (), functions, ({"f": {"count": [3]}},))
    assert score_text(entry, text).error_type == error_type


def test_a_parameter_may_be_omitted_only_if_the_answers_say_so() -> None:
    entry = BfclEntry("e", "multiple", (), PAIR.functions, ({"g": {"place": ["x"], "flag": ["", True]}},))
    assert score_text(entry, "[g(place='x')]").valid
    assert score_text(entry, "[g(flag=True)]").error_type == "simple_function_checker:missing_optional"
    assert score_text(entry, "[]").error_type == "multiple_function_checker:wrong_count"


@pytest.mark.parametrize(
    ("category", "text", "error_type"),
    [
        ("irrelevance", "I cannot do that.", None),
        ("irrelevance", "[]", None),
        ("irrelevance", "[f(a=1)]", "irrelevance_error:decoder_success"),
        ("live_relevance", "[f(a=1)]", None),
        ("live_relevance", "[]", "relevance_error:decoder_failed"),
        ("live_relevance", "I cannot do that.", "relevance_error:decoder_failed"),
    ],
)
def test_relevance_looks_only_at_whether_something_is_called(category: str, text: str, error_type: str | None) -> None:
    entry = BfclEntry("e", category, (), PAIR.functions)
    assert score_text(entry, text).error_type == error_type


def test_dots_may_stand_as_underscores_if_asked() -> None:
    entry = BfclEntry("e", "multiple", (), PAIR.functions, ({"a.b": {"count": [1]}},))
    said = [ToolCall("a_b", {"count": 1})]
    assert score_calls(entry, said, underscore_to_dot=True).valid
    assert score_calls(entry, [ONE], underscore_to_dot=True).error_type == "simple_function_checker:wrong_func_name"
    assert score_calls(entry, said).error_type == "simple_function_checker:wrong_func_name"
    assert [tool.name for tool in to_tools(entry, underscore_to_dot=True)] == ["a_b", "g"]


def test_arguments_that_are_no_object_are_a_wrong_format() -> None:
    broken: list[Any] = [ToolCall("f", [1])]  # type: ignore[arg-type]
    assert score_calls(about("count"), broken).error_type == "ast_decoder:decoder_wrong_output_format"


def test_an_entry_that_cannot_be_scored_is_an_error_of_the_data() -> None:
    with pytest.raises(ConfigError, match="simple_python"):
        score_calls(BfclEntry("e", "simple_cobol", (), ()), None)
    with pytest.raises(DataError, match="gold calls"):
        score_calls(BfclEntry("e", "simple_python", (), PAIR.functions), [ONE])
    with pytest.raises(DataError, match="unheard"):
        score_calls(BfclEntry("e", "simple_python", (), PAIR.functions, ({"unheard": {}},)), [ONE])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(PROPERTIES)), anything)
def test_no_value_makes_the_checker_raise(parameter: str, value: Any) -> None:
    answers: list[Any] = [*ANSWERS[parameter], ""]
    entry = BfclEntry("e", "simple_python", (), (function("f", parameter),), ({"f": {parameter: answers}},))
    verdict = score_calls(entry, [ToolCall("f", {parameter: value})])
    assert verdict.valid == (verdict.error_type is None)


@pytest.mark.parametrize("parameter", PROPERTIES)
def test_an_integer_too_long_to_print_is_just_wrong(parameter: str) -> None:
    for value in (10**5000, [10**5000], {"mode": 10**5000}):
        verdict = score_calls(about(parameter), [ToolCall("f", {parameter: value})])
        assert not verdict.valid
        assert len(verdict.detail) < 500


def test_expected_calls_say_the_first_acceptable_values() -> None:
    assert expected_calls(PAIR) == (ONE, ToolCall("g", {"place": "x"}), ONE)
    [call] = expected_calls(about("rows"))
    assert call.arguments == {"rows": [{"id": 1}, {"id": 2, "name": "b"}]}


def test_tools_speak_json_schema_at_every_depth() -> None:
    inner = {"type": {"type": "float", "enum": [1.5]}, "pair": {"type": "tuple", "items": {"type": "any"}}}
    rows = {"type": "array", "items": {"type": "dict", "properties": inner, "required": ["type"]}}
    schema = {"type": "dict", "properties": {"rows": rows, "x": {"type": "any", "description": "d"}}, "required": []}
    entry = BfclEntry("e", "multiple", (), ({"name": "a.b", "description": "Does it.", "parameters": schema},))
    [tool] = to_tools(entry)
    assert tool.name == "a.b"
    assert tool.description == "Does it. Note that the provided function is in Python 3 syntax."
    inner_schema = {"type": {"type": "number", "enum": [1.5]}, "pair": {"type": "array", "items": {}}}
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "items": {"type": "object", "properties": inner_schema, "required": ["type"]}},
            "x": {"description": "d"},
        },
        "required": [],
    }
