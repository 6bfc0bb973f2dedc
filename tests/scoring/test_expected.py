"""Calls of own tools are right if they are the expected ones by value, in any order."""

import json

import pytest

from callwright.conversation import Tool, ToolCall
from callwright.scoring.expected import same_value, score_expected

PROPERTIES = {
    "room": {"type": "string"},
    "level": {"type": "integer", "default": 5},
    "days": {"type": "array", "items": {"type": "string"}},
    "when": {"type": "object"},
    "quiet": {"type": "boolean", "default": False},
}
TOOLS = (
    Tool("light", parameters={"type": "object", "properties": PROPERTIES}),
    Tool("lock"),
    Tool("odd", None, {"properties": 3}),
)


def light(**arguments):
    return ToolCall("light", arguments)


def verdict(expected, calls):
    return score_expected(TOOLS, expected, calls)


@pytest.mark.parametrize(
    "call",
    [
        light(room="kitchen", level=7),
        light(level=7.0, room="Kitchen"),
        light(room=" kit-chen ", level=7),
        light(room="kitchen", level=7, quiet=False),
    ],
    ids=repr,
)
def test_a_call_is_right_whatever_the_order_case_punctuation_and_number_type_and_with_defaults_named(call):
    assert verdict([light(room="kitchen", level=7)], [call]).valid


def test_an_expected_default_may_be_left_out():
    assert verdict([light(room="kitchen", level=5)], [light(room="kitchen")]).valid


@pytest.mark.parametrize(
    ("calls", "error", "detail"),
    [
        (None, "unreadable", "cannot be read"),
        ([ToolCall("light", [1])], "unreadable", "cannot be read"),
        ([], "wrong_count", "expected 1 call, got none"),
        ([light(room="kitchen", level=7)] * 2, "wrong_count", "expected 1 call, got 2: ['light', 'light']"),
        ([ToolCall("lock", {})], "wrong_name", "expected light, got 'lock'"),
        ([light(level=7)], "missing_argument", "room is missing; expected 'kitchen'"),
        ([light(room="kitchen")], "missing_argument", "level is missing; expected 7"),
        ([light(room="kitchen", level=7, quiet=True)], "unexpected_argument", "'quiet' is not expected; got True"),
        ([light(room="kitchen", level=7, quiet=0)], "unexpected_argument", "'quiet' is not expected; got 0"),
        ([light(room="kitchen", level=7, sing=1)], "unexpected_argument", "'sing' is not expected; got 1"),
        ([light(room="attic", level=7)], "wrong_value", "room: expected 'kitchen', got 'attic'"),
        ([light(room="kitchen", level="7")], "wrong_value", "level: expected 7, got '7'"),
    ],
)
def test_what_is_wrong_with_one_call_is_named(calls, error, detail):
    found = verdict([light(room="kitchen", level=7)], calls)
    assert (found.valid, found.error_type) == (False, f"tools:{error}")
    assert detail in found.detail


def test_several_calls_match_in_any_order_and_each_only_once():
    kitchen, attic = light(room="kitchen"), light(room="attic")
    assert verdict([kitchen, attic, ToolCall("lock")], [ToolCall("lock"), attic, kitchen]).valid
    found = verdict([kitchen, attic], [kitchen, kitchen])
    assert (found.error_type, found.detail) == ("tools:wrong_value", "room: expected 'attic', got 'kitchen'")
    found = verdict([kitchen, ToolCall("lock")], [kitchen, ToolCall("odd")])
    assert (found.error_type, found.detail) == ("tools:wrong_name", "expected lock, got 'odd'")
    assert verdict([kitchen, attic], [kitchen]).detail == "expected 2 calls, got 1: ['light']"


def test_of_several_wrong_calls_the_one_of_the_same_tool_is_named():
    found = verdict([ToolCall("lock"), light(room="attic")], [light(room="kitchen"), ToolCall("odd")])
    assert found.detail == "room: expected 'attic', got 'kitchen'"


def test_where_nothing_fits_words_and_unreadable_output_are_right_and_any_call_is_wrong():
    assert verdict([], []).valid
    assert verdict([], None).valid
    found = verdict([], [ToolCall("lock")])
    assert (found.error_type, found.detail) == ("tools:unnecessary_call", "expected no call, got 1: ['lock']")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (5, 5.0, True),
        (True, 1, False),
        (0, False, False),
        (None, None, True),
        (None, "", False),
        ("1,000", "1000", True),
        ("O'Neil", 'o"neil', True),
        (["Mon", "Tue"], ["mon", "tue"], True),
        (["mon", "tue"], ["tue", "mon"], False),
        (["mon"], "mon", False),
        ({"a": [1, {"b": "X y"}]}, {"a": [1.0, {"b": "xy"}]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {"A": 1}, False),
        (10**400, 5.0, False),
        (float("nan"), float("nan"), False),
    ],
    ids=repr,
)
def test_values_are_compared_at_every_depth(one, other, same):
    assert same_value(one, other) == same == same_value(other, one)


def test_no_output_makes_it_raise():
    deep = json.loads("[" * 900 + "]" * 900)
    for _ in range(20):
        deep = [deep]
    call = light(room=deep, level={"a": deep})
    assert not verdict([light(room="kitchen")], [call]).valid
    assert not verdict([light(days=["mon"], when={"a": 1}), light(room="kitchen")], [call, call]).valid
    assert not verdict([ToolCall("odd", {"x": 1})], [ToolCall("odd", {"y": 2})]).valid
    assert not verdict([ToolCall("nowhere", {"x": 1})], [light()]).valid
