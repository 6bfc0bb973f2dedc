"""FunctionGemma: results and answer in the calling turn, nothing in a turn that is still open, no thinking."""

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format

FORMAT = get_format("functiongemma")
ASK = Message("user", "q")
CALL = Message("assistant", "Sure.", tool_calls=(ToolCall("inc", {"n": 1, "A": None}, id="c0"),))
RESULT = Message("tool", "2", tool_call_id="c0")


def text(*messages, tools=(), **options):
    return FORMAT.render(Conversation(messages, tools), **options).text


def test_results_and_answer_go_on_in_the_calling_turn():
    parts = Message("tool", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], name="inc")
    assert text(ASK, CALL, RESULT, parts, Message("assistant", " Two. "), add_generation_prompt=True) == (
        "<bos><start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\n"
        "Sure.<start_function_call>call:inc{A:null,n:1}<end_function_call>"
        "<start_function_response>response:inc{value:<escape>2<escape>}<end_function_response>"
        "<start_function_response>response:inc{value:<escape>ab<escape>}<end_function_response>"
        "Two.<end_of_turn>\n<start_of_turn>model\n"
    )


@pytest.mark.parametrize("opened", [False, True])
def test_an_open_turn_gets_no_generation_prompt(opened):
    assert text(ASK, CALL, add_generation_prompt=opened).endswith("<end_function_call><start_function_response>")
    assert text(ASK, CALL, RESULT, add_generation_prompt=opened).endswith("<end_function_response>")


def test_the_model_says_its_words_its_calls_and_the_token_it_stops_at():
    segments = FORMAT.render(Conversation((ASK, CALL, RESULT, RESULT, Message("assistant", "Two.")))).segments
    assert "".join(segment.text for segment in segments if segment.supervised) == (
        "Sure.<start_function_call>call:inc{A:null,n:1}<end_function_call><start_function_response>Two.<end_of_turn>"
    )


def test_a_property_always_shows_a_description_and_is_never_dropped_for_its_name():
    properties = {"type": {"type": "string", "nullable": True}, "B": {"type": "object", "properties": {"x": {}}}}
    declared = text(ASK, tools=(Tool("f", None, {"type": "object", "properties": properties}),))
    assert declared.startswith(
        "<bos><start_of_turn>developer\n<start_function_declaration>declaration:f{description:<escape><escape>,"
        "parameters:{properties:{B:{description:<escape><escape>,properties:{x:{description:<escape><escape>,"
        "type:<escape><escape>}},type:<escape>OBJECT<escape>},type:{description:<escape><escape>,"
        "type:<escape>STRING<escape>}},type:<escape>OBJECT<escape>}}<end_function_declaration><end_of_turn>\n"
    )


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ((ASK, Message("system", "late")), "messages[1]"),
        ((ASK, CALL, ASK), "messages[2]"),
        ((ASK, CALL, Message("assistant", "Two.")), "messages[2]"),
        ((ASK, CALL, RESULT, ASK), "messages[3]"),
        ((ASK, RESULT), "messages[1]"),
        ((ASK, CALL, Message("tool", "2")), "messages[2]"),
        ((ASK, Message("assistant", "x", reasoning="hm")), "messages[1]"),
        ((ASK, Message("assistant", "say <start_function_response>")), "messages[1].content"),
        ((ASK, CALL, Message("tool", "a<escape>b", tool_call_id="c0")), "messages[2].content"),
    ],
)
def test_what_cannot_be_said_is_refused_by_place(messages, named):
    with pytest.raises(FormatError) as caught:
        text(*messages)
    assert named in str(caught.value)


def test_thinking_is_refused():
    with pytest.raises(FormatError, match="thinking"):
        text(ASK, thinking=True)
