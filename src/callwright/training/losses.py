"""Losses that project only the positions that matter.

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


def target_logits(model: Any, batch: Batch) -> jax.Array:
    """Logits (B, K, V), float32, at the positions `at` (B, K) of a batch (see `data.packing.PackedBatches`)."""
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
    return jnp.dot(hidden.astype(jnp.float32), weights.astype(jnp.float32).T)


def target_logprobs(model: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Log-probabilities of the labels and the entropies of the distributions they are drawn from, both (B, K)."""
    scores = jax.nn.log_softmax(target_logits(model, batch), axis=-1)
    chosen = jnp.take_along_axis(scores, batch["label"][..., None], axis=-1)[..., 0]
    entropy = -jnp.sum(jnp.exp(scores) * scores, axis=-1)
    return chosen, jax.lax.stop_gradient(entropy)


def sft_loss(model: Any, batch: Batch) -> jax.Array:
    """The weighted negative log-likelihood of the supervised tokens; the batch's weights make it a mean."""
    scores = target_logits(model, batch)
    chosen = jnp.take_along_axis(scores, batch["label"][..., None], axis=-1)[..., 0]
    return jnp.sum((jax.nn.logsumexp(scores, axis=-1) - chosen) * batch["weight"])
