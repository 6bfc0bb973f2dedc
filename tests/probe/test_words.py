"""A case says the same thing in every format, spoiled in the same way, and what a script says is exactly that."""

import dataclasses

import pytest
from tests.support.probe_recordings import FORMATS as SETUPS
from tests.support.probe_recordings import rows

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS, get_format
from callwright.instruments.script import Line, write_script
from callwright.instruments.script_file import expected_output
from callwright.openai import read_conversation
from callwright.probe.cases.load import read_cases
from callwright.probe.cases.schema import Says
from callwright.probe.cases.speak import applies, check, words
from callwright.tokens import Segment, decode_segments

CASES = read_cases().cases
BY_ID = {case.id: case for case in CASES}
EVERY = list(FORMATS)
MESSAGE = Message(
    "assistant", None, tool_calls=(ToolCall("get_weather", {"city": "Paris", "days": 2}, id="call00001"),)
)
TEXT = Message("assistant", "It is MARK there.")


def output(fmt, message, *edits, raw=None, formats=()):
    """The words of one message with edits."""
    says = Says(edits=edits, raw=raw or {}).model_copy(update={"message": message})
    case = BY_ID["parsing.plain"].model_copy(update={"id": "a.b", "says": (says,), "formats": formats})
    return words(fmt, case)


def text_of(segments):
    return "".join(segment.text for segment in segments)


def body(fmt, segments):
    """The text without the stop at its end."""
    ends = segments and segments[-1].control and segments[-1].text in fmt.stops
    return text_of(segments[:-1] if ends else segments)


def lines(fmt):
    """Everything that the set says in a format, as a script's lines, with the cases."""
    for case in CASES:
        try:
            check(fmt, case)
        except FormatError:
            continue
        for turn in range(len(case.says)):
            yield case, Line(case.id if case.kind == "reply" else f"{case.id}.{turn + 1}", words(fmt, case, turn))


@pytest.mark.parametrize("name", EVERY)
def test_one_script_says_the_whole_set(name):
    fmt = get_format(name)
    meant = [line for _, line in lines(fmt)]
    assert len(meant) >= 90
    script = write_script(fmt, meant)
    for line in meant:
        ended = line.says and line.says[-1].control and line.says[-1].text in fmt.stops
        end = [] if ended else [Segment(script.vocabulary.pieces[script.vocabulary.eos_id], control=True)]
        plan = decode_segments(script.vocabulary, script.outputs[line.cue])
        assert text_of(plan) == text_of([*line.says, *end])
        special_tokens = "".join(segment.text for segment in (*line.says, *end) if segment.control)
        assert "".join(segment.text for segment in plan if segment.control) == special_tokens


@pytest.mark.parametrize("name", EVERY)
def test_only_whole_control_tokens_are_control(name):
    fmt = get_format(name)
    tokens = {*fmt.special_tokens, *fmt.stops}
    for _, line in lines(fmt):
        assert all(segment.text in tokens for segment in line.says if segment.control)
        assert all(one.control or two.control for one, two in zip(line.says, line.says[1:], strict=False))


@pytest.mark.parametrize("name", EVERY)
def test_a_message_without_edits_is_read_back(name):
    """Else what a runtime reads rightly would be called a fault."""
    fmt = get_format(name)
    lost = []
    for case, line in lines(fmt):
        says = case.says[int(line.cue.rpartition(".")[2]) - 1 if case.kind == "loop" else 0]
        if says.edits or says.raw:
            continue
        read = fmt.parse(line.says, tools=case.conversation.tools)
        meant = [(call.name, repr(sorted(call.arguments.items()))) for call in says.message.tool_calls]
        found = [(call.name, repr(sorted(call.arguments.items()))) for call in read.tool_calls]
        if (found, read.content or "", read.reasoning) != (
            meant,
            says.message.content or "",
            says.message.reasoning,
        ):
            lost.append(case.id)
    assert not lost


