"""What a model card says of a run comes from the run's own files, up to the stage that is exported."""

from dataclasses import replace

import pytest
from tests.support.fake_run import CREATED, results
from tests.support.trained_runs import tiny_trained

from callwright.errors import ConfigError, DataError
from callwright.export.run_facts import RunFacts
from callwright.storage import JsonLines, sha256_file, sha256_json, write_bytes
from callwright.yaml_files import write_yaml

CONFIG = {
    "sft_small": {"data": {"tools": {"examples": 4000}}},
    "sft_full": {"data": {"synthetic": {"examples": 2000}}},
    "grpo": {"data": {"synthetic": {"examples": 64}}},
}


@pytest.fixture
def model(tmp_path, shallow_model):
    """A model of stage 4, and the files of its run."""
    run, time = tmp_path / "quick", "2026-03-01T09:30:00+00:00"
    write_yaml(run / "config.yaml", CONFIG)
    results().write(run / "results.json")
    with JsonLines(run / "events.jsonl") as log:
        log.append({"time": time, "event": "run_created", **CREATED, "config_sha256": sha256_json(CONFIG)})
        for stage in (3, 4, 5):
            files = {f"data/{stage}.yaml": f"{stage}" * 64}
            log.append({"time": time, "event": "stage_finished", "stage": stage, "data_files": files})
    write_bytes(run / "checkpoints" / "stage4" / "adapter.safetensors", b"factors")
    return tiny_trained(shallow_model, run)


def test_data_files_and_adapter_are_those_of_the_exported_model(model):
    facts = RunFacts.read(model)
    assert facts.data == {name: CONFIG[name]["data"] for name in ("sft_small", "sft_full")}
    assert facts.data_files == {"data/3.yaml": "3" * 64, "data/4.yaml": "4" * 64}
    assert facts.adapter_sha256 == sha256_file(model.run / "checkpoints" / "stage4" / "adapter.safetensors")
    assert facts.results == results()
    assert RunFacts.read(replace(model, adapter=None)).adapter_sha256 == ""


def test_a_run_without_results_or_with_another_configuration_is_refused(model):
    (model.run / "results.json").unlink()
    with pytest.raises(DataError, match="a run's results in"):
        RunFacts.read(model)
    write_yaml(model.run / "config.yaml", CONFIG | {"seed": 9})
    with pytest.raises(ConfigError, match="one that was changed"):
        RunFacts.read(model)
