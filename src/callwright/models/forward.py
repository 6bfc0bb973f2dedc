"""Gemma 3's forward pass over a key-value cache, as pure functions of a parameter tree.

Training runs through Tunix's module, because LoRA is attached there; serving wants merged weights, a cache and no
module around them. Both start from the same tree, in Tunix's layout (`nnx.to_pure_dict(nnx.state(model, nnx.Param))`;
here its projections are `matrices`), and a test holds their logits together. Prompts are left-padded, so that at every
step all rows write the same cache slot. What tokens see goes by position, as they may see several caches: what a group
of rows begins with, kept once for all of them, and what a row has had so far, which is only read while a few tokens are
added to a smaller one.

Shape letters: B batch, T new tokens, S cache slots, M groups of R rows each, D model width, N heads, K key-value heads,
G heads for each of them, Q queries of a head, H head width, V words.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from callwright.models.gemma3 import Gemma3Config

Params = Mapping[str, Any]


class Cache(NamedTuple):
    """Keys and values of every layer: two tuples of (B, S, K, H)."""

    keys: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]


class Context(NamedTuple):
    """What rows have before the tokens of their own cache. Groups of B / M rows, in order, have the same.

    Attributes:
      cache: Keys and values of M rows.
      padding: (M,) how many slots at the left are padding.
      filled: Scalar; the slots from here on are empty.
    """

    cache: Cache
    padding: jax.Array
    filled: jax.Array


class _Places(NamedTuple):
    """Positions (B, T) of new tokens, and by cache what they see in global and local layers: masks (M, 1, S, RT, 1)."""

    positions: jax.Array
    everything: tuple[jax.Array, ...]
    window: tuple[jax.Array, ...]


def matrices(params: Params) -> Params:
    """The same tree, in which each layer's attention has two matrices: `qkv` (D, (N + 2K) H), and `out` (N H, D).

    Products with Tunix's weights of three or four axes begin with a transposed copy of them on a CPU, at every step of
    decoding; there these copies take a fifth of the time.
    """

    def of_layer(layer: Params) -> Params:
        attention = layer["attn"]
        if "qkv_einsum" in attention:  # one array for all three, where every query head has keys of its own
            parts = [attention["qkv_einsum"]["w"]]
        else:
            parts = [attention["q_einsum"]["w"], attention["kv_einsum"]["w"]]
        by_input = [jnp.moveaxis(part, -2, 0).reshape(part.shape[-2], -1) for part in parts]
        out = attention["attn_vec_einsum"]["w"]
        norms = {name: attention[name] for name in ("_query_norm", "_key_norm")}
        joined = {"qkv": jnp.concatenate(by_input, axis=1), "out": out.reshape(-1, out.shape[-1])}
        return {**layer, "attn": norms | joined}

    layers = params["layers"]
    return {**params, "layers": {index: of_layer(layers[index]) for index in layers}}


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
    contexts: Sequence[Context] = (),
) -> tuple[jax.Array, Cache]:
    """Runs T new tokens on top of what the cache holds.

    Args:
      params: The parameter tree, with its `matrices`.
      config: The architecture.
      tokens: (B, T) ids.
      start: Scalar; the cache slot of the first new token.
      padding: (B,) how many slots at the left of each row are padding.
      cache: Keys and values so far.
      contexts: What the rows have before the cache's first token, in this order.

    Returns:
      The final hidden states (B, T, D), normed, and the cache with the new tokens in it.
    """
    places = _places(config, tokens.shape, start, padding, cache, contexts)
    embedding = params["embedder"]["input_embedding"]
    x = embedding[tokens] * jnp.sqrt(config.d_model).astype(embedding.dtype)
    keys, values = [], []
    for index in range(config.num_layers):
        layer = params["layers"][index]
        attention = layer["attn"]
        is_global = config.is_global(index)
        rope_base = config.rope_base_global if is_global else config.rope_base_local
        h = _norm(x, layer["pre_attention_norm"]["scale"], config.norm_eps)
        projected = (h @ attention["qkv"]).reshape(*tokens.shape, -1, config.head_dim)
        query, key, value = jnp.split(projected, [config.num_heads, config.num_heads + config.num_kv_heads], axis=2)
        query = _rope(_norm(query, attention["_query_norm"]["scale"], config.norm_eps), places.positions, rope_base)
        key = _rope(_norm(key, attention["_key_norm"]["scale"], config.norm_eps), places.positions, rope_base)
        keys.append(jax.lax.dynamic_update_slice(cache.keys[index], key, (0, start, 0, 0)))
        values.append(jax.lax.dynamic_update_slice(cache.values[index], value, (0, start, 0, 0)))
        caches = [(context.cache.keys[index], context.cache.values[index]) for context in contexts]
        masks = places.everything if is_global else places.window
        mixed = _attend(query * config.query_scale, [*caches, (keys[-1], values[-1])], masks)
        h = mixed.reshape(*tokens.shape, -1) @ attention["out"]
        x = x + _norm(h, layer["post_attention_norm"]["scale"], config.norm_eps)

        h = _norm(x, layer["pre_ffw_norm"]["scale"], config.norm_eps)
        mlp = layer["mlp"]
        h = jax.nn.gelu(h @ mlp["gate_proj"]["kernel"]) * (h @ mlp["up_proj"]["kernel"])
        x = x + _norm(h @ mlp["down_proj"]["kernel"], layer["post_ffw_norm"]["scale"], config.norm_eps)
    return _norm(x, params["final_norm"]["scale"], config.norm_eps), Cache(tuple(keys), tuple(values))


def _places(
    config: Gemma3Config,
    shape: tuple[int, ...],
    start: jax.Array,
    padding: jax.Array,
    cache: Cache,
    contexts: Sequence[Context],
) -> _Places:
    batch, length = shape
    before = jnp.zeros(batch, jnp.int32)  # tokens of the contexts so far
    key_positions, real = [], []
    for context in (*contexts, Context(cache, padding, start + length)):
        groups, slots = context.cache.keys[0].shape[:2]
        slot = jnp.arange(slots)
        within = slot - context.padding[:, None]
        real.append(((within >= 0) & (slot < context.filled))[:, None, :, None, None])
        key_positions.append((before.reshape(groups, -1, 1) + within[:, None]).swapaxes(1, 2)[:, None, :, :, None])
        own, before = before, before + jnp.repeat(context.filled - context.padding, batch // groups)
    positions = (own + start - padding)[:, None] + jnp.arange(length)

    def visible(window: int | None) -> tuple[jax.Array, ...]:
        masks = []
        for key, exists in zip(key_positions, real, strict=True):  # (M, 1, S, R, 1) and (M, 1, S, 1, 1)
            query = positions.reshape(len(key), 1, 1, -1, length)
            mask = exists & (key <= query)
            mask = mask if window is None else mask & (key > query - window)
            masks.append(mask.reshape(*mask.shape[:3], -1, 1))
        return tuple(masks)

    return _Places(positions, visible(None), visible(config.sliding_window))


def _attend(query: jax.Array, caches: Sequence[tuple[jax.Array, jax.Array]], masks: Sequence[jax.Array]) -> jax.Array:
    """Mixes the values of all caches, keys and values (M, S, K, H) each, for scaled queries (B, T, N, H).

    One softmax goes over all of them; no cache is copied for the rows that share it. Scores are (M, K, S, Q), because
    in this order of axes a CPU is fastest at both products.
    """
    batch, length, _, width = query.shape
    heads = caches[0][0].shape[2]
    apart = query.reshape(batch, length, heads, -1, width).transpose(0, 2, 1, 3, 4)  # (B, K, T, G, H)
    queries = apart.reshape(batch, heads, -1, width)  # (B, K, Q, H)
    scores = []
    for (key, _), mask in zip(caches, masks, strict=True):
        found = jnp.einsum("MKQH,MSKH->MKSQ", _by_group(queries, len(key)), key).astype(jnp.float32)
        by_token = found.reshape(*found.shape[:3], mask.shape[3], -1)
        scores.append(jnp.where(mask, by_token, jnp.finfo(jnp.float32).min).reshape(found.shape))
    largest = functools.reduce(jnp.maximum, (_by_row(found.max(axis=2), batch) for found in scores))
    total, mixed = jnp.zeros(largest.shape), jnp.zeros((*largest.shape, width))
    for (_, value), found in zip(caches, scores, strict=True):
        weights = jnp.exp(found - _by_group(largest, len(value))[:, :, None])
        total += _by_row(weights.sum(axis=2), batch)
        mixed += _by_row(jnp.einsum("MKSQ,MSKH->MKQH", weights.astype(value.dtype), value), batch)
    mixed = (mixed / total[..., None]).astype(query.dtype).reshape(apart.shape)
    return mixed.transpose(0, 2, 1, 3, 4).reshape(query.shape)


def _by_group(of_rows: jax.Array, groups: int) -> jax.Array:
    """(B, K, Q, ...) as (M, K, RQ, ...)."""
    _, heads, _, *rest = of_rows.shape
    apart = of_rows.reshape(groups, -1, *of_rows.shape[1:]).swapaxes(1, 2)
    return apart.reshape(groups, heads, -1, *rest)


def _by_row(of_groups: jax.Array, batch: int) -> jax.Array:
    """(M, K, RQ, ...) as (B, K, Q, ...)."""
    groups, heads, _, *rest = of_groups.shape
    apart = of_groups.reshape(groups, heads, batch // groups, -1, *rest).swapaxes(1, 2)
    return apart.reshape(batch, heads, -1, *rest)


def output_head(params: Params) -> jax.Array:
    """The matrix (V, D) that hidden states are projected with, in float32: on a CPU it is most of a decoding step, and
    half as fast in bfloat16. Made once, because a conversion inside a loop would be made at every step.
    """
    return params["embedder"]["input_embedding"].astype(jnp.float32)


def logits(head: jax.Array, hidden: jax.Array) -> jax.Array:
    """Projects hidden states (..., D) onto the vocabulary (..., V), in float32."""
    return jnp.dot(hidden.astype(jnp.float32), head.T)
