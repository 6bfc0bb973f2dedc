"""The llama31 format takes a message for a call only when all of it is one, and an answer in JSON for an answer."""

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.formats.llama31 import Llama31Format

FORMAT = Llama31Format()
CALL = '{"name": "f", "parameters": {"a": 1}}'
SAID = (ToolCall("f", {"a": 1}),)


@pytest.mark.parametrize(
    "raw",
    [
        CALL,
        f"\n {CALL} \n",
        f"{CALL}<|eot_id|>",
        f"<|python_tag|>{CALL}<|eom_id|>",
        '<|python_tag|>{\n    "type": "function",\n    "name": "f",\n    "parameters": {\n        "a": 1\n    }\n}',
        '{"parameters": {"a": 1}, "name": "f"}',
        "<|python_tag|>f.call(a=1)<|eom_id|>",
    ],
)
def test_a_message_that_is_a_call_is_one(raw):
    parsed = FORMAT.parse(raw)
    assert parsed.tool_calls == SAID
    assert parsed.content is None
    assert parsed.complete
    assert not parsed.errors


@pytest.mark.parametrize(
    "raw",
    [
        '{"city": "Lima", "temperature": 21}',
        '{"name": "Bob", "age": 3}',
        '{"name": "Bob"}',
        '{"name": "f", "arguments": {}}',
        '{"type": "object", "name": "f", "parameters": {}}',
        '{"name": "f", "parameters": {}, "id": 1}',
        '{"na\\u006de": "f", "parameters": {}}',
        "{curly} words",
        '{"a": ',
        "[1, 2]",
        f"Say {CALL}",
    ],
)
def test_an_answer_that_is_no_call_stays_content(raw):
    parsed = FORMAT.parse(raw)
    assert (parsed.content, parsed.tool_calls, parsed.errors, parsed.complete) == (raw, (), (), True)


@pytest.mark.parametrize(
    "raw",
    [
        f"{CALL} and so on",
        f"{CALL}; {CALL}",
        '{"name": "f", "parameters": {"a": 1,}}',
        '{"name": "f", "parameters": {"a": NaN}}',
        '{"name": "", "parameters": {}}',
        "<|python_tag|>print(1)",
        '<|python_tag|>{"a": 1}',
        "<|python_tag|>f.call(a=x)",
    ],
)
def test_a_malformed_call_is_an_error_and_stays_in_the_content(raw):
    parsed = FORMAT.parse(raw)
    assert (parsed.content, parsed.tool_calls, len(parsed.errors)) == (raw, (), 1)


@pytest.mark.parametrize(
    "raw", ['{"name": "f', '{"name": "f", "para', CALL[:-1], "<|python_tag|>", f"<|python_tag|>{CALL[:-3]}"]
)
def test_a_cut_call_is_neither_call_nor_content(raw):
    parsed = FORMAT.parse(raw)
    assert (parsed.content, parsed.tool_calls, parsed.complete) == (None, (), False)


@pytest.mark.parametrize(
    ("raw", "calls"),
    [
        (f"{CALL}; {CALL}", SAID * 2),
        ('{"name": "f", "arguments": {"a": 1}}', SAID),
        ("{'name': 'f', 'parameters': {'a': 1}}", SAID),
        ('{"name": "f", "parameters": {"a": 1}', SAID),
        ('{"name": "g", "arguments": {"a": 1}}', ()),
        ('{"name": "Bob"}', ()),
    ],
)
def test_lenient_reading_mends_calls_of_the_tools_at_hand_and_says_so(raw, calls):
    parsed = FORMAT.parse(raw, tools=(Tool("f"),), lenient=True, finish_reason="stop")
    assert parsed.tool_calls == calls
    assert bool(parsed.repairs) == bool(calls)


@pytest.mark.parametrize(
    "raw",
    [
        '{"name": "f", "parameters": null}',
        '{"name": "f", "arguments": null}',
        '{"name": "f", "arguments": {"a": 1}}',
        '{"arguments": {"a": 1}, "name": "f"}',
        '{"name": "f", "parameters": {}, "id": "x"}',
        '{"name": "f"}',
    ],
)
def test_an_object_with_the_name_of_a_tool_at_hand_is_no_answer(raw):
    parsed = FORMAT.parse(raw, tools=(Tool("f"),))
    assert (parsed.content, parsed.tool_calls, len(parsed.errors)) == (raw, (), 1)
    assert [call.name for call in FORMAT.parse(raw, tools=(Tool("f"),), lenient=True).tool_calls] == ["f"]
    assert not FORMAT.parse(raw, tools=(Tool("g"),), lenient=True).tool_calls


def test_an_answer_that_is_cut_stays_content_though_a_call_may_begin_so():
    raw = '{"id": 1, "title": "x'
    assert FORMAT.parse(raw, tools=(Tool("f"),)).content == raw


def test_what_the_template_leaves_out_is_left_out_with_a_warning():
    messages = (Message("user", "x"), Message("assistant", "words", reasoning="hm", tool_calls=SAID))
    rendered = FORMAT.render(Conversation(messages))
    assert "".join(s.text for s in rendered.segments if s.supervised) == f"{CALL}<|eot_id|>"
    assert len(rendered.warnings) == 2
    assert FORMAT.drops_content(messages[1])


@pytest.mark.parametrize(
    ("messages", "tools", "named"),
    [
        ((Message("user", "x"), Message("assistant", tool_calls=SAID * 2)), (), "messages[1].tool_calls"),
        ((Message("system", "x"),), (Tool("f"),), "messages[1]"),
        ((Message("assistant", "x"),), (Tool("f"),), "messages[0]"),
        ((Message("assistant", CALL),), (), "messages[0].content"),
        ((Message("assistant", "{"),), (), "messages[0].content"),
        ((Message("user"),), (), "messages[0].content"),
        ((Message("assistant", tool_calls=(ToolCall('a"b'),)),), (), "messages[0].tool_calls[0].name"),
    ],
)
def test_what_cannot_be_said_is_refused_by_place(messages, tools, named):
    with pytest.raises(FormatError) as caught:
        FORMAT.render(Conversation(messages, tools))
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "llama31"),
        ("llama3.3:70b", "llama31"),
        ("llama4:scout", "llama4"),
        ("meta-llama/Llama-4-Maverick-17B-128E-Instruct", "llama4"),
    ],
)
def test_llama_is_the_format_of_the_model(model, name):
    assert get_format("llama", model=model).name == name


@pytest.mark.parametrize("model", [None, "gemma-3-270m"])
def test_llama_without_a_llama_is_refused(model):
    with pytest.raises(FormatError, match="llama4 or llama31"):
        get_format("llama", model=model)
