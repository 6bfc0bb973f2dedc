"""Serving's forward pass is training's: the same logits as Tunix's module, cached or not, wherever a prompt lies."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from callwright.models.forward import empty_cache, forward, logits, matrices, output_head
from callwright.models.load import load_model, make_mesh

LENGTH = 48  # three times the sliding window
TOKENS = np.random.default_rng(5).integers(6, 512, (2, LENGTH)).astype(np.int32)


def ours(params, config, tokens, padding, slots=None, chunks=None):
    """Logits (B, T, V) of left-padded tokens, run in pieces of the given lengths."""
    batch, length = tokens.shape
    cache = empty_cache(config, batch, slots or length, jnp.float32)
    step, weights = jax.jit(forward, static_argnums=1), matrices(params)
    found, start = [], 0
    for size in chunks or (length,):
        piece = tokens[:, start : start + size]
        hidden, cache = step(weights, config, piece, jnp.int32(start), jnp.asarray(padding, jnp.int32), cache)
        found.append(np.asarray(logits(output_head(params), hidden)))
        start += size
    assert start == length
    return np.concatenate(found, axis=1)


@pytest.fixture(scope="module")
def wanted(tiny_model):
    """Tunix's logits (B, T, V)."""
    model = load_model(tiny_model, make_mesh())
    positions = np.broadcast_to(np.arange(LENGTH), TOKENS.shape)
    causal = np.broadcast_to(np.tril(np.ones((LENGTH, LENGTH), bool)), (2, LENGTH, LENGTH))
    found, _ = nnx.jit(lambda model, *inputs: model(*inputs))(model, TOKENS, positions, None, causal)
    return np.asarray(found)


def test_logits_are_tunixs_past_the_sliding_window(tiny_model, tiny_params, wanted):
    assert tiny_model.config.sliding_window * 2 < LENGTH
    assert wanted.std() > 0.5
    np.testing.assert_allclose(ours(tiny_params, tiny_model.config, TOKENS, [0, 0]), wanted, atol=1e-4)


def test_a_window_of_another_width_would_be_noticed(tiny_model, tiny_params, wanted):
    wide = dataclasses.replace(tiny_model.config, sliding_window=tiny_model.config.sliding_window + 1)
    found = ours(tiny_params, wide, TOKENS, [0, 0])
    np.testing.assert_allclose(found[:, :16], wanted[:, :16], atol=1e-4)
    assert np.abs(found[:, 17:] - wanted[:, 17:]).max() > 1e-2


def test_left_padding_changes_nothing(tiny_model, tiny_params, wanted):
    padded = np.full((2, LENGTH + 9), 7, np.int32)  # what lies there must not matter
    padded[0, 9:], padded[1, 9:] = TOKENS[0], TOKENS[1]
    found = ours(tiny_params, tiny_model.config, padded, [9, 9], slots=LENGTH + 20)
    np.testing.assert_allclose(found[:, 9:], wanted, atol=1e-4)


def test_rows_of_different_padding_do_not_disturb_each_other(tiny_model, tiny_params, wanted):
    padded = np.zeros((2, LENGTH), np.int32)
    padded[0], padded[1, 20:] = TOKENS[0], TOKENS[1, :-20]
    found = ours(tiny_params, tiny_model.config, padded, [0, 20])
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-4)
    np.testing.assert_allclose(found[1, 20:], wanted[1, :-20], atol=1e-4)


@pytest.mark.parametrize("chunks", [(10,) + (1,) * 38, (20, 28)], ids=["token by token", "in two pieces"])
def test_a_cache_changes_nothing(tiny_model, tiny_params, wanted, chunks):
    found = ours(tiny_params, tiny_model.config, TOKENS, [0, 0], slots=64, chunks=chunks)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
