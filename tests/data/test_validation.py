"""An example that would not read back is refused before anything is trained on it."""

import dataclasses
import json

import pytest
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message, ToolCall
from callwright.data.packing import encode
from callwright.data.registry import open_source
from callwright.data.source import Example
from callwright.data.validation import check_round_trip
from callwright.errors import DataError
from callwright.formats.base import Parsed
from callwright.formats.xml import XmlFormat

CALL = ToolCall("f", {"x": 1})


def test_synthetic_examples_of_every_kind_read_back():
    source = open_source("synthetic", {"examples": 300})
    for index in range(len(source)):
        check_round_trip(source[index], XmlFormat())


class Deaf(XmlFormat):
    """Reads nothing at all."""

    def parse(self, raw, *, tools=(), finish_reason=None):
        return Parsed(None)


class Careless(XmlFormat):
    """Reads every call twice."""

    def parse(self, raw, *, tools=(), finish_reason=None):
        parsed = XmlFormat().parse(raw)
        return dataclasses.replace(parsed, tool_calls=parsed.tool_calls * 2)


@pytest.mark.parametrize("fmt", [Deaf(), Careless()])
def test_a_turn_that_reads_back_differently_is_named(fmt):
    messages = (Message("user", "hi"), Message("assistant", tool_calls=(CALL,)))
    with pytest.raises(DataError, match=r"made-up, messages\[1\]"):
        check_round_trip(Example("made-up", Conversation(messages), "simple"), fmt)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ({"role": "user", "content": None}, {"role": "assistant", "content": "yes"}),
        ({"role": "user", "content": "a"}, {"role": "assistant", "content": "yes", "reasoning_content": "hm"}),
        (
            {"role": "user", "content": "a"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1e999}'}}]},
        ),
    ],
    ids=["no content", "a thought", "an endless number"],
)
def test_what_the_format_cannot_say_is_named_by_file_and_line(tmp_path, first, last):
    good = {"tools": [{"type": "function", "function": {"name": "f"}}], "messages": [{"role": "user", "content": "a"}]}
    bad = good | {"messages": [first, last]}
    good["messages"].append({"role": "assistant", "content": "yes"})
    (tmp_path / "mine.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n")
    source = open_source("openai_jsonl", {"path": tmp_path / "mine.jsonl"})
    for check in (
        lambda example: check_round_trip(example, XmlFormat()),
        lambda example: encode(example, XmlFormat(), tiny_tokenizer()),
    ):
        check(source[0])
        with pytest.raises(DataError, match=r"expected openai_jsonl-mine\.jsonl-2: .*messages\["):
            check(source[1])


def test_each_turn_of_a_dialogue_is_checked_by_itself():
    messages = (
        Message("user", "a"),
        Message("assistant", "one", tool_calls=(CALL,)),
        Message("tool", "r", name="f"),
        Message("assistant", "two"),
    )
    check_round_trip(Example("made-up", Conversation(messages), "dialogue"), XmlFormat())
