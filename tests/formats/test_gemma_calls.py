"""Gemma's call notation, which Gemma 4 and FunctionGemma share: read strictly, and which mistakes can be repaired."""

from functools import partial

import pytest
from tests.support.linear import is_linear

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format

GEMMA = {name: get_format(name) for name in ("gemma4", "functiongemma")}
MARKS = {"gemma4": ("<|tool_call>", "<tool_call|>", '<|"|>'), "functiongemma": (
    "<start_function_call>", "<end_function_call>", "<escape>")}  # fmt: skip
both = pytest.mark.parametrize("name", GEMMA)


def spelled(name, body, closed=True):
    """The body between the markers of a call, ~ standing for the delimiter of strings."""
    opener, closer, delimiter = MARKS[name]
    return (opener + body + (closer if closed else "")).replace("~", delimiter)


def read(name, body, closed=True, **options):
    return GEMMA[name].parse(spelled(name, body, closed), **options)


def marked(value, delimiter):
    if isinstance(value, dict):
        return {key.replace("~", delimiter): marked(item, delimiter) for key, item in value.items()}
    return value.replace("~", delimiter) if isinstance(value, str) else value


def arguments(parsed):
    assert not parsed.errors
    return [dict(call.arguments) for call in parsed.tool_calls]


@both
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("call:f{}", {}),
        ("call:f{a:1,b:1.0,c:-0.0,d:1e+20}", {"a": 1, "b": 1.0, "c": -0.0, "d": 1e20}),
        ("call:f{a:~~,b:~{}, [] ,x:1~}", {"a": "", "b": "{}, [] ,x:1"}),
        ("call:f{a:[1,[],{}],b:{c:{d:null}}}", {"a": [1, [], {}], "b": {"c": {"d": None}}}),
        ("call:f{\n  a : 1 ,\n b: [ ~x~ , true ] }\n", {"a": 1, "b": ["x", True]}),
        ("call:f{b:2,a:1}", {"b": 2, "a": 1}),
        ('call:f{has space:1,quo"te:2,:3}', {"has space": 1, 'quo"te': 2, "": 3}),
        ("call:f{co:lon:[1],a:b:~x~,c::{}}", {"co:lon": [1], "a:b": "x", "c:": {}}),
    ],
)
def test_values_are_read_with_their_kind_and_in_the_order_said(name, body, expected):
    [found] = arguments(read(name, body))
    assert repr(found) == repr(expected)


@both
@pytest.mark.parametrize(
    "body",
    [
        "f{a:1}",
        "call:{a:1}",
        "call:f",
        "call:f(a=1)",
        "call:f{a:1",
        "call:f{a:1}}",
        "call:f{a:1} and more",
        "call:f{a:1,}",
        "call:f{a:1,a:2}",
        "call:f{a:Paris}",
        "call:f{a:10:30,b:1}",
        "call:f{a:True}",
        "call:f{a:NaN}",
        "call:f{a:1e999}",
        "call:f{a:01}",
        "call:f{a:1.}",
        f"call:f{{a:{'9' * 5000}}}",
        "call:f{a:~x~~y~}",
        "call:f{~a~:1}",
        'call:f{"a":~x~}',
        'call:f{"a":1}',
        "call:f{'a':[1]}",
        'call:f{a:{"b":{}}}',
        "call:f{a=1}",
        "call:f{a=~x~}",
        "call:f{a:[{b=1}]}",
        "call:f{a:[1,]}",
        "call:f{a:[b:1]}",
        "call:f{a}",
        "call:f{a:" + "[" * 300 + "]" * 300 + "}",
    ],
)
def test_a_malformed_call_is_an_error_and_its_words_stay(name, body):
    parsed = read(name, body)
    assert not parsed.tool_calls
    assert parsed.content == spelled(name, body)
    assert parsed.complete
    [issue] = parsed.errors
    assert len(MARKS[name][0]) <= issue.position <= len(spelled(name, body))


@both
@pytest.mark.parametrize(
    "body", ["", "call:", "call:f", "call:f{", "call:f{a", "call:f{a:", "call:f{a:~x", "call:f{a:1}"]
)
def test_a_call_without_its_closing_marker_is_no_call_and_no_content(name, body):
    parsed = read(name, f"call:g{{}}{MARKS[name][1]}{MARKS[name][0]}{body}", closed=False)
    assert [call.name for call in parsed.tool_calls] == ["g"]
    assert parsed.content is None
    assert not parsed.complete
    assert parsed.errors


@both
def test_a_marker_inside_a_string_is_a_string_however_it_arrives(name):
    opener, closer, _ = MARKS[name]
    text = spelled(name, f"call:say{{text:~}}{closer} {opener}call:x{{}}{GEMMA[name].stops[0]}~}}")
    stream = GEMMA[name].stream()
    events = [event for character in text for event in stream.feed(character)] + stream.finish()
    [call] = events
    assert call == ToolCall("say", {"text": f"}}{closer} {opener}call:x{{}}{GEMMA[name].stops[0]}"})
    assert stream.complete


