"""Qwen3-Coder's untyped arguments: written so that they read back, cast by the schema, reported where they cannot."""

import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.test_every_format import cut, streamed
from tests.support.conversations import VALUES
from tests.support.linear import is_linear

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format

CODER = get_format("qwen3-xml")
ASK = Message("user", "x")
PARAMETERS = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": " Words. ", "minLength": 1, "default": None},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "items": {"type": "array", "items": {"type": "integer"}},
        "maybe": {"type": ["string", "null"]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "flag": {"type": "boolean"},
        "free": {},
    },
    "required": ["text"],
}
TOOL = Tool("edit", "Edits. ", PARAMETERS)


def render(**arguments):
    call = Message("assistant", tool_calls=(ToolCall("edit", arguments),))
    segments = CODER.render(Conversation((ASK, call), (TOOL,))).segments
    return "".join(s.text for s in segments if s.supervised).removesuffix("<|im_end|>")


def call(*parts):
    return "<tool_call>\n<function=edit>\n" + "".join(parts) + "</function>\n</tool_call>"


def parameter(name, text):
    return f"<parameter={name}>\n{text}\n</parameter>\n"


def read(raw, **options):
    return CODER.parse(raw, tools=(TOOL,), **options)


def arguments(raw, **options):
    (one,) = read(raw, **options).tool_calls
    return dict(one.arguments)


def test_a_whole_conversation_renders_to_these_bytes():
    conversation = Conversation(
        (
            Message("system", "Be brief."),
            ASK,
            Message("assistant", " Editing. ", tool_calls=(ToolCall("edit", {"text": "a\n", "items": [1]}),) * 2),
            Message("tool", "done"),
            Message("tool", {"ok": True}),
        ),
        (Tool("edit", "Edits. ", {**PARAMETERS, "properties": {"text": PARAMETERS["properties"]["text"]}}),),
    )
    prompt = CODER.render(conversation, add_generation_prompt=True).text
    tools, rest = prompt.split("</tools>")
    assert tools == (
        "<|im_start|>system\nBe brief.\n\n# Tools\n\nYou have access to the following functions:\n\n<tools>\n"
        "<function>\n<name>edit</name>\n<description>Edits.</description>\n<parameters>\n"
        "<parameter>\n<name>text</name>\n<type>string</type>\n<description>Words.</description>\n"
        "<minLength>1</minLength>\n<default>None</default>\n</parameter>\n"
        '<required>["text"]</required>\n</parameters>\n</function>\n'
    )
    output = "<tool_call>\n<function=edit>\n<parameter=text>\na\n\n</parameter>\n<parameter=items>\n[1]\n</parameter>\n"
    output += "</function>\n</tool_call>"
    assert rest.endswith(
        f"</IMPORTANT><|im_end|>\n<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\nEditing.\n\n{output}\n{output}"
        "<|im_end|>\n<|im_start|>user\n<tool_response>\ndone\n</tool_response>\n<tool_response>\n{'ok': True}\n"
        "</tool_response>\n<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    "text", ["42", "true", "null", "[1]", '"quoted"', "", " a ", "\n", "\n\na\n", "</function>\nb"]
)
def test_a_string_stays_the_string_it_is(text):
    assert arguments(render(text=text)) == {"text": text}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "42", 42),
        ("count", " 42 ", 42),
        ("count", "2.0", 2.0),
        ("count", "123456789012345678901234567890", 123456789012345678901234567890),
        ("share", "1", 1),
        ("share", "-0.0", -0.0),
        ("share", "1e+20", 1e20),
        ("items", "[\n  1,\n  2\n]", [1, 2]),
        ("maybe", "null", None),
        ("maybe", "None", None),
        ("maybe", "42", "42"),
        ("either", "42", 42),
        ("either", "4 2", "4 2"),
        ("either", "4.5", "4.5"),
        ("flag", "true", True),
        ("flag", "True", True),
        ("free", "42", 42),
        ("free", '{"a": 1}', {"a": 1}),
        ("free", '"a"', '"a"'),
        ("free", " 42", " 42"),
        ("unheard_of", "42", 42),
    ],
)
def test_the_schema_says_what_a_text_means(name, text, value):
    parsed = read(call(parameter(name, text)))
    assert repr(dict(parsed.tool_calls[0].arguments)) == repr({name: value})
    assert not parsed.errors and parsed.content is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "three", "three"),
        ("count", "2.5", 2.5),
        ("count", "1e999", "1e999"),
        ("items", "['a']", "['a']"),
        ("flag", "yes", "yes"),
        ("flag", "1", 1),
    ],
)
def test_what_cannot_be_cast_is_kept_and_reported_and_can_be_said_again(name, text, value):
    raw = call(parameter("text", "a"), parameter(name, text))
    parsed = read(raw)
    assert dict(parsed.tool_calls[0].arguments) == {"text": "a", name: value}
    assert [error.position for error in parsed.errors] == [raw.index(f"<parameter={name}>")]
    assert name in parsed.errors[0].message
    assert render(text="a", **{name: value}) == raw


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "a\n</parameter>\n</function>"),
        ("text", "a\n</parameter>\n \n<parameter=b>\nc"),
        ("text", "a\n<parameter=b>"),
        ("text", " </tool_call> a"),
        ("text", "a\n<tool_call>\n<function=f>"),
        ("text", 42),
        ("text", None),
        ("either", "42"),
        ("maybe", "null"),
        ("maybe", "None"),
        ("free", "true"),
        ("count", "42"),
        ("share", float("inf")),
    ],
)
def test_a_value_that_would_be_read_as_another_is_refused_by_name(name, value):
    with pytest.raises(FormatError) as refusal:
        render(**{name: value})
    assert f"messages[1].tool_calls[0].arguments.{name}" in str(refusal.value)


