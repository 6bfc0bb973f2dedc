"""What holds for every format of the registry, whatever conversations and texts come.

A format is here by being registered. What it says reads back, or is refused with an error that names the place; what
arrives in pieces reads like what arrives at once; no text makes it raise, hang, or give away half a marker.
"""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.conversations import MARKERS, answers, said
from tests.support.linear import is_linear

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import FormatError
from callwright.formats import FORMATS, get_format
from callwright.formats.base import put_together

ALL = [(name, variant) for name, variants in FORMATS.items() for variant in variants]
every_format = pytest.mark.parametrize("form", [get_format(*pair) for pair in ALL], ids=["/".join(p) for p in ALL])
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def streamed(form, pieces, finish_reason=None, **options):
    stream = form.stream(**options)
    events = [event for piece in pieces for event in stream.feed(piece)]
    return put_together([*events, *stream.finish(finish_reason)], complete=stream.complete)


def cut(text, points):
    edges = [0, *sorted(points), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


@every_format
@given(data=st.data())
@patient
def test_what_is_said_reads_back_at_once_and_in_pieces_or_is_refused(form, data):
    conversation = data.draw(answers(reasoning=form.grammar.thought is not None))
    try:
        words = said(form, conversation)
    except FormatError:
        return
    text = "".join(segment.text for segment in words)
    points = data.draw(st.lists(st.integers(0, len(text)), max_size=6))
    whole = form.parse(text, tools=conversation.tools)
    for pieces in (cut(text, points), list(text)):
        assert streamed(form, pieces, tools=conversation.tools) == whole
    meant, read = conversation.messages[-1], form.parse(words, tools=conversation.tools)
    calls = [(call.name, dict(call.arguments)) for call in meant.tool_calls]
    assert [(call.name, dict(call.arguments)) for call in read.tool_calls] == calls
    kinds = [json.dumps([dict(c.arguments) for c in m.tool_calls], sort_keys=True) for m in (read, meant)]
    assert kinds[0] == kinds[1], "1 and 1.0 differ"
    if not form.drops_content(meant):
        assert (read.content or "").strip() == (meant.content or "").strip()
    if meant.reasoning and meant.reasoning.strip():
        assert (read.reasoning or "").strip() == meant.reasoning.strip()
    assert not read.errors and read.complete


@every_format
@given(data=st.data(), thinking=st.sampled_from([None, True, False]))
@patient
@pytest.mark.filterwarnings("ignore::callwright.errors.FormatWarning")
def test_a_generation_prompt_only_adds_to_the_end(form, data, thinking):
    conversation = data.draw(answers(reasoning=form.grammar.thought is not None))
    for length in range(1, len(conversation.messages) + 1):
        part = Conversation(conversation.messages[:length], conversation.tools)
        try:
            whole, closed = (
                "".join(segment.text for segment in form.render(part, add_generation_prompt=add, thinking=thinking))
                for add in (True, False)
            )
        except FormatError:
            continue
        assert closed + form.generation_prompt(part, thinking=thinking) == whole


@every_format
@given(
    text=st.lists(st.one_of(MARKERS, st.text(max_size=5)), max_size=12).map("".join),
    lenient=st.booleans(),
    finish=st.sampled_from([None, "stop", "length"]),
    points=st.lists(st.integers(0, 40), max_size=4),
)
@patient
def test_any_text_is_read_without_raising_and_the_same_in_pieces(form, text, lenient, finish, points):
    text = data_for(form, text)
    whole = form.parse(text, lenient=lenient, finish_reason=finish)
    pieces = cut(text, [min(point, len(text)) for point in points])
    assert streamed(form, pieces, finish, lenient=lenient) == whole
    assert streamed(form, list(text), finish, lenient=lenient) == whole
    assert finish != "length" or not whole.complete
    if not lenient:
        assert not whole.repairs


@every_format
def test_what_opens_a_call_at_the_start_only_is_text_after_words(form):
    for region in form.grammar.at_start:
        for pieces in (["Hello ", region.opener, "x"], ["Hello", f" {region.opener}x"]):
            whole = form.parse("".join(pieces), tools=())
            assert streamed(form, pieces, tools=()) == whole
            assert whole.complete and not whole.tool_calls


def data_for(form, text):
    """Half of the texts begin with a marker of the format's own, so that they reach its readers."""
    openers = [region.opener for region in form.grammar.regions]
    return openers[len(text) % len(openers)] + text if len(text) % 2 and openers else text


@pytest.mark.parametrize("size", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@every_format
def test_anything_is_read_in_time_that_grows_with_its_length(form, size):
    openers = [region.opener for region in form.grammar.regions]
    closers = [closer for region in form.grammar.regions for closer in region.closers]
    words = said(form, Conversation((Message("user", "x"), Message("assistant", "y"))))
    example = "".join(segment.text for segment in words)
    hostile = [
        *openers,
        *closers,
        *form.stops,
        example,
        "{",
        "[",
        '"',
        "\\",
        '{"a":',
        "[{",
        "(",
        "f(",
        "f(a=",
        "'",
        "\n",
    ]
    hostile += [a + b for a in openers for b in ("{", "[", '"', '{"a', "x", "call:f{", "[f(a=1", "\n", *closers)]
    for unit in hostile:
        assert is_linear(form.parse, unit.__mul__, size // len(unit)), f"{unit!r} again and again"


@every_format
def test_no_text_of_others_becomes_control(form):
    hostile = "".join(form.controls)
    tool = Tool("f", hostile, {"type": "object", "properties": {"a": {"type": "string", "description": hostile}}})
    messages = (Message("user", hostile), Message("assistant", "ok"), Message("user", hostile))
    try:
        segments = form.render(Conversation(messages, (tool,)), add_generation_prompt=True)
    except FormatError:
        return
    assert not any(segment.control and hostile in segment.text for segment in segments)
    innocent = form.render(
        Conversation(
            (Message("user", "q"), Message("assistant", "ok"), Message("user", "q")),
            (Tool("f", "q", {"type": "object", "properties": {"a": {"type": "string", "description": "q"}}}),),
        ),
        add_generation_prompt=True,
    )
    assert [s.text for s in segments if s.control] == [s.text for s in innocent if s.control]


@every_format
def test_only_the_assistants_turns_are_trained(form):
    conversation = Conversation((Message("user", "hi"), Message("assistant", "yo"), Message("user", "bye")))
    trained = "".join(segment.text for segment in form.render(conversation) if segment.trained)
    assert trained.startswith("yo")
    assert trained.removeprefix("yo") in ("", *form.stops, *(f"{stop}\n" for stop in form.stops))
