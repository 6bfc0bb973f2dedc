"""An example that would not read back is refused before anything is trained on it."""

import dataclasses
import json

import pytest
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message, ToolCall
from callwright.data.packing import encode
from callwright.data.registry import open_source
from callwright.data.source import Example
from callwright.data.validation import check_round_trip, check_source
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

    def parse(self, raw, **known):
        return Parsed(None)


class Careless(XmlFormat):
    """Reads every call twice."""

    def parse(self, raw, **known):
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


def file_of(tmp_path, *messages):
    tools = [{"type": "function", "function": {"name": "f"}}]
    lines = [json.dumps({"tools": tools, "messages": [{"role": "user", "content": "a"}, *said]}) for said in messages]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines))
    return open_source("openai_jsonl", {"path": tmp_path / "mine.jsonl"})


GOOD = [{"role": "assistant", "content": "yes"}]
MOODY = [{"role": "assistant", "content": "yes", "mood": 1}]
BAD = [{"role": "assistant", "content": 1}]


def test_every_line_is_checked_and_what_is_found_is_counted(tmp_path):
    visited = []
    check = check_source(file_of(tmp_path, *[GOOD] * 20, *[MOODY] * 3), XmlFormat(), visit=visited.append)
    assert (check.examples, check.checked, len(visited)) == (23, 23, 23)
    assert check.lines() == ["openai_jsonl: in 3 examples messages[].mood is not read"]
    check.refuse()


def test_the_last_bad_line_is_found_and_all_are_named_at_once(tmp_path):
    check = check_source(file_of(tmp_path, *[GOOD] * 9, BAD, *[GOOD] * 9, BAD), XmlFormat())
    assert (check.refused, check.checked) == (2, 20)
    with pytest.raises(DataError, match=r"line 10 of .*also line 20 of .*"):
        check.refuse()
    many = check_source(file_of(tmp_path, *[BAD] * 9), XmlFormat())
    with pytest.raises(DataError, match="and 4 more"):
        many.refuse()


def test_a_sample_is_spread_over_the_source():
    visited = []
    source = open_source("synthetic", {"examples": 300})
    check = check_source(source, XmlFormat(), limit=10, visit=visited.append)
    assert (check.examples, check.checked) == (300, 10)
    assert [example.id.rsplit("-", 1)[1] for example in visited] == [str(n * 30) for n in range(10)]


def test_a_message_that_is_not_learned_need_not_read_back():
    words = Message("assistant", "<tool_call>", supervised=False)
    messages = (Message("user", "a"), words, Message("user", "b"), Message("assistant", "c"))
    with pytest.raises(DataError):  # the format itself refuses it
        check_round_trip(Example("made-up", Conversation(messages), "dialogue"), XmlFormat())
