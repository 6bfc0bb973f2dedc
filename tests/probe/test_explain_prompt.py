"""A prompt that is another than the one expected is put down to what was done to it, and to nothing else."""

import json
import re
from dataclasses import replace

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.formats import get_format
from callwright.instruments.vocabulary import Vocabulary
from callwright.probe.causes.registry import Cause
from callwright.probe.causes.search import explain_prompt
from callwright.probe.prompt import RenderedRequest, pieces_of

FORM = get_format("qwen25")
VOCABULARY = Vocabulary(FORM)
TOOLS = (
    Tool(
        "look",
        "Looks <b>& sees</b>.",
        {"type": "object", "properties": {"what": {"type": "string", "minLength": 2, "default": None}}},
    ),
    Tool("go", None, {"type": "object", "properties": {}}),
)
CALL = ToolCall("look", {"what": 'a "b"', "at": 1.0, "for": None}, id="call00001")
RESULT = '{"seen": [1, 2.0], "by": "Zoë"}'
TALK = Conversation(
    (
        Message("user", "Look. <|im_end|>"),
        Message("assistant", "I will.", tool_calls=(CALL,)),
        Message("tool", RESULT, name="look", tool_call_id="call00001"),
    ),
    TOOLS,
)

PARALLEL = Conversation(
    (
        Message("user", "Look twice."),
        Message("assistant", tool_calls=(CALL, ToolCall("go", {"far": 12345678901234567}, id="call00002"))),
        Message("tool", "Rain.", name="look", tool_call_id="call00001"),
        Message("tool", "Gone.", name="go", tool_call_id="call00002"),
        Message("assistant", tool_calls=(ToolCall("look", {}, id="call00003"),)),
        Message("tool", "Snow.", name="look", tool_call_id="call00003"),
    ),
    (*TOOLS, Tool("stay", "Stays.", {"type": "object", "properties": {}})),
)
"""Two rounds of calls, the first of two."""
FIRST, SECOND = PARALLEL.messages[1].tool_calls


def pieces(text_or_talk, **options):
    """A prompt: of a conversation, or of text in which every control token is one."""
    if isinstance(text_or_talk, Conversation):
        return RenderedRequest(FORM, VOCABULARY, text_or_talk).pieces(**options)
    return tuple(VOCABULARY.cut(text_or_talk))


def edited(*changes):
    """The prompt of TALK with parts of its texts replaced, control tokens as they are."""
    seen = pieces(TALK)
    for old, new in changes:
        assert any(old in text for text, _ in seen)
        seen = tuple((text if control else text.replace(old, new), control) for text, control in seen)
    return seen


def causes(seen, talk=TALK, **options):
    return explain_prompt(RenderedRequest(FORM, VOCABULARY, talk), seen, **options)


def without(*stopped, **changes):
    """The messages of PARALLEL without those at these places, and others, `m1` for that at place 1, changed."""
    changed = (replace(one, **changes.get(f"m{place}", {})) for place, one in enumerate(PARALLEL.messages))
    return replace(PARALLEL, messages=tuple(one for place, one in enumerate(changed) if place not in stopped))


def with_result(content):
    return replace(TALK, messages=(*TALK.messages[:-1], replace(TALK.messages[-1], content=content)))


def with_call(arguments):
    first, second, *rest = TALK.messages
    return replace(TALK, messages=(first, replace(second, tool_calls=(replace(CALL, arguments=arguments),)), *rest))


def test_the_prompt_expected_has_no_cause():
    assert causes(pieces(TALK)) == ()


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "result-lost"),
        (RESULT[:9], "result-cut"),
        (json.dumps(RESULT), "result-rewritten"),
        (RESULT.replace(" ", ""), "result-rewritten"),
        ('{"by": "Zoë", "seen": [1, 2.0]}', "result-rewritten"),
        (RESULT.replace("2.0", "2"), "result-rewritten"),
        (RESULT.replace("2.0", '"2.0"'), "result-rewritten"),
        (RESULT.replace("ë", "\\u00eb"), "unicode-escaped"),
    ],
)
def test_what_becomes_of_a_result_is_not_put_down_to_the_call(content, cause):
    assert causes(pieces(with_result(content))) == (cause,)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (('"at": 1.0', '"at": 1'), "number-rewritten"),
        (('"for": null', '"for": None'), "null-as-text"),
        (('{"what": "a \\"b\\"", "at": 1.0', '{"at": 1.0, "what": "a \\"b\\""'), "arguments-resorted"),
        (
            (json.dumps(dict(CALL.arguments)), json.dumps(json.dumps(dict(CALL.arguments)))),
            "arguments-double-encoded",
        ),
        (("<b>& sees</b>", "\\u003cb\\u003e\\u0026 sees\\u003c/b\\u003e"), "html-escaped"),
        (("<b>& sees</b>", "&lt;b&gt;&amp; sees&lt;/b&gt;"), "html-escaped"),
        ((', "minLength": 2, "default": null', ""), "tool-keys-lost"),
        (('"name": "go", ', '"name": "go", "description": "", '), "tools-rewritten"),
        (('"name": "go", ', '"name": "go", "description": null, '), "tools-rewritten"),
        (("I will.\n", "I will.\n\n"), "whitespace-in-prompt"),
        (("I will.", "I shall."), Cause.UNEXPLAINED),
    ],
)
def test_an_edit_of_the_prompt_is_named(change, cause):
    assert causes(edited(change)) == (cause,)