@pytest.mark.parametrize("name", ["a>b", "a<b", "a\nb", ""])
def test_names_that_end_their_tag_are_refused(name):
    with pytest.raises(FormatError, match=r"messages\[1\]\.tool_calls\[0\]"):
        render(**{name: 1})
    message = Message("assistant", tool_calls=(ToolCall(name),))
    with pytest.raises(FormatError, match=r"messages\[1\]\.tool_calls\[0\]\.name"):
        CODER.render(Conversation((ASK, message)))


@given(VALUES)
def test_a_value_without_a_schema_reads_back_or_is_refused(value):
    conversation = Conversation((ASK, Message("assistant", tool_calls=(ToolCall("f", {"a": value}),))))
    try:
        words = "".join(s.text for s in CODER.render(conversation).segments if s.supervised)
    except FormatError:
        return
    (output,) = CODER.parse(words).tool_calls
    assert repr(dict(output.arguments)) == repr({"a": value})


@pytest.mark.parametrize(
    "raw",
    [
        call("<parameter=text>\na\n"),
        call("<parameter=text>\na\n<parameter=count>\n1\n</parameter>\n"),
        call(parameter("text", "a"), parameter("text", "b")),
        call("loose words"),
        "<tool_call>\n<function=edit>\n</tool_call>",
        '<tool_call>\n{"name": "edit", "arguments": {}}\n</tool_call>',
        "<tool_call>\n<function=edit>\n</function>\n<function=edit>\n</function>\n</tool_call>",
    ],
)
def test_a_malformed_call_is_an_error_and_stays_in_the_content(raw):
    parsed = read(f"See: {raw} there")
    assert parsed.tool_calls == () and parsed.errors and parsed.complete
    assert parsed.content == f"See:{raw} there"


def test_a_call_without_its_opening_tag_is_reported_and_lenient_reading_takes_it():
    raw = call(parameter("text", "a")).removeprefix("<tool_call>\n")
    strict, lenient = read(raw), read(raw, lenient=True)
    assert strict.tool_calls == () and strict.content == raw and strict.errors
    assert lenient.tool_calls == (ToolCall("edit", {"text": "a"}),) and not lenient.errors
    assert [repair.message for repair in lenient.repairs] == ["a missing <tool_call>"]


@pytest.mark.parametrize(
    ("raw", "expected", "fix"),
    [
        (call("<parameter=text>\na\n<parameter=count>\n1\n</parameter>\n"), {"text": "a", "count": 1}, "</parameter>"),
        (call("<parameter=text>\na\n"), {"text": "a"}, "</parameter>"),
        (call(parameter("text", "a")).replace("</function>\n", ""), {"text": "a"}, "</function>"),
        (call(parameter("text", "a")).removesuffix("\n</tool_call>"), {"text": "a"}, "</tool_call>"),
        (call(parameter("items", "['a', 1,]")), {"items": ["a", 1]}, "Python's spelling in items"),
        (call("<parameter=text>\na</parameter>\n"), {"text": "a"}, "not on a line of its own"),
        ("<tool_call>\n<function=edit>\n<parameter=text>\na\n", {"text": "a"}, "</parameter>"),
        ("<tool_call>\n<function=edit>\n<parameter=text>\na\n</function>", {"text": "a"}, "</tool_call>"),
        ("<tool_call>\n<function=edit>\n" + parameter("text", "a") + "<|im_end|>", {"text": "a"}, "</function>"),
    ],
)
def test_lenient_reading_repairs_known_mistakes_and_says_which(raw, expected, fix):
    parsed = read(raw, lenient=True, finish_reason="stop")
    assert dict(parsed.tool_calls[0].arguments) == expected
    assert fix in parsed.repairs[0].message and not parsed.errors


def test_words_about_a_function_stay_words_in_lenient_reading():
    assert read("Write <function=edit> first.", lenient=True).content == "Write <function=edit> first."


