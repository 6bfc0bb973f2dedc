"""The probe against a real llama.cpp server: what it really does is found, and so is one that was started wrongly."""

import json

import pytest
from tests.peers.llama_cpp.llama_server import serve
from tests.support.instruments import EVERY_FORMAT

from callwright.cli import main
from callwright.engines.llama_program import build
from callwright.formats import get_format
from callwright.probe.cases.load import read_cases
from callwright.probe.causes.registry import Cause
from callwright.probe.run import run_probe
from callwright.probe.targets.llamacpp import LlamaCppTarget

pytestmark = pytest.mark.peer("llama.cpp")
SPREAD = 18
CASES = read_cases().cases


def named(*ids):
    found = [case for case in CASES if case.id in ids]
    assert len(found) == len(ids)
    return found


def probe(name, variant, cases, *settings):
    target = LlamaCppTarget([f"program={build()}", *settings])
    outcomes = run_probe(target, [get_format(name, variant)], cases).cases
    return {outcome.id: outcome for outcome in outcomes}


@pytest.mark.parametrize(("name", "variant"), EVERY_FORMAT)
def test_a_spread_of_the_set_has_outcomes_that_are_explained(name, variant):
    scripted = [case for case in CASES if case.kind != "sampling"][::SPREAD]
    found = probe(name, variant, scripted)
    assert any(outcome.result == "faithful" for outcome in found.values())
    for outcome in found.values():
        assert Cause.UNEXPLAINED not in outcome.cause, outcome
        assert not outcome.cause.startswith("the server fails"), outcome
        assert (outcome.reproduce.count("llama-server -m probe.gguf") == 1) == (outcome.result in ("fault", "choice"))


def test_its_real_faults_are_found():
    ids = ["rendering.one-tool", "rendering.injection", "rendering.assistant-last", "parsing.one-call"]
    found = probe("qwen25", "", named(*ids, "parsing.against-order", "loops.numbers", "sampling.defaults"))
    assert found["rendering.one-tool"].result == found["parsing.one-call"].result == "faithful"
    assert found["rendering.injection"].cause == "control-token-injection"
    assert found["parsing.against-order"].cause == "tokens-forced"
    assert found["loops.numbers"].cause == "number-rewritten"
    for id_, cause in (("rendering.assistant-last", "assistant-continued"), ("sampling.defaults", "sampler-default")):
        assert found[id_].result == "choice" and found[id_].cause.startswith(cause)


def without_tools(template):
    return "{%- set tools = none -%}\n" + template


def never_opened(template):
    before, _, after = template.rpartition("<|im_start|>assistant\\n")
    return before + after


@pytest.mark.parametrize(
    ("doctor", "case", "cause"),
    [
        (never_opened, "rendering.generation-prompt", "generation-prompt-missing"),
        (without_tools, "rendering.one-tool", "tools-dropped"),
    ],
)
def test_a_doctored_template_is_found_out(tmp_path, doctor, case, cause):
    template = get_format("qwen25").chat_template()
    doctored = doctor(template)
    assert doctored != template
    (tmp_path / "doctored.jinja").write_text(doctored, encoding="utf-8")
    outcome = probe("qwen25", "", named(case), f"template={tmp_path / 'doctored.jinja'}")[case]
    assert (outcome.result, outcome.cause) == ("fault", cause)


def test_a_server_without_the_template_is_found_out():
    found = probe("xml", "args", named("rendering.one-tool", "rendering.system-alone"), "jinja=false")
    assert (found["rendering.one-tool"].result, found["rendering.one-tool"].cause) == ("fault", "request-refused")
    assert "--jinja" in found["rendering.one-tool"].seen["error"]


def test_other_sampling_defaults_are_found_out():
    asked = named("sampling.defaults")
    outcome = probe("qwen25", "", asked, "options=--temp 0.3 --top-k 3")["sampling.defaults"]
    assert (outcome.result, outcome.cause) == ("fault", "sampler-default")


def test_a_server_that_somebody_else_started_is_probed_by_its_url(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["instrument", "probe", "--format", "qwen25", "-o", str(tmp_path / "probe.gguf")])
    assert ended.value.code == 0
    with serve(tmp_path / "probe.gguf", context=16384) as client:
        capsys.readouterr()
        url = str(client.base_url)
        with pytest.raises(SystemExit) as ended:
            main(["probe", url, "--only", "rendering.one-tool", "parsing.one-call", "sampling.pure", "--json"])
    assert ended.value.code == 0
    cases = {case["id"]: case for case in json.loads(capsys.readouterr().out)["cases"]}
    assert cases["rendering.one-tool"]["result"] == cases["parsing.one-call"]["result"] == "faithful"
    assert cases["sampling.pure"]["result"] == "not_tested"
