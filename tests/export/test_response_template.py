"""What transformers is told of a format says the format's own markers; formats it cannot read get none."""

import re

import pytest

from callwright.conversation import Conversation, Message, ToolCall
from callwright.export.response_template import response_template
from callwright.formats import FORMATS, get_format

DESCRIBED = ("xml/args", "xml/arguments", "qwen25", "hermes3")


@pytest.mark.parametrize("name", FORMATS)
def test_formats_with_json_between_two_markers_are_described_and_no_others(name):
    assert (response_template(get_format(name)) is not None) == (name in DESCRIBED)


@pytest.mark.parametrize("name", DESCRIBED)
def test_markers_are_found_where_the_format_writes_them(name):
    fmt, template = get_format(name), response_template(get_format(name))
    call = ToolCall("get", {"city": "Paris"}, id="call00001")
    messages = (Message("user", "x"), Message("assistant", None, tool_calls=(call,)))
    text = fmt.render(Conversation(messages)).text.rpartition(template["start_anchor"])[2]
    fields = template["fields"]
    opened = re.search(fields["tool_calls"]["open_pattern"], text)
    assert text[opened.end() :].lstrip().startswith('{"name"')
    assert any(close in text for close in fields["content"]["close"])


@pytest.mark.parametrize(("name", "key"), [("xml/args", "args"), ("xml/arguments", "arguments")])
def test_arguments_are_taken_from_the_variants_key(name, key):
    function = response_template(get_format(name))["fields"]["tool_calls"]["transform"]["function"]
    assert function == {"name": "{content.name}", "arguments": f"{{content.{key}}}"}


def test_content_ends_where_generation_does():
    assert response_template(get_format("xml"))["fields"]["content"]["close"] == ["<eos>", "<end_of_turn>"]
