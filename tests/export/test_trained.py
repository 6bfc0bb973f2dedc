"""An export begins with a finished stage, the very weights it was trained on, and a format that these can write."""

import shutil

import numpy as np
import pytest
from tests.support.tiny import write_tiny_model
from tests.support.trained_runs import random_adapter, write_trained_run
from tests.support.training import LORA

from callwright.errors import CheckpointError, ConfigError, DataError, FormatError, WeightsError
from callwright.export.trained import read_trained
from callwright.models.sources import resolve_model
from callwright.storage import JsonLines
from callwright.training.checkpoints import FILE


@pytest.fixture(scope="module")
def run(tmp_path_factory, shallow_model):
    """A run with stages 3 and 4; read-only."""
    return write_trained_run(tmp_path_factory.mktemp("runs") / "tiny", shallow_model)


def adapter_of(trained):
    return {name: factor.tobytes() for name, factor in trained.adapter.items()}


def expected_adapter(stage, base):
    return {name: factor.tobytes() for name, factor in random_adapter(base.config, seed=stage).items()}


@pytest.mark.parametrize(
    ("below", "stage", "found"),
    [("", None, 4), ("", 3, 3), ("stage3", None, 3), ("checkpoints/stage3", None, 3), ("stage3", 3, 3)],
)
def test_the_last_finished_stage_is_exported_unless_another_is_named(run, shallow_model, below, stage, found):
    trained = read_trained(run / below, stage=stage)
    assert (trained.run, trained.stage) == (run, found)
    assert adapter_of(trained) == expected_adapter(found, shallow_model)


def test_a_trained_model_says_what_it_is_made_of(run, shallow_model):
    trained = read_trained(run)
    assert trained.base.sha256 == shallow_model.sha256
    assert (trained.lora, trained.scale) == (LORA, 3.0)
    assert trained.format.id == "xml/args"
    assert trained.license == trained.base.license
    assert {factor.dtype for factor in trained.adapter.values()} == {np.dtype(np.float32)}


def test_another_format_can_be_named(run):
    assert read_trained(run, fmt="xml/arguments").format.id == "xml/arguments"


@pytest.mark.parametrize(
    ("fmt", "message"), [("qwen3", "a tokenizer with the control tokens of qwen3"), ("xlm", "did you mean xml")]
)
def test_a_format_that_the_base_cannot_write_is_refused(run, fmt, message):
    with pytest.raises(FormatError, match=message):
        read_trained(run, fmt=fmt)


def test_two_names_for_the_stage_must_agree(run):
    with pytest.raises(ConfigError, match=r"expected one stage of .*; got stage 3 and stage 4; name it once"):
        read_trained(run / "stage3", stage=4)


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected a run in .*; got no events.jsonl of one"):
        read_trained(tmp_path / "nowhere")


@pytest.mark.parametrize("stage", [2, 5])
def test_a_stage_that_did_not_train_is_refused_and_those_that_did_are_named(run, stage):
    with pytest.raises(CheckpointError, match=rf"expected a finished stage {stage} of .*; got stages 3, 4; name"):
        read_trained(run, stage=stage)


def test_a_run_whose_stages_are_unfinished_is_refused(tmp_path, shallow_model):
    run = write_trained_run(tmp_path / "new", shallow_model, stages=())
    with JsonLines(run / "events.jsonl") as log:
        log.append({"time": "2026-03-01T09:31:00+00:00", "event": "stage_started", "stage": 3})
    with pytest.raises(CheckpointError, match=r"expected a finished training stage of .*; got none"):
        read_trained(run)


def test_a_finished_stage_whose_adapter_is_gone_is_refused(tmp_path, run):
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "checkpoints" / "stage4" / FILE).unlink()
    with pytest.raises(CheckpointError, match=r"expected a finished stage with adapter\.safetensors in .*stage4"):
        read_trained(copy)


def test_other_weights_than_those_trained_on_are_refused(tmp_path, shallow_model):
    base = resolve_model(str(write_tiny_model(tmp_path / "base", shallow_model.config)))
    run = write_trained_run(tmp_path / "run", base)
    write_tiny_model(base.directory, base.config, seed=9)
    with pytest.raises(CheckpointError, match=r"expected an adapter for weights .*; got .*stage4, trained on base"):
        read_trained(run)


def test_a_base_that_is_gone_is_refused(tmp_path, shallow_model):
    base = resolve_model(str(write_tiny_model(tmp_path / "base", shallow_model.config)))
    run = write_trained_run(tmp_path / "run", base)
    shutil.rmtree(base.directory)
    with pytest.raises(WeightsError, match="none of them, and no such path"):
        read_trained(run)
