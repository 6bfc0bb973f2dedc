"""Faithful arms never part, in whatever notation an arm tells what it did; a draw is no difference."""

import json
from dataclasses import replace

import pytest
from tests.support.bakeoff_traces import CALLS, asked, changed, ids, prompt_of, text_of, trace

from callwright.bakeoff.verdict.align import align
from callwright.engines.sampling import GREEDY

URL = "http://127.0.0.1:8080/v1/chat/completions"
JAX = trace("jax")


@pytest.mark.parametrize(("tells", "known"), [("tokens", "tokens"), ("text", "text"), ("calls", "calls")])
def test_a_faithful_arm_never_parts_and_how_much_of_it_is_known_is_told(tells, known):
    alignment = align(JAX, trace("served", url=URL, tells=tells))
    assert alignment.parting is None
    assert alignment.compared_by == known


def with_objects(messages):
    """As Ollama has them: arguments as objects, "" for no content, results with a name."""
    told = json.loads(json.dumps(messages))
    for message in told:
        message["content"] = message["content"] or ""
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return tuple(told)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": with_objects(asked(1))},
        {"messages": (*asked(1)[:4], asked(1)[4] | {"content": "\n"}, *asked(1)[5:])},
        {"output_ids": ids(text_of(CALLS[1]))},
        {"output_ids": None, "raw": f"{text_of(CALLS[1])}<end>"},
        {"content": ""},
        {"content": "\n"},
        {"runtime_calls": None},
        {"stop_reason": "tool_calls"},
        {"prompt": None},
        {"prompt": prompt_of(1).removeprefix("<bos>"), "prompt_ids": None, "prompt_source": "revealed"},
        {"raw": text_of(CALLS[1]).replace("<call>", ""), "output_ids": None},
        {"seconds": 9.0, "prompt_tokens": None, "reasoning": "hm"},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_another_notation_is_no_difference(fields):
    assert align(JAX, changed(trace("served", url=URL), 1, **fields)).parting is None


def test_integers_are_not_floats_and_the_order_of_arguments_counts():
    calls = asked(1)[4]["tool_calls"]
    for arguments in ('{"titles": "The Matrix", "limit": 1.0}', '{"limit": 1, "titles": "The Matrix"}'):
        function = {"name": calls[0]["function"]["name"], "arguments": arguments}
        rewritten = {"role": "assistant", "content": None, "tool_calls": [{"function": function}]}
        other = changed(trace("served", url=URL), 1, messages=(*asked(1)[:4], rewritten, *asked(1)[5:]))
        assert align(JAX, other).parting.fields == ("messages",)


def test_outputs_that_are_both_cut_are_the_same_as_far_as_they_go():
    """One engine cuts what repeats itself, another goes on to the limit."""
    ours = changed(JAX, 2, raw="la la la", output_ids=ids("la la la"), content="la la la", stop_reason="loop")
    longer = {"raw": "la la la la", "output_ids": ids("la la la la"), "content": "la la la la"}
    served = trace("served", url=URL)
    assert align(ours, changed(served, 2, stop_reason="length", **longer)).parting is None
    assert align(ours, changed(served, 2, **longer)).parting.fields[0] == "output"


def test_a_missing_bos_is_a_difference_where_tokens_are_told():
    count = len(ids(prompt_of(1))) - 1
    without = {"prompt": prompt_of(1).removeprefix("<bos>"), "prompt_ids": None, "prompt_source": "revealed"}
    for told in ({"prompt_ids": ids(prompt_of(1))[1:]}, {"prompt_tokens": count}):
        other = changed(trace("served", url=URL), 1, **without | told)
        assert align(JAX, other).parting.fields == ("prompt",)


def test_two_draws_say_nothing():
    drawn = replace(GREEDY, temperature=0.8)
    ours = changed(JAX, 2, sampling=drawn)
    theirs = changed(trace("served", url=URL), 2, sampling=drawn, raw="No.", output_ids=ids("No.<end>"), content="No.")
    alignment = align(ours, theirs)
    assert alignment.parting is None
    assert alignment.drawn
