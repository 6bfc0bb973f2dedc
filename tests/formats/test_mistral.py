"""Mistral's three variants print what the published templates print, and read what their models say."""

import json

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.tokens import Segment

TOOL = Tool("f", "Does it.", {"type": "object", "properties": {}})
PRINTED = (
    '[{"type": "function", "function": {"name": "f", "description": "Does it.", '
    '"parameters": {"type": "object", "properties": {}}}}]'
)
SYSTEM, ASK = Message("system", "Be brief."), Message("user", "Go.")
CALLS = (ToolCall("f", {"a": 1.0}, id="abcdefgh1"), ToolCall("g", {}, id="abcdefgh2"))
CALLING = Message("assistant", tool_calls=CALLS)
RESULTS = (Message("tool", "é", tool_call_id="abcdefgh1"), Message("tool", {"b": None}, tool_call_id="abcdefgh2"))


def render(variant, *messages, tools=(TOOL,)):
    return get_format("mistral", variant).render(Conversation(messages, tools))


def text(variant, *messages, tools=(TOOL,)):
    return render(variant, *messages, tools=tools).text


@pytest.mark.parametrize(
    ("variant", "printed"),
    [
        (
            "v3",
            f"<s>[INST]Hi[/INST]Yes?</s>[AVAILABLE_TOOLS]{PRINTED}[/AVAILABLE_TOOLS][INST]Be brief.\n\nGo.[/INST]",
        ),
        (
            "v11",
            "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hi[/INST]Yes?</s>"
            f"[AVAILABLE_TOOLS]{PRINTED}[/AVAILABLE_TOOLS][INST]Go.[/INST]",
        ),
        (
            "v13",
            f"<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][AVAILABLE_TOOLS]{PRINTED}[/AVAILABLE_TOOLS]"
            "[INST]Hi[/INST]Yes?</s>[INST]Go.[/INST]",
        ),
    ],
)
def test_system_text_and_tools_stand_where_the_variant_wants_them(variant, printed):
    assert text(variant, SYSTEM, Message("user", "Hi"), Message("assistant", "Yes?"), ASK) == printed


@pytest.mark.parametrize(
    ("variant", "printed"),
    [
        (
            "v3",
            '[TOOL_CALLS][{"name": "f", "arguments": {"a": 1.0}, "id": "abcdefgh1"}, '
            '{"name": "g", "arguments": {}, "id": "abcdefgh2"}]</s>'
            '[TOOL_RESULTS]{"content": é, "call_id": "abcdefgh1"}[/TOOL_RESULTS]'
            '[TOOL_RESULTS]{"content": {\'b\': None}, "call_id": "abcdefgh2"}[/TOOL_RESULTS]',
        ),
        (
            "v11",
            '[TOOL_CALLS]f[CALL_ID]abcdefgh1[ARGS]{"a": 1.0}[TOOL_CALLS]g[CALL_ID]abcdefgh2[ARGS]{}</s>'
            "[TOOL_RESULTS]abcdefgh1[TOOL_CONTENT]é[/TOOL_RESULTS]"
            "[TOOL_RESULTS]abcdefgh2[TOOL_CONTENT]{'b': None}[/TOOL_RESULTS]",
        ),
        (
            "v13",
            '[TOOL_CALLS]f[ARGS]{"a": 1.0}[TOOL_CALLS]g[ARGS]{}</s>'
            "[TOOL_RESULTS]é[/TOOL_RESULTS][TOOL_RESULTS]{'b': None}[/TOOL_RESULTS]",
        ),
    ],
)
def test_calls_and_results_print_to_these_bytes(variant, printed):
    assert text(variant, ASK, CALLING, *RESULTS, tools=()) == f"<s>[INST]Go.[/INST]{printed}"


def test_reasoning_and_words_stand_beside_calls_in_v13():
    answer = Message("assistant", "Doing it.", reasoning="Hm.", tool_calls=CALLS[1:])
    assert text("v13", ASK, answer, tools=()).endswith("[/INST][THINK]Hm.[/THINK]Doing it.[TOOL_CALLS]g[ARGS]{}</s>")


@pytest.mark.parametrize("variant", ["v3", "v11", "v13"])
def test_the_whole_turn_of_the_model_is_trained_and_nothing_else(variant):
    segments = (
        get_format("mistral", variant)
        .render(Conversation((ASK, CALLING, *RESULTS, Message("assistant", "ok"))))
        .segments
    )
    supervised = "".join(segment.text for segment in segments if segment.supervised)
    assert supervised.startswith("[TOOL_CALLS]")
    assert supervised.endswith("</s>ok</s>")
    assert "RESULTS" not in supervised


