"""The merged weights under the reference code's names: nothing is lost, and only places change."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.support.tiny import GEMMA3_270M, TINY

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.gemma_weights import reference_sizes, reference_tensors, write_reference_weights
from callwright.models.hf_names import tree_of
from callwright.models.safetensors_files import read_tensors


@pytest.fixture(scope="module")
def written(tiny_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "merged.safetensors"
    write_reference_weights(SimpleNamespace(base=tiny_model, adapter=None), path)
    return load_file(path)


def test_every_tensor_of_the_library_has_its_name_and_shape():
    shapes = {name: tensor.shape for name, tensor in reference_tensors(GEMMA3_270M).items()}
    assert len(shapes) == 2 + 18 * 11
    assert shapes["embedder.input_embedding"] == (262_144, 640)
    assert shapes["layer_17.attn.q_einsum.w"] == (4, 640, 256)
    assert shapes["layer_17.attn.kv_einsum.w"] == (2, 1, 640, 256)
    assert shapes["layer_17.attn.attn_vec_einsum.w"] == (4, 256, 640)
    assert shapes["layer_17.mlp.gating_einsum"] == (2, 2048, 640)
    assert shapes["layer_17.mlp.linear"] == (2048, 640)


def test_as_many_heads_of_keys_as_of_queries_are_one_tensor():
    names = reference_tensors(dataclasses.replace(TINY, num_kv_heads=4))
    assert names["layer_0.attn.qkv_einsum.w"].shape == (3, 4, 32, 16) and "layer_0.attn.q_einsum.w" not in names


def test_every_number_of_the_model_is_written_once_and_in_float32(written, tiny_model):
    numbers = sum(int(np.prod(shape)) for shape in tiny_model.config.tensor_shapes().values())
    assert sum(array.size for array in written.values()) == numbers
    assert {array.dtype for array in written.values()} == {np.dtype(np.float32)}


def test_what_is_written_are_the_numbers_of_our_own_tree(written, tiny_model):
    tree = tree_of(read_tensors(tiny_model.weights, tiny_model.config, "float32"), tiny_model.config)
    layer = tree["layers"][3]
    same = {
        "embedder.input_embedding": tree["embedder"]["input_embedding"],
        "final_norm.scale": tree["final_norm"]["scale"],
        "layer_3.attn.q_einsum.w": layer["attn"]["q_einsum"]["w"],
        "layer_3.attn.kv_einsum.w": layer["attn"]["kv_einsum"]["w"],
        "layer_3.attn.attn_vec_einsum.w": layer["attn"]["attn_vec_einsum"]["w"],
        "layer_3.attn._query_norm.scale": layer["attn"]["_query_norm"]["scale"],
        "layer_3.attn._key_norm.scale": layer["attn"]["_key_norm"]["scale"],
        "layer_3.mlp.gating_einsum": np.stack(
            [layer["mlp"]["gate_proj"]["kernel"].T, layer["mlp"]["up_proj"]["kernel"].T]
        ),
        "layer_3.mlp.linear": layer["mlp"]["down_proj"]["kernel"],
    } | {
        f"layer_3.{name}.scale": layer[name]["scale"]
        for name in ("pre_attention_norm", "post_attention_norm", "pre_ffw_norm", "post_ffw_norm")
    }
    assert len(same) == 2 + 11
    for name, expected in same.items():
        np.testing.assert_array_equal(written[name], expected, err_msg=name)


def test_a_norm_that_the_library_cannot_compute_is_refused():
    assert reference_sizes(TINY)["embed_dim"] == 32
    with pytest.raises(ArmError, match=r"norms add 1e-06.*got one with 1e-05"):
        reference_sizes(dataclasses.replace(TINY, norm_eps=1e-5))
