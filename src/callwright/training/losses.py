"""Losses that project only the supervised positions onto the vocabulary (`projection`).

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

from callwright.models.attention import visible
from callwright.models.devices import WHOLE, constrain
from callwright.training.projection import label_logprobs

Batch = dict[str, jax.Array]


def target_hidden(model: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """What meets at the output: hidden states (B, K, D) of the positions `at` (B, K) of a batch (see
    `data.packing.PackedBatches`), float32, and the embedding (V, D), as it is stored.
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
    return constrain(hidden.astype(jnp.float32), WHOLE), weights


def target_logprobs(model: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Log-probabilities of the labels and the entropies of the distributions they are drawn from, both (B, K).

    Entropies have no gradient; both are 0 where `projection.label_logprobs` finds no weight near.
    """
    hidden, embedding = target_hidden(model, batch)
    return label_logprobs(hidden, embedding, batch["label"], batch["weight"])


def sft_loss(model: Any, batch: Batch) -> jax.Array:
    """The weighted negative log-likelihood of the supervised tokens; the batch's weights make it a mean."""
    return -jnp.sum(batch["weight"] * target_logprobs(model, batch)[0])
