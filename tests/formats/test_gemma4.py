"""Gemma 4: what its template drops, misplaces or glues is reproduced with a warning; thoughts; who says which token."""

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.openai import read_conversation
from callwright.tokens import Segment

FORMAT = get_format("gemma4")
ASK = Message("user", "q")
CALL = Message("assistant", tool_calls=(ToolCall("inc", {"n": 1}, id="c0"),))
RESULT = Message("tool", "2", tool_call_id="c0")


def text(*messages, fmt=FORMAT, tools=(), **options):
    return fmt.render(Conversation(messages, tools), **options).text


def warned(*messages, **options):
    """The rendered text, which must come with exactly one warning, and that warning."""
    rendered = FORMAT.render(Conversation(messages), **options)
    [warning] = rendered.warnings
    return rendered.text, warning


def supervised(*messages, **options):
    segments = FORMAT.render(Conversation(messages), **options).segments
    return "".join(segment.text for segment in segments if segment.supervised)


def test_a_whole_conversation_needs_no_warning():
    rendered = FORMAT.render(
        Conversation((Message("system", " s "), ASK, CALL, RESULT, Message("assistant", "Two."), ASK))
    )
    assert rendered.text == (
        "<bos><|turn>system\ns<turn|>\n<|turn>user\nq<turn|>\n<|turn>model\n<|tool_call>call:inc{n:1}<tool_call|>"
        '<|tool_response>response:inc{value:<|"|>2<|"|>}<tool_response|>Two.<turn|>\n<|turn>user\nq<turn|>\n'
    )
    assert rendered.warnings == ()


@pytest.mark.parametrize(
    ("messages", "ending", "named"),
    [
        (
            (ASK, Message("assistant", "Wait.", tool_calls=CALL.tool_calls), RESULT),
            "<tool_response|>Wait.<turn|>\n",
            "messages[1].content, said before the calls",
        ),
        (
            (ASK, Message("assistant", "Wait.", tool_calls=CALL.tool_calls), RESULT, Message("assistant", "Two.")),
            "<tool_response|>Wait.Two.<turn|>\n",
            "messages[1].content, said before the calls",
        ),
        (
            (ASK, Message("assistant", "a"), Message("assistant", "b")),
            "model\nab<turn|>\n",
            "messages[2].content is glued",
        ),
        (
            (ASK, RESULT),
            "q<turn|>\n<|turn>model\n<|channel>thought\n<channel|>",
            "messages[1], a result that follows no",
        ),
        ((ASK, CALL, ASK, ASK), "<|tool_response><|turn>user\nq<turn|>\n", "messages[1].tool_calls are never answered"),
        ((ASK, CALL, Message("tool", 5)), "response:unknown{value:5}<tool_response|>", "messages[2], a result without"),
        (
            (ASK, Message("assistant", "a<|channel>x<channel|>b"), ASK),
            "model\nab<turn|>\n",
            "messages[1].content loses",
        ),
    ],
)
def test_what_the_template_drops_or_misplaces_comes_with_a_warning(messages, ending, named):
    rendered, warning = warned(*messages, add_generation_prompt=True)
    assert ending in rendered
    assert named in warning


def test_without_ids_all_results_of_a_round_are_named_after_its_last_call():
    calls = Message("assistant", tool_calls=(ToolCall("inc", {}), ToolCall("dbl", {})))
    rendered, warning = warned(ASK, calls, Message("tool", "1", name="inc"), Message("tool", "2", name="dbl"))
    assert rendered.count("response:dbl{") == 2
    assert "messages[2]" in warning


def test_an_id_beats_a_name():
    assert "response:inc{" in text(ASK, CALL, Message("tool", "2", name="other", tool_call_id="c0"))


@pytest.mark.parametrize(
    ("content", "printed"),
    [
        ({"b": 1, "A": [None]}, "{A:[null],b:1}"),
        ({}, "{}"),
        (16.0, "{value:16.0}"),
        (None, "{value:null}"),
        ([{"type": "text", "text": "a "}, {"type": "text", "text": "b"}], '{value:<|"|>a b<|"|>}'),
        ([{"kind": "x"}], '{value:[{kind:<|"|>x<|"|>}]}'),
        ({"10:30": 5}, "{10:30:5}"),
    ],
)
def test_a_result_shows_its_keys_or_stands_under_value(content, printed):
    assert f"response:inc{printed}<tool_response|>" in text(ASK, CALL, Message("tool", content, tool_call_id="c0"))


def test_results_on_the_calling_message_render_like_results_of_their_own():
    calls = [{"id": "c0", "type": "function", "function": {"name": "inc", "arguments": {"n": 1}}}]
    record = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": calls, "tool_responses": [{"name": "inc", "response": {"n": 2}}]},
    ]
    assert text(*read_conversation({"messages": record}).messages) == text(
        ASK, CALL, Message("tool", {"n": 2}, name="inc")
    )


@pytest.mark.parametrize("variant", ["31b", "e2b"])
def test_only_31b_closes_an_empty_thought_before_an_answer_without_thinking(variant):
    fmt = get_format("gemma4", variant)
    tail = {
        thinking: text(ASK, fmt=fmt, add_generation_prompt=True, thinking=thinking).partition("model\n")[2]
        for thinking in (None, False, True)
    }
    empty = "<|channel>thought\n<channel|>" if variant == "31b" else ""
    assert tail == {None: empty, False: empty, True: ""}
    for thinking, opened in ((True, "<|channel>thought\n"), (False, ""), (None, "")):
        prompt = text(ASK, CALL, RESULT, fmt=fmt, add_generation_prompt=True, thinking=thinking)
        assert prompt.endswith(f"<tool_response|>{opened}")


