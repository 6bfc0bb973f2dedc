"""Qwen 3's thoughts: where they stand, what is taken for one, and what the model itself says of them."""

import pytest

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.openai import read_message

QWEN = get_format("qwen3")
ASK, CALL = Message("user", "x"), (ToolCall("f", {"a": 1}),)
EMPTY = "<think>\n\n</think>\n\n"


def render(*messages, **options):
    return QWEN.render(Conversation(messages), **options)


def text(*messages, **options):
    return render(*messages, **options).text


def supervised(*messages, **options):
    return "".join(segment.text for segment in render(*messages, **options).segments if segment.supervised)


def test_only_turns_after_the_last_question_keep_their_thoughts():
    thoughtful = Message("assistant", "y", reasoning="hm")
    assert "hm" not in text(ASK, thoughtful, ASK)
    assert "<think>\nhm\n</think>\n\ny" in text(ASK, thoughtful, Message("tool", "1"))
    disguised = Message("user", "<tool_response>\n1\n</tool_response>")
    assert "<think>\nhm\n</think>\n\ny" in text(ASK, thoughtful, disguised)


def test_the_last_answer_has_a_block_even_without_a_thought_and_others_have_not():
    assert text(ASK, Message("assistant", "y")).endswith(f"<|im_start|>assistant\n{EMPTY}y<|im_end|>\n")
    assert "<think>" not in text(ASK, Message("assistant", tool_calls=CALL), Message("tool", "1"))


def test_an_empty_block_is_the_models_word_unless_the_prompt_says_it():
    answer = Message("assistant", "y")
    assert supervised(ASK, answer) == supervised(ASK, answer, thinking=True) == f"{EMPTY}y<|im_end|>"
    assert supervised(ASK, answer, thinking=False) == "y<|im_end|>"
    prompt = text(ASK, add_generation_prompt=True, thinking=False)
    assert text(ASK, answer, thinking=False) == f"{prompt}y<|im_end|>\n"


def test_content_with_a_thought_in_it_is_taken_apart():
    inline = Message("assistant", "<think>\nhm\n</think>\n\ny")
    assert text(ASK, inline) == text(ASK, Message("assistant", "y", reasoning="hm"))
    rendered = render(ASK, Message("assistant", "lost<think>hm</think>y"))
    assert "lost" not in rendered.text
    [warning] = rendered.warnings
    assert warning.startswith("part of messages[1].content is left out")


def test_reasoning_under_another_name_is_left_out_with_a_warning():
    message = read_message({"role": "assistant", "content": "y", "reasoning": "hm"})
    assert message.reasoning == "hm"
    rendered = render(ASK, message)
    assert rendered.text == text(ASK, Message("assistant", "y"))
    [warning] = rendered.warnings
    assert warning.startswith("messages[1].reasoning is left out")


def test_a_thought_that_began_in_the_prompt_is_read_from_the_start():
    read = QWEN.parse("hm\n</think>\n\ny", generation_prompt="<|im_start|>assistant\n<think>\n")
    assert (read.reasoning, read.content, read.complete, read.errors) == ("hm", "y", True, ())


def test_a_thought_closed_without_being_open_is_reported():
    read = QWEN.parse("hm\n</think>\n\ny")
    assert read.content == "hm\n</think>\n\ny"
    assert [error.position for error in read.errors] == [3]


def test_calls_inside_a_thought_are_no_calls():
    call = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    read = QWEN.parse(f"<think>\nI could {call}\n</think>\n\nNo.")
    assert (read.tool_calls, read.content, read.reasoning) == ((), "No.", f"I could {call}")


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (Message("assistant", "a <think> b"), "messages[1].content without <think>"),
        (Message("assistant", "a </think> b", reasoning="hm"), "messages[1].content without </think>"),
        (Message("assistant", "y", reasoning="a </think> b"), "messages[1].reasoning without </think>"),
        (Message("assistant", "y", reasoning="a <|im_end|> b"), "messages[1].reasoning without <|im_end|>"),
    ],
)
def test_tags_that_would_be_read_as_such_are_refused(message, named):
    with pytest.raises(FormatError) as refusal:
        text(ASK, message)
    assert named in str(refusal.value)
