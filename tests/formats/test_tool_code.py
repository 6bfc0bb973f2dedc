"""The tool_code format reads calls in blocks that begin a line, and takes backticks elsewhere for what they are."""

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.tool_code import ToolCodeFormat

FORMAT = ToolCodeFormat()


def test_a_whole_conversation_renders_to_these_bytes():
    conversation = Conversation(
        (
            Message("system", "Be brief."),
            Message("user", "Weather?"),
            Message(
                "assistant",
                "Looking.",
                tool_calls=(
                    ToolCall("w.now", {"city": 'O"slo', "ok": None}, id="a"),
                    ToolCall("f", {"x": [1, 1.0]}, id="b"),
                ),
            ),
            Message("tool", {"c": 21.0}, tool_call_id="a"),
            Message("tool", "rain", name="f"),
            Message("assistant", "21 and rain."),
        ),
        (Tool("f", "Does.", {"properties": {"x": {"description": "X", "type": "array", "minItems": 1}}}),),
    )
    assert FORMAT.render(conversation, add_generation_prompt=True).text == (
        "<bos><start_of_turn>user\n"
        '```tools\n[{"name": "f", "description": "Does.", "parameters": {"type": "object", '
        '"properties": {"x": {"type": "array", "description": "X"}}}}]\n```\n\nBe brief.\n\nWeather?<end_of_turn>\n'
        "<start_of_turn>model\nLooking.\n"
        '```tool_code\nw.now(city="O\\"slo", ok=None)\nf(x=[1, 1.0])\n```<end_of_turn>\n'
        "<start_of_turn>user\n"
        '```tool_output\n{"name": "w.now", "result": {"c": 21.0}}\n```\n'
        '```tool_output\n{"name": "f", "result": "rain"}\n```<end_of_turn>\n'
        "<start_of_turn>model\n21 and rain.<end_of_turn>\n<start_of_turn>model\n"
    )


@pytest.mark.parametrize(
    ("raw", "content", "names", "complete", "errors"),
    [
        ("```tool_code\nf()\n```", None, ["f"], True, 0),
        ("  \n```tool_code\nf()\n```", None, ["f"], True, 0),
        ("ok\n```tool_code\nf(a='```')\ng()\n```\nbye", "ok\nbye", ["f", "g"], True, 0),
        ("```tool_code \r\n\n f(a=1)\n\n g(\n b=2,\n)\n```", None, ["f", "g"], True, 0),
        ("```tool_code\nf()\n```\n```tool_code\ng()\n```", None, ["f", "g"], True, 0),
        ("```tool_code\nf()\n", None, ["f"], False, 1),
        ("```tool_code\nf()", None, [], False, 1),
        ("ok\n```tool_code\nf()\ng(a='", "ok", ["f"], False, 1),
        ("```tool_code", None, [], False, 1),
        ("say ```tool_code\nf()\n```", ..., [], True, 0),
        ("```tool_codes\nf()\n```", ..., [], True, 0),
        ("```python\nf()\n```", ..., [], True, 0),
        ("a\n```tool_code\nf(1)\n``` b", ..., [], True, 1),
        ("```tool_code\nf() g()\n```", ..., [], True, 1),
        ("```tool_code\nprint(f())\n```", ..., [], True, 1),
        ("```tool_code\n[f()]\n```", ..., [], True, 1),
        ("```tool_code\n```", ..., [], True, 1),
        ("```tool_code\nimport os\n```", ..., [], True, 1),
    ],
)
def test_a_call_is_taken_only_from_a_whole_block(raw, content, names, complete, errors):
    parsed = FORMAT.parse(raw)
    assert parsed.content == (raw if content is ... else content)
    assert [call.name for call in parsed.tool_calls] == names
    assert parsed.complete is complete
    assert len(parsed.errors) == errors


@pytest.mark.parametrize(
    ("raw", "repair"),
    [
        ("```tool_code\nprint(f(a=1))\n```", "print(...) around a call left out"),
        ("```tool_code\n# look it up\nf(a=1)\n```", "a comment left out"),
        ("```tool_code\n[f(a=1)]\n```", "a list of calls on one line"),
        ("```tool_code\nf(a=1)\n", "a missing ```"),
    ],
)
def test_lenient_reading_names_what_it_mended(raw, repair):
    parsed = FORMAT.parse(raw, lenient=True, finish_reason="stop")
    assert parsed.tool_calls == (ToolCall("f", {"a": 1}),)
    assert [found.message for found in parsed.repairs] == [repair]
    assert parsed.complete


@pytest.mark.parametrize("content", ["```tool_code\nf()\n```", "see\n```tool_code", " \n```tool_code"])
def test_words_that_would_open_a_block_are_refused_by_place(content):
    with pytest.raises(FormatError, match=r"messages\[0\]\.content"):
        FORMAT.render(Conversation((Message("assistant", content),)))


def test_backticks_that_open_no_block_are_said():
    words = "Use ```tool_code in a line, or\n```python\nx\n```"
    segments = FORMAT.render(Conversation((Message("assistant", words, tool_calls=(ToolCall("f"),)),))).segments
    parsed = FORMAT.parse([segment for segment in segments if segment.supervised])
    assert (parsed.content, parsed.tool_calls) == (words, (ToolCall("f"),))