def test_lenient_reading_is_linear_too():
    read = partial(CODER.parse, lenient=True)
    assert is_linear(read, "<function=f><parameter=a>".__mul__, 40_000)
    assert is_linear(read, lambda n: "".join(f"<function=f><parameter=b{k}>" for k in range(n)), 36_000)
    assert is_linear(read, "<tool_call><function=f></function>".__mul__, 30_000)


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("before", ["", "<tool_call>\n<function=f>\n<parameter=a>", "<function=f><parameter=a>\n"])
def test_tags_in_any_order_are_read_in_linear_time(before, lenient):
    def output(unit):
        return lambda length: before + unit * (length // len(unit))

    read = partial(CODER.parse, lenient=lenient, finish_reason="stop")
    for unit in map("".join, itertools.product([*TAGS, "<parameter=a>\n", "\n", "x"], repeat=2)):
        assert is_linear(read, output(unit), 40_000), unit


def test_a_cut_call_is_no_call():
    whole = call(parameter("text", "a"))
    for end in range(len("<tool_call>"), len(whole)):
        parsed = read(f"Now.\n{whole[:end]}", finish_reason="length")
        assert (parsed.tool_calls, parsed.content, parsed.complete) == ((), "Now.", False)


def test_reasoning_is_left_out_with_a_warning_and_a_lost_turn_is_refused():
    [warning] = CODER.render(Conversation((ASK, Message("assistant", "y", reasoning="hm")))).warnings
    assert warning.startswith("messages[1].reasoning is left out")
    for before in ((), (Message("system", "s"),)):
        with pytest.raises(FormatError, match="a turn before the first result"):
            CODER.render(Conversation((*before, Message("tool", "1"))))


TAGS = ["</parameter>", "</function>", "</tool_call>", "<tool_call>", "<parameter=b>", "<function=f>"]
TAGGED = st.lists(st.sampled_from([*TAGS, *"\n\n\n \t\ra"]), max_size=14).map("".join)
"""Texts in which tags stand on lines of their own, at the ends of lines, and one beside the other."""


@given(TAGGED, st.booleans())
def test_a_text_is_refused_if_and_only_if_it_would_not_read_back(text, more):
    others = {"count": 1} if more else {}
    parsed = read(call(parameter("text", text), *(parameter(key, value) for key, value in others.items())))
    reads_back = [dict(one.arguments) for one in parsed.tool_calls] == [{"text": text, **others}]
    try:
        written = render(text=text, **others)
    except FormatError:
        assert not reads_back
    else:
        assert reads_back and not parsed.errors and parsed.content is None
        assert arguments(written) == {"text": text, **others}


@given(st.lists(st.sampled_from([*TAGS, "a", " "]), max_size=8).map("".join), st.booleans())
def test_a_closing_tag_inside_a_line_is_text(line, on_the_tags_line):
    text = f"x{line}x\nx{line}x"
    assert arguments(render(text=text)) == {"text": text}
    if on_the_tags_line and not any(
        tag in line for tag in ("</tool_call>", "<parameter=b>", "<tool_call><function=f>")
    ):
        text = f"x{line}x".replace("</parameter></function>", "")
        assert arguments(call(f"<parameter=text>{text}</parameter>\n")) == {"text": text}


@given(
    TAGGED,
    st.sampled_from(["", "<tool_call>\n<function=edit>\n<parameter=text>", "<tool_call>\n<function=edit>\n"]),
    st.booleans(),
    st.sampled_from([None, "stop", "length"]),
    st.lists(st.integers(0, 90), max_size=4),
)
def test_tags_anywhere_are_read_the_same_in_pieces_and_leniently_the_same_where_nothing_is_wrong(
    text, before, lenient, finish, points
):
    text = before + text
    whole = read(text, lenient=lenient, finish_reason=finish)
    for pieces in (list(text), cut(text, [min(point, len(text)) for point in points])):
        assert streamed(CODER, pieces, finish, lenient=lenient, tools=(TOOL,)) == whole
    strict = read(text, finish_reason=finish)
    if not strict.errors and "<function=" not in (strict.content or ""):
        assert read(text, lenient=True, finish_reason=finish).tool_calls[: len(strict.tool_calls)] == strict.tool_calls


@pytest.mark.parametrize("finish", [None, "length"])
@pytest.mark.parametrize("end", ["", "\n", "\n</parameter>", "\n</parameter>\n", "\n</parameter>\n</function>\n"])
def test_nothing_is_supplied_where_the_output_may_have_been_cut(end, finish):
    parsed = read(f"<tool_call>\n<function=edit>\n<parameter=text>\na{end}", lenient=True, finish_reason=finish)
    assert not parsed.tool_calls and not parsed.complete


def test_of_two_calls_the_first_never_swallows_the_second():
    good = call(parameter("text", "b"))
    for closers in ("", "</parameter>\n", "</parameter>\n</tool_call>", "</function>\n</tool_call>", "</tool_call>"):
        raw = f"<tool_call>\n<function=edit>\n<parameter=text>\na\n{closers}{good}"
        assert arguments(raw) == {"text": "b"} and read(raw).errors
        assert [dict(one.arguments) for one in read(raw, lenient=True).tool_calls] == [{"text": "a"}, {"text": "b"}]


@given(st.text(alphabet="<>/=\nfap", max_size=30))
def test_no_text_between_the_tags_raises(text):
    CODER.parse(f"<tool_call>\n<function=f>\n<parameter=a>{text}</tool_call>", tools=(TOOL,), lenient=True)
