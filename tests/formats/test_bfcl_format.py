"""The bfcl format writes the leaderboard's own prompt, and reads calls strictly where its decoder forgives."""

import json

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.bfcl import PROMPT, BfclFormat

FORMAT = BfclFormat()
FUNCTION = {"name": "a.b", "description": "Größe", "parameters": {"type": "dict", "properties": {}, "required": []}}


def text(*messages, tools=(), **options):
    return FORMAT.render(Conversation(messages, tools), **options).text


def test_the_prompt_is_the_leaderboards_with_functions_as_they_were_given():
    tool = Tool("a.b", "Größe", {"type": "object"}, given=FUNCTION)
    assert text(Message("user", " How? "), tools=(tool,), add_generation_prompt=True) == (
        f"<bos><start_of_turn>user\n{PROMPT}{json.dumps([FUNCTION], indent=4)}\n\nHow?<end_of_turn>\n"
        "<start_of_turn>model\n"
    )
    assert "functions.You are given" in PROMPT
    assert "func_name2(params)].  You SHOULD" in PROMPT


def test_system_text_follows_the_prompt():
    prompt = text(Message("system", " Be brief. "), Message("user", "x"), tools=(Tool("f"),))
    assert "\n]\n\n\n Be brief.\n\nx<end_of_turn>" in prompt
    assert text(Message("system", " Be brief. "), Message("user", "x")) == (
        "<bos><start_of_turn>user\nBe brief.\n\nx<end_of_turn>\n"
    )


def test_calls_and_results_in_order():
    calls = (ToolCall("f", {"a": 1}), ToolCall("g", {"b": "x"}))
    results = (Message("tool", {"r": 1}, name="f"), Message("tool", " ok ", name="g"))
    assert text(Message("assistant", tool_calls=calls), *results) == (
        '<bos><start_of_turn>model\n[f(a=1), g(b="x")]<end_of_turn>\n'
        '<start_of_turn>tool\n{"r": 1}<end_of_turn>\n<start_of_turn>tool\nok<end_of_turn>\n'
    )


@pytest.mark.parametrize(
    "raw", ["[f(a=2*3)]", "[f(a=true)]", "[f(1)]", "[f(a=g(x=1))]", "[f(a=__import__('os').getpid())]"]
)
def test_what_the_leaderboard_computes_or_guesses_is_an_error_here(raw):
    parsed = FORMAT.parse(raw)
    assert (parsed.content, parsed.tool_calls, len(parsed.errors)) == (raw, (), 1)


def test_words_beside_calls_are_refused():
    with pytest.raises(FormatError, match=r"messages\[0\]\.content"):
        text(Message("assistant", "words", tool_calls=(ToolCall("f"),)))
