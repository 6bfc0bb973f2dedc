"""The llama4 format takes a message for calls only when all of it is a list of calls."""

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.llama4 import Llama4Format

FORMAT = Llama4Format()


def text(messages, tools=(), **options):
    return FORMAT.render(Conversation(tuple(messages), tuple(tools)), **options).text


def test_a_conversation_renders_to_these_bytes():
    calls = (ToolCall("get_user_info", {"user_id": 7890, "special": "black"}), ToolCall("g", {"q": 'a "b"', "z": None}))
    messages = (
        Message("system", " Be brief. "),
        Message("user", " Hi "),
        Message("assistant", tool_calls=calls),
        Message("tool", "sunny", name="get_user_info"),
        Message("tool", {"c": 1.0}, name="g"),
    )
    assert text(messages, [Tool("f")], add_generation_prompt=True) == (
        "<|begin_of_text|><|header_start|>system<|header_end|>\n\nBe brief.\nHere is a list of functions in JSON "
        "format that you can invoke. Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]\n"
        '[\n    {\n        "type": "function",\n        "function": {\n            "name": "f",\n'
        '            "parameters": {}\n        }\n    }\n]<|eot|>'
        "<|header_start|>user<|header_end|>\n\n Hi <|eot|>"
        '<|header_start|>assistant<|header_end|>\n\n[get_user_info(user_id=7890, special="black"), '
        'g(q="a \\"b\\"", z=None)]<|eot|>'
        '<|header_start|>ipython<|header_end|>\n\n"sunny"<|eot|>'
        '<|header_start|>ipython<|header_end|>\n\n{"c": 1.0}<|eot|>'
        "<|header_start|>assistant<|header_end|>\n\n"
    )


def test_without_a_system_message_the_instruction_stands_before_the_tools_and_only_there():
    prompt = text((Message("user", "x"),), [Tool("f")])
    assert "an expert in function composition" in prompt
    assert '"name": "f"' in prompt
    assert text((Message("user", "x"),)) == "<|begin_of_text|><|header_start|>user<|header_end|>\n\nx<|eot|>"


@pytest.mark.parametrize(
    ("raw", "content", "names", "complete", "errors"),
    [
        ("[f(a=1), g.h(b='x')]", None, ["f", "g.h"], True, 0),
        (" \n[f(a=']')] \n", None, ["f"], True, 0),
        ("[f(a=1)]<|eot|>", None, ["f"], True, 0),
        ("<|python_start|>[f(a=1)]<|python_end|><|eom|>", None, ["f"], True, 0),
        ("<|python_start|>[f(a=1)]", None, ["f"], True, 0),
        ("Look: <|python_start|>[f()]<|python_end|>", "Look: ", ["f"], True, 0),
        ("[f(a=1)", None, [], False, 1),
        ("[f(a=1), g(b='", None, ["f"], False, 1),
        ("[get_we", None, [], False, 1),
        ("<|python_start|>[f(", None, [], False, 1),
        ("[f(a=1)] would help", ..., [], True, 1),
        ("[f(1)]", ..., [], True, 1),
        ("[f(a=1), 'x']", ..., [], True, 1),
        ("<|python_start|>import os", ..., [], True, 1),
        ("[1] Smith", ..., [], True, 0),
        ("[a link](http)", ..., [], True, 0),
        ('["a", "b"]', ..., [], True, 0),
        ("[]", ..., [], True, 0),
        ("Say [f(a=1)]", ..., [], True, 0),
        ("f(a=1)", ..., [], True, 0),
    ],
)
def test_calls_are_taken_only_when_they_are_the_whole_message(raw, content, names, complete, errors):
    parsed = FORMAT.parse(raw)
    assert parsed.content == (raw if content is ... else content)
    assert [call.name for call in parsed.tool_calls] == names
    assert parsed.complete is complete
    assert len(parsed.errors) == errors


@pytest.mark.parametrize(
    "raw", ["f(a=1)", "f(a=1), f(a=2)", "f(a=1)]", "[f(a=1)", "```python\n[f(a=1)]\n```", "[f(1)]"]
)
def test_lenient_reading_mends_and_says_so(raw):
    tool = Tool("f", None, {"properties": {"a": {}}})
    parsed = FORMAT.parse(raw, tools=(tool,), lenient=True, finish_reason="stop")
    assert parsed.tool_calls[0] == ToolCall("f", {"a": 1})
    assert parsed.complete
    assert parsed.repairs
    strict = FORMAT.parse(raw, tools=(tool,))
    assert not strict.tool_calls
    assert not strict.repairs


CALLS = (ToolCall("f", {}, id="a"), ToolCall("g", {}, id="b"))


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ((Message("assistant", "words", tool_calls=CALLS),), "messages[0].content"),
        ((Message("assistant", "[f()]"),), "messages[0].content"),
        ((Message("assistant", "[f(x)] is a call"),), "messages[0].content"),
        ((Message("assistant", "["),), "messages[0].content"),
        ((Message("assistant", "x", reasoning="hm"),), "messages[0]"),
        ((Message("user", "x"), Message("tool", "r", name="f")), "messages[1]"),
        ((Message("assistant", tool_calls=CALLS), Message("tool", "r", tool_call_id="b")), "messages[1]"),
        ((Message("assistant", tool_calls=CALLS), Message("tool", "r", name="g")), "messages[1]"),
        ((Message("assistant", tool_calls=(ToolCall("f", {"from": 1}),)),), "messages[0].tool_calls[0]"),
    ],
)
def test_what_cannot_be_said_is_refused_by_place(messages, named):
    with pytest.raises(FormatError) as caught:
        text(messages)
    assert named in str(caught.value)


def test_tools_that_the_template_would_drop_are_refused():
    with pytest.raises(FormatError, match=r"messages\[0\]"):
        text((Message("system", " "), Message("user", "x")), [Tool("f")])
