"""From a directory to a verdict: who is faithful, why the others are not, and all of it read back as itself."""

import subprocess
import time

import pytest
from tests.support.bakeoff_traces import CALLS, changed, ended, ids, prompt_of, text_of, trace, write

from callwright.bakeoff.verdict.compare import compare
from callwright.bakeoff.verdict.verdict import read_verdict
from callwright.errors import DataError
from callwright.evaluation.row import RowCall

URL = "http://127.0.0.1:8080/v1/chat/completions"


def arm(name, *, wordings=4, url=URL, step=None, fields=None, **more):
    """An arm's traces, in all of which one step differs where fields are given."""
    traces = [trace(name, wording=wording, url=url, **more) for wording in range(wordings)]
    return [changed(one, step, **fields) for one in traces] if fields else traces


OTHER = RowCall(name="memory_write", arguments={"key": "movie", "content": "The Matrix"})
QUANTIZED = {"raw": text_of(OTHER), "output_ids": ids(f"{text_of(OTHER)}<end>"), "runtime_calls": (OTHER,)}
QUANTIZED["strict_calls"] = QUANTIZED["runtime_calls"]
DOCTORED = prompt_of(0).replace("<turn>user", "<turn> user")
DOCTORED = {"prompt": DOCTORED, "prompt_ids": ids(DOCTORED)}


def by_name(verdict):
    return {one.arm: one for one in verdict.arms}


def test_two_faithful_arms_raise_no_finding(tmp_path):
    write(tmp_path, *arm("jax", url=None, wordings=100), *arm("llamacpp-raw", wordings=100))
    verdict = compare(tmp_path, "jax")
    assert not verdict.findings
    assert verdict.sentence == "llamacpp-raw is faithful to jax."
    assert by_name(verdict)["llamacpp-raw"].sentence == (
        "llamacpp-raw is faithful to jax: the same in 100 runs, token for token. "
        "Its success is within 5 points at 95%: 0 won and 0 lost of 100 runs."
    )


def test_each_arm_is_judged_by_its_own_cause(tmp_path):
    write(
        tmp_path,
        *arm("jax", url=None),
        *arm("llamacpp-raw", step=1, fields=QUANTIZED),
        *arm("llamacpp-chat", step=0, fields=DOCTORED),
        *arm("openai", tells="calls", step=1, fields={"runtime_calls": (), "content": text_of(CALLS[1])}),
        *arm("mock"),
        ended(trace("gemma-jax"), 0, "env_missing"),
    )
    verdict = compare(tmp_path, "jax")
    arms = by_name(verdict)
    assert verdict.arms[0].arm == "jax"
    assert {name: dict(one.causes) for name, one in arms.items() if one.causes} == {
        "llamacpp-raw": {"quantization": 4},
        "llamacpp-chat": {"template": 4},
        "openai": {"parser": 4},
    }
    assert (arms["gemma-jax"].judgment, arms["gemma-jax"].not_run) == ("not compared", 1)
    assert verdict.sentence == (
        "llamacpp-chat (template), llamacpp-raw (quantization) and openai (parser) are not faithful to jax; "
        "mock is faithful; gemma-jax was not compared."
    )
    assert verdict.rules == (
        "llamacpp-chat and llamacpp-raw part in 4 runs: that is the runtime's translator, between messages and prompt "
        "or output and calls. llamacpp-raw and jax part too: that is weights, quantization or scheduler.",
    )


def test_where_nothing_parts_the_rule_says_faithful(tmp_path):
    write(tmp_path, *arm("jax", url=None), *arm("ollama-raw", tells="text"), *arm("ollama-json", tells="calls"))
    verdict = compare(tmp_path, "jax")
    assert verdict.rules == ("ollama-json, ollama-raw and jax never part: the runtime is faithful.",)


def test_another_translator_alone_is_told_from_other_weights(tmp_path):
    lost = {"runtime_calls": ()}
    write(tmp_path, *arm("jax", url=None), *arm("ollama-raw"), *arm("ollama-json", step=1, fields=lost))
    (rule,) = compare(tmp_path, "jax").rules
    assert "the runtime's translator" in rule
    assert "quantization" not in rule


def test_the_verdict_is_read_back_as_itself(tmp_path):
    hostile = {"content": "\ud800 </script>\x1b[31m", "raw": "\ud800", "output_ids": None}
    write(
        tmp_path,
        *arm("jax", url=None),
        *arm("mock", step=1, fields=QUANTIZED | {"logprobs": tuple([-0.1] * 30)}),
        *arm("openai", step=2, fields=hostile),
    )
    verdict = compare(tmp_path, "jax")
    verdict.write(tmp_path / "verdict.json")
    assert read_verdict(tmp_path / "verdict.json") == verdict
    assert not list(tmp_path.glob("*.tmp"))


def test_a_file_that_is_no_verdict_is_refused(tmp_path):
    (tmp_path / "verdict.json").write_text('{"schema_version": 2}')
    with pytest.raises(DataError, match="compare"):
        read_verdict(tmp_path / "verdict.json")
    with pytest.raises(DataError, match="a verdict in"):
        read_verdict(tmp_path / "none.json")


def test_a_finding_of_a_server_has_the_request_as_a_command(tmp_path):
    write(tmp_path, *arm("jax", url=None, wordings=1), *arm("mock", wordings=1, step=1, fields=QUANTIZED))
    (finding,) = compare(tmp_path, "jax").findings
    assert finding.reproduce.startswith(f"curl -s {URL} ")
    assert "check_library" in finding.reproduce
    assert finding.probe is None


def test_a_finding_without_a_server_has_a_script_that_runs(tmp_path):
    write(tmp_path, *arm("jax", url=None, wordings=1), *arm("bf16", url=None, wordings=1, step=1, fields=QUANTIZED))
    (finding,) = compare(tmp_path, "jax").findings
    shown = subprocess.run(finding.reproduce, shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    lines = [line.partition("\t") for line in shown.stdout.splitlines()]
    assert [name for name, _, _ in lines] == ["jax", "bf16"]
    assert lines[0] != lines[1]


def test_another_reference_names_the_same_step(tmp_path):
    write(tmp_path, *arm("jax", url=None), *arm("mock", step=1, fields=QUANTIZED))
    here, there = compare(tmp_path, "jax"), compare(tmp_path, "mock")
    assert [(one.key, one.step) for one in here.findings] == [(one.key, one.step) for one in there.findings]


def test_a_reference_that_was_not_run_is_refused_with_those_that_were(tmp_path):
    write(tmp_path, *arm("jax", url=None), ended(trace("gemma-jax"), 0, "env_missing"))
    with pytest.raises(DataError, match="got arms gemma-jax, jax; did you mean jax"):
        compare(tmp_path, "jaxx")
    with pytest.raises(DataError, match="got none that ran"):
        compare(tmp_path, "gemma-jax")


@pytest.mark.slow
def test_10_000_steps_are_compared_in_10_seconds(tmp_path):
    write(tmp_path, *arm("jax", url=None, wordings=1), *arm("mock", wordings=1))
    for name in ("jax", "mock"):
        path = tmp_path / "traces" / name / "movies.jsonl"
        lines = path.read_text("utf-8")
        path.write_text("".join(lines.replace('"wording":0', f'"wording":{n}') for n in range(3334)), "utf-8")
    start = time.monotonic()
    verdict = compare(tmp_path, "jax")
    assert by_name(verdict)["mock"].compared == 3334
    assert time.monotonic() - start < 10
