"""An example that would not read back is refused before anything is trained on it."""

import dataclasses

import pytest

from callwright.conversation import Conversation, Message, ToolCall
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


@pytest.mark.parametrize("form", [Deaf(), Careless()])
def test_a_turn_that_reads_back_differently_is_named(form):
    messages = (Message("user", "hi"), Message("assistant", tool_calls=(CALL,)))
    with pytest.raises(DataError, match=r"made-up, messages\[1\]"):
        check_round_trip(Example("made-up", Conversation(messages), "simple"), form)


def test_each_turn_of_a_dialogue_is_checked_by_itself():
    messages = (
        Message("user", "a"),
        Message("assistant", "one", tool_calls=(CALL,)),
        Message("tool", "r", name="f"),
        Message("assistant", "two"),
    )
    check_round_trip(Example("made-up", Conversation(messages), "dialogue"), XmlFormat())
