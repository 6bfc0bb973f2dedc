"""Losses that project only the supervised positions onto the vocabulary.

Gemma's vocabulary is 63% of a forward pass when every position is projected onto it, and the full logits of 4 x 256
tokens are a gigabyte. Log-probabilities of the supervised positions need neither: the model runs to its final hidden
states, those that predict a supervised token are gathered, and only they meet the embedding. The model is called as a
whole (Qwix attaches LoRA to that call; calling its layers one by one trains nothing, silently), and XLA drops the full
logits because nothing reads them.

The adapter stays in float32 and is cast to the frozen weights' precision for the forward pass, so storage and compute
types are apart; the vocabulary is always projected in float32.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

Batch = dict[str, jax.Array]


CHUNK = 16
"""Positions of each row whose log-probabilities are taken together: logits of a whole GRPO batch, 768 positions with
their gradients and intermediate copies, are several gigabytes."""


def target_hidden(model: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """What meets at the output: hidden states (B, K, D) of the positions `at` (B, K) of a batch (see
    `data.packing.PackedBatches`), and the embedding (V, D), both float32.
    """
    graph, lora, rest = nnx.split(model, nnx.LoRAParam, ...)
    weights = model.embedder.input_embedding.get_value()
    lora = jax.tree.map(lambda factor: factor.astype(weights.dtype), lora)
    working = nnx.merge(graph, lora, rest)
    segments = batch["segments"]
    length = segments.shape[1]
    same = segments[:, :, None] == segments[:, None, :]  # (B, L, L)
    causal = jnp.tril(jnp.ones((length, length), bool))
    working(batch["tokens"], batch["positions"], None, same & causal, output_hidden_states=True)
    hidden = nnx.pop(working, nnx.Intermediate)["all_hidden_states"].get_value()[0]  # (B, L, D)
    hidden = jnp.take_along_axis(hidden, batch["at"][..., None], axis=1)  # (B, K, D)
    return hidden.astype(jnp.float32), weights.astype(jnp.float32)


def target_logits(model: Any, batch: Batch) -> jax.Array:
    """Logits (B, K, V), float32, at the positions `at` of a batch."""
    hidden, embedding = target_hidden(model, batch)
    return jnp.dot(hidden, embedding.T)


def target_logprobs(model: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Log-probabilities of the labels and the entropies of the distributions they are drawn from, both (B, K).

    The logits exist for `CHUNK` positions of each row at a time, and are computed again for the gradient.
    """
    hidden, embedding = target_hidden(model, batch)

    @jax.checkpoint
    def chunk(states: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
        scores = jax.nn.log_softmax(jnp.dot(states, embedding.T), axis=-1)
        chosen = jnp.take_along_axis(scores, labels[..., None], axis=-1)[..., 0]
        return chosen, -jnp.sum(jnp.exp(scores) * scores, axis=-1)

    pieces = jax.lax.map(lambda piece: chunk(*piece), (_in_chunks(hidden), _in_chunks(batch["label"])))
    length = hidden.shape[1]
    chosen, entropy = (jnp.concatenate(list(piece), axis=1)[:, :length] for piece in pieces)
    return chosen, jax.lax.stop_gradient(entropy)


def _in_chunks(values: jax.Array) -> jax.Array:
    """(B, K, ...) as (ceil(K / CHUNK), B, CHUNK, ...), padded with zeros; rows stay whole, so they stay sharded."""
    padded = jnp.pad(values, [(0, 0), (0, -values.shape[1] % CHUNK)] + [(0, 0)] * (values.ndim - 2))
    return jnp.moveaxis(padded.reshape(values.shape[0], -1, CHUNK, *values.shape[2:]), 1, 0)


def sft_loss(model: Any, batch: Batch) -> jax.Array:
    """The weighted negative log-likelihood of the supervised tokens; the batch's weights make it a mean."""
    scores = target_logits(model, batch)
    chosen = jnp.take_along_axis(scores, batch["label"][..., None], axis=-1)[..., 0]
    return jnp.sum((jax.nn.logsumexp(scores, axis=-1) - chosen) * batch["weight"])
