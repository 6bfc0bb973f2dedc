"""Every cause is found at the step where it first bites, on traces that differ from a faithful pair by that alone."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bakeoff_traces import (
    ANSWER,
    CALLS,
    TOOLS,
    asked,
    changed,
    ended,
    ids,
    prompt_of,
    text_of,
    trace,
)

from callwright.bakeoff.verdict.align import align
from callwright.bakeoff.verdict.causes import CAUSES, find_cause
from callwright.engines.sampling import GREEDY
from callwright.evaluation.row import RowCall
from callwright.export.verify.likeliest import Likeliest
from callwright.formats import get_format
from callwright.openai import read_conversation

URL = "http://127.0.0.1:8080/v1/chat/completions"
REFERENCE, SERVED = trace("jax"), trace("served", url=URL)
OTHER_CALL = RowCall(name="memory_write", arguments={"key": "movie", "content": "The Matrix"})
CUT_PROMPT = "<bos>" + prompt_of(1)[prompt_of(1).index("is the house") :]


def prompt(text):
    return {"prompt": text, "prompt_ids": ids(text)}


def output(text, **more):
    """An output of the second step, with what the strict parser and the runtime make of it."""
    calls = more.pop("calls", (OTHER_CALL,))
    return {"raw": text, "output_ids": ids(f"{text}<end>"), "strict_calls": calls, "runtime_calls": calls} | more


def numbers(at, logprob):
    """Logarithms of probability: all tokens are certain but the one at a place."""
    return tuple(logprob if place == at else -0.01 for place in range(len(ids(text_of(OTHER_CALL))) + 1))


def spelled(**arguments):
    """The first call with other arguments."""
    return (RowCall(name="check_library", arguments=arguments),)


PLACE = next(
    n for n, (a, b) in enumerate(zip(ids(text_of(CALLS[1])), ids(text_of(OTHER_CALL)), strict=False)) if a != b
)
KEPT = {
    "role": "assistant",
    "content": "<|channel>thought\n<channel|>",
    "tool_calls": SERVED.steps[1].messages[4]["tool_calls"],
}
WITH_KEPT_THOUGHT = (*SERVED.steps[1].messages[:4], KEPT, *SERVED.steps[1].messages[5:])
OTHER_RESULT = (*SERVED.steps[1].messages[:5], {"role": "tool", "content": "- The Matrix: MISSING"})
REARRANGED = prompt_of(1).replace('"titles": "The Matrix", "limit": 1', '"limit": 1, "titles": "The Matrix"', 1)
CUT_OUTPUT = output(text_of(CALLS[1])[:20], calls=(), stop_reason="length")
CUT_OUTPUT["output_ids"] = CUT_OUTPUT["output_ids"][:-1]

FAULTS = [
    ("template", "", 1, prompt(prompt_of(1).replace("<turn>tool\n", "<turn>tool\n\n"))),
    ("template", "", 0, prompt(prompt_of(0).removeprefix("<bos>"))),
    ("template", "", 0, prompt("<bos>" + prompt_of(0).partition("\n")[2])),
    ("tokenizer", "", 1, {"prompt_ids": (*ids(prompt_of(1))[:9], 70_000, *ids(prompt_of(1))[11:])}),
    ("history", "rewritten", 1, prompt(REARRANGED)),
    ("history", "content kept", 1, {"messages": WITH_KEPT_THOUGHT} | prompt(prompt_of(1) + "<end>")),
    ("context", "cut", 1, prompt(CUT_PROMPT)),
    ("context", "cut", 1, prompt(prompt_of(1)[100:])),
    ("context", "cut", 0, prompt(prompt_of(0)[prompt_of(0).index("memory_write") - 9 :])),
    ("context", "dropped", 1, {"messages": (SERVED.steps[1].messages[0], *SERVED.steps[1].messages[3:])}),
    ("context", "dropped", 1, prompt(prompt_of(1).replace("<turn>user\nGood morning, here is the house.<end>\n", ""))),
    ("tool", "", 1, {"results": ("stored: nothing",)}),
    ("tool", "", 1, {"messages": OTHER_RESULT}),
    ("limits", "tokens", 1, CUT_OUTPUT),
    ("grammar", "", 1, output(text_of(OTHER_CALL), logprobs=numbers(PLACE, -9.0))),
    ("grammar", "", 1, output(text_of(OTHER_CALL), top_ids=ids(f"{text_of(CALLS[1])}<end>"))),
    ("sampler", "draw", 2, {"output_ids": ids("No.<end>"), "raw": "No.", "content": "No.", "logprobs": (-7.0,)}),
    ("sampler", "settings", 1, output(text_of(OTHER_CALL), sampling=replace(GREEDY, temperature=0.8))),
    ("sampler", "settings", 1, output(text_of(OTHER_CALL), sampling=replace(GREEDY, temperature=None))),
    ("quantization", "", 1, output(text_of(OTHER_CALL))),
    ("quantization", "", 1, output(text_of(OTHER_CALL), logprobs=numbers(PLACE, math.log(0.7)))),
    ("parser", "lost", 1, {"runtime_calls": ()}),
    ("parser", "leaked", 1, {"runtime_calls": (), "content": text_of(CALLS[1])}),
    ("parser", "leaked", 2, {"content": f"{ANSWER}<end>", "raw": f"{ANSWER}<end>"}),
    ("parser", "leaked", 2, {"content": f"{ANSWER}<end>"}),
    ("parser", "altered", 0, {"runtime_calls": spelled(titles="The Matrix", limit=1.0)}),
    ("parser", "altered", 0, {"runtime_calls": spelled(limit=1, titles="The Matrix")}),
    ("parser", "invented", 2, {"runtime_calls": CALLS[:1]}),
    ("parser", "lost", 2, {"content": ""}),
    ("unexplained", "", 0, {"messages": ({"role": "user", "content": "Something else"},)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "kind", "step", "fields"), FAULTS, ids=lambda value: value if isinstance(value, str) else None
)
def test_a_fault_is_found_at_its_step_and_attributed(cause, kind, step, fields):
    parting = align(REFERENCE, changed(SERVED, step, **fields)).parting
    found, why = find_cause(parting)
    assert (found, why.kind, parting.step) == (cause, kind, step), why


@pytest.mark.parametrize(
    ("cause", "kind", "step", "other"),
    [
        ("context", "overflow", 1, ended(SERVED, 1, "context_overflow", "1,500 tokens exceed 512")),
        ("limits", "step_budget", 2, ended(SERVED, 2, "step_budget")),
        ("limits", "timeout", 1, ended(SERVED, 1, "timeout", "no answer within 60 seconds")),
        ("limits", "truncated", 2, ended(SERVED, 3, "truncated")),
        ("failure", "http_error", 1, ended(SERVED, 1, "http_error", "HTTP 500: unexpected empty grammar stack")),
        ("parser", "lost", 2, ended(changed(SERVED, 1, runtime_calls=CALLS[1:]), 2, "parse_lost")),
        ("unexplained", "", 2, ended(SERVED, 2, "answer_returned")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_why_a_trace_ends_is_told(cause, kind, step, other):
    parting = align(REFERENCE, other).parting
    found, why = find_cause(parting)
    assert (found, why.kind, parting.step) == (cause, kind, step), why


def test_a_malformed_call_that_is_delivered_is_repaired():
    broken = text_of(CALLS[1]).replace("}}", "}")
    ours = changed(REFERENCE, 1, raw=broken, output_ids=ids(broken), strict_calls=None)
    theirs = changed(SERVED, 1, raw=broken, output_ids=ids(broken), strict_calls=None)
    found, why = find_cause(align(ours, theirs).parting)
    assert (found, why.kind) == ("parser", "repaired")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("leaked", {"runtime_calls": (), "content": text_of(CALLS[1])}),
        ("lost", {"runtime_calls": ()}),
        ("invented", {"runtime_calls": CALLS}),
        ("altered", {"runtime_calls": (RowCall(name="memory_write", arguments={"content": "x", "key": "film"}),)}),
    ],
)  # fmt: skip
def test_a_runtime_that_keeps_its_output_shows_what_its_parser_did(kind, fields):
    silent = trace("ollama-json", url=URL, tells="calls")
    found, why = find_cause(align(REFERENCE, changed(silent, 1, **fields)).parting)
    assert (found, why.kind) == ("parser", kind)


def test_what_a_silent_runtime_did_is_not_guessed():
    silent = trace("ollama-json", url=URL, tells="calls")
    other = changed(silent, 1, runtime_calls=(OTHER_CALL,), output_tokens=99)
    found, why = find_cause(align(REFERENCE, other).parting)
    assert found == "unexplained"
    assert "tells no prompt or no output" in why.sentence


def test_the_cause_furthest_upstream_is_told():
    fields = prompt(REARRANGED) | output(text_of(OTHER_CALL), runtime_calls=()) | {"results": ("other",)}
    assert find_cause(align(REFERENCE, changed(SERVED, 1, **fields)).parting)[0] == "history"


def test_a_grammar_is_told_from_a_penalty_by_what_the_schema_allows():
    """What came before and has its keys in the schema's order is refused by a penalty alone."""
    first, second = (RowCall(name="memory_write", arguments={"key": key, "content": "x"}) for key in ("name", "movie"))
    reference = changed(REFERENCE, 1, **output(text_of(first), calls=(first,)))
    fields = output(text_of(second), calls=(second,), top_ids=ids(f"{text_of(first)}<end>"))
    repeated = find_cause(align(reference, changed(SERVED, 1, **fields)).parting)
    assert (repeated[0], repeated[1].kind) == ("sampler", "penalty")
    misspelled = RowCall(name="memory_write", arguments={"content": "x", "key": "name"})
    refused = changed(REFERENCE, 1, **output(text_of(misspelled), calls=(misspelled,)))
    fields |= {"top_ids": refused.steps[1].output_ids}
    assert find_cause(align(refused, changed(SERVED, 1, **fields)).parting)[0] == "grammar"


