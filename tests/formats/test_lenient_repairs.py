"""What lenient reading repairs, in every format that can say it: a mistake with one reading is a call, and is listed.

Each kind of mistake is made in calls with any arguments, by writers of this file, between the markers that the format
itself writes. Whatever is repaired is an error in strict reading, and is read the same in pieces.
"""

import json
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.formats.test_every_format import cut, data_for, streamed
from tests.support.conversations import MARKERS, answers, output
from tests.support.linear import is_linear

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS, get_format

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
TOOLS = (Tool("f", None, {"type": "object", "properties": {"a": {}}}), Tool("g"))
PYTHON = ("tool_code", "llama4", "bfcl")
GEMMA = {"gemma4": '<|"|>', "functiongemma": "<escape>"}
KEYS = st.from_regex(r"[a-z][a-z_]{0,5}[0-9]", fullmatch=True)
WHITE = "\n\t"
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
        st.sampled_from(["</tool_call>", "<tool_call|>", "```", "}", "{", "]", '"', "'", "\\", ",", ":", "=", "</s>"]),
    ),
    max_size=4,
).map("".join)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(KEYS, VALUES, max_size=3)


@dataclass(frozen=True)
class Writer:
    """Writes arguments in a format's notation, with mistakes.

    Attributes:
      fmt: The format.
      braces: How often each brace stands around an object; the arguments themselves count as one.
      raw: Whether control characters in strings are not escaped.
      quoted: Whether Gemma's keys stand between quotes.
      colon: What stands behind Gemma's keys.
    """

    fmt: object
    braces: int = 1
    raw: bool = False
    quoted: bool = False
    colon: str = ":"

    @property
    def notation(self):
        return "python" if self.fmt.name in PYTHON else "gemma" if self.fmt.name in GEMMA else "json"

    def arguments(self, arguments):
        """What stands behind the name: an object, or in Python all between the parentheses."""
        if self.notation == "python":
            return ", ".join(f"{key}={self.value(value)}" for key, value in arguments.items())
        return self.value(arguments)

    def value(self, value):
        if isinstance(value, dict):
            items = ", ".join(f"{self.key(key)} {self.value(item)}" for key, item in value.items())
            return "{" * self.braces + items + "}" * self.braces
        if isinstance(value, list):
            return f"[{', '.join(map(self.value, value))}]"
        if isinstance(value, str):
            return self.string(value)
        return repr(value) if self.notation == "python" else json.dumps(value)

    def key(self, key):
        if self.notation == "gemma":
            return f'"{key}"{self.colon}' if self.quoted else f"{key}{self.colon}"
        return f'"{key}":'

    def string(self, text):
        if self.notation == "gemma" and not self.raw:
            delimiter = GEMMA[self.fmt.name]
            return f"{delimiter}{text}{delimiter}"
        if not self.raw:
            return json.dumps(text, ensure_ascii=False)
        return f'"{"".join(sign if sign in WHITE else json.dumps(sign, ensure_ascii=False)[1:-1] for sign in text)}"'


def frame(fmt):
    """What the format writes before and behind the arguments of a call of `f`, and the stop behind."""
    call = ToolCall("f", {"a": 1}, id="abcdefgh1")
    words = output(fmt, Conversation((Message("user", "x"), Message("assistant", tool_calls=(call,))), TOOLS))
    text = "".join(segment.text for segment in words)
    said = {"python": "a=1", "gemma": "{a:1}", "json": '{"a": 1}'}[Writer(fmt).notation]
    before, after = text.split(said)
    stop = next((stop for stop in fmt.stops if after.endswith(stop)), "")
    if not stop:  # FunctionGemma's and Gemma's calls are followed by what opens their results
        stop = next(stop for stop in fmt.stops if stop in after)
    return before, after[: after.index(stop)], stop


def formats():
    """All but the one without quotes and brackets; and a template, which reads with the format that it declares."""
    return {name: fmt for name, fmt in FORMATS.items() if fmt.name != "qwen3-xml"}


every_format = pytest.mark.parametrize("fmt", formats().values(), ids=formats())
KINDS = ("xml/args", "gemma4/31b", "llama31", "tool_code")
one_of_each_kind = pytest.mark.parametrize(
    "fmt",
    [pytest.param(fmt, id=name, marks=() if name in KINDS else pytest.mark.slow) for name, fmt in formats().items()],
)
json_format, gemma_format = (
    pytest.mark.parametrize("fmt", [f for f in formats().values() if Writer(f).notation == name], ids=lambda f: f.id)
    for name in ("json", "gemma")
)


def said(call):
    return json.dumps([call.name, dict(call.arguments)], sort_keys=True)


