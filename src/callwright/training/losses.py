"""Losses that project only the supervised positions onto the vocabulary, some of them at a time.

Gemma's vocabulary is 63% of a forward pass when every position is projected onto it, and the full logits of 4 x 256
tokens are a gigabyte. Log-probabilities of the supervised positions need neither: the model runs to its final hidden
states, those that predict a supervised token are gathered, and only they meet the embedding, in chunks that are skipped
where nothing is supervised. The model is called as a whole (Qwix attaches LoRA to that call; calling its layers one by
one trains nothing, silently), and XLA drops the full logits because nothing reads them.

The adapter stays in float32 and is cast to the frozen weights' precision for the forward pass, so storage and compute
types are apart; the vocabulary is always projected in float32.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx

from callwright.models.attention import visible
from callwright.models.devices import WHOLE, WORDS, constrain

Batch = dict[str, jax.Array]
T = TypeVar("T")

CHUNK = 512
"""Positions of a batch whose logits exist at a time, at most. They take a megabyte each and copy, and products of fewer
positions are slower: the embedding is read again for each.
"""
PARTS = 4
"""Of a chunk, only so many of this many parts are computed as hold something supervised."""


def target_hidden(model: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """What meets at the output: hidden states (B, K, D) of the positions `at` (B, K) of a batch (see
    `data.packing.PackedBatches`), and the embedding (V, D), both float32.
    """
    graph, lora, rest = nnx.split(model, nnx.LoRAParam, ...)
    weights = model.embedder.input_embedding.get_value()
    lora = jax.tree.map(lambda factor: factor.astype(weights.dtype), lora)
    working = nnx.merge(graph, lora, rest)
    window = model.config.sliding_window_size
    mask = visible(batch["part"], batch["part_end"], batch["positions"], batch["key_blocks"], window)
    working(batch["tokens"], batch["positions"], None, mask, output_hidden_states=True)
    hidden = nnx.pop(working, nnx.Intermediate)["all_hidden_states"].get_value()[0]  # (B, L, D)
    hidden = jnp.take_along_axis(hidden, batch["at"][..., None], axis=1)  # (B, K, D)
    # Each device projects all rows onto its part of the vocabulary: states are small, the embedding is not.
    return constrain(hidden.astype(jnp.float32), WHOLE), constrain(weights.astype(jnp.float32), WORDS)


def target_logprobs(model: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Log-probabilities of the labels and the entropies of the distributions they are drawn from, both (B, K).

    Both are 0 where a chunk holds no weight. Logits exist chunk by chunk, and are computed again for the gradient.
    """
    hidden, embedding = target_hidden(model, batch)

    @jax.checkpoint
    def chunk(states: jax.Array, labels: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        scores = jax.nn.log_softmax(jnp.dot(states, embedding.T), axis=-1)
        chosen = jnp.take_along_axis(scores, labels[..., None], axis=-1)[..., 0]
        return chosen, jax.lax.stop_gradient(-jnp.sum(jnp.exp(scores) * scores, axis=-1))

    return _over_chunks(chunk, hidden, batch["label"], batch["weight"])


def sft_loss(model: Any, batch: Batch) -> jax.Array:
    """The weighted negative log-likelihood of the supervised tokens; the batch's weights make it a mean."""
    hidden, embedding = target_hidden(model, batch)
    return weighted_nll(hidden, embedding, batch["label"], batch["weight"])


@jax.custom_vjp
def weighted_nll(hidden: jax.Array, embedding: jax.Array, label: jax.Array, weight: jax.Array) -> jax.Array:
    """The sum of -weight * log p(label), from hidden states (B, K, D) and an embedding (V, D) that is not trained.

    Where a gradient is asked for it is taken in the same pass, while a chunk's logits are there, so that these are
    never computed again (Liger Kernel, arXiv:2410.10989, does so in one kernel).
    """
    return jnp.sum(_nll_and_gradient(hidden, embedding, label, weight, gradient=False)[0])


def _forward(
    hidden: jax.Array, embedding: jax.Array, label: jax.Array, weight: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    loss, gradient = _nll_and_gradient(hidden, embedding, label, weight, gradient=True)
    return jnp.sum(loss), (gradient, embedding)


def _backward(residuals: tuple[jax.Array, jax.Array], factor: jax.Array) -> tuple[jax.Array, jax.Array, None, None]:
    gradient, embedding = residuals
    return factor * gradient, jnp.zeros_like(embedding), None, None


weighted_nll.defvjp(_forward, _backward)


def _nll_and_gradient(
    hidden: jax.Array, embedding: jax.Array, label: jax.Array, weight: jax.Array, *, gradient: bool
) -> tuple[jax.Array, jax.Array]:
    """Each position's share of the loss (B, K), and of its gradient (B, K, D), which is 0 where it is not asked for."""

    def chunk(states: jax.Array, labels: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        scores = jnp.dot(states, embedding.T)
        chosen = jnp.take_along_axis(scores, labels[..., None], axis=-1)
        highest = jnp.max(scores, axis=-1, keepdims=True)
        powers = jnp.exp(scores - highest)
        total = jnp.sum(powers, axis=-1, keepdims=True)
        loss = weights * (highest + jnp.log(total) - chosen)[..., 0]
        if not gradient:
            return loss, jnp.zeros_like(states)
        expected = jnp.dot(powers, embedding) / total  # of the embedding, under the model's distribution
        return loss, weights[..., None] * (expected - embedding[labels])

    return _over_chunks(chunk, hidden, label, weight)


def _over_chunks(
    compute: Callable[[jax.Array, jax.Array, jax.Array], T], hidden: jax.Array, label: jax.Array, weight: jax.Array
) -> T:
    """`compute` of hidden states (B, C, D), labels (B, C) and weights (B, C) of some positions of each row at a time.

    The results (B, C, ...) are put together to (B, K, ...), with zeros in parts of chunks without any weight. What is
    supervised comes first in a row, so that these are at the end. Rows stay whole.
    """
    part = max(1, CHUNK // PARTS // hidden.shape[0])
    size = PARTS * part
    operands = tuple(_in_chunks(array, size) for array in (hidden, label, weight))
    shapes = jax.eval_shape(compute, *(array[0] for array in operands))

    def one(operand: tuple[jax.Array, jax.Array, jax.Array]) -> T:
        used = jnp.any(operand[2] != 0, axis=0)
        needed = jnp.max(jnp.where(used, jnp.arange(size) // part + 1, 0))

        def first(parts: int) -> T:
            if not parts:
                return jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
            found = compute(*(array[:, : parts * part] for array in operand))
            missing = (PARTS - parts) * part
            return jax.tree.map(
                lambda array: jnp.pad(array, [(0, 0), (0, missing)] + [(0, 0)] * (array.ndim - 2)), found
            )

        return jax.lax.switch(needed, [functools.partial(first, parts) for parts in range(PARTS + 1)])

    pieces = jax.lax.map(one, operands)
    count = hidden.shape[1]
    return jax.tree.map(
        lambda piece: jnp.moveaxis(piece, 0, 1).reshape(piece.shape[1], -1, *piece.shape[3:])[:, :count], pieces
    )


def _in_chunks(values: jax.Array, size: int) -> jax.Array:
    """(B, K, ...) as (ceil(K / size), B, size, ...), padded with zeros."""
    padded = _padded(values, -(-values.shape[1] // size) * size)
    return jnp.moveaxis(padded.reshape(values.shape[0], -1, size, *values.shape[2:]), 1, 0)


def _padded(values: jax.Array, size: int) -> jax.Array:
    """(B, K, ...) as (B, size, ...), with zeros at the end."""
    return jnp.pad(values, [(0, 0), (0, size - values.shape[1])] + [(0, 0)] * (values.ndim - 2))
