"""A trained model's merged weights as google-deepmind/gemma names and lays them out, in a file and tensor by tensor.

Values are only rearranged. Heads have an axis of their own there, keys and values are one tensor, and so are the two
matrices of the feed-forward layer's gate. Shape letters are those of `hf_names`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from callwright.bakeoff.arms.base import ArmError
from callwright.export.merged import merged_weights
from callwright.export.trained import Trained
from callwright.models.gemma3 import Gemma3Config
from callwright.models.safetensors_files import write_stream
from callwright.models.weights import LazyTensor

_NORM_EPS = 1e-6
"""The library's; it is no part of its configuration."""


class ReferenceTensor(NamedTuple):
    """A tensor of the library.

    Attributes:
      shape: Its shape there.
      sources: The Hugging Face tensors that it is made of; of several, one below the other on a first axis.
      arrange: Makes the library's layout of one of them.
    """

    shape: tuple[int, ...]
    sources: tuple[str, ...]
    arrange: Callable[[np.ndarray], np.ndarray]


def reference_tensors(config: Gemma3Config) -> dict[str, ReferenceTensor]:
    """Every tensor of the library by its name there, in the order of the layers; 270M's are in `gm.nn.Gemma3_270M`."""
    d, h, f = config.d_model, config.head_dim, config.d_ff
    n, k = config.num_heads, config.num_kv_heads

    def heads(array: np.ndarray) -> np.ndarray:  # (N * H, D) to (N, D, H)
        return array.reshape(-1, h, d).swapaxes(1, 2)

    def same(array: np.ndarray) -> np.ndarray:
        return array

    def transposed(array: np.ndarray) -> np.ndarray:
        return array.T

    def from_heads(array: np.ndarray) -> np.ndarray:  # (D, N * H) to (N, H, D)
        return array.T.reshape(n, h, d)

    projections: dict[str, tuple[tuple[int, ...], tuple[str, ...], Callable[[np.ndarray], np.ndarray]]]
    if n == k:
        names = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
        projections = {"attn.qkv_einsum.w": ((3, n, d, h), names, heads)}
    else:
        projections = {
            "attn.q_einsum.w": ((n, d, h), ("self_attn.q_proj",), heads),
            "attn.kv_einsum.w": ((2, k, d, h), ("self_attn.k_proj", "self_attn.v_proj"), heads),
        }
    layer = projections | {
        "attn._query_norm.scale": ((h,), ("self_attn.q_norm",), same),
        "attn._key_norm.scale": ((h,), ("self_attn.k_norm",), same),
        "attn.attn_vec_einsum.w": ((n, h, d), ("self_attn.o_proj",), from_heads),
        "mlp.gating_einsum": ((2, f, d), ("mlp.gate_proj", "mlp.up_proj"), same),
        "mlp.linear": ((f, d), ("mlp.down_proj",), transposed),
        "pre_attention_norm.scale": ((d,), ("input_layernorm",), same),
        "post_attention_norm.scale": ((d,), ("post_attention_layernorm",), same),
        "pre_ffw_norm.scale": ((d,), ("pre_feedforward_layernorm",), same),
        "post_ffw_norm.scale": ((d,), ("post_feedforward_layernorm",), same),
    }
    return {
        "embedder.input_embedding": ReferenceTensor((config.vocab_size, d), ("model.embed_tokens.weight",), same),
        **{
            f"layer_{i}.{name}": ReferenceTensor(
                shape, tuple(f"model.layers.{i}.{source}.weight" for source in sources), arrange
            )
            for i in range(config.num_layers)
            for name, (shape, sources, arrange) in layer.items()
        },
        "final_norm.scale": ReferenceTensor((d,), ("model.norm.weight",), same),
    }


def reference_sizes(config: Gemma3Config) -> dict[str, Any]:
    """What `gemma_worker` makes the library's configuration of.

    Raises:
      ArmError: The library cannot be told one of the numbers.
    """
    if config.norm_eps != _NORM_EPS:
        expected = f"a model whose norms add {_NORM_EPS:g}, as the reference code does"
        raise ArmError("arm_error", expected, f"one with {config.norm_eps:g}", "leave the arm out")
    return {
        "num_layers": config.num_layers,
        "layers_per_global": config.layers_per_global,
        "num_embed": config.vocab_size,
        "embed_dim": config.d_model,
        "hidden_dim": config.d_ff,
        "num_heads": config.num_heads,
        "num_kv_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "sliding_window_size": config.sliding_window,
        "local_base_frequency": config.rope_base_local,
        "global_base_frequency": config.rope_base_global,
    }


def write_reference_weights(trained: Trained, path: Path) -> None:
    """Writes the merged weights in float32, one Hugging Face tensor in memory at a time.

    Raises:
      StorageError: The disk is full.
      CheckpointError: As `merged_weights`.
    """
    tensors = reference_tensors(trained.base.config)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    write_stream(path, shapes, "float32", _blocks(tensors, merged_weights(trained).tensors))


def _blocks(tensors: Mapping[str, ReferenceTensor], merged: Mapping[str, LazyTensor]) -> Iterator[np.ndarray]:
    for tensor in tensors.values():
        for source in tensor.sources:
            yield tensor.arrange(merged[source].make(np.dtype(np.float32)))
