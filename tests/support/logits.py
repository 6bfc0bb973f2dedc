"""Logits of whole sequences, by Tunix's module and by our own forward pass."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from callwright.models.forward import Params, empty_cache, forward, logits, matrices, output_head
from callwright.models.gemma3 import Gemma3Config


def module_logits(model: Any, tokens: np.ndarray) -> np.ndarray:
    """Tunix's own logits (B, T, V) of tokens (B, T), an adapter included."""
    batch, length = tokens.shape
    positions = np.broadcast_to(np.arange(length), tokens.shape)
    causal = np.broadcast_to(np.tril(np.ones((length, length), bool)), (batch, length, length))
    found, _ = nnx.jit(lambda model, *inputs: model(*inputs))(model, tokens, positions, None, causal)
    return np.asarray(found, np.float32)


def tree_logits(params: Params, config: Gemma3Config, tokens: np.ndarray) -> np.ndarray:
    """Our logits (B, T, V) of a parameter tree."""
    batch, length = tokens.shape
    cache = empty_cache(config, batch, length, jnp.dtype(jnp.float32))
    padding = jnp.zeros(batch, jnp.int32)
    hidden, _ = forward(matrices(params), config, jnp.asarray(tokens), jnp.int32(0), padding, cache)
    return np.asarray(logits(output_head(params), hidden))
