"""Qwen 3.5 and later: the prompt opens the thought, and what looks like a call in it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.test_every_format import cut, streamed

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.formats.qwen35 import VARIANTS

TOOL = Tool(
    "edit", "Edits.", {"type": "object", "properties": {"path": {"type": "string"}, "all": {"type": "boolean"}}}
)
ASK = Message("user", " Fix a.txt. ")
CALL = Message(
    "assistant", " I will. ", reasoning=" Edit it. ", tool_calls=(ToolCall("edit", {"path": "a", "all": True}),)
)
CALL_TEXT = "<tool_call>\n<function=edit>\n<parameter=path>\na\n</parameter>\n<parameter=all>\n{}\n</parameter>\n"
CALL_TEXT += "</function>\n</tool_call>"
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def format_of(variant):
    return get_format("qwen3-xml", variant)


def render(variant, *messages, tools=(), **options):
    return format_of(variant).render(Conversation(messages, tools), **options)


@every_variant
def test_a_whole_conversation_renders_to_these_bytes(variant):
    template = VARIANTS[variant]
    prompt = render(
        variant, Message("system", " Be brief. "), ASK, CALL, Message("tool", " done "), Message("tool", " too\n"),
        tools=(TOOL,), add_generation_prompt=True, thinking=True,
    ).text  # fmt: skip
    effort = f"{template.instructions}\n\n" if template.instructions else ""
    assert prompt.startswith(
        f"<|im_start|>system\n{effort}# Tools\n\nYou have access to the following functions:\n\n<tools>\n"
        '{"type": "function", "function": {"name": "edit", "description": "Edits.", "parameters": {"type": "object", '
        '"properties": {"path": {"type": "string"}, "all": {"type": "boolean"}}}}}\n</tools>\n\nIf you choose to call'
    )
    assert prompt.endswith(
        "</IMPORTANT>\n\nBe brief.<|im_end|>\n<|im_start|>user\nFix a.txt.<|im_end|>\n"
        "<|im_start|>assistant\n<think>\nEdit it.\n</think>\n\nI will.\n\n"
        f"{CALL_TEXT.format('true' if template.json_values else 'True')}<|im_end|>\n"
        "<|im_start|>user\n<tool_response>\ndone\n</tool_response>\n<tool_response>\ntoo\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n<think>\n"
    )


@every_variant
def test_the_prompt_opens_a_thought_or_closes_an_empty_one(variant):
    def opened(thinking):
        return format_of(variant).generation_prompt(Conversation((ASK,)), thinking=thinking)

    assert opened(True) == "<|im_start|>assistant\n<think>\n"
    assert opened(False) == "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    assert opened(None) == opened(VARIANTS[variant].thinks)


@every_variant
def test_turns_before_the_last_question_lose_their_thoughts_but_in_the_last_variant(variant):
    prompt = render(variant, ASK, Message("assistant", "Done.", reasoning="Hm."), ASK).text
    thought = "<think>\nHm.\n</think>\n\n" if variant == "qwen38" else ""
    assert f"<|im_start|>assistant\n{thought}Done.<|im_end|>" in prompt


@every_variant
@pytest.mark.parametrize("thinking", [True, False])
def test_what_the_prompt_has_is_not_learned(variant, thinking):
    def learned(message):
        segments = render(variant, ASK, message, thinking=thinking).segments
        return "".join(segment.text for segment in segments if segment.supervised)

    assert learned(Message("assistant", "Yes.")) == ("\n</think>\n\n" if thinking else "") + "Yes.<|im_end|>"
    if thinking:
        assert learned(Message("assistant", "Yes.", reasoning="Hm.")) == "Hm.\n</think>\n\nYes.<|im_end|>"


@given(
    st.lists(st.sampled_from(["Hm. ", CALL_TEXT.format("True"), "<tool_call>", "<think>", "\n"]), max_size=4).map(
        "".join
    ),
    st.lists(st.integers(0, 200), max_size=4),
)
def test_a_call_in_the_thought_is_no_call_and_the_one_behind_it_is(thought, points):
    fmt, raw = format_of("qwen35"), f"{thought}\n</think>\n\n{CALL_TEXT.format('True')}<|im_end|>"
    known = {"tools": (TOOL,), "generation_prompt": "<|im_start|>assistant\n<think>\n"}
    parsed = fmt.parse(raw, **known)
    assert [dict(call.arguments) for call in parsed.tool_calls] == [{"path": "a", "all": True}]
    assert (parsed.reasoning or "", parsed.content, parsed.errors) == (thought.strip(" \n"), None, ())
    for pieces in (list(raw), cut(raw, [min(point, len(raw)) for point in points])):
        assert streamed(fmt, pieces, **known) == parsed


def test_an_unfinished_thought_is_no_content_and_no_call():
    parsed = format_of("qwen35").parse(f"Hm. {CALL_TEXT}", generation_prompt="<think>\n", finish_reason="length")
    assert (parsed.content, parsed.tool_calls, parsed.complete) == (None, (), False)
    assert parsed.reasoning.startswith("Hm. <tool_call>")


def test_without_the_end_of_the_prompt_the_thoughts_end_is_reported():
    parsed = format_of("qwen35").parse("Hm.\n</think>\n\nYes.")
    assert [error.message for error in parsed.errors] == ["</think> closes nothing"]


@every_variant
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((ASK, Message("system", "x")), "the system message as messages"),
        ((Message("system", "x"),), "a question of the user's"),
        ((Message("user", "<tool_response>x</tool_response>"),), "a question of the user's"),
        ((Message("tool", "x"), ASK), "a turn before the first result"),
        ((ASK, CALL, Message("tool", {"a": 1})), r"text as messages\[2\].content"),
    ],
)
def test_what_the_template_refuses_is_refused(variant, messages, expected):
    with pytest.raises(FormatError, match=expected):
        render(variant, *messages)


def test_only_the_last_variant_leaves_content_with_a_thought_whole_and_so_refuses_it():
    message = Message("assistant", "<think>\nHm.\n</think>\n\nYes.")
    assert (
        render("qwen36", ASK, message).text == render("qwen36", ASK, Message("assistant", "Yes.", reasoning="Hm.")).text
    )
    with pytest.raises(FormatError, match="without <think>"):
        render("qwen38", ASK, message)


def test_reasoning_under_a_key_that_the_template_does_not_know_is_left_out_with_a_warning():
    message = Message("assistant", "Yes.", reasoning="Hm.", reasoning_field="reasoning")
    for variant in ("qwen35", "qwen38"):
        [warning] = render(variant, ASK, message).warnings
        assert warning.startswith("messages[1].reasoning is left out")