@pytest.mark.parametrize(
    ("margin", "cause", "rounding"),
    [(0.03, "quantization", True), (0.8, "quantization", False), (5.0, "sampler", False)],
)
def test_the_margin_of_the_reference_tells_rounding_from_quantization_from_a_sampler(margin, cause, rounding):
    ours, theirs = ids(text_of(CALLS[1]))[PLACE], ids(text_of(OTHER_CALL))[PLACE]
    parting = align(REFERENCE, changed(SERVED, 1, **output(text_of(OTHER_CALL)))).parting
    found, why = find_cause(parting, lambda step, place: Likeliest({ours: -0.7, theirs: -0.7 - margin}))
    assert (found, why.rounding) == (cause, rounding)
    assert why.numbers["margin"] == pytest.approx(margin)
    assert why.numbers["token"] == PLACE


def test_without_logits_the_probability_of_the_token_bounds_the_margin():
    reference = changed(REFERENCE, 1, logprobs=numbers(PLACE, math.log(0.75)))
    parting = align(reference, changed(SERVED, 1, **output(text_of(OTHER_CALL)))).parting
    _, why = find_cause(parting)
    assert why.numbers["margin"] == pytest.approx(math.log(3))
    assert why.numbers["margin_is_a_bound"] == 1
    assert "or more" in why.sentence


