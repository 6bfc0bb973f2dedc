"""A fault between a runtime's messages and its tokens is found inside a task, at the step where it first bites, and
attributed; where there is none, no run raises an alarm.

The probe's proxy stands before a faithful server, whose scripted instrument plays all four tasks to their goals.
"""

from functools import cache

import pytest
from tests.support.bakeoff import asked_of, scripted_tasks, setup_of, shipped_tasks
from tests.support.faithful_server import FaithfulServer
from tests.support.fault_proxy import FAULTS, between

from callwright.bakeoff.arms.chat import ChatOptions, LlamaChatArm, OpenAIArm, OpenAIOptions
from callwright.bakeoff.verdict.align import align
from callwright.bakeoff.verdict.causes import find_cause
from callwright.formats import get_format

ROOM = 100_000
FOUND = [
    # fault, format, context, cause, kind, and of movies, research, memory and the long task the first step that parts
    ("tools-dropped", "xml", ROOM, "template", "", (0, 0, 0, 0)),
    ("types-of-parameters-dropped", "gemma4/31b", ROOM, "template", "", (0, 0, 0, 0)),
    ("tools-printed-without-spaces", "xml", ROOM, "template", "", (0, 0, 0, 0)),
    ("functions-printed-as-go-structs", "xml", ROOM, "template", "", (0, 0, 0, 0)),
    ("system-prompt-dropped", "gemma4/31b", ROOM, "template", "", (0, 0, 0, 0)),
    ("bos-twice", "gemma4/31b", ROOM, "template", "", (0, 0, 0, 0)),
    ("no-bos", "xml", ROOM, "template", "", (0, 0, 0, 0)),
    ("turn-not-opened", "gemma4/31b", ROOM, "template", "", (0, 0, 0, 0)),
    ("results-emptied", "gemma4/31b", ROOM, "template", "", (1, 1, 1, 1)),
    ("results-quoted", "xml", ROOM, "template", "", (1, 1, 1, 1)),
    ("earlier-arguments-sorted", "xml", ROOM, "history", "rewritten", (3, None, 3, 7)),
    ("earlier-calls-dropped", "xml", ROOM, "history", "rewritten", (1, 1, 1, 1)),
    ("earlier-arguments-printed-as-strings", "xml", ROOM, "history", "rewritten", (1, 1, 1, 1)),
    ("oldest-messages-dropped", "gemma4/31b", 3000, "context", "dropped", (None, None, None, 6)),
    ("prompt-cut", "gemma4/31b", 3000, "context", "cut", (None, None, None, 6)),
    ("prompt-cut-in-the-middle", "gemma4/31b", 3000, "context", "cut", (None, None, None, 6)),
    ("calls-left-in-content", "xml", ROOM, "parser", "leaked", (0, 0, 0, 0)),
    ("a-marker-left-over", "gemma4/31b", ROOM, "parser", "leaked", (0, 0, 0, 0)),
    ("stop-in-the-text", "xml", ROOM, "parser", "leaked", (3, 3, 3, 7)),
    ("calls-dropped", "xml", ROOM, "parser", "lost", (0, 0, 0, 0)),
    ("arguments-lost", "xml", ROOM, "parser", "altered", (0, None, 2, 2)),
    ("arguments-sorted", "xml", ROOM, "parser", "altered", (2, None, 2, 6)),
    ("calls-of-the-answer-before", "gemma4/31b", ROOM, "parser", "invented", (1, 0, 0, 0)),
    ("arguments-never-sent", "xml", ROOM, "parser", "altered", (0, 0, 0, 0)),
    ("calls-without-text-refused", "xml", ROOM, "failure", "http_error", (1, 1, 1, 1)),
]  # fmt: skip


@cache
def scripted(fmt, wordings=1):
    return scripted_tasks(get_format(fmt), shipped_tasks(wordings))


def traces(fmt, *, fault=None, context=ROOM, wordings=1, silent=False):
    """The traces of a chat arm, which tells prompt and output unless it is silent."""
    tasks, instrument = scripted(fmt, wordings)
    streamed = fault is not None and fault.chunk is not None
    with FaithfulServer(instrument, context=context) as server, between(server, fault) as url:
        setup = setup_of(fmt, tokenizer=instrument.vocabulary, tasks=tasks, server=url)
        if silent:
            arm = OpenAIArm("openai", OpenAIOptions(url=url, stream=streamed), setup)
        else:
            arm = LlamaChatArm("llamacpp-chat", ChatOptions(stream=streamed), setup)
        return asked_of(arm, *tasks)


@cache
def reference(fmt):
    return traces(fmt)


@pytest.mark.parametrize(("name", "fmt", "context", "cause", "kind", "steps"), FOUND, ids=lambda value: str(value))
def test_a_fault_is_found_at_its_step_and_attributed(name, fmt, context, cause, kind, steps):
    partings = [
        align(faithful, faulty).parting
        for faithful, faulty in zip(reference(fmt), traces(fmt, fault=FAULTS[name], context=context), strict=True)
    ]
    assert tuple(parting and parting.step for parting in partings) == steps
    for parting in filter(None, partings):
        found, why = find_cause(parting)
        assert (found, why.kind) == (cause, kind), why.sentence


@pytest.mark.parametrize("name", ["calls-left-in-content", "calls-dropped", "arguments-lost", "stop-in-the-text"])
def test_a_parser_is_seen_even_where_the_runtime_keeps_its_output(name):
    pairs = zip(reference("xml"), traces("xml", fault=FAULTS[name], silent=True), strict=True)
    partings = list(filter(None, (align(*pair).parting for pair in pairs)))
    assert partings
    assert {find_cause(parting)[0] for parting in partings} == {"parser"}


@pytest.mark.slow
@pytest.mark.parametrize("silent", [False, True])
def test_100_faithful_runs_raise_no_alarm(silent):
    runs = 0
    for fmt in ("xml", "gemma4/31b"):
        pairs = zip(traces(fmt, wordings=13), traces(fmt, wordings=13, silent=silent), strict=True)
        for faithful, other in pairs:
            assert align(faithful, other).parting is None
            runs += 1
    assert runs == 104
