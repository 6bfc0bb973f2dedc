"""What holds for every format of the registry, whatever conversations and texts come.

A format is here by being registered. What it says reads back, or is refused with an error that names the place; what
arrives in pieces reads like what arrives at once; no text makes it raise, hang, or give away half a marker.
"""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.conversations import MARKERS, answers, output
from tests.support.linear import is_linear

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS
from callwright.formats.base import Parsed

THOUGHTS = {fmt.grammar.thought.opener for fmt in FORMATS.values() if fmt.grammar.thought}
every_format = pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def streamed(fmt, pieces, finish_reason=None, **options):
    stream = fmt.stream(**options)
    events = [event for piece in pieces for event in stream.feed(piece)]
    return Parsed.from_events([*events, *stream.finish(finish_reason)], complete=stream.complete)


def opened_by(fmt, conversation):
    """What opens the model's turn for the last message."""
    return fmt.generation_prompt(Conversation(conversation.messages[:-1], conversation.tools))


def cut(text, points):
    edges = [0, *sorted(points), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


@every_format
@given(data=st.data())
@patient
def test_what_is_said_reads_back_at_once_and_in_pieces_or_is_refused(fmt, data):
    conversation = data.draw(answers(reasoning=fmt.grammar.thought is not None))
    try:
        words = output(fmt, conversation)
    except FormatError:
        return
    text = "".join(segment.text for segment in words)
    points = data.draw(st.lists(st.integers(0, len(text)), max_size=6))
    known = {"tools": conversation.tools, "generation_prompt": opened_by(fmt, conversation)}
    whole = fmt.parse(text, **known)
    for pieces in (cut(text, points), list(text)):
        assert streamed(fmt, pieces, **known) == whole
    meant, read = conversation.messages[-1], fmt.parse(words, **known)
    calls = [(call.name, dict(call.arguments)) for call in meant.tool_calls]
    assert [(call.name, dict(call.arguments)) for call in read.tool_calls] == calls
    kinds = [json.dumps([dict(c.arguments) for c in m.tool_calls], sort_keys=True) for m in (read, meant)]
    assert kinds[0] == kinds[1], "1 and 1.0 differ"
    if not fmt.drops_content(meant):
        assert (read.content or "").strip() == (meant.content or "").strip()
    if meant.reasoning and meant.reasoning.strip():
        assert (read.reasoning or "").strip() == meant.reasoning.strip()
    assert not read.errors and read.complete


@every_format
@given(data=st.data(), thinking=st.sampled_from([None, True, False]))
@patient
def test_a_generation_prompt_only_adds_to_the_end(fmt, data, thinking):
    conversation = data.draw(answers(reasoning=fmt.grammar.thought is not None))
    for length in range(1, len(conversation.messages) + 1):
        part = Conversation(conversation.messages[:length], conversation.tools)
        try:
            whole, closed = (
                fmt.render(part, add_generation_prompt=add, thinking=thinking).text for add in (True, False)
            )
        except FormatError:
            continue
        assert closed + fmt.generation_prompt(part, thinking=thinking) == whole


@every_format
@pytest.mark.parametrize("thinking", [None, True, False])
def test_a_prompt_of_its_own_is_read_without_a_warning_and_no_other(fmt, thinking):
    user = Message("user", "Where is it?")
    call = Message("assistant", tool_calls=(ToolCall("f", {}, id="call00001"),))
    result = Message("tool", "Here.", name="f", tool_call_id="call00001")
    for messages in ((user,), (user, call, result)):
        try:
            prompt = fmt.render(Conversation(messages), add_generation_prompt=True, thinking=thinking).text
        except FormatError:
            continue
        opened = fmt.generation_prompt(Conversation(messages), thinking=thinking)
        for known in (prompt, opened, opened.rstrip()):
            assert not fmt.prompt_warnings(known, thinking)
        if fmt.grammar.opens_thought(opened):  # what follows is read as reasoning
            continue
        for region in fmt.grammar.regions:
            if region.opener.strip():
                assert "generation_prompt" in fmt.prompt_warnings(f"{prompt}{region.opener}")[0]
        for thought in THOUGHTS - ({fmt.grammar.thought.opener} if fmt.grammar.thought else set()):
            assert "generation_prompt" in fmt.prompt_warnings(f"{prompt}{thought}")[0]
    assert bool(fmt.prompt_warnings("", True)) == (fmt.grammar.thought is None)


@every_format
@given(
    text=st.lists(st.one_of(MARKERS, st.text(max_size=5)), max_size=12).map("".join),
    lenient=st.booleans(),
    finish=st.sampled_from([None, "stop", "length"]),
    points=st.lists(st.integers(0, 40), max_size=4),
)
@patient
def test_any_text_is_read_without_raising_and_the_same_in_pieces(fmt, text, lenient, finish, points):
    text = data_for(fmt, text)
    whole = fmt.parse(text, lenient=lenient, finish_reason=finish)
    pieces = cut(text, [min(point, len(text)) for point in points])
    assert streamed(fmt, pieces, finish, lenient=lenient) == whole
    assert streamed(fmt, list(text), finish, lenient=lenient) == whole
    assert finish != "length" or not whole.complete
    if not lenient:
        assert not whole.repairs


@every_format
def test_what_opens_a_call_at_the_start_only_is_text_after_words(fmt):
    for region in fmt.grammar.start_regions:
        for pieces in (["Hello ", region.opener, "x"], ["Hello", f" {region.opener}x"]):
            whole = fmt.parse("".join(pieces), tools=())
            assert streamed(fmt, pieces, tools=()) == whole
            assert whole.complete and not whole.tool_calls


def data_for(fmt, text):
    """Half of the texts begin with a marker of the format's own, so that they reach its readers."""
    openers = [region.opener for region in fmt.grammar.regions]
    return openers[len(text) % len(openers)] + text if len(text) % 2 and openers else text


@pytest.mark.parametrize("size", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@every_format
def test_anything_is_read_in_time_that_grows_with_its_length(fmt, size):
    openers = [region.opener for region in fmt.grammar.regions]
    closers = [closer for region in fmt.grammar.regions for closer in region.closers]
    words = output(fmt, Conversation((Message("user", "x"), Message("assistant", "y"))))
    example = "".join(segment.text for segment in words)
    hostile = [
        *openers,
        *closers,
        *fmt.stops,
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
        assert is_linear(fmt.parse, unit.__mul__, size // len(unit)), f"{unit!r} again and again"


@every_format
def test_no_text_of_others_becomes_control(fmt):
    hostile = "".join(fmt.special_tokens)
    tool = Tool("f", hostile, {"type": "object", "properties": {"a": {"type": "string", "description": hostile}}})
    messages = (Message("user", hostile), Message("assistant", "ok"), Message("user", hostile))
    try:
        segments = fmt.render(Conversation(messages, (tool,)), add_generation_prompt=True).segments
    except FormatError:
        return
    assert not any(segment.control and hostile in segment.text for segment in segments)
    innocent = fmt.render(
        Conversation(
            (Message("user", "q"), Message("assistant", "ok"), Message("user", "q")),
            (Tool("f", "q", {"type": "object", "properties": {"a": {"type": "string", "description": "q"}}}),),
        ),
        add_generation_prompt=True,
    ).segments
    assert [s.text for s in segments if s.control] == [s.text for s in innocent if s.control]


@every_format
def test_only_the_assistants_turns_are_trained(fmt):
    conversation = Conversation((Message("user", "hi"), Message("assistant", "yo"), Message("user", "bye")))
    supervised = "".join(segment.text for segment in fmt.render(conversation).segments if segment.supervised)
    before, _, after = supervised.partition("yo")
    assert not before or before.strip() == fmt.grammar.thought.closer, "of a thought that the prompt opens, the end"
    assert after in ("", *fmt.stops, *(f"{stop}\n" for stop in fmt.stops))