@both
@pytest.mark.parametrize(
    ("body", "expected", "fix"),
    [
        ("call:f{a:New York,b:1}", {"a": "New York", "b": 1}, "without delimiters"),
        ("call:f{a:'it',b:\"x\\n\"}", {"a": "it", "b": "x\n"}, "plain quotes"),
        ("call:f{a:[True,None]}", {"a": [True, None]}, "Python"),
        ('call:f{"a":1,~b~:2}', {"a": 1, "b": 2}, "a key between quotes"),
        ("f{a:1}", {"a": 1}, "missing call:"),
        ("```\ncall:f{a:1}\n```", {"a": 1}, "a fence"),
        ("call:f{a:{b:[1", {"a": {"b": [1]}}, "missing closing brackets"),
        ("call:f{a:1,}", {"a": 1}, "Python"),
        ("call:f{a:1,a:~x~}", {"a": "x"}, 'the key "a" given twice and its last value "x" taken'),
        ("call:f{a=1,b=~x~}", {"a": 1, "b": "x"}, "= for a colon"),
        ('call:f{a:[{"b"=1}]}', {"a": [{"b": 1}]}, "a key between quotes"),
        ("call:f", {}, "a call without arguments"),
    ],
)
def test_a_known_mistake_is_repaired_only_when_asked_and_named(name, body, expected, fix):
    assert not read(name, body).tool_calls
    parsed = read(name, body, lenient=True)
    assert arguments(parsed) == [expected]
    [repair] = parsed.repairs
    assert fix in repair.message


@both
def test_a_missing_closing_marker_is_mended_only_behind_a_whole_call(name):
    stop = GEMMA[name].stops[0]
    parsed = read(name, f"call:f{{a:~x~}}{stop}", closed=False, lenient=True)
    assert arguments(parsed) == [{"a": "x"}]
    assert f"a missing {MARKS[name][1]}" in parsed.repairs[0].message
    cut = read(name, "call:f{a:1", closed=False, lenient=True)
    assert (cut.tool_calls, cut.complete) == ((), False)


@both
@pytest.mark.parametrize(
    "body", ["call:f{a:~x}", "call:f{a:http://x}", "call:f{a=b:1}", "call:f a:1}", "call:f{a:O'Brien}"]
)
def test_what_has_no_certain_reading_is_not_mended(name, body):
    assert not read(name, body, lenient=True).tool_calls


@both
@pytest.mark.parametrize("lenient", [False, True])
def test_hostile_calls_are_read_in_linear_time(name, lenient):
    opener, closer, delimiter = MARKS[name]
    read = partial(GEMMA[name].parse, lenient=lenient)
    for unit in (
        f"{opener}call:f{{a:[{delimiter},{delimiter}{closer}",
        f",{closer}{opener}call:f{{a:[{delimiter},{delimiter}",
        f"{opener}call:f{{a:{delimiter}",
        "[",
        "{a:",
        "a:",
        " ",
    ):
        assert is_linear(read, lambda n, unit=unit: f"{opener}call:f{{a:{unit * n}", 200_000 // len(unit)), unit


@both
@pytest.mark.parametrize(
    ("call", "named"),
    [
        (ToolCall("f", {"a": "x~y"}), "tool_calls[0].arguments"),
        (ToolCall("f", {"a": {"k~": 1}}), "tool_calls[0].arguments"),
        (ToolCall("f", {"a,b": 1}), "tool_calls[0].arguments"),
        (ToolCall("f", {"10:30": 1}), "tool_calls[0].arguments"),
        (ToolCall("f", {" a": 1}), "tool_calls[0].arguments"),
        (ToolCall("f", {"b": [{'"a"': "x"}]}), "tool_calls[0].arguments"),
        (ToolCall("f", {"a": float("nan")}), "tool_calls[0].arguments"),
        (ToolCall("f", {"a": 10**5000}), "tool_calls[0].arguments"),
        (ToolCall("f{", {}), "tool_calls[0].name"),
        (ToolCall("", {}), "tool_calls[0].name"),
    ],
)
def test_a_call_that_would_read_back_as_something_else_is_refused_by_place(name, call, named):
    message = Message("assistant", tool_calls=(ToolCall(call.name, marked(call.arguments, MARKS[name][2])),))
    with pytest.raises(FormatError, match="messages") as caught:
        GEMMA[name].render(Conversation((Message("user", "q"), message)))
    assert f"messages[1].{named}" in str(caught.value)


@both
def test_a_value_too_deep_is_refused_and_not_a_crash(name):
    value: list = []
    for _ in range(5000):
        value = [value]
    call = Message("assistant", tool_calls=(ToolCall("f", {"a": value}),))
    with pytest.raises(FormatError, match="deeper"):
        GEMMA[name].render(Conversation((call,)))
