"""Calls, how an output ends, and values, as people read them."""

import pytest
from tests.support.conversations import output, tool_of

from callwright.conversation import Conversation, Message, ToolCall
from callwright.evaluation.row import EvaluationRow, RowCall
from callwright.formats import FORMATS
from callwright.report.text import calls_text, ending, expected_text, fact
from callwright.scoring.categories import CATEGORIES

CALL = ToolCall("get_weather", {"city": "Paris and its suburbs"}, id="parisnow1")
every_format = pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)


def row_of(fmt, text, finish_reason, conversation):
    """A row as an evaluation writes it for this output."""
    parsed = fmt.parse(
        text,
        tools=conversation.tools,
        finish_reason=finish_reason,
        generation_prompt=fmt.generation_prompt(Conversation(conversation.messages[:-1], conversation.tools)),
    )
    return EvaluationRow(
        id="a", category="simple_python", question="", expected=(), prompt="", prompt_ids=(), token_ids=(), raw=text,
        finish_reason=finish_reason, calls=(), complete=parsed.complete, parse_errors=parsed.errors, valid=True,
        error_type=None, error_detail="", seconds=0.0,
    )  # fmt: skip


def spoken(fmt, **answer):
    conversation = Conversation((Message("user", "And now?"), Message("assistant", **answer)), (tool_of(CALL),))
    return conversation, "".join(segment.text for segment in output(fmt, conversation))


@every_format
def test_an_output_ends_inside_a_call_only_where_one_was_begun(fmt):
    conversation, text = spoken(fmt, content=None, tool_calls=(CALL,))
    begun = text[: text.index("suburbs")]
    assert ending(row_of(fmt, begun, "length", conversation)) == "Cut by the token limit, inside a call."
    looping = row_of(fmt, begun, "length", conversation).model_copy(update={"finish_reason": "loop"})
    assert ending(looping) == "Cut because it repeats itself, inside a call."
    assert ending(row_of(fmt, begun, None, conversation)) == "Ends inside a call."
    assert ending(row_of(fmt, text, "stop", conversation)) == ""


@every_format
def test_words_that_the_token_limit_cut_end_inside_no_call(fmt):
    conversation, text = spoken(fmt, content="The weather in the city is fair.")
    begun = text[: text.index("city")]
    assert ending(row_of(fmt, begun, "length", conversation)) == "Cut by the token limit."
    assert ending(row_of(fmt, begun, "stop", conversation)) == ""


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS.values() if fmt.grammar.thought], ids=lambda fmt: fmt.name)
def test_a_thought_that_has_no_end_is_no_call(fmt):
    conversation, _ = spoken(fmt, content="It is fair.")
    thought = f"{fmt.grammar.thought.opener}It is"
    assert ending(row_of(fmt, thought, "stop", conversation)) == "Ends inside a thought."
    assert ending(row_of(fmt, thought, "length", conversation)) == "Cut by the token limit."


@pytest.mark.parametrize("category", CATEGORIES.values(), ids=CATEGORIES)
def test_what_is_expected_without_calls_is_what_the_category_asks_for(category):
    fmt = next(iter(FORMATS.values()))
    conversation, text = spoken(fmt, content="It is fair.")
    row = row_of(fmt, text, "stop", conversation).model_copy(update={"category": category.name})
    says = {"none": "no call: none of the tools fits", "some": "a call; the benchmark does not say which"}
    assert expected_text(row) == says.get(category.match, "no call")


def test_calls_read_like_calls() -> None:
    calls = [RowCall(name="f", arguments={"a": 1, "b": "é", "c": [True, None]}), RowCall(name="g", arguments={})]
    assert calls_text(calls) == 'f(a=1, b="é", c=[true, null])\ng()'
    assert calls_text([]) == calls_text(None) == ""


def test_values_read_as_people_write_them() -> None:
    assert [fact(x) for x in (True, None, 1234, 0.12345, "a")] == ["yes", "–", "1,234", "0.123", "a"]
    assert [fact(x) for x in ([], {}, [1, "b"], [[1]])] == ["none", "none", "1, b", "(1)"]
    found = {"examples": 1600, "read_back": 16, "warnings": {"the key parallel_tool_calls is not read": 2}}
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    assert "nested too deeply" in fact(deep)
    assert fact(found) == "examples: 1,600, read back: 16, warnings: (the key parallel_tool_calls is not read: 2)"
