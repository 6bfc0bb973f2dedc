"""A circuit as the weights of a real architecture: Llama or Gemma 3, with one layer or two.

Both have Hugging Face's names and layout (rotary pairs are channels i and i + HEAD / 2), which `models.gguf` turns into
a GGUF's. Three things stand between a circuit and weights:

- *Norms.* An RMS norm divides by the length of the residual stream over the root of its width. Before the attention
  that is one constant (all rows of the embedding are equally long), which the matrices multiply back. Before the
  feed-forward layer it varies a little with what the heads have found, but it multiplies all of a gate's input alike,
  threshold included, so it never changes whether a gate opens.
- *Sharpness.* The softmax must be a choice: the scores of the place sought and of its neighbors lie 10 and more apart.
  A peak of 3,000 does that even where the kernel falls by half a percent a token. Llama takes it from the keys. Gemma 3
  norms queries and keys, head by head, to a length of 16, so it comes from the scale of the query norm; keys of zero
  stay zero.
- *Gemma 3's other norms.* What attention and gates add is normed first, with a scale that restores the circuit's units
  (attention) or makes the gates' output far larger than the token's own embedding (gates). The embedding is
  multiplied by the root of the width, which the next norm takes away again. The first layers of Gemma 3 see a window;
  it is declared as long as the context, so that these are enough and a file holds no idle ones.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from callwright.instruments.circuit import (
    CONSTANT,
    CONSTANT_VALUE,
    FREQUENCIES,
    HEAD,
    ROPE_BASE,
    TURN_VALUE,
    Circuit,
    Head,
    Units,
    found_length,
)
from callwright.models.gemma3 import Gemma3Config, to_hf
from callwright.models.weights import Architecture, LazyTensor, Weights

PEAK = 3000.0
EPSILON = 1e-6


def on_architecture(circuit: Circuit, architecture: Architecture, context: int) -> Weights:
    """The circuit's weights, declared for prompts and answers of `context` tokens together."""
    width, count = circuit.width, len(circuit.heads)
    layers = [_layer(circuit, circuit.heads, circuit.units, architecture)]
    if circuit.lookup is not None:
        idle = Units(width=width, code=circuit.units.code, at_least=circuit.units.count)
        layers.insert(0, _layer(circuit, (circuit.lookup,), idle, architecture))
    output_scale = np.zeros(width, np.float32)
    output_scale[circuit.output_block] = circuit.amplitude / np.sqrt(width)
    config: dict[str, Any]
    if architecture == "llama":
        config = {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": width,
            "intermediate_size": circuit.units.count,
            "num_hidden_layers": len(layers),
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
        output_scale -= 1  # Gemma 3 adds 1 to every scale.
        sizes = Gemma3Config(
            num_layers=len(layers),
            d_model=width,
            num_heads=count,
            num_kv_heads=count,
            head_dim=HEAD,
            d_ff=circuit.units.count,
            vocab_size=len(circuit.embedding),
            sliding_window=context,
            rope_base_local=ROPE_BASE,
            norm_eps=EPSILON,
            max_positions=context,
        )
        config = to_hf(sizes)
    tensors = {
        "model.embed_tokens.weight": _fixed(circuit.embedding),
        **{
            f"model.layers.{number}.{name}.weight": tensor
            for number, layer in enumerate(layers)
            for name, tensor in layer.items()
        },
        "model.norm.weight": _fixed(output_scale),
    }
    return Weights(architecture=architecture, tensors=tensors, config=config)


def _layer(circuit: Circuit, heads: Sequence[Head], units: Units, architecture: Architecture) -> dict[str, LazyTensor]:
    """One layer; heads that the circuit has beyond `heads` do nothing."""
    width, shape, found = circuit.width, (units.count, circuit.width), found_length(heads)
    norm = circuit.row_length / np.sqrt(width)  # what the first norm divides by
    second = float(np.hypot(circuit.row_length, found) / np.sqrt(width))
    rows = len(circuit.heads) * HEAD
    layer = {
        "input_layernorm": _scale(width, 1),
        "self_attn.q_proj": _filled(rows, _queries(heads, width) * (16 * norm)),
        "self_attn.k_proj": _filled(rows, _keys(heads, width) * (PEAK * norm)),
        "self_attn.v_proj": _filled(rows, _copies(heads, width, reads=True) * norm),
        "self_attn.o_proj": _filled(rows, _copies(heads, width, reads=False), transposed=True),
        "post_attention_layernorm": _scale(width, 1),
        "mlp.gate_proj": LazyTensor(shape, lambda dtype: units.gate(second, dtype)),
        "mlp.up_proj": LazyTensor(shape, lambda dtype: units.up(second, dtype)),
        "mlp.down_proj": LazyTensor(shape[::-1], units.down),
    }
    if architecture == "gemma3":
        # Normed queries are sqrt(2) in HEAD / 2 channels; normed keys are 16 / |weights| times their weights.
        sharpness = PEAK / np.sqrt(2) * max(float(np.linalg.norm(head.weights())) for head in heads)
        # Gemma 3 adds 1 to every scale.
        layer["input_layernorm"] = layer["pre_feedforward_layernorm"] = _scale(width, 0)
        layer["self_attn.q_norm"], layer["self_attn.k_norm"] = _scale(HEAD, sharpness - 1), _scale(HEAD, 0)
        layer["post_attention_layernorm"] = _scale(width, found - 1)
        layer["post_feedforward_layernorm"] = _scale(width, circuit.gain - 1)
    return layer


def _fixed(tensor: np.ndarray) -> LazyTensor:
    return LazyTensor(tensor.shape, lambda dtype: np.ascontiguousarray(tensor, dtype))


def _scale(width: int, value: float) -> LazyTensor:
    return LazyTensor((width,), lambda dtype: np.full(width, value, dtype))


def _filled(rows: int, matrix: np.ndarray, *, transposed: bool = False) -> LazyTensor:
    """(rows, D), or (D, rows) when `transposed`, of which the matrix is the first rows and zeros the rest."""
    whole = np.zeros((rows, matrix.shape[1]), np.float32)
    whole[: len(matrix)] = matrix
    return _fixed(whole.T if transposed else whole)


def _queries(heads: Sequence[Head], width: int) -> np.ndarray:
    """(heads * HEAD, D): queries are 1 in the first channel of each rotary pair, or turned by what a block holds."""
    matrix = np.zeros((len(heads), HEAD, width), np.float32)
    for head, rows in zip(heads, matrix, strict=True):
        if head.turned_by is None:
            rows[: HEAD // 2, CONSTANT] = 1 / CONSTANT_VALUE
        else:
            rows[:, head.turned_by] = np.eye(HEAD) / TURN_VALUE
    return matrix.reshape(-1, width)


def _keys(heads: Sequence[Head], width: int) -> np.ndarray:
    """(heads * HEAD, D): the keys that are not zero hold the kernel, turned by the distance sought."""
    matrix = np.zeros((len(heads), HEAD, width), np.float32)
    for head, rows in zip(heads, matrix, strict=True):
        channel, value = head.key
        angle, weight = head.back * FREQUENCIES, head.weights() / value
        rows[: HEAD // 2, channel] = weight * np.cos(angle)
        rows[HEAD // 2 :, channel] = weight * np.sin(angle)
    return matrix.reshape(-1, width)


def _copies(heads: Sequence[Head], width: int, *, reads: bool) -> np.ndarray:
    """(heads * HEAD, D): which channels each head reads, or writes to."""
    matrix = np.zeros((len(heads), HEAD, width), np.float32)
    for head, rows in zip(heads, matrix, strict=True):
        place = 0
        for source, target in head.copies:
            block = source if reads else target
            for channel in range(block.start, block.stop):
                rows[place, channel] = 1 if reads else head.gain
                place += 1
    return matrix.reshape(-1, width)
