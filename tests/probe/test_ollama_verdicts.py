"""What the probe says of a real Ollama of the 0.33 line: every verdict on every recording that it can ask for.

The double answers with what was recorded, so a fault that is lost, renamed or made up is one of the probe's. Against a
real Ollama, where OLLAMA_HOST names one, nothing may be left unexplained, and one of the same line must come out alike.
"""

import os
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.support.ollama_double import OllamaDouble
from tests.support.ollama_probe import FORMATS, LINE, SAVED, WITHOUT_PROMPTS, probe, probe_recordings, recorded
from tests.support.ollama_recordings import BUILTIN, SETUPS, rows_of

from callwright.engines.ollama_api import ollama_address
from callwright.probe.faults import FAULTS, UNEXPLAINED
from callwright.probe.show.baseline import read_report

DOCS = Path(__file__).parents[2] / "docs" / "probes"
NOT_ASKED = {
    ("functiongemma", "think-on"): "the family has no thoughts",
    ("functiongemma", "content-and-call"): "it holds a thought",
    ("qwen3-coder", "think-on"): "the family has no thoughts",
}

VERDICTS = {
    "gemma4": """
rendering.one-tool              choice    thinking-default
rendering.system-and-tool       choice    thinking-default
rendering.no-tools              choice    thinking-default
rendering.assistant-last        choice    thinking-default
rendering.odd-tools             fault     parameter-dropped
rendering.history               fault     parameter-dropped + number-rewritten
rendering.after-results         fault     parameter-dropped + number-rewritten
rendering.content-and-call      choice    thinking-default
rendering.think-on              faithful
rendering.think-off             faithful
rendering.injection             fault     control-token-injection
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.three-calls             faithful
parsing.text-before-call        faithful
parsing.text-after-call         fault     content-whitespace
parsing.empty-arguments         faithful
parsing.unknown-tool            faithful
parsing.odd-name                faithful
parsing.numbers                 fault     number-retyped + integer-rounded
parsing.literals                faithful
parsing.nested                  faithful
parsing.empty-text              faithful
parsing.unicode                 faithful
parsing.escapes                 faithful
parsing.close-marker-in-string  fault     string-cut-at-delimiter
parsing.braces-in-string        faithful
parsing.unclosed                fault     unclosed-call-accepted
parsing.unclosed-in-string      fault     unclosed-call-accepted
parsing.unclosed-brace          fault     call-dropped
parsing.cut-call                fault     cut-call-accepted
parsing.no-call-word            fault     call-dropped
parsing.bare-string             fault     malformed-call-repaired
parsing.json-arguments          fault     malformed-call-repaired
parsing.duplicate-keys          fault     malformed-call-repaired
parsing.spaces                  fault     call-dropped
parsing.marker-in-prose         faithful
parsing.plain                   faithful
parsing.stop-after-call         faithful
parsing.reasoning-and-call      faithful
parsing.reasoning-and-answer    faithful
parsing.call-in-reasoning       faithful
context.long-history            fault     oldest-messages-dropped
""",
    "functiongemma": """
rendering.one-tool              fault     tool-keys-lost + system-injected
rendering.system-and-tool       fault     tool-keys-lost + system-injected
rendering.no-tools              faithful
rendering.assistant-last        fault     tool-keys-lost + system-injected
rendering.odd-tools             fault     tool-keys-lost + system-injected
rendering.history               fault     tool-keys-lost + system-injected + result-rewritten + null-as-text + number-rewritten
rendering.after-results         fault     tool-keys-lost + system-injected + result-rewritten + null-as-text + number-rewritten
rendering.think-off             fault     tool-keys-lost + system-injected
rendering.injection             fault     tool-keys-lost + system-injected + control-token-injection
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.three-calls             faithful
parsing.text-before-call        faithful
parsing.text-after-call         faithful
parsing.empty-arguments         faithful
parsing.unknown-tool            faithful
parsing.odd-name                faithful
parsing.numbers                 fault     number-retyped + integer-rounded
parsing.literals                fault     value-as-string
parsing.nested                  fault     call-altered
parsing.empty-text              faithful
parsing.unicode                 faithful
parsing.escapes                 fault     call-altered
parsing.close-marker-in-string  fault     string-cut-at-delimiter
parsing.braces-in-string        fault     call-altered
parsing.unclosed                fault     call-dropped
parsing.unclosed-in-string      fault     call-dropped
parsing.unclosed-brace          fault     call-dropped
parsing.cut-call                faithful
parsing.no-call-word            fault     call-invented
parsing.bare-string             fault     malformed-call-repaired
parsing.json-arguments          fault     malformed-call-repaired
parsing.duplicate-keys          fault     malformed-call-repaired
parsing.spaces                  fault     malformed-call-repaired
parsing.marker-in-prose         faithful
parsing.plain                   faithful
parsing.stop-after-call         faithful
context.long-history            fault     oldest-messages-dropped
""",  # noqa: E501
    "qwen3-coder": """
rendering.one-tool              fault     tools-rewritten
rendering.system-and-tool       fault     tools-rewritten
rendering.no-tools              faithful
rendering.assistant-last        fault     tools-rewritten + assistant-continued
rendering.odd-tools             fault     tool-keys-lost + tools-rewritten
rendering.history               fault     tool-keys-lost + tools-rewritten + null-as-text + number-rewritten + whitespace-in-prompt
rendering.after-results         fault     tool-keys-lost + tools-rewritten + null-as-text + number-rewritten + whitespace-in-prompt
rendering.content-and-call      fault     whitespace-in-prompt
rendering.think-off             fault     tools-rewritten
rendering.injection             fault     tools-rewritten + control-token-injection
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.text-before-call        faithful
parsing.text-after-call         faithful
parsing.empty-arguments         faithful
parsing.unknown-tool            faithful
parsing.numbers                 fault     call-altered
parsing.float-for-integer       fault     value-as-string + number-retyped
parsing.boolean                 faithful
parsing.boolean-capital         faithful
parsing.array                   faithful
parsing.text-null               fault     value-as-string
parsing.text-number             faithful
parsing.text-json               faithful
parsing.unicode                 faithful
parsing.lines                   faithful
parsing.blank-lines             faithful
parsing.entities                faithful
parsing.close-tag-in-value      fault     server-error
parsing.unclosed-parameters     fault     call-dropped
parsing.unclosed-function       fault     server-error
parsing.cut-call                faithful
parsing.no-opening              faithful
parsing.unknown-parameter       faithful
parsing.plain                   faithful
context.long-history            fault     oldest-messages-dropped
""",  # noqa: E501
    "qwen3.5": """
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.text-before-call        choice    content-as-reasoning
parsing.text-after-call         faithful
parsing.empty-arguments         faithful
parsing.unknown-tool            faithful
parsing.numbers                 fault     call-altered
parsing.float-for-integer       fault     value-as-string + number-retyped
parsing.boolean                 faithful
parsing.boolean-capital         faithful
parsing.array                   faithful
parsing.text-null               fault     value-as-string
parsing.text-number             faithful
parsing.text-json               faithful
parsing.unicode                 faithful
parsing.lines                   faithful
parsing.blank-lines             faithful
parsing.entities                faithful
parsing.close-tag-in-value      fault     server-error
parsing.unclosed-parameters     fault     call-dropped
parsing.unclosed-function       fault     server-error
parsing.cut-call                faithful
parsing.no-opening              choice    content-as-reasoning
parsing.unknown-parameter       faithful
parsing.plain                   choice    content-as-reasoning
""",
    "qwen3-vl-instruct": """
rendering.one-tool              fault     tools-rewritten
rendering.system-and-tool       fault     tools-rewritten
rendering.no-tools              faithful
rendering.assistant-last        fault     tools-rewritten + loop-reasoning-changed + assistant-continued
rendering.odd-tools             fault     tool-keys-lost + tools-rewritten
rendering.history               fault     tool-keys-lost + tools-rewritten + number-rewritten
rendering.after-results         fault     tool-keys-lost + tools-rewritten + number-rewritten
rendering.content-and-call      fault     tools-rewritten + loop-reasoning-changed
rendering.think-on              fault     request-refused
rendering.think-off             fault     tools-rewritten + thinking-default
rendering.injection             fault     tools-rewritten + control-token-injection
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.text-before-call        faithful
parsing.text-after-call         fault     content-whitespace
parsing.empty-arguments         faithful
parsing.unknown-tool            faithful
parsing.odd-name                faithful
parsing.name-in-value           faithful
parsing.numbers                 fault     number-retyped + integer-rounded
parsing.literals                faithful
parsing.nested                  faithful
parsing.unicode                 faithful
parsing.unicode-escapes         faithful
parsing.escapes                 faithful
parsing.close-marker-in-string  fault     server-error
parsing.braces-in-string        faithful
parsing.unclosed                fault     call-dropped
parsing.unclosed-in-string      fault     call-dropped
parsing.cut-call                faithful
parsing.no-arguments-key        fault     malformed-call-repaired
parsing.arguments-as-text       fault     server-error
parsing.single-quotes           fault     server-error
parsing.trailing-comma          fault     server-error
parsing.fenced                  faithful
parsing.no-markers              faithful
parsing.one-line                faithful
parsing.keys-swapped            faithful
parsing.marker-in-prose         fault     content-cut-at-marker
parsing.plain                   faithful
parsing.think-tags-and-call     fault     reasoning-in-content
parsing.call-in-think-tags      fault     call-in-reasoning + reasoning-in-content
context.long-history            fault     oldest-messages-dropped
""",
    "xml-args-go": """
parsing.one-call                fault     call-dropped
parsing.two-calls               fault     call-dropped
parsing.text-before-call        fault     call-dropped
parsing.text-after-call         fault     call-dropped + content-lost
parsing.empty-arguments         fault     call-dropped
parsing.unknown-tool            fault     call-dropped
parsing.odd-name                fault     call-dropped
parsing.name-in-value           fault     call-dropped
parsing.numbers                 fault     call-dropped
parsing.literals                fault     call-dropped
parsing.nested                  fault     call-dropped
parsing.unicode                 fault     call-dropped
parsing.unicode-escapes         fault     call-dropped
parsing.escapes                 fault     call-dropped
parsing.close-marker-in-string  fault     call-dropped
parsing.braces-in-string        fault     call-dropped
parsing.unclosed                fault     call-dropped
parsing.unclosed-in-string      fault     call-dropped
parsing.cut-call                faithful
parsing.no-arguments-key        fault     call-dropped
parsing.arguments-as-text       fault     call-dropped
parsing.single-quotes           fault     call-dropped
parsing.trailing-comma          fault     call-dropped
parsing.fenced                  faithful
parsing.no-markers              faithful
parsing.one-line                fault     call-dropped
parsing.keys-swapped            fault     call-dropped
parsing.marker-in-prose         fault     content-cut-at-marker
parsing.plain                   faithful
parsing.think-tags-and-call     fault     call-dropped
parsing.call-in-think-tags      fault     call-dropped + content-lost
""",
    "xml-arguments-go": """
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.text-before-call        faithful
parsing.text-after-call         fault     content-lost
parsing.empty-arguments         faithful
parsing.unknown-tool            fault     call-dropped
parsing.odd-name                faithful
parsing.name-in-value           faithful
parsing.numbers                 fault     argument-order-lost + number-retyped + integer-rounded
parsing.literals                faithful
parsing.nested                  faithful
parsing.unicode                 faithful
parsing.unicode-escapes         faithful
parsing.escapes                 faithful
parsing.close-marker-in-string  faithful
parsing.braces-in-string        faithful
parsing.unclosed                fault     unclosed-call-accepted
parsing.unclosed-in-string      fault     call-dropped
parsing.cut-call                faithful
parsing.no-arguments-key        fault     call-dropped
parsing.arguments-as-text       fault     malformed-call-repaired
parsing.single-quotes           fault     call-dropped
parsing.trailing-comma          fault     call-dropped
parsing.fenced                  faithful
parsing.no-markers              faithful
parsing.one-line                faithful
parsing.keys-swapped            faithful
parsing.marker-in-prose         fault     content-cut-at-marker
parsing.plain                   faithful
parsing.think-tags-and-call     faithful
parsing.call-in-think-tags      fault     content-lost
""",
    "xml-args-jinja": """
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.text-before-call        faithful
parsing.text-after-call         fault     content-lost
parsing.empty-arguments         faithful
parsing.unknown-tool            fault     tokens-forced
parsing.odd-name                faithful
parsing.name-in-value           faithful
parsing.numbers                 fault     tokens-forced
parsing.literals                fault     server-error
parsing.nested                  fault     server-error
parsing.unicode                 faithful
parsing.unicode-escapes         faithful
parsing.escapes                 faithful
parsing.close-marker-in-string  faithful
parsing.braces-in-string        faithful
parsing.unclosed                fault     tokens-forced
parsing.unclosed-in-string      fault     server-error
parsing.cut-call                faithful
parsing.no-arguments-key        fault     malformed-call-repaired
parsing.arguments-as-text       fault     server-error
parsing.single-quotes           fault     server-error
parsing.trailing-comma          fault     tokens-forced
parsing.fenced                  faithful
parsing.no-markers              faithful
parsing.one-line                fault     call-left-in-content
parsing.keys-swapped            fault     server-error
parsing.marker-in-prose         faithful
parsing.plain                   faithful
parsing.think-tags-and-call     faithful
parsing.call-in-think-tags      fault     content-lost
""",
    "xml-arguments-jinja": """
parsing.one-call                faithful
parsing.two-calls               faithful
parsing.text-before-call        faithful
parsing.text-after-call         fault     content-lost
parsing.empty-arguments         faithful
parsing.unknown-tool            fault     server-error
parsing.odd-name                faithful
parsing.name-in-value           faithful
parsing.numbers                 fault     server-error
parsing.literals                fault     server-error
parsing.nested                  fault     server-error
parsing.unicode                 faithful
parsing.unicode-escapes         faithful
parsing.escapes                 faithful
parsing.close-marker-in-string  faithful
parsing.braces-in-string        faithful
parsing.unclosed                fault     unclosed-call-accepted
parsing.unclosed-in-string      fault     tokens-forced
parsing.cut-call                faithful
parsing.no-arguments-key        fault     malformed-call-repaired
parsing.arguments-as-text       fault     server-error
parsing.single-quotes           fault     server-error
parsing.trailing-comma          fault     server-error
parsing.fenced                  faithful
parsing.no-markers              faithful
parsing.one-line                fault     call-left-in-content
parsing.keys-swapped            fault     server-error
parsing.marker-in-prose         faithful
parsing.plain                   faithful
parsing.think-tags-and-call     faithful
parsing.call-in-think-tags      fault     content-lost
""",
}