@pytest.mark.parametrize(
    ("variant", "messages", "tools", "output"),
    [
        ("v3", (SYSTEM, ASK, Message("assistant", "ok")), (), "the system text in messages[0] is left out"),
        ("v3", (ASK, Message("assistant", "words", tool_calls=CALLS)), (), "messages[1].content is left out"),
        ("v11", (ASK, Message("assistant", "words", tool_calls=CALLS)), (), "messages[1].content is left out"),
        ("v3", (ASK,), (Tool("f", 'Says "hi".'),), "tools[0].description is printed unescaped"),
        ("v11", (ASK, Message("assistant", "ok"), ASK), (TOOL,), "the tools are printed before messages[0] too"),
        (
            "v11",
            (ASK, CALLING, Message("tool", {"content": "x", "b": 1}, tool_call_id="abcdefgh1")),
            (),
            "of messages[2].content only its own `content` is printed",
        ),
    ],
)
def test_what_the_published_template_misplaces_is_said(variant, messages, tools, output):
    assert output in render(variant, *messages, tools=tools).warnings[0]


def test_nothing_is_said_where_nothing_is_lost():
    for variant in ("v3", "v11", "v13"):
        messages = (SYSTEM, ASK, CALLING, *RESULTS, Message("assistant", "ok"), Message("user", "More."))
        assert render(variant, *messages).warnings == ()


@pytest.mark.parametrize(
    ("variants", "messages", "named"),
    [
        (("v3", "v11"), (ASK, Message("assistant", tool_calls=(ToolCall("f"),))), "messages[1].tool_calls[0].id"),
        (("v3", "v11"), (ASK, Message("assistant", tool_calls=(ToolCall("f", id="call_0001"),))), "tool_calls[0].id"),
        (("v3", "v11"), (ASK, CALLING, Message("tool", "x", tool_call_id="zbcdefgh1")), "messages[2].tool_call_id"),
        (("v13",), (ASK, CALLING, *reversed(RESULTS)), "messages[2]"),
        (("v13",), (ASK, Message("tool", "x")), "messages[1]"),
        (("v13",), (ASK, CALLING, *RESULTS, Message("tool", "x")), "messages[4]"),
        (("v13",), (ASK, Message("assistant")), "messages[1]"),
        (("v3", "v11"), (ASK, Message("assistant", "x", reasoning="hm")), "messages[1]"),
        (("v3", "v11", "v13"), (ASK, ASK), "messages[1].role"),
        (("v3", "v11", "v13"), (Message("assistant", "x"),), "messages[0].role"),
        (("v3", "v13"), (ASK, SYSTEM, ASK), "messages[1].role"),
        (("v3", "v11", "v13"), (ASK, Message("assistant", "see [TOOL_CALLS]")), "messages[1].content"),
        (("v13",), (ASK, Message("assistant", "x", reasoning="[/THINK]")), "messages[1].reasoning"),
        (("v11", "v13"), (ASK, Message("assistant", tool_calls=(ToolCall("a[ARGS]", {}, "abcdefgh1"),))), ".name"),
        (("v3", "v11", "v13"), (), "at least one message"),
        (("v3", "v11", "v13"), (Message("user"),), "messages[0].content"),
    ],
)
def test_what_cannot_be_said_is_refused_by_place(variants, messages, named):
    for variant in variants:
        with pytest.raises(FormatError) as caught:
            text(variant, *messages)
        assert named in str(caught.value)