@pytest.mark.parametrize(("setup", "row"), rows("parse"), ids=lambda one: one if isinstance(one, str) else one["case"])
def test_every_recorded_script_is_a_case(setup, row):
    for name in SETUPS[setup]:
        fmt = get_format(name)
        found = []
        for case in CASES:
            if case.recorded != row["case"] or case.kind != "reply" or case.thinking != row["think"]:
                continue
            try:
                meant = words(fmt, case)
            except FormatError:
                continue
            raw = row["raw"]
            for stop in fmt.stops:
                raw = raw.removesuffix(stop)
            assert body(fmt, meant) == raw, case.id
            assert case.conversation.tools == read_conversation({"messages": [], "tools": row["tools"]}).tools
            found.append(case.max_tokens)
        assert None in found


@pytest.mark.parametrize("name", EVERY)
def test_a_call_that_was_cut_is_never_whole(name):
    fmt = get_format(name)
    checked = 0
    for case, line in lines(fmt):
        if case.kind == "reply" and any(edit.unclosed for edit in case.says[0].edits) and not case.says[0].raw:
            read = fmt.parse(line.says, tools=case.conversation.tools)
            if name == "mistral/v3":  # what is not closed is the list: a whole call in it stands
                assert not read.complete
            else:
                assert len(read.tool_calls) == len(case.says[0].message.tool_calls) - 1
            checked += 1
    assert checked >= 2


@pytest.mark.parametrize("name", EVERY)
def test_the_limit_cuts_before_the_end(name):
    """What the limit leaves of the script's tokens is no call, and not the whole text."""
    fmt = get_format(name)
    script = write_script(fmt, [line for _, line in lines(fmt)])
    limited = [(case, line) for case, line in lines(fmt) if case.max_tokens]
    assert limited
    for case, line in limited:
        plan = script.outputs[line.cue]
        assert case.max_tokens < len(plan) - 1
        kept = decode_segments(script.vocabulary, plan[: case.max_tokens])
        read = fmt.parse(kept, tools=case.conversation.tools, finish_reason="length")
        assert not read.tool_calls
        assert not read.complete


G = '‹<|tool_call>›call:get_weather{city:‹<|"|>›Paris‹<|"|>›,days:2}'
J = '{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}'
Q = f"‹<tool_call>›\n{J}\n‹</tool_call>›"


