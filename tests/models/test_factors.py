"""An adapter's factors under Hugging Face's names multiply out to what the run's own merge adds, or are refused."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from tests.support.tiny import TINY, tiny_tensors
from tests.support.trained_runs import random_adapter
from tests.support.training import LORA

from callwright.errors import CheckpointError
from callwright.models.hf_names import factors_of, tensors_of, tree_of
from callwright.models.lora import MERGES, merge
from callwright.models.settings import LoraSettings

CONFIG = replace(TINY, num_layers=1)
SHARED = replace(CONFIG, num_kv_heads=2)
"""Two heads of keys and values: an adapter that mixes them up is another one."""


@pytest.fixture(scope="module", params=[CONFIG, SHARED], ids=["1 kv head", "2 kv heads"])
def config(request):
    return request.param


def test_the_product_of_two_factors_is_what_the_runs_merge_adds(config):
    zeros = {name: np.zeros_like(tensor) for name, tensor in tiny_tensors(config).items()}
    adapter = random_adapter(config)
    tree = merge(tree_of({name: jnp.asarray(zero) for name, zero in zeros.items()}, config), adapter, 1.0)
    added = dict(tensors_of(tree, config))
    factors = factors_of(adapter, config, LORA.modules)
    assert factors.keys() == {name for name, tensor in added.items() if tensor.any()}
    for name, (a, b) in factors.items():
        assert (a.shape[0], b.shape[1]) == (LORA.rank, LORA.rank)
        np.testing.assert_allclose(b @ a, added[name], atol=1e-6, err_msg=name)


def test_every_projection_has_factors_and_nothing_else_has_any(config):
    factors = factors_of(random_adapter(config), config, LORA.modules)
    assert factors.keys() == {name for name in config.tensor_shapes() if "_proj." in name}


def test_keys_and_values_share_the_first_factor_and_not_the_second(config):
    factors = factors_of(random_adapter(config), config, LORA.modules)
    keys, values = (factors[f"model.layers.0.self_attn.{one}_proj.weight"] for one in "kv")
    np.testing.assert_array_equal(keys.a, values.a)
    assert not np.array_equal(keys.b, values.b)


def test_only_the_named_modules_have_factors():
    lora = LoraSettings(rank=3, modules=("down_proj", "kv_einsum"))
    factors = factors_of(random_adapter(CONFIG, lora), CONFIG, lora.modules)
    assert {name.split(".")[-2] for name in factors} == {"k_proj", "v_proj", "down_proj"}


@pytest.mark.parametrize("which", "ab")
@pytest.mark.parametrize("module", MERGES)
def test_a_module_without_a_factor_is_named(module, which):
    missing = next(name for name in random_adapter(CONFIG) if f".{module}." in name and name.endswith(which))
    adapter = {name: factor for name, factor in random_adapter(CONFIG).items() if name != missing}
    with pytest.raises(CheckpointError, match=rf"a factor {missing} for model\.layers\.0\..*; got none in the adapter"):
        factors_of(adapter, CONFIG, LORA.modules)


def test_a_factor_without_a_module_is_named():
    adapter = random_adapter(replace(CONFIG, num_layers=2))
    with pytest.raises(CheckpointError, match=r"got layers\.1\.attn\.attn_vec_einsum\.w_lora_a in the adapter"):
        factors_of(adapter, CONFIG, LORA.modules)


def test_a_factor_of_a_module_that_was_not_adapted_is_named():
    with pytest.raises(CheckpointError, match=r"got layers\.0\.mlp\.up_proj\.kernel_lora_a"):
        factors_of(random_adapter(CONFIG), CONFIG, [module for module in LORA.modules if module != "up_proj"])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("attn.q_einsum.w_lora_a", (31, 2)),
        ("attn.q_einsum.w_lora_b", (3, 4, 16)),
        ("attn.kv_einsum.w_lora_b", (2, 1, 1, 16)),
        ("attn.kv_einsum.w_lora_b", (2,)),
        ("mlp.gate_proj.kernel_lora_b", (2, 63)),
        ("attn.attn_vec_einsum.w_lora_a", (2,)),
        ("mlp.up_proj.kernel_lora_a", ()),
    ],
)
def test_factors_that_do_not_multiply_out_to_the_matrix_are_refused(name, shape):
    adapter = random_adapter(CONFIG) | {f"layers.0.{name}": np.zeros(shape, np.float32)}
    with pytest.raises(CheckpointError, match=r"for model|factors of"):
        factors_of(adapter, CONFIG, LORA.modules)
