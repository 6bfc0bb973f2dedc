"""Every fault changes what its kind of request gets, and nothing changes while none is switched on."""

import json
from functools import cache

import pytest
from tests.support.faithful_server import FaithfulServer
from tests.support.fault_proxy import FAULTS, between
from tests.support.fault_scenarios import CONTEXT, prompts, script, throws
from tests.support.loopback import client_of

from callwright.formats import get_format
from callwright.instruments.script import Line, write_script
from callwright.probe.causes.registry import CAUSES, Cause

SHOWN = "qwen3"
"""The format in which faults are shown that name none."""


@cache
def scenarios(name, kind):
    """An instrument of the format, and the requests of that kind to make of it."""
    fmt = get_format(name)
    if kind == "reply":
        return script(fmt)
    if kind == "sampling":
        return throws(fmt)
    return write_script(fmt, [Line("x", "It is warm.")]), [one for one in prompts(fmt) if one.kind == kind]


def play(name, fault, kind):
    """What comes of every request of that kind, whole and streamed, by its name."""
    instrument, asked = scenarios(name, kind)
    with (
        FaithfulServer(instrument, context=CONTEXT) as server,
        between(server, fault) as url,
        client_of(url) as client,
    ):
        return {(one.name, stream): ask(client, one.body, stream) for one in asked for stream in (False, True)}


def ask(client, body, stream):
    answer = client.post("/v1/chat/completions", json={"max_tokens": 500, **body, "stream": stream, "verbose": True})
    if answer.headers["Content-Type"] != "text/event-stream":
        whole = answer.json()
        if answer.status_code != 200:
            return answer.status_code, whole["error"]["type"]
        [choice] = whole["choices"]
        calls = [(c["function"]["name"], c["function"]["arguments"]) for c in choice["message"].get("tool_calls", ())]
        message = choice["message"]
        return (
            whole["__verbose"]["prompt_ids"],
            message["content"] or "",
            message.get("reasoning_content") or "",
            calls,
            choice["finish_reason"],
        )
    chunks = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
    assert answer.text.endswith("data: [DONE]\n\n")
    text, calls, finish = {"content": "", "reasoning_content": ""}, [], None
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        for key in text:
            text[key] += choice["delta"].get(key) or ""
        for call in choice["delta"].get("tool_calls", ()):
            if "id" in call:
                calls.append([call["function"]["name"], ""])
            calls[call["index"]][1] += call["function"].get("arguments", "")
        finish = choice["finish_reason"] or finish
    prompt = next((chunk["__verbose"]["prompt_ids"] for chunk in chunks if "__verbose" in chunk), None)
    return prompt, text["content"], text["reasoning_content"], [tuple(call) for call in calls], finish


@cache
def undisturbed(name, kind):
    return play(name, None, kind)


def format_of(fault):
    return fault.formats[0] if fault.formats else SHOWN


def seeded(results):
    """Draws without a seed are nobody's to repeat."""
    return {key: value for key, value in results.items() if key[0] != "defaults"}


def differing(fault):
    """The requests that fare otherwise with the fault than without, prompts for prompts and answers for answers."""
    before, after = undisturbed(format_of(fault), fault.kind), play(format_of(fault), fault, fault.kind)
    part = slice(0, 1) if fault.kind in ("prompt", "loop", "context") else slice(1, None)
    keys = before if fault.name == "sampler-defaults" else seeded(before)
    return [key for key in keys if before[key][part] != after[key][part]]


def test_there_are_enough_of_them_and_they_are_of_classes_that_exist():
    named = {name for fault in FAULTS.values() for name in fault.classes}
    assert len(FAULTS) >= 60
    assert named <= CAUSES.keys() - {Cause.UNEXPLAINED}
    assert len({fault.classes[0] for fault in FAULTS.values()}) >= 55


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=name, marks=pytest.mark.slow if n % 3 else ())
        for n, (name, fault) in enumerate(FAULTS.items())
    ],
)
def test_a_fault_shows_in_some_requests_and_not_in_all(fault):
    changed = differing(fault)
    assert changed
    if fault.kind == "reply" and fault.classes[0] not in ("stop-included", "content-as-reasoning"):
        assert not {("plain", False), ("plain", True)} & set(changed)
    if fault.chunk is not None:
        assert all(stream for _, stream in changed)
    elif fault.classes[0] not in ("unstable-prompt", "state-leaks"):  # these mind what was asked before
        whole, streamed = ({name for name, stream in changed if stream is wanted} for wanted in (False, True))
        assert whole == streamed


@pytest.mark.parametrize("kind", ["prompt", "loop", "context", "reply", "sampling"])
def test_without_a_fault_the_proxy_changes_nothing(kind):
    assert seeded(play(SHOWN, None, kind)) == seeded(undisturbed(SHOWN, kind))