def test_a_prompt_that_opens_a_thought_begins_reading_inside_it():
    prompt = text(ASK, CALL, RESULT, add_generation_prompt=True, thinking=True)
    parsed = FORMAT.parse("so\nit is 2\n<channel|>Two.<turn|>", generation_prompt=prompt)
    assert (parsed.reasoning, parsed.content, parsed.complete) == ("so\nit is 2", "Two.", True)
    assert not FORMAT.parse("so it is", generation_prompt=prompt).complete
    closed = text(ASK, add_generation_prompt=True)
    assert FORMAT.parse("Two.", generation_prompt=closed).content == "Two."


def test_a_thought_is_kept_only_after_the_last_user_message():
    old, new = Message("assistant", "a", reasoning="old"), Message("assistant", "b", reasoning=" new ")
    rendered = text(ASK, old, ASK, new)
    assert "old" not in rendered
    assert "model\n<|channel>thought\n new \n<channel|>b<turn|>" in rendered


def test_the_model_says_its_thought_its_calls_and_the_token_it_stops_at():
    thought = Message("assistant", reasoning="hm", tool_calls=CALL.tool_calls)
    assert supervised(ASK, thought, RESULT, RESULT, Message("assistant", "Two.")) == (
        "<|channel>thought\nhm\n<channel|><|tool_call>call:inc{n:1}<tool_call|><|tool_response>Two.<turn|>"
    )


def test_a_thought_that_the_prompt_opens_is_not_opened_by_the_model():
    answer = Message("assistant", "Two.", reasoning="hm")
    assert supervised(ASK, CALL, RESULT, answer, thinking=True).endswith("<|tool_response>hm\n<channel|>Two.<turn|>")
    assert "<|channel>thought\nhm" in supervised(ASK, CALL, RESULT, answer)


def test_words_that_the_template_moves_behind_results_are_not_trained():
    calling = Message("assistant", "Wait.", tool_calls=CALL.tool_calls)
    assert warned(ASK, calling, RESULT)
    assert "Wait." not in supervised(ASK, calling, RESULT)


def test_markers_written_by_others_are_text():
    hostile = "".join(control for control in FORMAT.special_tokens if control != '<|"|>')
    tool = Tool("f", hostile, {"type": "object", "properties": {"a": {"type": "string", "description": hostile}}})
    result = Message("tool", {"k": hostile}, tool_call_id="c0")
    conversation = Conversation((Message("system", hostile), Message("user", hostile), CALL, result), (tool,))
    segments = FORMAT.render(conversation).segments
    assert sum(segment.text.count(hostile) for segment in segments if not segment.control) == 5
    assert all(segment.text in FORMAT.special_tokens for segment in segments if segment.control)


def test_spelled_markers_are_no_markers_where_control_tokens_are_known():
    parsed = FORMAT.parse([Segment("<|tool_call>call:f{}<tool_call|>"), Segment("<turn|>", control=True)])
    assert (parsed.content, parsed.tool_calls, parsed.errors) == ("<|tool_call>call:f{}<tool_call|>", (), ())


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ((Message("assistant", "see <|tool_call>"),), "messages[0].content"),
        ((Message("assistant", "end <turn|>"),), "messages[0].content"),
        ((Message("assistant", "x", reasoning="a<channel|>b"),), "messages[0].reasoning"),
        ((Message("user", ["parts"]),), "messages[0].content"),
        ((ASK, CALL, Message("tool", 'a<|"|>b', tool_call_id="c0")), "messages[2].content"),
        ((ASK, CALL, Message("tool", [{"type": "image"}], tool_call_id="c0")), "messages[2].content"),
    ],
)
def test_what_cannot_be_said_is_refused_by_place(messages, named):
    with pytest.raises(FormatError) as caught:
        text(*messages)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object", "properties": {"a": {"type": "string", "description": 'say <|"|>'}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": 5}}}},
        {"type": "object", "properties": ["a"]},
    ],
)
def test_a_schema_that_cannot_be_declared_is_refused_by_place(parameters):
    with pytest.raises(FormatError, match=r"tools\[0\]"):
        text(ASK, tools=(Tool("f", "d", parameters),))


def test_a_schema_without_end_is_refused():
    endless: dict = {"type": "object"}
    endless["properties"] = {"again": endless}
    with pytest.raises(FormatError, match=r"tools\[0\]"):
        text(ASK, tools=(Tool("f", "d", endless),))


@pytest.mark.parametrize(
    ("schema", "printed"),
    [
        ({"description": "", "type": "string", "enum": []}, '{type:<|"|>STRING<|"|>}'),
        ({"enum": [1], "type": "integer", "default": 5}, '{type:<|"|>INTEGER<|"|>}'),
        ({"anyOf": [{"type": "string"}]}, '{type:<|"|><|"|>}'),
        ({"type": ["null", "object"]}, "{type:<|\"|>['NULL', 'OBJECT']<|\"|>}"),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "title": "t"},
            '{properties:{additionalProperties:{type:<|"|>STRING<|"|>},title:{type:<|"|><|"|>}},type:<|"|>OBJECT<|"|>}',
        ),
        (
            {"type": "array", "items": {"type": "object", "properties": {"type": {"type": "string"}}, "minItems": 1}},
            '{items:{minItems:1,properties:{type:{type:<|"|>STRING<|"|>}},type:<|"|>OBJECT<|"|>},type:<|"|>ARRAY<|"|>}',
        ),
    ],
)
def test_a_property_shows_what_the_template_lets_through(schema, printed):
    tool = Tool("f", "d", {"type": "object", "properties": {"p": schema}})
    assert f"properties:{{p:{printed}}},type:" in text(ASK, tools=(tool,))