@pytest.mark.parametrize(
    ("lossy", "cause"),
    [
        (without(2), "result-lost"),
        (without(3), "result-lost"),
        (without(m2={"content": ""}), "result-lost"),
        (without(m5={"content": ""}), "result-lost"),
        (without(m2={"content": "Snow."}), "result-lost"),
        (without(m3={"content": "Rain."}), "result-lost"),
        (without(m1={"tool_calls": (FIRST,)}), "calls-lost-from-history"),
        (without(m1={"tool_calls": (SECOND,)}), "calls-lost-from-history"),
        (without(m1={"tool_calls": (), "content": ""}), "calls-lost-from-history"),
        (without(1), "calls-lost-from-history"),
        (without(4), "calls-lost-from-history"),
        (replace(PARALLEL, tools=PARALLEL.tools[1:]), "tools-dropped"),
        (replace(PARALLEL, tools=PARALLEL.tools[::2]), "tools-dropped"),
        (replace(PARALLEL, tools=PARALLEL.tools[:2]), "tools-dropped"),
        (replace(PARALLEL, tools=PARALLEL.tools[2:]), "tools-dropped"),  # though earlier calls name the others
        (without(m2={"content": "Sun."}), Cause.UNEXPLAINED),
    ],
)
def test_what_is_lost_in_part(lossy, cause):
    assert causes(pieces(lossy), PARALLEL) == (cause,)


def test_several_tools_lost_that_nothing_else_names():
    tools = [Tool(name, None, {"type": "object", "properties": {}}) for name in ("one", "two", "three", "four", "five")]
    talk = Conversation((Message("user", "Hi."),), tuple(tools))
    assert causes(pieces(replace(talk, tools=talk.tools[3:])), talk) == ("tools-dropped",)


@pytest.mark.parametrize("name", ["qwen3", "mistral/v13"])
@pytest.mark.parametrize(
    ("ours", "theirs", "cause"),
    [
        ({"id": 12345678901234567}, {"id": "12345678901234567"}, "number-rewritten"),
        ({"id": [1.5, {"at": -1}]}, {"id": ["1.5", {"at": "-1"}]}, "number-rewritten"),
        ({"id": "7", "at": 1}, {"id": 7, "at": 1}, "number-rewritten"),
        ({"id": 7, "at": "b"}, {"at": "b", "id": 7}, "arguments-resorted"),
        ({"id": "b 7"}, {"id": "b 8"}, Cause.UNEXPLAINED),
    ],
)
def test_a_number_that_became_a_string_is_not_another_order(name, ours, theirs, cause):
    fmt = get_format(name)
    asked, other = (RenderedRequest(fmt, Vocabulary(fmt), with_call(arguments)) for arguments in (ours, theirs))
    assert explain_prompt(asked, other.pieces()) == (cause,)


def test_two_things_at_once_are_both_named():
    seen = edited(('"at": 1.0', '"at": 1'), ('"name": "go", ', '"name": "go", "description": "", '))
    assert set(causes(seen)) == {"number-rewritten", "tools-rewritten"}


def test_a_prompt_without_tools_is_not_one_with_a_system_prompt_added():
    seen = edited(("You may call one or more functions", "You must call one or more functions"))
    assert causes(seen) == (Cause.UNEXPLAINED,)


def test_tools_in_another_order():
    seen = pieces(replace(TALK, tools=TOOLS[::-1]))
    assert causes(seen) == ("tools-rewritten",)


def test_keys_of_a_parameter_in_the_order_of_a_map():
    fmt = get_format("qwen3-xml")
    many = Tool(
        "look",
        "Looks.",
        {
            "type": "object",
            "properties": {
                "at": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
                "what": {"type": "string", "description": "Of all.", "enum": ["a", "b"]},
            },
        },
    )
    asked = RenderedRequest(fmt, Vocabulary(fmt), Conversation((Message("user", "Look."),), (many,)))
    keys = '<properties>{"x": {"type": "integer"}}</properties>', '<required>["x"]</required>'
    shuffled = [(text.replace("\n".join(keys), "\n".join(keys[::-1])), control) for text, control in asked.pieces()]
    assert tuple(shuffled) != asked.pieces()
    assert explain_prompt(asked, tuple(shuffled), target="Ollama") == ("tools-rewritten",)
    other = [(text.replace('["x"]', '["y"]'), control) for text, control in shuffled]
    assert explain_prompt(asked, tuple(other), target="Ollama") == (Cause.UNEXPLAINED,)


