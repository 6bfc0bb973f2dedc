"""A merged model is the adapted model, to the last module and the scale; an adapter comes back as it was written."""

import jax.numpy as jnp
import numpy as np
import pytest
from tests.support.logits import module_logits, tree_logits
from tests.support.training import LORA, adapted, bits, randomize, tree_bits

from callwright.errors import CheckpointError
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.lora import MERGES, attach, merge, read_adapter, write_adapter
from callwright.models.settings import LoraSettings

TOKENS = np.random.default_rng(3).integers(6, 512, (2, 40)).astype(np.int32)


@pytest.fixture(scope="module")
def model(shallow_model):
    """An adapted model with a random adapter that changes much; read-only."""
    found = adapted(shallow_model)
    randomize(found)
    return found


@pytest.fixture(scope="module")
def adapted_logits(model):
    return module_logits(model, TOKENS)


def test_merged_weights_give_the_adapted_models_logits(shallow_model, model, adapted_logits):
    merged = tree_logits(merge(parameters(model), read_adapter(model), LORA.scale), shallow_model.config, TOKENS)
    np.testing.assert_allclose(merged, adapted_logits, atol=1e-3)
    assert np.abs(tree_logits(parameters(model), shallow_model.config, TOKENS) - adapted_logits).max() > 1


def test_a_merge_that_forgets_the_scale_is_another_model(shallow_model, model, adapted_logits):
    assert LORA.scale != 1
    merged = tree_logits(merge(parameters(model), read_adapter(model), 1.0), shallow_model.config, TOKENS)
    assert np.abs(merged - adapted_logits).max() > 0.1


@pytest.mark.parametrize("module", MERGES)
def test_a_merge_that_forgets_one_kind_of_module_is_another_model(shallow_model, model, adapted_logits, module):
    adapter = {name: factor for name, factor in read_adapter(model).items() if f".{module}." not in name}
    assert len(adapter) == 5 * 2 * shallow_model.config.num_layers
    merged = tree_logits(merge(parameters(model), adapter, LORA.scale), shallow_model.config, TOKENS)
    assert np.abs(merged - adapted_logits).max() > 0.01


def test_merging_leaves_the_base_alone_and_copies_only_what_is_adapted(model):
    params = parameters(model)
    before = tree_bits(params)
    merged = merge(params, read_adapter(model), LORA.scale)
    assert tree_bits(params) == before
    after = tree_bits(merged)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if any(f"'{module}'" in name for module in MERGES)}
    assert merged["embedder"]["input_embedding"] is params["embedder"]["input_embedding"]


def test_a_merge_computes_in_float32_and_keeps_the_precision_of_the_weights(model):
    def merged(dtype):
        tree = {"layers": {0: {"mlp": {"up_proj": {"kernel": jnp.ones((32, 64), dtype)}}}}}
        return merge(tree, read_adapter(model), LORA.scale)["layers"][0]["mlp"]["up_proj"]["kernel"]

    half = merged(jnp.bfloat16)
    assert half.dtype == jnp.bfloat16
    np.testing.assert_array_equal(half, merged(jnp.float32).astype(jnp.bfloat16))


def test_a_fresh_adapter_changes_nothing_and_depends_on_the_seed_alone(shallow_model):
    mesh = make_mesh()
    base = load_model(shallow_model, mesh)
    fresh = [attach(base, LORA, mesh, seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(module_logits(fresh[0], TOKENS), module_logits(base, TOKENS))
    first, same, other = (bits(read_adapter(model)) for model in fresh)
    assert first == same
    assert {name for name in first if first[name] != other[name]} == {name for name in first if name.endswith("_a")}


def test_every_projection_of_every_layer_has_two_float32_factors_of_the_rank(shallow_model):
    adapter = read_adapter(adapted(shallow_model, LoraSettings(rank=3, alpha=3.0), "bfloat16"))
    assert len(adapter) == shallow_model.config.num_layers * len(MERGES) * 2
    for name, factor in adapter.items():
        assert factor.dtype == jnp.float32
        assert (factor.shape[-1] if name.endswith("_a") else factor.shape[0]) == 3, name


def test_only_the_named_modules_are_adapted(shallow_model):
    adapter = read_adapter(adapted(shallow_model, LoraSettings(rank=2, alpha=2.0, modules=("q_einsum", "down_proj"))))
    assert {name.split(".")[-2] for name in adapter} == {"q_einsum", "down_proj"}


def test_an_adapter_comes_back_bit_by_bit(shallow_model, model):
    other = adapted(shallow_model)
    adapter = read_adapter(model)
    assert bits(read_adapter(other)) != bits(adapter)
    write_adapter(other, {name: np.asarray(factor) for name, factor in adapter.items()})
    assert bits(read_adapter(other)) == bits(adapter)
    np.testing.assert_array_equal(module_logits(other, TOKENS), module_logits(model, TOKENS))


def test_an_adapter_of_another_rank_is_refused_by_the_factors_name_and_nothing_is_written(model):
    before = bits(read_adapter(model))
    other = {
        name: np.zeros([4 if width == LORA.rank else width for width in factor.shape], np.float32)
        for name, factor in read_adapter(model).items()
    }
    name = r"layers\.0\.attn\.attn_vec_einsum\.w_lora_a"
    with pytest.raises(CheckpointError, match=rf"factor {name} of shape \(4, 16, 2\); got \(4, 16, 4\)"):
        write_adapter(model, other)
    assert bits(read_adapter(model)) == before


def test_an_adapter_that_lacks_a_factor_or_has_one_too_many_is_refused(model):
    adapter = read_adapter(model)
    name = "layers.0.mlp.up_proj.kernel_lora_b"
    with pytest.raises(CheckpointError, match=rf"{name} of shape \(2, 64\); got none in the checkpoint"):
        write_adapter(model, {key: value for key, value in adapter.items() if key != name})
    with pytest.raises(CheckpointError, match=r"factor layers\.9\.x_lora_a of shape \(none\); got \(1,\)"):
        write_adapter(model, adapter | {"layers.9.x_lora_a": np.zeros(1)})