def check_repaired(fmt, text, meant, *, finish=None, data=None, listed=""):
    """The text is an error when read strictly, and these calls when read leniently, at once and in pieces."""
    strict = fmt.parse(text, tools=TOOLS, finish_reason=finish)
    lenient = fmt.parse(text, tools=TOOLS, finish_reason=finish, lenient=True)
    assert strict.errors or not strict.complete
    assert [said(call) for call in lenient.tool_calls] == [said(call) for call in meant]
    assert lenient.repairs and not lenient.errors and lenient.complete and lenient.content is None
    assert all(0 <= repair.position <= len(text) and repair.message for repair in lenient.repairs)
    assert listed in " ".join(repair.message for repair in lenient.repairs)
    points = data.draw(st.lists(st.integers(0, len(text)), max_size=5)) if data else []
    for pieces in (cut(text, points), list(text)):
        assert streamed(fmt, pieces, finish, tools=TOOLS, lenient=True) == lenient


@every_format
@given(arguments=ARGUMENTS, data=st.data())
@patient
def test_a_call_without_its_end_is_repaired_only_where_the_turn_ended(fmt, arguments, data):
    before, after, stop = frame(fmt)
    whole = before + Writer(fmt).arguments(arguments) + after
    least = len(whole) - len(after) + after.rfind('"') + 1 if after else len(whole) - 1
    end = data.draw(st.integers(least, len(whole) - 1))
    marker = next((m for region in fmt.grammar.regions for m in region.closers if len(m) > 1 and after.endswith(m)), "")
    text = whole[: end if end <= len(whole) - len(marker) else len(whole) - len(marker)]  # not half a marker
    meant = [ToolCall("f", arguments)]
    if stop:
        check_repaired(fmt, text + stop, meant, data=data)
        check_repaired(fmt, f"{text}\n{stop}", meant)
    check_repaired(fmt, text, meant, finish="stop", data=data)


@every_format
@given(arguments=ARGUMENTS, finish=st.sampled_from([None, "length", "tool_calls"]), data=st.data())
@patient
def test_a_cut_call_is_no_call_in_lenient_reading_either(fmt, arguments, finish, data):
    before, after, _ = frame(fmt)
    text = before + Writer(fmt).arguments(arguments) + after
    text = text[: data.draw(st.integers(0, len(text) - 1))]
    strict = fmt.parse(text, tools=TOOLS, finish_reason=finish)
    lenient = fmt.parse(text, tools=TOOLS, finish_reason=finish, lenient=True)
    assert lenient == strict
    keeps_whole_calls = fmt.id in ("tool_code", "mistral/v3")
    assert not lenient.tool_calls or keeps_whole_calls


@every_format
@given(arguments=st.dictionaries(KEYS, st.one_of(TEXTS, st.lists(TEXTS), st.dictionaries(KEYS, TEXTS))), data=st.data())
@patient
def test_raw_control_characters_in_strings(fmt, arguments, data):
    before, after, stop = frame(fmt)
    arguments |= {
        "a": data.draw(st.sampled_from(["line1\nline2", "\n", "a\n\tb" if fmt.name not in PYTHON else "\n\n"]))
    }
    text = before + Writer(fmt, raw=True).arguments(arguments) + after + stop
    check_repaired(fmt, text, [ToolCall("f", arguments)], data=data)


@every_format
@given(arguments=ARGUMENTS, braces=st.integers(2, 3), data=st.data())
@patient
def test_doubled_braces(fmt, arguments, braces, data):
    before, after, stop = frame(fmt)
    arguments |= {"a": {"b": 1, "c": {}}}
    text = before + Writer(fmt, braces).arguments(arguments) + after + stop
    check_repaired(fmt, text, [ToolCall("f", arguments)], data=data, listed="doubled braces")


@every_format
def test_a_broken_call_with_a_closing_marker_in_a_string_is_the_same_wherever_it_is_cut(fmt):
    before, after, stop = frame(fmt)
    marker = next((m for region in fmt.grammar.regions for m in region.closers), "")
    arguments = {"b": [marker], "c": [""], "a": {"b": 1}}
    text = before + Writer(fmt, 2).arguments(arguments) + after + stop
    whole = fmt.parse(text, tools=TOOLS, lenient=True)
    for end in range(len(text)):
        assert streamed(fmt, [text[:end], text[end:]], None, tools=TOOLS, lenient=True) == whole