@pytest.mark.parametrize(
    ("name", "message", "edits", "expected"),
    [
        ("gemma4", MESSAGE, [], f"{G}‹<tool_call|>›‹<|tool_response>›"),
        ("qwen3", MESSAGE, [], f"{Q}‹<|im_end|>›"),
        ("qwen3", MESSAGE, [{"append": " So."}], f"{Q} So.‹<|im_end|>›"),
        ("qwen3", MESSAGE, [{"prepend": "I see. "}], f"I see. {Q}‹<|im_end|>›"),
        ("qwen3", MESSAGE, [{"close_twice": True}], f"{Q}‹</tool_call>›‹<|im_end|>›"),
        ("qwen3", MESSAGE, [{"append": "a"}, {"append": "b"}, {"unclosed": True}], f"‹<tool_call>›\n{J}"),
        ("qwen3", TEXT, [{"replace": ["MARK", "{close}"]}], "It is </tool_call> there.‹<|im_end|>›"),
        ("qwen3", TEXT, [{"replace": ["MARK", "{close}"], "control": True}], "It is ‹</tool_call>› there.‹<|im_end|>›"),
        ("qwen3", TEXT, [{"replace": ["MARK", "{think}{end_think}"]}], "It is <think></think> there.‹<|im_end|>›"),
        ("gemma4", TEXT, [{"replace": ["MARK", "{open}"]}], "It is <|tool_call> there.‹<turn|>›"),
        ("gemma4", TEXT, [{"stop": 1}], "It is MARK there.‹<eos>›"),
        ("gemma4", MESSAGE, [{"cut_after": "Par"}], '‹<|tool_call>›call:get_weather{city:‹<|"|>›Par'),
        ("gemma4", MESSAGE, [{"cut_after": "{open}"}], "‹<|tool_call>›"),
        ("gemma4", MESSAGE, [{"unclosed": True}], G),
        ("gemma4", MESSAGE, [{"close_twice": True}], f"{G}‹<tool_call|>›‹<tool_call|>›‹<|tool_response>›"),
        ("gemma4", MESSAGE, [{"replace": ["2", "2,x:1"]}], f"{G[:-1]},x:1}}‹<tool_call|>›‹<|tool_response>›"),
        ("xml/arguments", MESSAGE, [{"unclosed": True}], f"<tool_call>\n{J}"),
        (
            "xml/args",
            TEXT,
            [{"replace": ["MARK", "{open}"], "control": True}],
            "It is <tool_call> there.‹<end_of_turn>›",
        ),
        ("llama31", MESSAGE, [{"unclosed": True}], J.replace("arguments", "parameters")[:-1]),
        ("mistral/v3", MESSAGE, [{"unclosed": True}], f'‹[TOOL_CALLS]›[{J[:-1]}, "id": "call00001"}}'),
        ("mistral/v13", MESSAGE, [{"unclosed": True}], '‹[TOOL_CALLS]›get_weather‹[ARGS]›{"city": "Paris", "days": 2'),
        ("bfcl", MESSAGE, [{"unclosed": True}], '[get_weather(city="Paris", days=2)'),
        ("tool_code", MESSAGE, [{"unclosed": True}], '```tool_code\nget_weather(city="Paris", days=2)'),
        ("tool_code", TEXT, [{"replace": ["MARK", "{open}"]}], "It is ```tool_code there.‹<end_of_turn>›"),
        (
            "qwen3-xml",
            TEXT,
            [{"replace": ["MARK", "{call}"], "control": True, "call": {"name": "ping"}}],
            "It is ‹<tool_call>›\n<function=ping>\n</function>\n‹</tool_call>› there.‹<|im_end|>›",
        ),
        (
            "gemma4",
            TEXT,
            [{"replace": ["MARK", "{call}"], "call": {"name": "ping", "arguments": '{"a": "b"}'}}],
            'It is <|tool_call>call:ping{a:<|"|>b<|"|>}<tool_call|> there.‹<turn|>›',
        ),
    ],
)
def test_an_edit_does_what_it_says(name, message, edits, expected):
    """Control tokens stand between ‹ and ›."""
    found = output(get_format(name), message, *edits)
    assert "".join(f"‹{one.text}›" if one.control else one.text for one in found) == expected


@pytest.mark.parametrize(
    ("name", "message", "edits", "reason"),
    [
        ("gemma4", MESSAGE, [{"replace": ['"', "'"]}], "in what gemma4 says"),  # part of a control token only
        ("gemma4", MESSAGE, [{"replace": ["nowhere", ""]}], "'nowhere'"),
        ("gemma4", MESSAGE, [{"cut_after": "nowhere"}], "'nowhere'"),
        ("gemma4", TEXT, [{"unclosed": True}], "the end of a call"),
        ("gemma4", TEXT, [{"stop": 3}], "stop 3"),
        ("xml/args", TEXT, [{"append": "{think}"}], "{think}"),
        ("bfcl", TEXT, [{"append": "{open}"}], "{open}"),
        ("mistral/v3", TEXT, [{"append": "{close}"}], "{close}"),
        ("llama31", dataclasses.replace(MESSAGE, tool_calls=MESSAGE.tool_calls * 2), [], "one call"),
        ("llama31", dataclasses.replace(MESSAGE, content="So."), [], "words and calls"),
        ("qwen25", dataclasses.replace(TEXT, reasoning="Hm."), [], "reasoning"),
        ("llama4", TEXT, [{"append": "{call}", "call": {"name": "no python name"}}], "name"),
    ],
)
def test_what_a_format_cannot_say_is_refused_with_the_reason(name, message, edits, reason):
    with pytest.raises(FormatError) as refused:
        output(get_format(name), message, *edits)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_raw_words_count_where_their_format_speaks():
    raw = {"gemma4": "<|tool_call>one", "gemma4/e2b": "<|tool_call>two", "qwen3": "<|tool_call>three"}
    given = {name: output(get_format(name), TEXT, raw=raw) for name in ("gemma4/31b", "gemma4/e2b", "qwen3", "xml")}
    assert given["gemma4/31b"] == (Segment("<|tool_call>", control=True), Segment("one"))
    assert given["gemma4/e2b"] == (Segment("<|tool_call>", control=True), Segment("two"))
    assert given["qwen3"] == (Segment("<|tool_call>three"),)  # no token of this family
    assert text_of(given["xml"]).startswith("It is MARK")
    with pytest.raises(FormatError, match="some for qwen3 only"):
        output(get_format("xml"), None, raw={"qwen3": "x"})


