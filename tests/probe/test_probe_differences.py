"""Differences are found by field, word and character, whatever is compared, in time that nobody can stretch."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.probe_reports import ALTERED, CALLS, DRAWS, FINDINGS, REFUSED, answer, prompt

from callwright.probe.report.diff import compare, cut, first_difference

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
PAIRS = st.lists(st.tuples(st.text("ab<|\n ", min_size=1, max_size=6), st.booleans()).map(list), min_size=1, max_size=8)


def marked(side, kind):
    return [span.text for span in side if span.kind == kind]


def field(expected, seen, name):
    return next(one for one in compare(expected, seen) if one.name == name)


def test_what_is_the_same_has_no_difference():
    for expected, _ in FINDINGS.values():
        assert not any(one.differs for one in compare(expected, expected))
        assert first_difference(expected, expected) is None


def test_a_changed_word_is_marked_and_in_it_the_characters_that_changed():
    output = field(answer("days 1.0 now"), answer("days 1 now"), "content")
    assert (marked(output.expected, "word"), marked(output.expected, "character")) == (["1"], [".0"])
    assert (marked(output.seen, "word"), marked(output.seen, "character")) == (["1"], [""])
    assert marked(output.seen, "same") == ["days ", " now"]


def test_a_control_token_is_not_the_text_that_looks_like_it():
    expected, seen = FINDINGS["rendering.typed", "control-token-injection"]
    (only,) = compare(expected, seen)
    assert [(s.text, s.control) for s in only.expected if s.kind == "character"] == [("<|im_end|>", False)]
    assert [(s.text, s.control) for s in only.seen if s.kind == "character"] == [("<|im_end|>", True)]


def test_calls_are_compared_one_by_one():
    fields = compare(answer(calls=CALLS), answer(calls=ALTERED))
    assert [one.name for one in fields if one.differs] == ["call 2"]
    assert field(answer(calls=CALLS), answer(), "call 1").seen is None
    assert field(answer(), answer(calls=CALLS), "call 2").expected is None


def test_numbers_that_are_equal_but_spelt_otherwise_differ():
    one, other = ({"name": "f", "arguments": {"x": value}} for value in (1.0, 1))
    assert field({"tool_calls": [one]}, {"tool_calls": [other]}, "call 1").differs


def test_an_excerpt_shows_the_difference_on_both_sides_even_where_one_has_nothing():
    expected, seen = FINDINGS["rendering.opened", "generation-prompt-missing"]
    assert first_difference(expected, seen) == ("…@⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\n", "…@⟦<|im_end|>⟧\n")
    output = first_difference(answer("x"), REFUSED)
    assert output == ("x", "error: invalid tool call arguments: unexpected end of JSON input")
    assert first_difference(answer(calls=CALLS), answer(calls=CALLS[:1]))[1] == "nothing"


def test_cutting_keeps_control_tokens_whole():
    (only,) = compare(prompt("a"), prompt("a"))
    assert [span.text for span in cut(only.expected, 3, 14)] == ["<|im_start|>", "sy"]


@settings(max_examples=200, deadline=None)
@given(JSON, JSON)
def test_any_two_values_can_be_compared(expected, seen):
    for one in compare(expected, seen):
        assert one.expected is not None or one.seen is not None
    first_difference(expected, seen)


@settings(max_examples=200, deadline=None)
@given(PAIRS, PAIRS)
def test_nothing_is_lost_and_a_difference_is_one(expected, seen):
    (only,) = compare(expected, seen)
    for side, pairs in ((only.expected, expected), (only.seen, seen)):
        assert "".join(span.text for span in side) == "".join(text for text, _ in pairs)
    same = [[span.text for span in side if span.kind == "same"] for side in (only.expected, only.seen)]
    assert "".join(same[0]) == "".join(same[1])
    flat = [
        [(c, control) for text, control in pairs for c in (([text]) if control else text)] for pairs in (expected, seen)
    ]
    assert only.differs == (flat[0] != flat[1])


def test_hostile_texts_take_no_long_time():
    """They take two seconds; all ways to compare them take hours."""
    started = time.process_time()
    for one, other in (("a b" * 100_000, "b a" * 100_000), ("ab" * 90, "ba" * 90), ("x y " * 700, "y x " * 700)):
        compare(answer(one), answer(other))
    assert time.process_time() - started < 200


def test_of_draws_the_explanation_is_told():
    assert first_difference(*DRAWS) == ("another distribution", "top-k 3 (p = 0.4)")


def test_an_empty_side_is_nothing_and_where_both_are_the_next_field_says_more():
    assert first_difference(answer("Hi."), answer("")) == ("Hi.", "nothing")
    expected, seen = answer("", finish="length"), answer("", finish="stop")
    ends = "finish_reason: length", "finish_reason: stop"
    assert first_difference(expected, {key: seen[key] for key in seen if key != "content"}) == ends


def test_each_side_of_an_excerpt_is_what_that_answer_has():
    """A call that was made of text, one that was broken, one too many, and one that is text: never "nothing"."""
    text, call, broken = '<tool_call>{"name": "f"', ("f", {"x": 1}), ("f", '{"x": ')
    of_text, of_call = f"content: {text}", 'call 1: f {"x": 1}'
    generated = {"words": text}
    assert first_difference(answer(text) | generated, answer(calls=[call], finish="tool_calls")) == (of_text, of_call)
    assert first_difference(answer(calls=[call], finish="tool_calls") | generated, answer(text)) == (of_call, of_text)
    cut = answer(finish="length")
    assert first_difference(cut | generated, answer(calls=[broken], finish="length")) == ("nothing", 'call 1: f {"x": ')
    one_more = answer("Done.", calls=[call]) | generated, answer(calls=[call, ("f", {"y": None})])
    assert first_difference(*one_more) == ("content: Done.", 'call 2: f {"y": null}')
    assert first_difference(answer(calls=[call]) | generated, REFUSED | {"error": "no"}) == (of_call, "error: no")


ANSWERS = st.builds(
    answer,
    st.text("ab ", max_size=6),
    st.text("ab ", max_size=6),
    st.lists(st.tuples(st.sampled_from("fg"), st.dictionaries(st.just("x"), st.integers(0, 2))), max_size=5),
    st.sampled_from(["stop", "tool_calls", "length"]),
)


@settings(max_examples=100, deadline=None)
@given(ANSWERS, ANSWERS, st.text("ab<", min_size=1))
def test_an_excerpt_has_both_sides_and_nothing_of_the_model_output(expected, seen, generated):
    found = first_difference(expected | {"words": generated}, seen)
    assert found == first_difference(expected, seen)
    assert (found is None) == (expected == seen)
    for side, whole in zip(found or (), (expected, seen), strict=False):
        assert ("call " in side) <= bool(whole["tool_calls"]) and ("content" in side) <= bool(whole["content"])
