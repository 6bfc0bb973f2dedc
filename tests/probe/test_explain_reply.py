"""An answer that is not what the model said is put down to what was done to it, and to nothing else."""

import json
from dataclasses import replace

import pytest

from callwright.conversation import Conversation, Message, Tool
from callwright.engines.chat import ChatReply, RawToolCall
from callwright.formats import get_format
from callwright.probe.causes.output import ModelOutput, ScriptText, holds_other_output
from callwright.probe.causes.reply import explain_reply, explain_stream

FORM = get_format("qwen3")
TOOLS = (
    Tool("look", None, {"type": "object", "properties": {"what": {"type": "string"}, "at": {"type": "number"}}}),
    Tool("go", None, {"type": "object", "properties": {}}),
)
TALK = Conversation((Message("user", "Look."),), TOOLS)


def words(*calls):
    return "\n".join(f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>" for call in calls)


def call(name="look", **arguments):
    return {"name": name, "arguments": arguments}


def output(text, *, cut=False, tokens=10):
    parsed = FORM.parse(text, tools=TOOLS, finish_reason="length" if cut else "stop")
    return ModelOutput(fmt=FORM, words=text, parsed=parsed, tokens=tokens, cut=cut, tools=TOOLS)


def reply(*calls, content="", reasoning="", finish=None, tokens=10):
    made = tuple(
        RawToolCall(
            one["name"], one["arguments"] if isinstance(one["arguments"], str) else json.dumps(one["arguments"])
        )
        for one in calls
    )
    finish = finish or ("tool_calls" if calls else "stop")
    return ChatReply(
        status=200, content=content, reasoning=reasoning, calls=made, finish_reason=finish, answer_tokens=tokens
    )


def test_what_the_model_said_has_no_cause():
    both = call(what="é", at=1.0), call("go")
    assert explain_reply(output(words(*both)), reply(*both)) == ()
    assert explain_reply(output("<think>\nHm.\n</think>\n\nYes."), reply(content="Yes.", reasoning="Hm.")) == ()


def test_white_space_beside_a_marker_may_stay():
    assert explain_reply(output("<think>\nHm.\n</think>\n\nYes."), reply(content="Yes.", reasoning="Hm.\n")) == ()
    one = call("go")
    assert explain_reply(output("I go.\n" + words(one)), reply(one, content="I go.\n")) == ()
    assert explain_reply(output(" I go."), reply(content="I go.")) == ("content-whitespace",)


@pytest.mark.parametrize(
    ("ours", "theirs", "cause"),
    [
        ({"at": 1.0}, {"at": 1}, "number-retyped"),
        ({"at": 2**53 + 1}, {"at": 2**53}, "integer-rounded"),
        ({"at": 1}, {"at": "1"}, "value-as-string"),
        ({"what": "1"}, {"what": 1}, "value-as-string"),
        ({"what": " a\n"}, {"what": "a"}, "newlines-stripped"),
        ({"what": "a</tool_call>b"}, {"what": "a"}, "string-cut-at-delimiter"),
        ({"what": "a", "at": 1}, {"at": 1, "what": "a"}, "argument-order-lost"),
        ({"what": "a", "at": 1}, {"what": "a"}, "call-altered"),
    ],
)
def test_what_becomes_of_an_argument(ours, theirs, cause):
    assert explain_reply(output(words(call(**ours))), reply(call(**theirs))) == (cause,)


def test_arguments_encoded_twice():
    one = call(what="a", at=1.0)

    def answer(arguments):
        return reply({"name": "look", "arguments": json.dumps(arguments)})

    text = json.dumps(one["arguments"])
    assert explain_reply(output(words(one)), answer(text)) == ("value-as-string",)
    assert explain_reply(output(words(one)), answer(text.replace("1.0", "1"))) == ("value-as-string", "number-retyped")
    assert explain_reply(output(words(one)), answer(text[:-1])) == ("call-altered",)
    assert explain_reply(output(words(one)), answer([text])) == ("call-altered",)


def test_calls_lost_left_and_made_up():
    one, other = call(what="a"), call("go")
    both = output(words(one, other))
    assert explain_reply(both, reply(one)) == ("parallel-calls-lost",)
    assert explain_reply(both, reply()) == ("call-dropped",)
    assert explain_reply(both, reply(content=both.words)) == ("call-left-in-content",)
    assert explain_reply(output("Shall I look?"), reply(one, content="Shall I look?")) == ("call-invented",)
    repaired = output('<tool_call>\n{"name": "look", "arguments": {"what": "a",}}\n</tool_call>')
    assert explain_reply(repaired, reply(one)) == ("malformed-call-repaired",)


def test_markers_left_over_and_swallowed():
    one = call("go")
    assert explain_reply(output(words(one)), reply(one, content="</tool_call>")) == ("marker-leaked",)
    stray = output(words(one) + "</tool_call>")
    assert explain_reply(stray, reply(one)) == ("content-lost",)
    prose = "All before </think> is hidden."
    assert explain_reply(output(prose), reply(content="All before ")) == ("content-cut-at-marker",)
    assert explain_reply(output("Done."), reply(content="Done.<|im_end|>")) == ("stop-included",)


def test_finish_reasons():
    one = call("go")
    assert explain_reply(output(words(one)), reply(one, finish="stop")) == ("finish-reason-wrong",)
    assert explain_reply(replace(output(words(one)), says_tool_calls=False), reply(one, finish="stop")) == ()
    assert explain_reply(output("There are thr", cut=True), reply(content="There are thr")) == ("limit-as-stop",)


@pytest.mark.parametrize("finish", [None, "eos", "tool_calls", "length"])
@pytest.mark.parametrize("says_tool_calls", [True, False])
def test_an_answer_without_calls_ends_with_stop(finish, says_tool_calls):
    for reason, got in (("stop", ()), (finish, ("finish-reason-wrong",))):
        answer = replace(reply(content="Done."), finish_reason=reason)
        assert explain_reply(replace(output("Done."), says_tool_calls=says_tool_calls), answer) == got
    cut = replace(reply(content="Don"), finish_reason="length")
    assert explain_reply(replace(output("Don", cut=True), says_tool_calls=says_tool_calls), cut) == ()


def test_another_number_of_tokens_says_that_they_were_forced():
    answer = reply(call(what="b"), tokens=14)
    assert explain_reply(output(words(call(what="a"))), answer) == ("tokens-forced",)
    assert explain_reply(output(words(call(what="a")), tokens=None), answer) == ("call-altered",)


def test_a_stream_that_says_otherwise():
    one = call(what="a")
    empty = reply({"name": "look", "arguments": ""})
    assert explain_stream(output(words(one)), reply(one), empty) == ("arguments-not-streamed",)
    assert explain_stream(output("A\nb"), reply(content="A\nb"), reply(content="Ab")) == ("stream-differs",)


SCRIPT = ScriptText.of("\n".join([words(call(what="Locarno"), call(at=17)), words(call(what="a")), "There you are."]))


@pytest.mark.parametrize(
    ("text", "answer", "others"),
    [
        (words(call(what="a")), reply(call(what="Locarno")), True),
        (words(call(what="a")), reply(call(at=17)), True),
        (words(call(what="a")), reply(call("go")), True),
        (words(call("go")), reply(call("go", what="look")), True),  # a tool's name is no value of the model's
        (words(call(at=1e20)), reply(call(at=-(2**63))), False),
        (words(call(what="a"), call("go")), reply(call(what="a"), {"name": "go", "arguments": '{"Loc'}), False),
        ("Yes.", reply(content="There you are.", tokens=12), True),
        ("Yes.", reply(content="Yes. There you are."), False),  # as many tokens as said: the server's own comment
        (words(call(what="a\nb")), reply(call(what="a b")), False),
        (words(call(at=1.0)), reply(call(at=1)), False),
        (words(call(at=1.0)), reply(call(at="1.0")), False),
        (words(call("look-at")), reply(call("look_at")), False),
        ("<tool_call>\n{'name': 'look', 'arguments': {'what': 'Ulm'}}\n</tool_call>", reply(call(what="Ulm")), False),
        (
            '<tool_call>\n{"name": "look", "arguments": {"what": "\\nUlm",}}\n</tool_call>',
            reply(call(what="\nUlm")),
            False,
        ),
    ],
)
def test_parts_of_other_lines_are_told_from_what_a_parser_makes(text, answer, others):
    assert holds_other_output(output(text), TALK, answer, SCRIPT) is others
