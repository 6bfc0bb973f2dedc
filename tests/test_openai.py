"""The wire conversion: what it accepts, what it refuses by name, and that both directions agree."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import DataError
from callwright.formats.jinja import template_message
from callwright.openai import (
    read_conversation,
    read_message,
    read_tool,
    read_tools,
    write_conversation,
    write_message,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BARE = {"name": "weather.now", "description": "Weather.", "parameters": SCHEMA}


@pytest.mark.parametrize("wire", [BARE, {"type": "function", "function": BARE}, {"function": {**BARE, "strict": True}}])
def test_a_tool_reads_the_same_wrapped_or_bare(wire):
    assert read_tool(wire) == Tool("weather.now", "Weather.", SCHEMA)


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_tool_without_parameters_has_an_empty_schema(parameters):
    assert read_tool({"name": "now", "parameters": parameters}).parameters == {}


@pytest.mark.parametrize("arguments", [{"b": 1, "a": [2.0, None]}, '{"b": 1, "a": [2.0, null]}'])
def test_arguments_read_the_same_as_object_or_text_and_keep_their_order(arguments):
    wire = {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": arguments}}]}
    (call,) = read_message(wire).tool_calls
    assert call == ToolCall("f", {"b": 1, "a": [2.0, None]}, "c1")
    assert list(call.arguments) == ["b", "a"]
    assert type(call.arguments["a"][0]) is float


@pytest.mark.parametrize("arguments", ["", "  ", None, "{}"])
def test_no_arguments_may_be_written_in_any_empty_form(arguments):
    wire = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}
    assert read_message(wire).tool_calls == (ToolCall("f", {}),)


def test_a_result_keeps_its_call_id_and_name_and_may_be_any_json():
    wire = {"role": "tool", "tool_call_id": "c1", "name": "f", "content": {"ok": [1]}}
    assert read_message(wire) == Message("tool", {"ok": [1]}, name="f", tool_call_id="c1")
    assert json.loads(write_message(read_message(wire))["content"]) == {"ok": [1]}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_keeps_the_name_that_its_source_gave_it(name):
    message = read_message({"role": "assistant", "content": "y", "reasoning_content": None} | {name: "hm"})
    assert (message.reasoning, message.reasoning_field) == ("hm", name)
    assert message == Message("assistant", "y", reasoning="hm")
    seen = template_message(message)
    assert seen[name] == "hm"
    assert {"reasoning", "reasoning_content"} & seen.keys() == {name}


def test_text_parts_join_and_a_developer_is_a_system():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert read_message({"role": "developer", "content": parts}) == Message("system", "ab")


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ({"role": "robot", "content": "x"}, "messages[1].role"),
        ({"role": "user", "content": 3}, "messages[1].content"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "messages[1].content[0]"),
        ({"role": "user", "tool_calls": [{"function": {"name": "f"}}]}, "messages[1].tool_calls"),
        (
            {"role": "assistant", "tool_calls": [{"name": "f"}], "function_call": {"name": "f"}},
            "tool_calls or function_call in messages[1]",
        ),
        ({"role": "assistant", "tool_calls": "f()"}, "messages[1].tool_calls"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": ""}}]}, "messages[1].tool_calls[0].function.name"),
        (
            {"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{'a': 1}"}]},
            "messages[1].tool_calls[0].arguments",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[1]"}}]},
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": '{"a": NaN}'}}]},
            "messages[1].tool_calls[0].function.arguments",
        ),
        (7, "messages[1]"),
    ],
)
def test_a_bad_message_is_named_by_its_index_and_field(message, where):
    with pytest.raises(DataError) as raised:
        read_conversation({"messages": [{"role": "user", "content": "hi"}, message]})
    assert where in raised.value.expected


@pytest.mark.parametrize(
    ("record", "where"),
    [
        ([], "the record"),
        ({}, "messages"),
        ({"messages": [], "tools": {"f": 1}}, "tools"),
        ({"messages": [], "tools": [{"description": "x"}]}, "tools[0].name"),
        ({"messages": [], "tools": [{"type": "retrieval", "function": {}}]}, "tools[0].type"),
        ({"messages": [], "tools": [{"name": "f", "parameters": {"type": "string"}}]}, "tools[0].parameters"),
    ],
)
def test_a_bad_record_or_tool_is_named(record, where):
    with pytest.raises(DataError) as raised:
        read_conversation(record)
    assert where in raised.value.expected


names = st.text(min_size=1, max_size=8)
texts = st.none() | st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
calls = st.builds(ToolCall, names, st.dictionaries(names, values, max_size=3), texts)
messages = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user"]), texts),
    st.builds(
        Message,
        st.just("assistant"),
        texts,
        st.none() | st.text(min_size=1, max_size=9),
        st.lists(calls, max_size=3).map(tuple),
    ),
    st.builds(Message, st.just("tool"), st.text(), name=texts, tool_call_id=texts),
)
tools = st.builds(Tool, names, texts, st.just(SCHEMA) | st.just({}))


@given(st.builds(Conversation, st.lists(messages, max_size=5).map(tuple), st.lists(tools, max_size=3).map(tuple)))
def test_what_is_written_reads_back_as_the_same_conversation(conversation):
    wire = json.loads(json.dumps(write_conversation(conversation)))
    assert read_conversation(wire) == conversation


def test_a_tool_that_is_nested_too_deeply_to_be_remembered_is_refused_as_any_other():
    deep: list = []
    for _ in range(3000):
        deep = [deep]
    with pytest.raises(RecursionError):
        read_tools({"tools": [{"name": "f", "parameters": {"type": "object", "x": deep}}]}, known={})