@json_format
@given(arguments=ARGUMENTS, closings=st.integers(0, 3), data=st.data())
@patient
def test_doubled_braces_around_a_whole_object(fmt, arguments, closings, data):
    if fmt.name == "mistral" and fmt.variant != "v3":
        return
    _, after, stop = frame(fmt)
    before, inner = _object(fmt, arguments)
    text = f"{before}{{{inner}{'}' * closings}{after[after.index('}') + 1 :]}{stop}"
    if fmt.name != "mistral" or closings:  # a list after an object without its end reads as one more key
        check_repaired(fmt, text, [ToolCall("f", arguments)], data=data)


def _object(fmt, arguments):
    """What stands before a call's object, and the object."""
    before, after, _ = frame(fmt)
    start = before.index("{")
    inner = before[start:] + Writer(fmt).arguments(arguments) + after[: after.index("}") + 1]
    return before[:start], inner


@every_format
@given(arguments=ARGUMENTS, surplus=st.sampled_from(["}", "}}", "} }", "}\n"]), data=st.data())
@patient
def test_brackets_that_close_nothing(fmt, arguments, surplus, data):
    before, after, stop = frame(fmt)
    inner = Writer(fmt).arguments(arguments)
    bracket = ")" if fmt.name in PYTHON else "}"
    at = after.find(bracket) + 1
    text = before + inner + after[:at] + surplus + after[at:] + stop
    if (
        fmt.name == "mistral" and fmt.variant != "v3"
    ):  # a call is whole where its JSON is: strictly, the rest is content
        lenient = fmt.parse(text, lenient=True)
        assert lenient.tool_calls[0].arguments == arguments and lenient.repairs and lenient.content is None
        assert streamed(fmt, list(text), lenient=True) == lenient
    else:
        check_repaired(fmt, text, [ToolCall("f", arguments)], data=data, listed="closes nothing")


@every_format
@given(one=ARGUMENTS, two=ARGUMENTS, between=st.sampled_from(["", "\n", " ", ", ", ";", ";\n"]), data=st.data())
@patient
def test_several_calls_in_one_block(fmt, one, two, between, data):
    writer, (before, after, stop) = Writer(fmt), frame(fmt)
    meant = [ToolCall("f", one), ToolCall("f", two)]
    if fmt.name == "tool_code":
        between = between.rstrip("\n")
        calls = [f"f({writer.arguments(arguments)})" for arguments in (one, two)]
        text = before.replace("f(", "") + between.join(calls) + after.replace(")", "", 1) + stop
    elif fmt.name in PYTHON:
        calls = [f"[f({writer.arguments(arguments)})]" for arguments in (one, two)]
        text = before.replace("[f(", "") + between.join(calls) + after.replace(")]", "", 1) + stop
    elif fmt.name in GEMMA:
        opener = fmt.grammar.regions[0].opener
        calls = [f"call:f{writer.arguments(arguments)}" for arguments in (one, two)]
        text = opener + between.join(calls) + after + stop
    elif fmt.name == "mistral" and fmt.variant != "v3":
        objects = (json.dumps({"name": "f", "arguments": arguments}) for arguments in (one, two))
        text = f"[TOOL_CALLS]{between.join(objects)}{stop}"
    else:
        objects = [_object(fmt, arguments) for arguments in (one, two)]
        after = after[after.index("}") + 1 :].removesuffix("]")
        text = objects[0][0].removesuffix("[") + between.join(inner for _, inner in objects) + after + stop
    check_repaired(fmt, text, meant, data=data)


@json_format
@given(arguments=ARGUMENTS, data=st.data())
@patient
def test_the_arguments_under_another_name(fmt, arguments, data):
    if fmt.name == "mistral" and fmt.variant != "v3":
        return
    before, after, stop = frame(fmt)
    key = next(key for key in ("args", "arguments", "parameters") if f'"{key}"' in before)
    other = data.draw(st.sampled_from(sorted({"args", "arguments", "parameters"} - {key})))
    text = before.replace(f'"{key}"', f'"{other}"') + Writer(fmt).arguments(arguments) + after + stop
    check_repaired(fmt, text, [ToolCall("f", arguments)], data=data, listed=f'"{other}" read as "{key}"')


@every_format
@given(arguments=ARGUMENTS, first=VALUES, last=st.integers(), data=st.data())
@patient
def test_of_a_key_given_twice_the_last_value_counts_and_is_named(fmt, arguments, first, last, data):
    writer, (before, after, stop) = Writer(fmt), frame(fmt)
    arguments = {"twice": 0} | arguments
    inner = writer.arguments(arguments)
    pair = f"twice={last}" if fmt.name in PYTHON else f"{writer.key('twice')} {last}"
    inner = f"{inner}, {pair}" if fmt.name in PYTHON else f"{inner[:-1]}, {pair}}}"
    meant = [ToolCall("f", arguments | {"twice": last})]
    check_repaired(fmt, before + inner + after + stop, meant, data=data, listed='"twice" given twice')