AT_V1 = {
    ("qwen3-coder", "parsing.numbers"): "fault integer-rounded + call-altered",
    ("qwen3.5", "parsing.numbers"): "fault integer-rounded + call-altered",
    ("xml-arguments-go", "parsing.nested"): "fault argument-order-lost",
}
"""What /v1 makes of the same words otherwise than /api/chat."""
NEVER_ASKED_AT_V1 = {"cut-call", "reasoning-and-call", "reasoning-and-answer", "call-in-reasoning"}
"""With a limit, or with thinking."""


def verdicts(report):
    """Result and cause of each tested case, a choice without its documentation."""
    return {
        case.id: f"{case.result} {case.cause.split(':')[0] if case.result == 'choice' else case.cause}".strip()
        for case in report.cases
        if case.result != "not_tested"
    }


def table(setup):
    """The verdicts as they are written above."""
    rows = (line.split(maxsplit=1) for line in VERDICTS[setup].split("\n") if line)
    return {name: " ".join(verdict.split()) for name, verdict in rows}


def at_v1(setup):
    """Those of /v1, where only answers without a limit were recorded."""
    return {
        name: AT_V1.get((setup, name), verdict)
        for name, verdict in table(setup).items()
        if name.startswith("parsing.") and name.removeprefix("parsing.") not in NEVER_ASKED_AT_V1
    }


