"""A circuit as the weights of a real architecture: Llama or Gemma 3, with one layer.

Both are written in Hugging Face's names and layout (rotary pairs are channels i and i + HEAD / 2); `files` turns them
into a GGUF's. Three things stand between a circuit and weights:

- *Norms.* An RMS norm divides by the length of the residual stream over the root of its width. Before the attention
  that is one constant (all rows of the embedding are equally long), which the matrices multiply back. Before the
  feed-forward layer it varies a little with what the heads have found, but it multiplies all of a gate's input alike,
  threshold included, so it never changes whether a gate opens.
- *Sharpness.* The softmax must be a choice: the scores of the place sought and of its neighbours lie 10 and more apart.
  A peak of 3,000 does that even where the kernel falls by half a percent a token. Llama takes it from the keys. Gemma 3
  norms queries and keys, head by head, to a length of 16, so it comes from the scale of the query norm; keys of zero
  stay zero.
- *Gemma 3's other norms.* What attention and gates bring is normed before it is added, with a scale that restores the
  circuit's units (attention) or makes the gates louder than the token's own embedding (gates). The embedding is
  multiplied by the root of the width, which the next norm takes away again. A first layer of Gemma 3 sees a window; it
  is declared as long as the context, so that one layer is enough and a file holds no idle ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from callwright.instruments.circuit import (
    ANCHOR,
    ANCHOR_VALUE,
    CONSTANT,
    CONSTANT_VALUE,
    FREQUENCIES,
    HEAD,
    ROPE_BASE,
    Circuit,
)
from callwright.models.gemma3 import Gemma3Config, to_hf

Architecture = Literal["llama", "gemma3"]
PEAK = 3000.0
EPSILON = 1e-6
_LAYER = "model.layers.0."


class Tensor(NamedTuple):
    """A tensor that is made when it is written; the largest are most of a file."""

    shape: tuple[int, ...]
    make: Callable[[np.dtype], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A circuit on an architecture.

    Attributes:
      architecture: Its name, in a GGUF's words.
      tensors: Every tensor by its Hugging Face name.
      config: The config.json.
    """

    architecture: Architecture
    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]


def on_architecture(circuit: Circuit, architecture: Architecture, context: int) -> Weights:
    """The circuit's weights, declared for prompts and answers of `context` tokens together."""
    width, count = circuit.width, len(circuit.heads)
    norm = circuit.row_length / np.sqrt(width)  # what the first norm divides by
    second = float(np.hypot(circuit.row_length, circuit.found_length) / np.sqrt(width))
    units, shape = circuit.units, (circuit.units.count, width)
    layer = {
        "input_layernorm": _scale(width, 1),
        "self_attn.q_proj": _fixed(_queries(circuit) * (16 * norm)),
        "self_attn.k_proj": _fixed(_keys(circuit) * (PEAK * norm)),
        "self_attn.v_proj": _fixed(_copies(circuit, reads=True) * norm),
        "self_attn.o_proj": _fixed(_copies(circuit, reads=False).T),
        "post_attention_layernorm": _scale(width, 1),
        "mlp.gate_proj": Tensor(shape, lambda dtype: units.gate(second, dtype)),
        "mlp.up_proj": Tensor(shape, lambda dtype: units.up(second, dtype)),
        "mlp.down_proj": Tensor(shape[::-1], units.down),
    }
    speaks = np.zeros(width, np.float32)
    speaks[circuit.speaks] = circuit.amplitude / np.sqrt(width)
    config: dict[str, Any]
    if architecture == "llama":
        config = {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": width,
            "intermediate_size": units.count,
            "num_hidden_layers": 1,
            "num_attention_heads": count,
            "num_key_value_heads": count,
            "head_dim": HEAD,
            "vocab_size": len(circuit.embedding),
            "rms_norm_eps": EPSILON,
            "rope_theta": ROPE_BASE,
            "max_position_embeddings": context,
            "tie_word_embeddings": True,
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
        }
    else:
        # Normed queries are sqrt(2) in HEAD / 2 channels; normed keys are 16 / |weights| times their weights.
        sharpness = PEAK / np.sqrt(2) * max(float(np.linalg.norm(head.weights())) for head in circuit.heads)
        # Gemma 3 adds 1 to every scale.
        layer["input_layernorm"] = layer["pre_feedforward_layernorm"] = _scale(width, 0)
        layer["self_attn.q_norm"], layer["self_attn.k_norm"] = _scale(HEAD, sharpness - 1), _scale(HEAD, 0)
        layer["post_attention_layernorm"] = _scale(width, circuit.found_length - 1)
        layer["post_feedforward_layernorm"] = _scale(width, circuit.gain - 1)
        speaks -= 1
        sizes = Gemma3Config(
            num_layers=1,
            d_model=width,
            num_heads=count,
            num_kv_heads=count,
            head_dim=HEAD,
            d_ff=units.count,
            vocab_size=len(circuit.embedding),
            sliding_window=context,
            rope_base_local=ROPE_BASE,
            norm_eps=EPSILON,
            max_positions=context,
        )
        config = to_hf(sizes)
    tensors = {
        "model.embed_tokens.weight": _fixed(circuit.embedding),
        **{f"{_LAYER}{name}.weight": tensor for name, tensor in layer.items()},
        "model.norm.weight": _fixed(speaks),
    }
    return Weights(architecture=architecture, tensors=tensors, config=config)


def _fixed(tensor: np.ndarray) -> Tensor:
    return Tensor(tensor.shape, lambda dtype: np.ascontiguousarray(tensor, dtype))


def _scale(width: int, value: float) -> Tensor:
    return Tensor((width,), lambda dtype: np.full(width, value, dtype))


def _queries(circuit: Circuit) -> np.ndarray:
    """(heads * HEAD, D): every query is 1 in the first channel of each rotary pair."""
    matrix = np.zeros((len(circuit.heads), HEAD, circuit.width), np.float32)
    matrix[:, : HEAD // 2, CONSTANT] = 1 / CONSTANT_VALUE
    return matrix.reshape(-1, circuit.width)


def _keys(circuit: Circuit) -> np.ndarray:
    """(heads * HEAD, D): the keys that are not zero hold the kernel, turned by the distance sought."""
    matrix = np.zeros((len(circuit.heads), HEAD, circuit.width), np.float32)
    for head, rows in zip(circuit.heads, matrix, strict=True):
        channel, value = (ANCHOR, ANCHOR_VALUE) if head.anchors else (CONSTANT, CONSTANT_VALUE)
        turn, weight = head.back * FREQUENCIES, head.weights() / value
        rows[: HEAD // 2, channel] = weight * np.cos(turn)
        rows[HEAD // 2 :, channel] = weight * np.sin(turn)
    return matrix.reshape(-1, circuit.width)


def _copies(circuit: Circuit, *, reads: bool) -> np.ndarray:
    """(heads * HEAD, D): which channels each head reads, or writes to."""
    matrix = np.zeros((len(circuit.heads), HEAD, circuit.width), np.float32)
    for head, rows in zip(circuit.heads, matrix, strict=True):
        place = 0
        for source, target in head.copies:
            block = source if reads else target
            for channel in range(block.start, block.stop):
                rows[place, channel] = 1 if reads else head.gain
                place += 1
    return matrix.reshape(-1, circuit.width)
