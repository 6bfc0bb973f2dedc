"""The chat template that a format emits gives the very bytes of its renderer, for all that the renderer can say."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.test_every_format import every_format, patient
from tests.support.conversations import TEXTS, VALUES, answers

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import CallwrightError, FormatError
from callwright.formats import FORMATS
from callwright.formats.example import EXAMPLE
from callwright.formats.jinja import ChatTemplate
from callwright.notices import ignore
from callwright.openai import read_conversation, read_message

FAMILIES = {fmt.name for fmt in FORMATS.values()}
GOLDEN = Path(__file__).parents[1] / "golden"


def both(fmt, conversation, **options):
    """What the renderer gives, and what the template gives; FormatError if the renderer refuses."""
    ours = fmt.render(conversation, **options).text
    variables = {"bos_token": fmt.bos}
    try:
        return ours, ChatTemplate(fmt.chat_template()).render(conversation, variables=variables, **options)
    except FormatError as error:
        raise AssertionError(f"the template fails where the renderer does not: {error}") from error


@every_format
@pytest.mark.parametrize("thinking", [None, True, False])
@pytest.mark.parametrize("opened", [False, True])
def test_the_complete_example_is_the_same_bytes(fmt, thinking, opened):
    for end in range(1, len(EXAMPLE.messages) + 1):
        part = Conversation(EXAMPLE.messages[:end], EXAMPLE.tools)
        with contextlib.suppress(FormatError):
            ours, theirs = both(fmt, part, add_generation_prompt=opened, thinking=thinking)
            assert theirs == ours


@every_format
def test_every_golden_conversation_is_the_same_bytes(fmt):
    compared = 0
    for path in sorted(GOLDEN.glob("render/*.jsonl")):
        for line in path.open(encoding="utf-8"):
            row = json.loads(line)
            own = row["format"] == fmt.name and (row["variant"] or "") in ("", fmt.variant)
            if row.get("template_bug") or (row["format"] in FAMILIES and not own and compared > 40):
                continue
            with contextlib.suppress(CallwrightError):
                ours, theirs = both(
                    fmt,
                    read_conversation(row, ignore),
                    add_generation_prompt=row["add_generation_prompt"],
                    thinking=row["enable_thinking"],
                )
                assert theirs == ours, row["id"]
                compared += 1
    assert compared > 10


@every_format
@given(data=st.data())
@patient
def test_generated_conversations_are_the_same_bytes(fmt, data):
    conversation = data.draw(answers(reasoning=fmt.grammar.thought is not None))
    *before, answer = conversation.messages
    if data.draw(st.booleans()):
        before = [Message("system", data.draw(TEXTS)), *before]
    results = [
        Message("tool", data.draw(st.one_of(TEXTS, VALUES)), name=call.name, tool_call_id=call.id)
        for call in answer.tool_calls
    ]
    messages = (*before, answer, *results)
    if results and data.draw(st.booleans()):
        messages = (*messages, Message("assistant", data.draw(TEXTS)))
    thinking, opened = data.draw(st.sampled_from([None, True, False])), data.draw(st.booleans())
    with contextlib.suppress(FormatError):
        ours, theirs = both(
            fmt, Conversation(messages, conversation.tools), add_generation_prompt=opened, thinking=thinking
        )
        assert theirs == ours


TOOLS = tuple(Tool(name, "Does it.", {"type": "object", "properties": {"a": {"type": "integer"}}}) for name in "fg")
NAMED = st.lists(st.sampled_from("fg"), max_size=2)
PARTS = st.lists(st.one_of(TEXTS, st.sampled_from([" a ", "b", ""])), min_size=1, max_size=3)


@st.composite
def turns(draw):
    """Turns in any order, of text or of text parts, results of calls that somebody made and of others."""
    role = draw(st.sampled_from(["system", "user", "user", "assistant", "assistant", "tool"]))
    if role == "assistant" and draw(st.booleans()):
        calls = tuple(ToolCall(name, {"a": 1}, id=f"abcdefg{name}{n}") for n, name in enumerate(draw(NAMED)))
        return Message(role, draw(st.sampled_from([None, "", "x"])), tool_calls=calls)
    record = {"role": role, "content": [{"type": "text", "text": part} for part in draw(PARTS)]}
    if role == "tool":
        record |= {"name": draw(st.sampled_from("fg")), "tool_call_id": draw(st.sampled_from([None, "abcdefgf0"]))}
    message = read_message(record)
    return message if draw(st.booleans()) else replace(message, parts=(), content=message.content or "")


@every_format
@given(messages=st.lists(turns(), max_size=5), opened=st.booleans())
@patient
def test_turns_in_any_order_and_parts_are_the_same_bytes(fmt, messages, opened):
    messages = (Message("user", "Hi"), *messages) if len(messages) % 2 else tuple(messages)
    with contextlib.suppress(FormatError):
        ours, theirs = both(fmt, Conversation(messages, TOOLS), add_generation_prompt=opened)
        assert theirs == ours


@every_format
def test_the_emitted_template_reads_text_parts(fmt):
    assert ChatTemplate(fmt.chat_template()).reads_parts()
