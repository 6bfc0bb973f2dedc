"""`callwright render` and `callwright parse` answer every line with a line, and a bad one with an error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.formats import filter as filters
from callwright.formats import get_format
from callwright.formats.base import control
from callwright.formats.filter import parse_line, render_line
from callwright.formats.grammar import Grammar, Thought
from callwright.formats.xml import XmlFormat
from callwright.tokens import Segment

USER = {"role": "user", "content": "hi"}


class Muser(XmlFormat):
    """A format with thoughts, that opens one for the model when it is to think, and warns."""

    def __init__(self):
        super().__init__()
        self.grammar = Grammar(stops=self.stops, thought=Thought("<think>", "</think>"))

    def _segments(self, conversation, *, add_generation_prompt, thinking, warn):
        warn("the template drops it")
        yield from super()._segments(conversation, add_generation_prompt=False, thinking=thinking, warn=warn)
        if thinking and add_generation_prompt:
            yield from (control("<think>"), Segment("\n"))


@pytest.fixture
def muser(monkeypatch):
    """The name of a format that muses."""
    asked = []
    filters._format.cache_clear()
    monkeypatch.setattr(filters, "get_format", lambda *named: asked.append(named) or Muser())
    yield asked
    filters._format.cache_clear()


def render(**row):
    return render_line(json.dumps({"id": 7, "format": "xml", "messages": [USER]} | row))


def parse(**row):
    return parse_line(json.dumps({"id": 7, "format": "xml", "raw": "hi"} | row))


def test_a_prompt_is_what_the_format_renders():
    assert render() == {"id": 7, "prompt": "<bos><start_of_turn>user\nhi<end_of_turn>\n"}
    opened = render(add_generation_prompt=True, enable_thinking=False, tools=[], variant="arguments")
    assert opened["prompt"] == "<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n"
    assert render(tools=None, variant=None, model=None, add_generation_prompt=None, enable_thinking=None) == render()


def test_what_the_format_warns_of_is_in_the_answer(muser):
    assert render()["warnings"] == ["the template drops it"]
    assert "warnings" not in parse()


def test_variant_and_model_choose_the_format(muser):
    render(variant="v", model="m")
    parse(model="n")
    assert muser == [("xml", "v", "m"), ("xml", None, "n")]


@pytest.mark.parametrize(
    ("row", "content", "reasoning"),
    [
        ({}, "a</think>b", None),
        ({"thinking": False}, "a</think>b", None),
        ({"thinking": True}, "b", "a"),
        ({"thinking": True, "generation_prompt": "<start_of_turn>model\n"}, "a</think>b", None),
        ({"generation_prompt": "<start_of_turn>model\n<think>\n"}, "b", "a"),
        ({"generation_prompt": "<start_of_turn>model\n<think></think>"}, "a</think>b", None),
    ],
)
def test_what_the_server_knows_decides_whether_the_words_begin_in_a_thought(muser, row, content, reasoning):
    answer = parse(raw="a</think>b", **row)
    assert (answer["content"], answer["reasoning"]) == (content, reasoning)


def test_thinking_is_no_reason_to_refuse_words_of_a_family_that_cannot_think_but_one_to_say_so():
    answer = parse(thinking=True)
    assert answer.pop("warnings") == ["thinking is left out of account: xml/args has no place for thoughts"]
    assert answer == parse()


def test_calls_errors_and_repairs_are_told_apart():
    good, bad = '<tool_call>{"name": "f", "args": {"x": 1.0}}</tool_call>', "<tool_call>{'name': 'g'}</tool_call>"
    strict = parse(raw=good + bad)
    assert strict.keys() == {"id", "content", "reasoning", "tool_calls", "complete", "errors"}
    assert strict["tool_calls"] == [{"name": "f", "arguments": {"x": 1.0}}]
    assert strict["content"] == bad
    [error] = strict["errors"]
    assert error.keys() == {"message", "position"}
    assert error["position"] == len(good) + len("<tool_call>")
    lenient = parse(raw=good + bad, lenient=True)
    assert [call["name"] for call in lenient["tool_calls"]] == ["f", "g"]
    assert [repair.keys() for repair in lenient["repairs"]] == [{"message", "position"}]
    assert not lenient["errors"]


def test_a_cut_is_never_complete():
    assert parse()["complete"] and not parse(finish_reason="length")["complete"]
    assert not parse(raw='<tool_call>{"name"')["complete"]


@pytest.mark.parametrize(
    ("work", "row", "word"),
    [
        (render, {"format": "yaml"}, "yaml"),
        (render, {"format": None}, "format"),
        (render, {"variant": "yaml"}, "yaml"),
        (render, {"variant": 1}, "variant"),
        (render, {"messages": None}, "messages"),
        (render, {"messages": [{"role": "bard"}]}, "messages[0].role"),
        (render, {"messages": [USER, {"role": "system", "content": "x"}]}, "messages[1]"),
        (render, {"tools": [{}]}, "tools[0].name"),
        (render, {"add_generation_prompt": "yes"}, "add_generation_prompt"),
        (render, {"enable_thinking": 1}, "enable_thinking"),
        (render, {"enable_thinking": True}, "thinking"),
        (parse, {"format": "yaml"}, "yaml"),
        (parse, {"raw": None}, "raw"),
        (parse, {"raw": ["hi"]}, "raw"),
        (parse, {"tools": {"f": 1}}, "tools"),
        (parse, {"tools": [{"name": "f"}, {}]}, "tools[1].name"),
        (parse, {"generation_prompt": True}, "generation_prompt"),
        (parse, {"thinking": "on"}, "thinking"),
        (parse, {"finish_reason": 1}, "finish_reason"),
        (parse, {"lenient": "yes"}, "lenient"),
    ],
)
def test_a_bad_row_is_answered_by_an_error_that_names_the_field(work, row, word):
    answer = work(**row)
    assert answer.keys() == {"id", "error"}
    assert answer["id"] == 7
    assert word in answer["error"]


@given(st.one_of(st.text(), st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps)))
def test_no_line_raises(line):
    for work in (render_line, parse_line):
        assert work(line).keys() == {"id", "error"}


@given(
    st.dictionaries(
        st.sampled_from(["id", "raw", "format", "tools", "messages", "variant", "model", "thinking", "lenient"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["xml", "args"]),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["role", "name", "content"]), inner),
            max_leaves=5,
        ),
    )
)
def test_no_row_raises(row):
    for work in (render_line, parse_line):
        assert work(json.dumps({"format": "xml", "raw": "x"} | row)).keys() >= {"id"}


def test_a_format_is_made_once_for_all_lines():
    render(), parse()
    assert filters._format("xml", None, None) is filters._format("xml", None, None)
    assert type(filters._format("xml", None, None)) is type(get_format("xml"))
