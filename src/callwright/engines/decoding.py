"""What the engine in this process runs on the device: caches filled with prompts, and tokens added to them."""

import functools

import jax
import jax.numpy as jnp

from callwright.models.forward import Cache, Context, Params, empty_cache, forward, logits
from callwright.models.gemma3 import Gemma3Config

PIECE = 16
"""Tokens that are added to each row before the engine looks at them."""
_BLOCK = 512


@functools.partial(jax.jit, static_argnums=1)
def fill_prefixes(params: Params, config: Gemma3Config, tokens: jax.Array, padding: jax.Array) -> Context:
    """What groups begin with, (M, P) tokens, as keys and values."""
    cache = empty_cache(config, tokens.shape[0], tokens.shape[1], params["embedder"]["input_embedding"].dtype)
    return Context(
        forward(params, config, tokens, jnp.int32(0), padding, cache)[1], padding, jnp.int32(tokens.shape[1])
    )


@functools.partial(jax.jit, static_argnums=(2, 9))
def fill_rows(
    params: Params,
    head: jax.Array,
    config: Gemma3Config,
    tokens: jax.Array,
    padding: jax.Array,
    prefix: Context | None,
    numbers: jax.Array,
    key: jax.Array,
    temperature: jax.Array,
    slots: int,
) -> tuple[jax.Array, Cache]:
    """Draws the first token (B,) after prompts (B, T), and returns a cache of so many slots that holds these."""
    batch, width = tokens.shape
    cache = empty_cache(config, batch, width, params["embedder"]["input_embedding"].dtype)
    hidden, cache = forward(params, config, tokens, jnp.int32(0), padding, cache, _contexts(prefix))
    token = _draw(logits(head, hidden[:, -1]), jax.random.fold_in(key, 0), numbers, temperature)
    return token, jax.tree.map(lambda array: jnp.pad(array, ((0, 0), (0, slots - width), (0, 0), (0, 0))), cache)


def _draw(scores: jax.Array, key: jax.Array, numbers: jax.Array, temperature: jax.Array) -> jax.Array:
    """One token id for each row of (B, V) logits, each row with a key of its own.

    First a block of the vocabulary is chosen, then a token of it: a random number for every word, as
    `jax.random.categorical` wants it, takes a CPU longer than the logits.
    """
    batch, words = scores.shape
    missing = -words % _BLOCK
    blocks = jnp.pad(scores, ((0, 0), (0, missing)), constant_values=-jnp.inf).reshape(batch, -1, _BLOCK)

    def within(values: jax.Array, block: jax.Array) -> jax.Array:
        return jnp.take_along_axis(values, block[:, None, None], axis=1)[:, 0]

    def sample() -> jax.Array:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, numbers)
        chances = jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys)
        likeliest = jnp.max(blocks, axis=(1, 2), keepdims=True)
        weights = jnp.exp((blocks - likeliest) / jnp.maximum(temperature, 1e-6))
        block = _pick(weights.sum(axis=-1), chances[:, 0])
        return block * _BLOCK + _pick(within(weights, block), chances[:, 1])

    def greedy() -> jax.Array:
        block = jnp.argmax(blocks.max(axis=-1), axis=-1)
        return block * _BLOCK + jnp.argmax(within(blocks, block), axis=-1)

    return jax.lax.cond(temperature > 0, sample, greedy).astype(jnp.int32)


def _pick(weights: jax.Array, chance: jax.Array) -> jax.Array:
    """An index into each row of (B, N) weights, by a number (B,) from 0 up to 1 that is spread evenly."""
    upto = jnp.cumsum(weights, axis=-1)
    return jnp.minimum((upto <= chance[:, None] * upto[:, -1:]).sum(axis=-1), weights.shape[-1] - 1)


def _contexts(*contexts: Context | None) -> list[Context]:
    return [context for context in contexts if context is not None]


# The loop's state: step, the last token of each row, cache of the piece, which rows are done, the piece's output.
_State = tuple[jax.Array, jax.Array, Cache, jax.Array, jax.Array]


@functools.partial(jax.jit, static_argnums=(2, 14), donate_argnums=8)
def add_tokens(
    params: Params,
    head: jax.Array,
    config: Gemma3Config,
    token: jax.Array,
    begin: jax.Array,
    until: jax.Array,
    width: jax.Array,
    padding: jax.Array,
    cache: Cache,
    prefix: Context | None,
    numbers: jax.Array,
    done: jax.Array,
    key: jax.Array,
    temperature: jax.Array,
    stop_ids: tuple[int, ...],
) -> tuple[jax.Array, jax.Array, Cache]:
    """Draws the tokens after `begin` up to `until` for each row, or fewer where all rows are done.

    They are put into a cache of their own until the piece ends: XLA copies what a loop writes to at every step.

    Returns:
      The tokens (B, PIECE), the last of each row, and the cache.
    """
    batch, stops = len(token), jnp.asarray(stop_ids, jnp.int32)
    contexts = _contexts(prefix, Context(cache, padding, width + begin))

    def going(state: _State) -> jax.Array:
        step, _, _, done, _ = state
        return (step < until) & ~jnp.all(done)

    def add(state: _State) -> _State:
        step, token, new, done, output = state
        hidden, new = forward(params, config, token[:, None], step - begin, jnp.zeros_like(token), new, contexts)
        scores = logits(head, hidden[:, 0])
        token = _draw(scores, jax.random.fold_in(key, step + 1), numbers, temperature)
        output = output.at[:, step - begin].set(token)
        return step + 1, token, new, done | jnp.isin(token, stops), output

    new = empty_cache(config, batch, PIECE, cache.keys[0].dtype)
    start = (begin, token, new, done, jnp.zeros((batch, PIECE), jnp.int32))
    _, token, new, _, output = jax.lax.while_loop(going, add, start)
    place = (0, width + begin, 0, 0)
    return output, token, jax.tree.map(lambda all, some: jax.lax.dynamic_update_slice(all, some, place), cache, new)
