"""The quickstart on the real Gemma 3 270M, cut down to two steps a stage and a few entries of each suite."""

from pathlib import Path

import pytest
from tests.support.runs import EVALUATED, TRAINED, Desk, adapter_bits, events, rows, write_tools

from callwright.report.schema import Results
from callwright.yaml_files import read_yaml

QUICKSTART = Path(__file__).parents[2] / "config" / "quickstart.yaml"
SMALL = {
    "sft": {"steps": 2, "batch_size": 1, "sequence_length": 256, "supervised_length": 96},
    "grpo": {"steps": 2, "prompts_per_step": 1, "group_size": 2, "max_prompt_tokens": 192, "max_new_tokens": 8},
}
CATEGORIES = ("simple_python", "irrelevance")


@pytest.mark.weights
def test_the_whole_pipeline_runs_on_the_real_model(tmp_path, shared_cache):
    tools = write_tools(tmp_path / "tools.yaml")
    config = read_yaml(QUICKSTART) | {"budget": None, "tools": str(tools)}
    few = {"batch_size": 4, "max_new_tokens": 8}
    config["evaluation"]["tools"] |= few | {"requests": 4, "baseline_requests": 4}
    # The entries of this seed are short.
    sample = {"sample": dict.fromkeys(CATEGORIES, 1), "baseline_sample": None, "seed": 28}
    config["evaluation"]["bfcl"] |= few | sample
    for section in ("sft_small", "sft_full", "grpo"):
        config[section]["training"] |= SMALL["grpo" if section == "grpo" else "sft"]
    desk = Desk(tmp_path / "desk", shared_cache, config)
    said = desk.run()
    assert "Report: runs/quickstart/report.html" in said.out

    results = Results.read(desk.path / "results.json")
    assert [stage.status for stage in results.stages] == ["done"] * 5
    assert results.model.parameters == 268_098_176
    assert len({adapter_bits(desk.path, stage) for stage in TRAINED[:2]}) == 2
    for stage in EVALUATED:
        assert len(rows(desk.path, stage)) == 4 + (len(CATEGORIES) if stage in (2, 5) else 0)
        assert results.evaluation_cost(f"stage{stage}").peak_memory_bytes < 12e9
    # Random weights would begin at ln(262144) = 12.5; these have read JSON before.
    losses = {stage: [e["loss"] for e in events(desk.path, "step") if e["stage"] == stage] for stage in (3, 4)}
    assert all(0 < loss < 12 for stage in losses.values() for loss in stage)
    assert len(results.curves["stage5"]["reward"]) == 2
    assert (desk.path / "report.html").stat().st_size > 10_000