def test_a_case_for_some_formats_is_refused_in_the_others():
    case = BY_ID["parsing.plain"].model_copy(update={"formats": ("gemma4/e2b", "qwen3")})
    assert [name for name in EVERY if applies(case, get_format(name))] == ["qwen3", "gemma4/e2b"]
    for name in ("gemma4/e2b", "qwen3"):
        assert output(get_format(name), TEXT, formats=("gemma4/e2b", "qwen3"))
    for name in ("gemma4/31b", "qwen3-xml"):
        with pytest.raises(FormatError, match="only"):
            output(get_format(name), TEXT, formats=("gemma4/e2b", "qwen3"))


def test_a_template_file_speaks_as_the_format_that_reads_it(tmp_path):
    path = tmp_path / "chat.jinja"
    path.write_text(get_format("qwen3").chat_template(), encoding="utf-8")
    fmt = get_format(f"template:{path}/qwen3")
    meant = output(fmt, TEXT, raw={"qwen3": "<think>"}, formats=("qwen3",))
    assert meant == (Segment("<think>", control=True),)
    assert output(fmt, MESSAGE) == output(get_format("qwen3"), MESSAGE)


def test_no_thought_is_said_that_the_case_does_not_have():
    fmt = get_format("qwen3")
    conversation = Conversation((Message("user", "Go."), TEXT))
    assert text_of(expected_output(fmt, conversation)).startswith("<think>\n\n</think>\n\n")
    assert text_of(output(fmt, TEXT)) == "It is MARK there.<|im_end|>"
    assert text_of(output(fmt, dataclasses.replace(TEXT, reasoning="Hm."))).startswith("<think>\nHm.\n</think>")


@pytest.mark.parametrize("name", EVERY)
def test_each_turn_of_a_loop_is_spoken_after_the_turns_before(name):
    fmt = get_format(name)
    case = BY_ID["loops.two-rounds"]
    meant = [words(fmt, case, turn) for turn in range(len(case.says))]
    assert len({text_of(segments) for segments in meant}) == 3
    messages = list(case.conversation.messages)
    for says, results, segments in zip(case.says, (*case.results, ()), meant, strict=True):
        messages.append(says.message)
        said_now = expected_output(fmt, Conversation(tuple(messages), case.conversation.tools))
        assert text_of(said_now).endswith(text_of(segments))
        for call, result in zip(says.message.tool_calls, results, strict=True):
            messages.append(Message("tool", result, name=call.name, tool_call_id=call.id))


def test_a_token_and_its_characters_are_different_words():
    fmt = get_format("gemma4")
    for name in ("close-marker-in-string", "open-marker-in-string", "call-in-reasoning"):
        token, typed = (BY_ID[f"parsing.{name}{end}"] for end in ("", "-typed"))
        count = [sum(one.control for one in words(fmt, case)) for case in (token, typed)]
        assert count[0] > count[1]
