"""Gemma 3's forward pass over a key-value cache, as pure functions of a parameter tree.

Training runs through Tunix's module, because LoRA is attached there; serving wants merged weights, a cache and no
module around them. Both read the same tree, in Tunix's layout (`nnx.to_pure_dict(nnx.state(model, nnx.Param))`), and a
test holds their logits together. Prompts are left-padded, so that at every step all rows write the same cache slot.

Shape letters: B batch, T new tokens, S cache slots, D model width, N heads, K key-value heads, H head width, V words.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from callwright.models.gemma3 import Gemma3Config

Params = Mapping[str, Any]


class Cache(NamedTuple):
    """Keys and values of every layer: two tuples of (B, S, K, H)."""

    keys: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]


def empty_cache(config: Gemma3Config, batch: int, slots: int, dtype: jnp.dtype) -> Cache:
    """A cache of zeros."""
    shape = (batch, slots, config.num_kv_heads, config.head_dim)
    zeros = tuple(jnp.zeros(shape, dtype) for _ in range(config.num_layers))
    return Cache(zeros, zeros)


def _norm(x: jax.Array, scale: jax.Array, eps: float) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + eps) * (1 + scale)


def _rope(x: jax.Array, positions: jax.Array, base: float) -> jax.Array:
    """Rotates (B, T, heads, H) by its positions (B, T), halves paired as in the reference implementation."""
    half = x.shape[-1] // 2
    angle = positions[..., None, None] / base ** (2 * jnp.arange(half) / x.shape[-1])
    first, second = x[..., :half], x[..., half:]
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).astype(x.dtype)


def forward(
    params: Params,
    config: Gemma3Config,
    tokens: jax.Array,
    start: jax.Array,
    padding: jax.Array,
    cache: Cache,
) -> tuple[jax.Array, Cache]:
    """Runs T new tokens on top of what the cache holds.

    Args:
      params: The parameter tree.
      config: The architecture.
      tokens: (B, T) ids.
      start: Scalar; the cache slot of the first new token.
      padding: (B,) how many slots at the left of each row are padding.
      cache: Keys and values so far.

    Returns:
      The final hidden states (B, T, D), normed, and the cache with the new tokens in it.
    """
    batch, length = tokens.shape
    slots = cache.keys[0].shape[1]
    query_slot = start + jnp.arange(length)  # (T,)
    key_slot = jnp.arange(slots)
    positions = query_slot[None] - padding[:, None]  # (B, T)
    causal = (key_slot[None] <= query_slot[:, None])[None] & (key_slot[None, None] >= padding[:, None, None])
    window = causal & (key_slot[None] > query_slot[:, None] - config.sliding_window)[None]

    embedding = params["embedder"]["input_embedding"]
    x = embedding[tokens] * jnp.sqrt(config.d_model).astype(embedding.dtype)
    keys, values = [], []
    for index in range(config.num_layers):
        layer = params["layers"][index]
        attention = layer["attn"]
        is_global = config.is_global(index)
        rope_base = config.rope_base_global if is_global else config.rope_base_local
        h = _norm(x, layer["pre_attention_norm"]["scale"], config.norm_eps)
        if "qkv_einsum" in attention:  # one matrix for all three, where every query head has keys of its own
            query, key, value = jnp.einsum("BTD,CNDH->CBTNH", h, attention["qkv_einsum"]["w"])
        else:
            query = jnp.einsum("BTD,NDH->BTNH", h, attention["q_einsum"]["w"])
            key, value = jnp.einsum("BTD,CKDH->CBTKH", h, attention["kv_einsum"]["w"])
        query = _rope(_norm(query, attention["_query_norm"]["scale"], config.norm_eps), positions, rope_base)
        key = _rope(_norm(key, attention["_key_norm"]["scale"], config.norm_eps), positions, rope_base)
        key = jax.lax.dynamic_update_slice(cache.keys[index], key, (0, start, 0, 0))
        value = jax.lax.dynamic_update_slice(cache.values[index], value, (0, start, 0, 0))
        keys.append(key)
        values.append(value)

        grouped = query.reshape(batch, length, config.num_kv_heads, -1, config.head_dim) * config.query_scale
        scores = jnp.einsum("BTKGH,BSKH->BKGTS", grouped, key)
        mask = (causal if is_global else window)[:, None, None]
        weights = jax.nn.softmax(jnp.where(mask, scores, jnp.finfo(scores.dtype).min), axis=-1)
        mixed = jnp.einsum("BKGTS,BSKH->BTKGH", weights, value).reshape(query.shape)
        h = jnp.einsum("BTNH,NHD->BTD", mixed, attention["attn_vec_einsum"]["w"])
        x = x + _norm(h, layer["post_attention_norm"]["scale"], config.norm_eps)

        h = _norm(x, layer["pre_ffw_norm"]["scale"], config.norm_eps)
        mlp = layer["mlp"]
        h = jax.nn.gelu(h @ mlp["gate_proj"]["kernel"]) * (h @ mlp["up_proj"]["kernel"])
        x = x + _norm(h @ mlp["down_proj"]["kernel"], layer["post_ffw_norm"]["scale"], config.norm_eps)
    return _norm(x, params["final_norm"]["scale"], config.norm_eps), Cache(tuple(keys), tuple(values))


def output_head(params: Params) -> jax.Array:
    """The matrix (V, D) that hidden states are projected with, in float32: on a CPU it is most of a decoding step, and
    half as fast in bfloat16. Made once, because a conversion inside a loop would be made at every step.
    """
    return params["embedder"]["input_embedding"].astype(jnp.float32)


def logits(head: jax.Array, hidden: jax.Array) -> jax.Array:
    """Projects hidden states (..., D) onto the vocabulary (..., V), in float32."""
    return jnp.dot(hidden.astype(jnp.float32), head.T)