@pytest.mark.parametrize("setup", SETUPS)
def test_the_faults_of_the_recordings_are_found_and_named_and_no_others(setup):
    report, _ = probe_recordings(setup)
    assert verdicts(report) == table(setup)


@pytest.mark.parametrize("setup", SETUPS)
def test_every_recording_that_can_be_asked_for_is_asked_for(setup):
    _, replayed = probe_recordings(setup)
    kinds = ("parse",) if setup in WITHOUT_PROMPTS else ("parse", "prompt")
    there = {(setup, kind, row["case"]) for kind in kinds for row in rows_of(setup, kind)}
    missing = {case for _, _, case in there - replayed}
    assert missing == {case for name, case in NOT_ASKED if name == setup}


@pytest.mark.parametrize("setup", SETUPS)
def test_what_is_not_tested_says_why(setup):
    report, _ = probe_recordings(setup)
    left_out = {case.id: case.cause for case in report.cases if case.result == "not_tested"}
    reasons = ("never recorded: the case", "no words for it")
    assert {name: cause for name, cause in left_out.items() if not any(reason in cause for reason in reasons)} == {}


@pytest.mark.parametrize("setup", SETUPS)
def test_the_faults_of_answers_at_v1_are_found_and_named_and_no_others(setup):
    report, _ = probe_recordings(setup, "openai")
    assert verdicts(report) == at_v1(setup)
    assert all("/v1/chat/completions" in case.reproduce for case in report.cases if case.result == "fault")


