"""What the probe says of a real Ollama of the 0.33 line: every verdict on every recording that it can ask for.

The double answers with what was recorded, so a fault that is lost, renamed or made up is one of the probe's. Against a
real Ollama, where OLLAMA_HOST names one, nothing may be left unexplained, and one of the same line must come out alike.
"""

import os
from functools import cache
from pathlib import Path

import httpx
import pytest
from tests.support.ollama_double import OllamaDouble
from tests.support.ollama_probe import FORMATS, LINE, SAVED, WITHOUT_PROMPTS, probe, probe_recordings, recorded
from tests.support.ollama_recordings import BUILTIN, SETUPS, rows_of

from callwright.engines.ollama_api import ollama_address
from callwright.probe.causes.registry import CAUSES, Cause
from callwright.probe.report.baseline import read_report

FEW_SETUPS = [pytest.param(setup, marks=pytest.mark.slow if n % 3 else ()) for n, setup in enumerate(SETUPS)]
"""Every setup, two of three in `make test-all`: each takes seconds."""
DOCS = Path(__file__).parents[2] / "docs" / "probes"
NOT_ASKED = {
    ("functiongemma", "think-on"): "the family has no thoughts",
    ("functiongemma", "content-and-call"): "it holds a thought",
    ("qwen3-coder", "think-on"): "the family has no thoughts",
}

NOT_SAVED = {
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
"""
}
"""Of the setup that no saved report has, since it has the format of another one."""
AT_V1 = {("qwen3.5", "parsing.numbers"): "fault integer-rounded + call-altered"}
"""What /v1 makes of its words otherwise than /api/chat."""


@cache
def saved_reports():
    """The reports of docs/probes by version."""
    return {report.version: report for report in map(read_report, sorted(DOCS.glob("*.json")))}


def verdicts(report):
    """Result and cause of each tested case, a choice without its documentation."""
    return {
        case.id: f"{case.result} {case.cause.split(':')[0] if case.result == 'choice' else case.cause}".strip()
        for case in report.cases
        if case.result != "not_tested"
    }


def expected(setup, endpoint="native"):
    """The verdicts of a setup: those that the documentation shows."""
    if setup in NOT_SAVED:
        rows = (line.split(maxsplit=1) for line in NOT_SAVED[setup].split("\n") if line)
        output = {name: " ".join(verdict.split()) for name, verdict in rows}
        changed = AT_V1 if endpoint == "openai" else {}
        asked = [name for name in output if endpoint == "native" or name != "parsing.cut-call"]
        return {name: changed.get((setup, name), output[name]) for name in asked}
    [version] = [name for name, (through, setups) in SAVED.items() if through == endpoint and setup in setups]
    report = saved_reports()[version]
    return verdicts(
        report.model_copy(update={"cases": tuple(case for case in report.cases if case.format == FORMATS[setup])})
    )


@pytest.mark.parametrize("setup", FEW_SETUPS)
def test_the_faults_of_the_recordings_are_found_and_named_and_no_others(setup):
    report, _ = probe_recordings(setup)
    assert verdicts(report) == expected(setup)


@pytest.mark.parametrize("setup", FEW_SETUPS)
def test_every_recording_that_can_be_asked_for_is_asked_for(setup):
    _, replayed = probe_recordings(setup)
    kinds = ("parse",) if setup in WITHOUT_PROMPTS else ("parse", "prompt")
    there = {(setup, kind, row["case"]) for kind in kinds for row in rows_of(setup, kind)}
    missing = {case for _, _, case in there - replayed}
    assert missing == {case for name, case in NOT_ASKED if name == setup}


@pytest.mark.parametrize("setup", FEW_SETUPS)
def test_what_is_not_tested_says_why(setup):
    report, _ = probe_recordings(setup)
    left_out = {case.id: case.cause for case in report.cases if case.result == "not_tested"}
    reasons = ("never recorded: the case", "no words for it")
    assert {name: cause for name, cause in left_out.items() if not any(reason in cause for reason in reasons)} == {}


@pytest.mark.parametrize("setup", FEW_SETUPS)
def test_the_faults_of_answers_at_v1_are_found_and_named_and_no_others(setup):
    report, _ = probe_recordings(setup, "openai")
    assert verdicts(report) == expected(setup, "openai")
    assert all("/v1/chat/completions" in case.reproduce for case in report.cases if case.result == "fault")


def test_the_small_renderer_of_gemma4_leaves_out_what_the_large_models_have():
    """The large ones' template puts an empty thought where thinking is off."""
    cases = [case for case in recorded() if case.id == "rendering.think-off"]
    with OllamaDouble() as double:
        report = probe(double.address, "gemma4", cases, "gemma4/31b")
    assert verdicts(report) == {"rendering.think-off": "fault thinking-default"}


@pytest.mark.parametrize("setup", FEW_SETUPS)
def test_faults_have_what_shows_them(setup):
    for case in probe_recordings(setup)[0].cases:
        if case.result == "fault":
            assert set(case.cause.split(" + ")) <= CAUSES.keys() - {Cause.UNEXPLAINED}
            assert case.expected != case.seen, case.id
            assert "curl" in case.reproduce


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
    assert {name: verdict for name, verdict in found.items() if Cause.UNEXPLAINED in verdict} == {}
    assert found["parsing.one-call"] == found["parsing.plain"] == "faithful"
    if version.startswith(f"{LINE}."):
        wanted = expected(setup)
        assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize("setup", [setup for setup in BUILTIN if setup not in WITHOUT_PROMPTS])
def test_a_real_ollamas_v1_holds_nothing_unexplained(real, setup):
    address, version = real
    found = verdicts(probe(address, setup, recorded(), endpoint="openai"))
    assert {name: verdict for name, verdict in found.items() if Cause.UNEXPLAINED in verdict} == {}
    if version.startswith(f"{LINE}."):
        wanted = expected(setup, "openai")
        assert {name: found[name] for name in wanted} == wanted