def test_the_evidence_names_the_byte_and_shows_both_sides():
    text = prompt_of(1).replace("household", "häusl household").replace("Ann.", "Anna.")
    ours = changed(REFERENCE, 1, **prompt(text))
    theirs = changed(SERVED, 1, **prompt(text.replace("Anna.", "Anne.")))
    expected, seen = find_cause(align(ours, theirs).parting)[1].excerpts
    assert expected.unit == "byte"
    assert expected.place == seen.place == text.encode().index(b"Anna.") + 3
    assert (expected.after[:2], seen.after[:2]) == ("a.", "e.")
    assert expected.before == seen.before
    assert expected.before.endswith("Good morning, Ann")


THOUGHT = "<|channel>thought\n<channel|>"


@pytest.mark.parametrize(
    ("messages", "behind", "kind"),
    [(WITH_KEPT_THOUGHT, "<turn|>\n", "content kept"), (asked(1), f"{THOUGHT}<turn|>\n", "rewritten")],
    ids=["by the harness", "by the runtime"],
)
def test_a_thought_that_is_kept_as_content_is_history(messages, behind, kind):
    """Gemma 4's template closes the turn behind the result where an assistant's message has content beside its call."""
    fmt = get_format("gemma4/31b")
    told = fmt.render(read_conversation({"messages": list(asked(1)), "tools": TOOLS}), add_generation_prompt=True).text
    raw = f'{THOUGHT}<|tool_call>call:check_library{{limit:1,titles:<|"|>The Matrix<|"|>}}<tool_call|>'
    ours, theirs = (changed(one, 0, raw=raw, output_ids=ids(raw)) for one in (REFERENCE, SERVED))
    parting = align(
        changed(ours, 1, **prompt(told)), changed(theirs, 1, messages=messages, **prompt(f"{told}{behind}"))
    ).parting
    found, why = find_cause(parting)
    assert (found, why.kind, parting.step) == ("history", kind, 1)
    assert why.excerpts[1].after.startswith(THOUGHT.partition("\n")[0])


def test_a_result_that_reaches_the_model_otherwise_is_no_history():
    for other in ("{value: IN LIBRARY}", "", "- The M"):
        fields = prompt(prompt_of(1).replace("- The Matrix: IN LIBRARY", other))
        assert find_cause(align(REFERENCE, changed(SERVED, 1, **fields)).parting)[0] == "template"


@given(fault=st.sampled_from(FAULTS), other=st.sampled_from(FAULTS))
def test_the_first_of_two_faults_is_told_whichever_arm_is_the_reference(fault, other):
    first, second = sorted((fault, other), key=lambda one: one[2])
    both = changed(changed(SERVED, second[2], **second[3]), first[2], **first[3])
    here, there = align(REFERENCE, both).parting, align(both, REFERENCE).parting
    assert here.step == there.step == first[2]
    assert here.fields == there.fields
    assert find_cause(there)[0] in CAUSES
