"""Which arms a comparison forces: those with the trained weights as they are, where their run is at hand."""

import json

import pytest
from tests.support.tiny import write_tiny_model
from tests.support.trained_runs import write_trained_run

from callwright.models.sources import resolve_model
from callwright.orchestration.bakeoff_compare import _forced


def written(directory, run):
    """A bake-off of this run, of which only the record is there."""
    kinds = {"jax": "jax", "again": "jax", "jax-bf16": "jax-bf16", "llamacpp-raw": "llamacpp-raw"}
    record = dict.fromkeys(("wordings", "context", "max_new_tokens", "max_steps"), 1)
    record |= dict.fromkeys(("context_share", "temperature", "step_seconds", "task_seconds"), 1.0)
    record |= dict.fromkeys(
        ("callwright", "model", "model_sha256", "format", "chat_template_sha256", "tasks_file"), "x"
    )
    record |= dict.fromkeys(("adapter_sha256", "gguf_sha256", "history_sha256"))
    record |= {"run": run, "arms": {name: {"kind": kind, "options": {}} for name, kind in kinds.items()}}
    record |= {"tasks": [], "seeds": [1], "tools": [], "tasks_sha256": {}, "thinking": False}
    directory.mkdir(parents=True)
    (directory / "bakeoff.json").write_text(json.dumps(record))
    return directory


@pytest.fixture
def run(tmp_path):
    base = resolve_model(str(write_tiny_model(tmp_path / "tiny")))
    return write_trained_run(tmp_path / "runs" / "mine", base)


def test_arms_with_the_trained_weights_are_forced_whatever_they_are_called(run):
    forced = _forced(written(run / "bakeoffs" / "stage4", "mine/stage4"))
    assert forced is not None and set(forced.arms) == {"jax", "again"}


def test_elsewhere_or_of_a_base_model_no_weights_are_guessed(run, tmp_path):
    assert _forced(written(tmp_path / "elsewhere" / "out", "mine/stage4")) is None
    assert _forced(written(run / "bakeoffs" / "base", None)) is None