def test_the_small_renderer_of_gemma4_leaves_out_what_the_large_models_have():
    """The large ones' template puts an empty thought where thinking is off."""
    cases = [case for case in recorded() if case.id == "rendering.think-off"]
    with OllamaDouble() as double:
        report = probe(double.address, "gemma4", cases, "gemma4/31b")
    assert verdicts(report) == {"rendering.think-off": "fault thinking-default"}


def test_faults_have_what_shows_them():
    for setup in SETUPS:
        for case in probe_recordings(setup)[0].cases:
            if case.result == "fault":
                assert set(case.cause.split(" + ")) <= FAULTS.keys() - {UNEXPLAINED}
                assert case.expected != case.seen, case.id
                assert "curl" in case.reproduce


@pytest.mark.parametrize("version", SAVED)
def test_the_documentation_says_the_same(version):
    [report] = [one for one in map(read_report, sorted(DOCS.glob("*.json"))) if one.version == version]
    endpoint, setups = SAVED[version]
    for setup in setups:
        own = [case for case in report.cases if case.format == FORMATS[setup]]
        assert verdicts(replace(report, cases=tuple(own))) == (table(setup) if endpoint == "native" else at_v1(setup))


@pytest.fixture(scope="module")
def real():
    """The address of a real Ollama, and its version."""
    address = ollama_address(os.environ.get("OLLAMA_HOST", ""))
    try:
        answer = httpx.get(f"{address}/api/version", timeout=2, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        pytest.skip(f"NO REAL OLLAMA WAS PROBED: none answers at {address}; start one, or name it in OLLAMA_HOST")
    return address, answer.json()["version"]


@pytest.mark.parametrize("setup", [setup for setup in BUILTIN if setup not in WITHOUT_PROMPTS])
def test_a_real_ollama_holds_nothing_unexplained(real, setup):
    address, version = real
    report = probe(address, setup, recorded())
    found = verdicts(report)
    assert {name: verdict for name, verdict in found.items() if UNEXPLAINED in verdict} == {}
    assert found["parsing.one-call"] == found["parsing.plain"] == "faithful"
    if version.startswith(f"{LINE}."):
        expected = table(setup)
        assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("setup", [setup for setup in BUILTIN if setup not in WITHOUT_PROMPTS])
def test_a_real_ollamas_v1_holds_nothing_unexplained(real, setup):
    address, version = real
    found = verdicts(probe(address, setup, recorded(), endpoint="openai"))
    assert {name: verdict for name, verdict in found.items() if UNEXPLAINED in verdict} == {}
    if version.startswith(f"{LINE}."):
        assert {name: found[name] for name in at_v1(setup)} == at_v1(setup)