@json_format
@pytest.mark.parametrize("nothing", ["null", '""', '"{}"', '"null"', "None"])
def test_arguments_that_are_nothing_are_no_arguments_and_never_content_in_silence(fmt, nothing):
    before, after, stop = frame(fmt)
    check_repaired(fmt, before + nothing + after + stop, [ToolCall("f", {})])


@gemma_format
@given(arguments=ARGUMENTS, quoted=st.booleans(), colon=st.sampled_from([":", "=", " = ", " :"]), data=st.data())
@patient
def test_quoted_keys_and_equals_signs(fmt, arguments, quoted, colon, data):
    before, after, stop = frame(fmt)
    arguments |= {"path": data.draw(VALUES), "deep": [{"a": 1}]}
    text = before + Writer(fmt, quoted=quoted, colon=colon).arguments(arguments) + after + stop
    if quoted or "=" in colon:
        check_repaired(fmt, text, [ToolCall("f", arguments)], data=data)
    else:
        assert fmt.parse(text).tool_calls == (ToolCall("f", arguments),)


@every_format
@given(data=st.data())
@patient
def test_what_is_right_when_read_strictly_is_read_the_same(fmt, data):
    conversation = data.draw(answers(reasoning=fmt.grammar.thought is not None))
    try:
        words = output(fmt, conversation)
    except FormatError:
        return
    tools = conversation.tools
    assert fmt.parse(words, tools=tools, lenient=True) == fmt.parse(words, tools=tools)


@every_format
@given(
    text=st.lists(st.one_of(MARKERS, st.text(max_size=5), st.just("f(a=1)"), st.just('{"name": "f"')), max_size=12),
    finish=st.sampled_from([None, "stop", "length"]),
    points=st.lists(st.integers(0, 60), max_size=4),
)
@patient
def test_without_a_repair_any_text_is_read_as_it_is_strictly(fmt, text, finish, points):
    text = data_for(fmt, "".join(text))
    strict = fmt.parse(text, tools=TOOLS, finish_reason=finish)
    lenient = fmt.parse(text, tools=TOOLS, finish_reason=finish, lenient=True)
    assert lenient.repairs or lenient == strict
    assert all(0 <= repair.position <= len(text) for repair in lenient.repairs)
    for pieces in (cut(text, [min(point, len(text)) for point in points]), list(text)):
        assert streamed(fmt, pieces, finish, tools=TOOLS, lenient=True) == lenient


def test_a_template_repairs_what_its_declared_format_does(tmp_path):
    path = tmp_path / "chat.jinja"
    path.write_text(get_format("qwen3").chat_template(), encoding="utf-8")
    for name in ("qwen3", "gemma4", "llama4"):
        fmt = get_format(f"template:{path}/{name}")
        before, after, stop = frame(get_format(name))
        text = before + Writer(get_format(name)).arguments({"a": {}}) + after[: -len(after.strip()) or None] + stop
        check_repaired(fmt, text, [ToolCall("f", {"a": {}})])


@one_of_each_kind
def test_lenient_reading_takes_time_that_grows_with_the_length(fmt):
    before, after, stop = frame(fmt)
    inner = Writer(fmt, braces=2, raw=True).arguments({"a": {"b": "x\ny"}})
    opener = fmt.grammar.regions[-1].opener
    units = [before + inner + after, before + inner, before + inner + stop, f'{before}{{"a": "', f"{before}['", before]
    units += [f"{opener}{mark}" for mark in ("[", '"', "'", "{{", '{"a":', "f(a='", '["', "}", '"""')]
    read = partial(fmt.parse, tools=TOOLS, lenient=True, finish_reason="stop")
    for unit in units:
        assert is_linear(lambda text: read(text + after + stop), unit.__mul__, 30_000 // len(unit)), f"{unit!r}, closed"


@one_of_each_kind
def test_a_broken_call_that_arrives_in_pieces_is_read_in_time_that_grows_with_its_length(fmt):
    before, _, _ = frame(fmt)
    region = next(region for region in fmt.grammar.regions if not region.lenient)
    key = "a=" if fmt.name in PYTHON else '{"a": '
    unit = f'"{region.closers[0] if region.closers else "}"}", '
    start = f'{before}{key}["\n", '

    def read(text):
        return streamed(fmt, list(text), tools=TOOLS, lenient=True)

    assert is_linear(read, lambda n: start + unit * n, 16_000 // len(unit))
