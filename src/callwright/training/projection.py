"""Log-probabilities of labels, from hidden states that meet the vocabulary a few at a time.

Logits of a thousand positions over 262,144 words are a gigabyte, and as much again for their exponentials. Here only
those of a few positions exist at a time, and the gradient is taken in the same pass, so that no logit is computed twice
(as in Liger Kernel, arXiv:2410.10989).
"""

import jax
import jax.numpy as jnp

from callwright.models.devices import WORDS, constrain

CHUNK = 128
"""Positions of a batch that are projected together, or none of them where nothing has a weight."""

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
      embedding: (V, D), of any float type; it is not trained. Products are of this type, added up in float32.
      label: (B, K) int32.
      weight: (B, K) float32; both results are 0 in chunks without any. What has weight comes first in a row.
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
    size = max(1, CHUNK // hidden.shape[0])

    def one(operand: tuple[jax.Array, jax.Array, jax.Array]) -> Projection:
        states, labels, weights = operand
        zeros = jnp.zeros(labels.shape, jnp.float32)
        return jax.lax.cond(
            jnp.any(weights != 0),
            lambda: _project(states, embedding, labels, gradient=gradient),
            lambda: (zeros, zeros, jnp.zeros_like(states)),
        )

    pieces = jax.lax.map(one, (_in_chunks(hidden, size), _in_chunks(label, size), _in_chunks(weight, size)))
    count = hidden.shape[1]
    return jax.tree.map(
        lambda piece: jnp.moveaxis(piece, 0, 1).reshape(piece.shape[1], -1, *piece.shape[3:])[:, :count], pieces
    )


def _project(states: jax.Array, embedding: jax.Array, labels: jax.Array, *, gradient: bool) -> Projection:
    """All of a chunk's positions, against the whole vocabulary."""
    shape, width = labels.shape, embedding.shape[1]
    vocabulary = constrain(embedding, WORDS)
    flat = states.reshape(-1, width)
    scores = _product(flat, vocabulary, 1)
    top = jnp.max(scores, axis=-1, keepdims=True)
    powers = jnp.exp(scores - top)
    total = jnp.sum(powers, axis=-1)
    normalizer = top[:, 0] + jnp.log(total)
    entropies = normalizer - jnp.sum(powers * scores, axis=-1) / total
    chosen = embedding[labels.reshape(-1)].astype(jnp.float32)
    logprobs = jnp.sum(flat * chosen, axis=-1) - normalizer
    gradients = chosen - _product(powers, vocabulary, 0) / total[:, None] if gradient else jnp.zeros_like(flat)
    return logprobs.reshape(shape), entropies.reshape(shape), gradients.reshape(states.shape)


def _product(left: jax.Array, vocabulary: jax.Array, axis: int) -> jax.Array:
    """The product over an axis of the vocabulary, in the type that it is stored in, added up in float32."""
    dimensions = (((1,), (axis,)), ((), ()))
    return jax.lax.dot_general(
        left.astype(vocabulary.dtype), vocabulary, dimensions, preferred_element_type=jnp.float32
    )


def _in_chunks(values: jax.Array, size: int) -> jax.Array:
    """(B, K, ...) as (ceil(K / size), B, size, ...), padded with zeros."""
    padded = _padded(values, -(-values.shape[1] // size) * size)
    return jnp.moveaxis(padded.reshape(values.shape[0], -1, size, *values.shape[2:]), 1, 0)


def _padded(values: jax.Array, size: int) -> jax.Array:
    """(B, K, ...) as (B, size, ...), with zeros at the end."""
    return jnp.pad(values, [(0, 0), (0, size - values.shape[1])] + [(0, 0)] * (values.ndim - 2))
