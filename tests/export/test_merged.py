"""Merged weights are the adapted model: its logits, its tied embedding, and nothing read before it is written."""

import dataclasses

import ml_dtypes
import numpy as np
import pytest
from tests.support.logits import module_logits, tree_logits
from tests.support.tiny import tiny_tensors
from tests.support.trained_runs import tiny_trained
from tests.support.training import LORA, adapted

from callwright.errors import CheckpointError
from callwright.export.merged import merged_weights
from callwright.models import safetensors_files
from callwright.models.gemma3 import from_hf
from callwright.models.hf_names import tree_of
from callwright.models.lora import write_adapter

FLOAT32 = np.dtype(np.float32)
EMBEDDING = "model.embed_tokens.weight"
TOKENS = np.random.default_rng(3).integers(6, 512, (2, 40)).astype(np.int32)


@pytest.fixture(scope="module")
def trained(shallow_model):
    return tiny_trained(shallow_model)


@pytest.fixture(scope="module")
def merged(trained):
    return made(merged_weights(trained))


def made(weights, dtype=FLOAT32):
    return {name: tensor.make(dtype) for name, tensor in weights.tensors.items()}


@pytest.mark.slow
def test_merged_weights_give_the_logits_of_base_and_adapter(trained, merged):
    config, model = trained.base.config, adapted(trained.base, LORA)
    before = module_logits(model, TOKENS)
    write_adapter(model, trained.adapter)
    expected = module_logits(model, TOKENS)
    assert np.abs(expected - before).max() > 1
    found = tree_logits(tree_of(merged, config), config, TOKENS)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_every_projection_is_changed_and_nothing_else(trained, merged):
    base = tiny_tensors(trained.base.config)
    assert list(merged) == list(base)
    changed = {name for name in base if not np.array_equal(base[name], merged[name])}
    assert changed == {name for name in base if "_proj." in name}


def test_the_embedding_is_the_bases_to_the_bit_and_the_only_head(trained, merged):
    assert merged[EMBEDDING].tobytes() == tiny_tensors(trained.base.config)[EMBEDDING].tobytes()
    assert not [name for name in merged if "lm_head" in name]


def test_without_an_adapter_the_weights_are_the_bases(trained):
    base = tiny_tensors(trained.base.config)
    alone = made(merged_weights(dataclasses.replace(trained, adapter=None)))
    assert all(np.array_equal(alone[name], base[name]) for name in base)


def test_numbers_are_merged_in_float32_and_rounded_once(trained, merged):
    half = np.dtype(ml_dtypes.bfloat16)
    rounded = made(merged_weights(trained, "bfloat16"), half)
    for name, tensor in merged.items():
        assert rounded[name].dtype == half
        np.testing.assert_array_equal(rounded[name], tensor.astype(half), err_msg=name)


def test_making_a_tensor_twice_gives_the_same_numbers(trained, merged):
    weights = merged_weights(trained)
    for name in (EMBEDDING, "model.layers.0.mlp.up_proj.weight"):
        for _ in range(2):
            np.testing.assert_array_equal(weights.tensors[name].make(FLOAT32), merged[name])


def test_shapes_and_configuration_are_the_architectures(trained):
    weights = merged_weights(trained, "float16")
    assert weights.architecture == "gemma3"
    assert {name: tensor.shape for name, tensor in weights.tensors.items()} == trained.base.config.tensor_shapes()
    assert from_hf(weights.config) == trained.base.config
    assert weights.config["torch_dtype"] == "float16"
    assert weights.parameters == sum(tensor.size for tensor in tiny_tensors(trained.base.config).values())


def test_nothing_is_read_before_it_is_made(trained, monkeypatch):
    opened = []
    real = safetensors_files.safe_open

    def counted(path, framework):
        opened.append(path)
        return real(path, framework=framework)

    monkeypatch.setattr(safetensors_files, "safe_open", counted)
    weights = merged_weights(trained)
    headers = len(opened)
    assert headers == len(trained.base.weights)
    weights.tensors[EMBEDDING].make(FLOAT32)
    assert len(opened) == headers + 1


def test_an_adapter_that_does_not_cover_its_modules_is_refused_before_anything_is_made(trained):
    name = "layers.0.attn.kv_einsum.w_lora_b"
    adapter = {key: factor for key, factor in trained.adapter.items() if key != name}
    with pytest.raises(CheckpointError, match=rf"expected a factor {name} for model\.layers\.0\.self_attn\.k_proj"):
        merged_weights(dataclasses.replace(trained, adapter=adapter))
