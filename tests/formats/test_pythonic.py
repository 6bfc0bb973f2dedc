"""Calls of Python literals: every spelling of a literal is read, nothing is evaluated, and nothing else passes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversations import ARGUMENTS, VALUES

from callwright.conversation import Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.grammar import Malformed, ParseContext, Unfinished
from callwright.formats.pythonic import PythonCallReader, write_call
from callwright.formats.pythonic_repair import LenientPythonCallReader


def read(text, *, lenient=False, **context):
    reader = (LenientPythonCallReader if lenient else PythonCallReader)(text, 0, ParseContext(**context))
    return reader.call(), reader.repairs


def value(text, **context):
    return read(f"f(a={text})", **context)[0].arguments["a"]


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("1", 1), ("-1", -1), ("- 1", -1), ("1_000", 1000), ("0x1F", 31), ("0b11", 3), ("0o17", 15), ("00", 0),
        ("1.0", 1.0), ("1.", 1.0), (".5", 0.5), ("1e5", 1e5), ("-0.0", -0.0), ("1E-7", 1e-7), ("5e-324", 5e-324),
        (str(10**40), 10**40), ("None", None), ("True", True), ("False", False),
        ("'b'", "b"), ('"b"', "b"), ("'it\\'s'", "it's"), ('"""a"b\nc"""', 'a"b\nc'), ("r'\\d'", "\\d"), ("u'x'", "x"),
        ("'a' 'b'", "ab"), ("'\\x41\\u00e9\\U0001F6B2\\101\\N{BULLET}'", "Aé🚲A•"), ("'\\d\\\nx'", "\\dx"), ("''", ""),
        ("')]'", ")]"), ("'#'", "#"), ("[]", []), ("[1, 'x', [None]]", [1, "x", [None]]), ("[1,]", [1]),
        ("(1, 2)", [1, 2]), ("(1,)", [1]), ("()", []), ("{}", {}),
        ("{'k': {'l': 1.0}, \"m\": [],}", {"k": {"l": 1.0}, "m": []}),
    ],
)  # fmt: skip
def test_every_spelling_of_a_literal_is_read(spelled, meant):
    assert repr(value(spelled)) == repr(meant)


@pytest.mark.parametrize(
    "spelled",
    [
        "1+1", "2*3", "--5", "+5", "~1", "not True", "x", "x.y", "true", "null", "g()", "g(x=1)", "x[0]", "b'x'",
        "f'{x}'", "1j", "007", "1__0", "0x", "1e999", "{1}", "{1: 2}", "{**x}", "(1)", "...", "*x", "[1 2]", "'a\nb'",
        "'\\x4'",
        "'\\ud83'", "'\\N{no such name}'", "{'a': 1, 'a': 2}", "__import__('os').getpid()", "[i for i in x]",
        "1 if x else 2",
        "9" * 5000, "0x" + "f" * 5000, "[" * 300 + "]" * 300, "lambda: 1", "a := 1", "1 == 1", "<1>", "",
    ],
)  # fmt: skip
def test_nothing_but_literals_passes(spelled):
    with pytest.raises(Malformed):
        value(spelled)


@pytest.mark.parametrize(
    "call",
    [
        "f(1)", "f('x')", "f(**{'a': 1})", "f(*x)", "f(a=1, a=2)", "f(from='x')", "class(a=1)", "f(a-b=1)", "f(a=1",
        "f.g.(a=1)", "f (a=1)", "f(a=1, 2)", "f(a==1)", "f(,)", "f(a=1,,)", "f(a=)", "f", "1()",
    ],
)  # fmt: skip
def test_only_keyword_arguments_under_pythons_names_make_a_call(call):
    with pytest.raises((Malformed, Unfinished)):
        read(call)


def test_the_place_of_an_error_is_named():
    with pytest.raises(Malformed) as caught:
        read("get_weather(city='Oslo', days=1+1)")
    assert caught.value.position == len("get_weather(city='Oslo', days=1")


def test_lenient_reading_names_what_it_mended():
    tool = Tool("f", None, {"properties": {"city": {}, "days": {}}})
    call, repairs = read("f('Oslo', days=null)", tools=(tool,), lenient=True)
    assert call == ToolCall("f", {"city": "Oslo", "days": None})
    assert [repair.message for repair in repairs] == ["null read as None", "positional arguments read as city"]


@pytest.mark.parametrize("call", ["f(1)", "f(1, 2, 3)", "f(1, a=2)", "g(1)", "f(a=1, 2)"])
def test_positional_arguments_without_a_name_in_the_schema_stay_errors(call):
    tool = Tool("f", None, {"properties": {"a": {}, "b": {}}})
    with pytest.raises(Malformed):
        read(call, tools=() if call == "f(1)" else (tool,), lenient=True)


@given(VALUES)
def test_what_python_itself_writes_is_read(meant):
    assert repr(value(repr(meant))) == repr(meant)


@given(ARGUMENTS)
def test_what_is_written_reads_back(arguments):
    call = ToolCall("a.b", arguments)
    try:
        written = write_call(call, "here")
    except FormatError:
        return
    back, _ = read(written)
    assert json.dumps(dict(back.arguments)) == json.dumps(arguments)


@given(ARGUMENTS, st.data())
def test_a_text_that_stops_early_is_unfinished_and_never_wrong(arguments, data):
    try:
        written = write_call(ToolCall("f", arguments), "here")
    except FormatError:
        return
    cut = data.draw(st.integers(1, len(written) - 1))
    with pytest.raises(Unfinished):
        read(written[:cut])


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("get-weather", {}), ToolCall("a..b", {}), ToolCall("class", {}), ToolCall("f", {"a-b": 1}),
        ToolCall("f", {"from": 1}), ToolCall("f", {"": 1}), ToolCall("ﬁ", {}), ToolCall("f", {"a": float("inf")}),
    ],
)  # fmt: skip
def test_what_python_cannot_say_exactly_is_refused(call):
    with pytest.raises(FormatError, match="here"):
        write_call(call, "here")
