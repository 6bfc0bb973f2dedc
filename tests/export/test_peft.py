"""An adapter in PEFT's layout multiplies out to what the run's adapter adds, by PEFT's own rule."""

import dataclasses
import json

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.support.trained_runs import random_adapter, tiny_trained
from tests.support.training import LORA

from callwright.errors import ConfigError
from callwright.export.merged import merged_weights
from callwright.export.peft import write_lora
from callwright.models.settings import LoraSettings

FLOAT32 = np.dtype(np.float32)


@pytest.fixture(scope="module")
def trained(shallow_model):
    return tiny_trained(shallow_model)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, trained):
    """The export; read-only."""
    target = tmp_path_factory.mktemp("peft") / "export"
    write_lora(trained, target)
    return target


def config_of(directory):
    return json.loads((directory / "adapter_config.json").read_text(encoding="utf-8"))


def test_what_peft_adds_to_a_matrix_is_what_the_merge_adds(trained, exported):
    tensors, config = load_file(exported / "adapter_model.safetensors"), config_of(exported)
    merged = merged_weights(trained).tensors
    base = merged_weights(dataclasses.replace(trained, adapter=None)).tensors
    adapted = {name for name in base if name.split(".")[-2] in config["target_modules"]}
    assert len(tensors) == 2 * len(adapted) == 14
    for name in adapted:
        module = f"base_model.model.{name.removesuffix('.weight')}"
        a, b = (tensors[f"{module}.lora_{which}.weight"] for which in "AB")
        assert (len(a), b.shape[1]) == (config["r"], config["r"])
        added = config["lora_alpha"] / config["r"] * (b @ a)
        np.testing.assert_allclose(base[name].make(FLOAT32) + added, merged[name].make(FLOAT32), atol=1e-5)


def test_factors_are_written_in_float32(exported):
    assert {tensor.dtype for tensor in load_file(exported / "adapter_model.safetensors").values()} == {FLOAT32}


def test_the_configuration_says_what_was_trained(trained, exported):
    config = config_of(exported)
    assert (config["peft_type"], config["task_type"]) == ("LORA", "CAUSAL_LM")
    assert (config["r"], config["lora_alpha"], config["use_rslora"]) == (LORA.rank, LORA.alpha, False)
    assert set(config["target_modules"]) == {*(f"{one}_proj" for one in "qkvo"), "gate_proj", "up_proj", "down_proj"}
    assert (config["base_model_name_or_path"], config["revision"]) == (str(trained.base.directory), None)


def test_a_base_of_the_hub_is_named_by_its_id_and_commit(tmp_path, trained):
    base = dataclasses.replace(trained.base, spec="google/gemma-3-270m@main", revision="abc")
    write_lora(dataclasses.replace(trained, base=base), tmp_path)
    config = config_of(tmp_path)
    assert (config["base_model_name_or_path"], config["revision"]) == ("google/gemma-3-270m", "abc")


def test_only_what_was_adapted_is_a_target(tmp_path, trained):
    lora = LoraSettings(rank=3, modules=("kv_einsum", "up_proj"))
    adapter = random_adapter(trained.base.config, lora)
    write_lora(dataclasses.replace(trained, lora=lora, adapter=adapter), tmp_path)
    assert config_of(tmp_path)["target_modules"] == ["k_proj", "up_proj", "v_proj"]


def test_template_and_tokenizer_stand_beside_the_adapter(exported, trained):
    assert (exported / "chat_template.jinja").read_bytes() == trained.format.chat_template().encode()
    assert (exported / "tokenizer.json").is_file()


def test_a_base_model_alone_is_no_adapter(tmp_path, trained):
    with pytest.raises(ConfigError, match="expected a trained adapter; got the base model alone"):
        write_lora(dataclasses.replace(trained, adapter=None), tmp_path)
    assert not list(tmp_path.iterdir())
