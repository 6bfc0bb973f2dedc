"""Findings name the faults that a probe of the same runtime found at the same place, and no others."""

import json

import pytest
from tests.support.bakeoff_traces import changed, trace, write

from callwright.bakeoff.verdict.compare import compare
from callwright.bakeoff.verdict.probe_proof import with_proofs
from callwright.bakeoff.verdict.terminal import print_verdict
from callwright.errors import ConfigError
from callwright.orchestration.bakeoff_compare import _reports
from callwright.probe.outcome import OWN, Outcome, Report

LOST = Outcome(id="parsing.two-calls", format="xml/args", fault_class="x", result="fault", cause="parallel-calls-lost")
LEAKED = Outcome(id="parsing.one-call", format=OWN, fault_class="call-left-in-content", result="fault")
OTHERS = (
    Outcome(id="parsing.numbers", format="qwen3", fault_class="integer-rounded", result="fault"),
    Outcome(id="parsing.array", format="xml/args", fault_class="value-as-string", result="faithful"),
    Outcome(id="rendering.history", format="xml/args", fault_class="number-rewritten", result="fault"),
)


def report(*cases):
    return Report(target="llama.cpp", version="1", cases=cases)


@pytest.fixture
def verdict(tmp_path):
    """One finding: the parser of the arm openai lost a call."""
    arms = [trace("jax"), changed(trace("openai"), 1, runtime_calls=())]
    found = compare(write(tmp_path, *arms), "jax")
    assert [(one.cause, one.arm) for one in found.findings] == [("parser", "openai")]
    return found


def proof(verdict, *cases, arm="openai"):
    return with_proofs(verdict, {arm: report(*cases)}, "xml/args").findings[0].probe


def test_a_finding_names_the_faults_at_its_place_in_its_format_the_likest_first(verdict):
    kind = verdict.findings[0].kind
    likest = LOST.model_copy(update={"cause": f"calls-{kind}", "id": "parsing.likest"})
    assert proof(verdict, LEAKED, likest, *OTHERS) == (
        f"parsing.likest (calls-{kind}), parsing.one-call (call-left-in-content)"
    )


def test_no_fault_there_or_no_report_of_the_arm_names_none(verdict):
    assert proof(verdict, *OTHERS) is None
    assert proof(verdict, LOST, arm="llamacpp-chat") is None


def test_more_than_three_are_counted(verdict):
    many = [LOST.model_copy(update={"id": f"parsing.{number}"}) for number in range(5)]
    assert proof(verdict, *many).endswith("parsing.2 (parallel-calls-lost) and 2 more")


def test_the_terminal_tells_them(verdict, capsys):
    print_verdict(with_proofs(verdict, {"openai": report(LOST)}, "xml/args"))
    assert "the probe of this runtime shows it, too: parsing.two-calls (parallel-calls-lost)" in capsys.readouterr().out


def test_reports_are_read_by_arm_and_what_is_none_is_refused(tmp_path):
    file = tmp_path / "probe.json"
    file.write_text(json.dumps(report(LOST).as_json()))
    assert _reports([f"openai={file}"], ["jax", "openai"])["openai"].cases == (LOST,)
    for wrong in (f"opnai={file}", str(file), "openai="):
        with pytest.raises(ConfigError, match="--probe ARM=FILE"):
            _reports([wrong], ["jax", "openai"])