@pytest.mark.parametrize(
    ("variant", "raw", "content", "calls", "complete", "errors"),
    [
        ("v3", '[TOOL_CALLS] [{"name": "f", "arguments": {"a": "[TOOL_CALLS]</s>"}}]', None, ["f"], True, 0),
        ("v3", '[TOOL_CALLS][{"name": "f", "arguments": {}}, {"name": "g", "argu', None, ["f"], False, 1),
        ("v3", '[TOOL_CALLS][{"name": "f", "arguments": {}}', None, ["f"], False, 1),
        ("v3", '[TOOL_CALLS][{"name": "f", "arguments": {}}, {"name": 1}]</s>', '{"name": 1}]', ["f"], True, 1),
        ("v3", "[TOOL_CALLS][]", ..., [], True, 1),
        ("v3", '[TOOL_CALLS]{"name": "f", "arguments": {}}', ..., [], True, 1),
        ("v3", '[TOOL_CALLS][{"name": "f", "arguments": {}, "id": "abcdefgh1"}]', None, ["f"], True, 0),
        ("v3", '[TOOL_CALLS][{"name": "f", "arguments": {}, "id": "call_1"}]', None, ["f"], True, 1),
        ("v11", '[TOOL_CALLS]f[CALL_ID]abcdefgh1[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}</s>', None, ["f", "g"], True, 0),
        ("v11", "[TOOL_CALLS]f[CALL_ID]1[ARGS]{}", None, ["f"], True, 1),
        ("v13", "Hm.[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]g[AR", "Hm.", ["f"], False, 1),
        ("v13", '[TOOL_CALLS]f[ARGS]{"a": "', None, [], False, 1),
        ("v13", "[TOOL_CALLS]f{}", ..., [], True, 1),
        ("v13", "[TOOL_CALLS]f[ARGS][1]", ..., [], True, 1),
        ("v13", "[TOOL_CALLS][ARGS]{}", ..., [], True, 1),
        ("v13", "[TOOL_CALLS]f[CALL_ID]abcdefgh1[ARGS]{}", ..., [], True, 1),
        ("v13", "[TOOL_CALLS]f[ARGS]{a}[TOOL_CALLS]g[ARGS]{}", "[TOOL_CALLS]f[ARGS]{a}", ["g"], True, 1),
        ("v13", "f[ARGS]{}", ..., [], True, 1),
    ],
)
def test_a_call_is_taken_when_its_json_is_whole(variant, raw, content, calls, complete, errors):
    parsed = get_format("mistral", variant).parse(raw)
    assert parsed.content == (raw if content is ... else content)
    assert [call.name for call in parsed.tool_calls] == calls
    assert parsed.complete is complete
    assert len(parsed.errors) == errors


def test_ids_are_read_where_the_variant_says_them():
    for variant in ("v3", "v11"):
        fmt = get_format("mistral", variant)
        output = [segment for segment in fmt.render(Conversation((ASK, CALLING))).segments if segment.supervised]
        assert fmt.parse(output).tool_calls == CALLS


@pytest.mark.parametrize(
    ("variant", "raw", "call"),
    [
        ("v3", '[TOOL_CALLS]{"name": "f", "arguments": {"a": 1}}', ToolCall("f", {"a": 1})),
        ("v3", "[TOOL_CALLS][{'name': 'f', 'parameters': {'a': True}}", ToolCall("f", {"a": True})),
        ("v3", '[TOOL_CALLS]f[ARGS]{"a": 1}', ToolCall("f", {"a": 1})),
        ("v11", '[TOOL_CALLS] f [ARGS] {"a": 1', ToolCall("f", {"a": 1})),
        ("v13", '[TOOL_CALLS]f{"a": 1}', ToolCall("f", {"a": 1})),
        ("v13", '[TOOL_CALLS]f[CALL_ID]abcdefgh1[ARGS]{"a": 1}', ToolCall("f", {"a": 1}, "abcdefgh1")),
        ("v13", '[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}}]', ToolCall("f", {"a": 1})),
    ],
)
def test_lenient_reading_takes_the_other_variants_spelling_and_says_so(variant, raw, call):
    fmt = get_format("mistral", variant)
    assert not fmt.parse(raw).tool_calls
    parsed = fmt.parse(raw, lenient=True, finish_reason="stop")
    assert parsed.tool_calls == (call,)
    assert len(parsed.repairs) == 1
    assert not parsed.errors


def test_markers_that_are_only_text_are_no_calls():
    raw = [Segment('Write [TOOL_CALLS]f[ARGS]{"a": 1}'), Segment("</s>", control=True)]
    for variant in ("v3", "v11", "v13"):
        parsed = get_format("mistral", variant).parse(raw)
        assert parsed.content == raw[0].text
        assert not parsed.tool_calls
        assert not parsed.errors


def test_a_tools_own_texts_are_raw_in_v3_and_json_elsewhere():
    tool = Tool("f", "é", given={"type": "function", "function": {"name": "f", "return": 1, "description": "é"}})
    assert '{"name": "f", "description": "é"}' in text("v3", ASK, tools=(tool,))
    whole = json.dumps([tool.given], ensure_ascii=False)
    assert all(whole in text(variant, ASK, tools=(tool,)) for variant in ("v11", "v13"))
