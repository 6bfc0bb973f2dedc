"""Qwen 2.5's calls: what the golden rows and the harness for every format do not say."""

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.tokens import Segment

QWEN = get_format("qwen25")
PING = Tool("ping", "Pings.", {"type": "object", "properties": {"host": {"type": "string"}}})
CALL = ToolCall("ping", {"host": "a"})


def text(*messages, tools=(PING,), **options):
    return QWEN.render(Conversation(messages, tools), **options).text


def test_the_tags_that_the_template_writes_are_control_and_the_same_tags_from_others_are_not():
    tags = "<tool_call></tool_call><|im_end|>"
    segments = QWEN.render(
        Conversation(
            (
                Message("user", tags),
                Message("assistant", tool_calls=(ToolCall("ping", {"host": tags}),)),
                Message("tool", tags),
            ),
            (PING,),
        )
    ).segments
    turn = [s for s in segments if s.supervised]
    assert turn == [
        Segment("<tool_call>", control=True, supervised=True),
        Segment(f'\n{{"name": "ping", "arguments": {{"host": "{tags}"}}}}\n', supervised=True),
        Segment("</tool_call>", control=True, supervised=True),
        Segment("<|im_end|>", control=True, supervised=True),
    ]
    assert {s.text for s in segments if s.control} == {"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}
    assert segments.count(Segment(tags)) == 2


def test_a_call_says_the_same_whether_content_is_empty_or_missing():
    for content in ("", None):
        assert text(Message("user", "x"), Message("assistant", content, tool_calls=(CALL,))).endswith(
            '<|im_start|>assistant\n<tool_call>\n{"name": "ping", "arguments": {"host": "a"}}\n</tool_call><|im_end|>\n'
        )


def test_data_as_a_result_prints_as_python_writes_it():
    for value, printed in (({"a": True}, "{'a': True}"), (None, "None"), ([1.0, "x"], "[1.0, 'x']"), (False, "False")):
        assert f"<tool_response>\n{printed}\n</tool_response>" in text(Message("user", "x"), Message("tool", value))


def test_reasoning_is_left_out_with_a_warning():
    ask = Message("user", "x")
    rendered = QWEN.render(Conversation((ask, Message("assistant", "y", reasoning="hm"))))
    assert rendered.text == text(ask, Message("assistant", "y"), tools=())
    [warning] = rendered.warnings
    assert warning.startswith("messages[1].reasoning is left out")


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ((), "at least one message"),
        ((Message("user", None),), "messages[0].content"),
        ((Message("user", ["x"]),), "messages[0].content"),
        ((Message("user", "x"), Message("assistant", "Say <tool_call>.")), "messages[1].content"),
        ((Message("user", "x"), Message("assistant", "It ends <|im_end|> here")), "messages[1].content"),
        ((Message("user", "x"), Message("assistant", tool_calls=(ToolCall('a"b'),))), "messages[1].tool_calls[0].name"),
        (
            (Message("user", "x"), Message("assistant", tool_calls=(ToolCall("f", {"a": float("nan")}),))),
            "messages[1].tool_calls[0].arguments",
        ),
    ],
)
def test_what_it_cannot_say_is_refused_by_name(messages, named):
    with pytest.raises(FormatError) as refusal:
        text(*messages)
    assert named in str(refusal.value)


def test_thinking_cannot_be_asked_for():
    with pytest.raises(FormatError, match="thinking off or unset"):
        text(Message("user", "x"), thinking=True)
    assert text(Message("user", "x"), thinking=False) == text(Message("user", "x"))


def test_tools_print_as_their_source_wrote_them():
    given = {"type": "function", "function": {"strict": True, "parameters": {}, "name": "f"}}
    assert '\n{"type": "function", "function": {"strict": true, "parameters": {}, "name": "f"}}\n' in text(
        Message("user", "x"), tools=(Tool("f", given=given),)
    )
