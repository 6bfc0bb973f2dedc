"""Log-probabilities of labels, from hidden states and a vocabulary that is met a block of words at a time.

Logits of a few hundred positions over 262,144 words are half a gigabyte, and as much again for their exponentials. Here
only those of one block exist: maximum, sum and mean are carried from block to block, as FlashAttention carries them
over keys (arXiv:2205.14135). The gradient is taken in the same pass, so that no logit is computed twice (Liger Kernel,
arXiv:2410.10989, does so in one kernel).
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from callwright.models.devices import WORDS, constrain

BLOCK = 4096
"""Words whose logits exist at a time, at least; twice as many at most where the vocabulary divides well."""
CHUNK = 512
"""Positions of a batch that are projected together: the embedding is read again for each chunk."""
PARTS = 4
"""Of a chunk, only so many of this many parts are computed as hold something with a weight."""

Projection = tuple[jax.Array, jax.Array, jax.Array]
"""Log-probabilities (B, K), entropies (B, K), and the gradients (B, K, D) of the former by the hidden states."""


@jax.custom_vjp
def label_logprobs(
    hidden: jax.Array, embedding: jax.Array, label: jax.Array, weight: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Log-probabilities of labels and entropies of the distributions they are drawn from, both (B, K) float32.

    Only log-probabilities have a gradient, and only by the hidden states.

    Args:
      hidden: (B, K, D) float32.
      embedding: (V, D), of any float type; it is not trained, and the products are float32.
      label: (B, K) int32.
      weight: (B, K) float32; both results are 0 in parts of a chunk without any. What has weight comes first in a row.
    """
    logprobs, entropies, _ = _over_chunks(hidden, embedding, label, weight, gradient=False)
    return logprobs, entropies


def _forward(
    hidden: jax.Array, embedding: jax.Array, label: jax.Array, weight: jax.Array
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    logprobs, entropies, gradients = _over_chunks(hidden, embedding, label, weight, gradient=True)
    return (logprobs, entropies), (gradients, embedding)


def _backward(
    residuals: tuple[jax.Array, jax.Array], factors: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array, None, None]:
    gradients, embedding = residuals
    return factors[0][..., None] * gradients, jnp.zeros_like(embedding), None, None


label_logprobs.defvjp(_forward, _backward)


def _over_chunks(
    hidden: jax.Array, embedding: jax.Array, label: jax.Array, weight: jax.Array, *, gradient: bool
) -> Projection:
    """All positions, some of each row at a time; zeros where no weight is."""
    part = max(1, CHUNK // PARTS // hidden.shape[0])
    size = PARTS * part

    def one(operand: tuple[jax.Array, jax.Array, jax.Array]) -> Projection:
        states, labels, weights = operand
        used = jnp.any(weights != 0, axis=0)
        needed = jnp.max(jnp.where(used, jnp.arange(size) // part + 1, 0))

        def first(parts: int) -> Projection:
            here = slice(None), slice(parts * part)
            found = _project(states[here], embedding, labels[here], gradient=gradient)
            return jax.tree.map(functools.partial(_padded, size=size), found)

        branches: list[Callable[[], Projection]] = [functools.partial(first, parts) for parts in range(PARTS + 1)]
        return jax.lax.switch(needed, branches)

    pieces = jax.lax.map(one, (_in_chunks(hidden, size), _in_chunks(label, size), _in_chunks(weight, size)))
    count = hidden.shape[1]
    return jax.tree.map(
        lambda piece: jnp.moveaxis(piece, 0, 1).reshape(piece.shape[1], -1, *piece.shape[3:])[:, :count], pieces
    )


def _project(states: jax.Array, embedding: jax.Array, labels: jax.Array, *, gradient: bool) -> Projection:
    """All of a chunk's positions, against the whole vocabulary."""
    shape, (words, width) = labels.shape, embedding.shape
    flat = states.reshape(-1, width)
    blocks = max(number for number in range(1, max(words // BLOCK, 1) + 1) if words % number == 0)
    # A block has every `blocks`-th word: so each device that holds a part of the vocabulary has a share of each block.
    vocabulary = constrain(embedding, WORDS).reshape(-1, blocks, width)
    zeros = jnp.zeros(len(flat), jnp.float32)

    def meet(index: int, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        highest, total, weighted, expected = state
        block = jax.lax.dynamic_index_in_dim(vocabulary, index, axis=1, keepdims=False).astype(jnp.float32)
        scores = jnp.dot(flat, block.T)
        top = jnp.maximum(highest, jnp.max(scores, axis=-1))
        powers, scale = jnp.exp(scores - top[:, None]), jnp.exp(highest - top)
        if gradient:
            expected = expected * scale[:, None] + jnp.dot(powers, block)
        return (
            top,
            total * scale + jnp.sum(powers, axis=-1),
            weighted * scale + jnp.sum(powers * scores, axis=-1),
            expected,
        )

    start = (jnp.full_like(zeros, -jnp.inf), zeros, zeros, jnp.zeros_like(flat))
    highest, total, weighted, expected = jax.lax.fori_loop(0, blocks, meet, start)
    chosen = embedding[labels.reshape(-1)].astype(jnp.float32)
    normalizer = highest + jnp.log(total)
    logprobs = jnp.sum(flat * chosen, axis=-1) - normalizer
    gradients = chosen - expected / total[:, None]
    return (
        logprobs.reshape(shape),
        (normalizer - weighted / total).reshape(shape),
        gradients.reshape(states.shape) if gradient else jnp.zeros_like(states),
    )


def _in_chunks(values: jax.Array, size: int) -> jax.Array:
    """(B, K, ...) as (ceil(K / size), B, size, ...), padded with zeros."""
    padded = _padded(values, -(-values.shape[1] // size) * size)
    return jnp.moveaxis(padded.reshape(values.shape[0], -1, size, *values.shape[2:]), 1, 0)


def _padded(values: jax.Array, size: int) -> jax.Array:
    """(B, K, ...) as (B, size, ...), with zeros at the end."""
    return jnp.pad(values, [(0, 0), (0, size - values.shape[1])] + [(0, 0)] * (values.ndim - 2))