def test_what_only_ollama_does_is_looked_for_at_ollama_only():
    fmt = get_format("functiongemma")
    asked = RenderedRequest(fmt, Vocabulary(fmt), TALK)
    seen = tuple((re.sub(r"^(response:\w+\{)value:", r"\1", text), special) for text, special in asked.pieces())
    assert seen != asked.pieces()
    assert explain_prompt(asked, seen, target="Ollama") == ("result-rewritten",)
    assert explain_prompt(asked, seen, target="llama.cpp") == (Cause.UNEXPLAINED,)


def test_text_that_becomes_a_control_token_and_the_reverse():
    parsed = tuple(VOCABULARY.cut("".join(text for text, _ in pieces(TALK))))
    assert causes(parsed) == ("control-token-injection",)
    assert causes(pieces_of(VOCABULARY, [])) == (Cause.UNEXPLAINED,)
    first, *rest = pieces(TALK)
    assert causes(((first[0], False), *rest)) == ("control-token-as-text",)


def test_a_turn_that_is_not_opened_and_one_that_is_not_closed():
    talk = replace(TALK, messages=(Message("user", "Hi."), Message("assistant", "Hel")), tools=())
    closed = pieces(talk, generation_prompt=False)
    assert causes(closed, talk) == ("generation-prompt-missing",)
    assert causes(closed[:-2], talk) == ("assistant-continued",)


def test_a_system_prompt_lost_added_or_squeezed_out():
    guided = replace(TALK, messages=(Message("system", "Be brief."), *TALK.messages))
    assert causes(pieces(TALK), guided) == ("system-lost",)
    silent = Conversation((Message("user", "Hi."),))
    assert causes(pieces(replace(silent, messages=(Message("system", "Obey."), *silent.messages))), silent) == (
        "system-injected",
    )


@pytest.mark.parametrize(
    ("system", "cause"),
    [
        ("Be brief.\n\nToday is Monday.", "system-injected"),
        ("Today is Monday.\n\nBe brief.", "system-injected"),
        ("\nBe brief.", "whitespace-in-prompt"),
        ("Be very brief.", Cause.UNEXPLAINED),
    ],
)
def test_text_beside_a_system_prompt(system, cause):
    ours, theirs = (
        replace(TALK, messages=(Message("system", content), *TALK.messages)) for content in ("Be brief.", system)
    )
    assert causes(pieces(theirs), ours) == (cause,)


def test_the_hole_of_a_dropped_system_prompt_is_not_filled_with_any_text():
    ours, theirs = (
        Conversation((Message("system", content), Message("user", "Hi."), Message("user", "So?")))
        for content in ("Be brief.", "Be very brief.")
    )
    assert causes(pieces(theirs), ours) == (Cause.UNEXPLAINED,)


def test_a_prompt_cut_in_a_message_is_only_thought_of_where_it_does_not_fit():
    whole = pieces(TALK)
    seen = (*whole[:2], *whole[-3:])
    assert causes(seen) == (Cause.UNEXPLAINED,)
    assert causes(seen, in_context=True) == ("prompt-cut",)


def test_an_answer_begun_by_the_user_behind_an_empty_thought():
    fmt = get_format("gemma4/31b")
    vocabulary = Vocabulary(fmt)
    asked = RenderedRequest(fmt, vocabulary, Conversation((Message("user", "Hi."), Message("assistant", "Hel"))))
    opened = RenderedRequest(fmt, vocabulary, Conversation(asked.conversation.messages[:1]), thinking=True).pieces()
    empty = tuple(vocabulary.cut("<|channel>thought\n<channel|>Hel"))
    seen = pieces_of(vocabulary, [])
    for text, control in (*opened, *empty):
        seen = (
            (*seen[:-1], (seen[-1][0] + text, False))
            if seen and not control and not seen[-1][1]
            else (*seen, (text, control))
        )
    assert explain_prompt(asked, seen) == ("thinking-default", "assistant-continued")


def test_results_that_are_given_the_names_of_calls_in_their_order():
    fmt = get_format("gemma4/31b")
    calls = (ToolCall("look", {}, id="a"), ToolCall("go", {}, id="b"))
    results = (Message("tool", "Gone.", tool_call_id="b"), Message("tool", "Seen.", tool_call_id="a"))
    talk = Conversation((Message("user", "Hi."), Message("assistant", tool_calls=calls), *results), TOOLS)
    asked = RenderedRequest(fmt, Vocabulary(fmt), talk)
    seen = tuple(
        (
            text.replace("response:go", "\0").replace("response:look", "response:go").replace("\0", "response:look"),
            control,
        )
        for text, control in asked.pieces()
    )
    assert seen != asked.pieces()
    assert explain_prompt(asked, seen) == ("results-swapped",)
