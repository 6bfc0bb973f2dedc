"""Gemma 3's text architecture as data: its sizes, its tensors, and the two places where files state them.

A `Gemma3Config` holds everything that a forward pass, a loader or an exporter needs. Whatever else a `config.json` or a
GGUF header asks for is refused rather than ignored, because a model run with one silent difference (a scaled rope,
bidirectional attention, another layer pattern) still answers, only worse. Left out on purpose: the sizes
from 4B up, which see images, scale their global rope and nest their configuration.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callwright.errors import WeightsError
from callwright.models.recognition import beginning, refuse_recognized, value_lines

SUPPORTED = "a Gemma 3 text model (`gemma3_text` in config.json, `gemma3` in a GGUF; 270M or 1B)"
_USE_ANOTHER = "name a Gemma 3 text model such as gemma3-270m or google/gemma-3-270m-it"
_TAKE_ITS_OWN = "take the model's own config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemma3Config:
    """The numbers of one size.

    Attributes:
      num_layers: Decoder layers.
      d_model: Width of the residual stream.
      num_heads: Query heads.
      num_kv_heads: Key and value heads; each serves num_heads / num_kv_heads query heads.
      head_dim: Width of one head.
      d_ff: Width of the gated feed-forward layer.
      vocab_size: Rows of the embedding, which is also the output head.
      sliding_window: How many positions a local layer sees, its own included.
      rope_base_local: Rope base of local layers.
      rope_base_global: Rope base of global layers.
      norm_eps: Added to the mean square in every norm.
      layers_per_global: Every how many layers one sees the whole context; the others are local.
      max_positions: The context it was trained for.
    """

    num_layers: int
    d_model: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    d_ff: int
    vocab_size: int
    sliding_window: int
    rope_base_local: float = 10_000.0
    rope_base_global: float = 1_000_000.0
    norm_eps: float = 1e-6
    layers_per_global: int = 6
    max_positions: int = 32_768

    @property
    def query_scale(self) -> float:
        """What queries are multiplied by before they meet the keys."""
        return float(self.head_dim**-0.5)

    def is_global(self, layer: int) -> bool:
        """Whether this layer (from 0) sees the whole context."""
        return (layer + 1) % self.layers_per_global == 0

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor by its Hugging Face name; matrices are (out, in). The output head is the embedding."""
        queries, keys = self.num_heads * self.head_dim, self.num_kv_heads * self.head_dim
        layer: dict[str, tuple[int, ...]] = {
            "input_layernorm": (self.d_model,),
            "self_attn.q_proj": (queries, self.d_model),
            "self_attn.k_proj": (keys, self.d_model),
            "self_attn.v_proj": (keys, self.d_model),
            "self_attn.q_norm": (self.head_dim,),
            "self_attn.k_norm": (self.head_dim,),
            "self_attn.o_proj": (self.d_model, queries),
            "post_attention_layernorm": (self.d_model,),
            "pre_feedforward_layernorm": (self.d_model,),
            "mlp.gate_proj": (self.d_ff, self.d_model),
            "mlp.up_proj": (self.d_ff, self.d_model),
            "mlp.down_proj": (self.d_model, self.d_ff),
            "post_feedforward_layernorm": (self.d_model,),
        }
        return {
            "model.embed_tokens.weight": (self.vocab_size, self.d_model),
            **{
                f"model.layers.{i}.{name}.weight": shape
                for i in range(self.num_layers)
                for name, shape in layer.items()
            },
            "model.norm.weight": (self.d_model,),
        }


_HF_FIELDS = {
    "num_layers": "num_hidden_layers",
    "d_model": "hidden_size",
    "num_heads": "num_attention_heads",
    "num_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "d_ff": "intermediate_size",
    "vocab_size": "vocab_size",
    "sliding_window": "sliding_window",
    "norm_eps": "rms_norm_eps",
    "max_positions": "max_position_embeddings",
}
_GGUF_FIELDS = {
    "num_layers": "gemma3.block_count",
    "d_model": "gemma3.embedding_length",
    "num_heads": "gemma3.attention.head_count",
    "num_kv_heads": "gemma3.attention.head_count_kv",
    "head_dim": "gemma3.attention.key_length",
    "d_ff": "gemma3.feed_forward_length",
    "sliding_window": "gemma3.attention.sliding_window",
    "norm_eps": "gemma3.attention.layer_norm_rms_epsilon",
    "rope_base_global": "gemma3.rope.freq_base",
    "max_positions": "gemma3.context_length",
}
_FRACTIONS = ("norm_eps", "rope_base_global")
# Keys that a config.json may not change, and the values that they have where they are missing.
_HF_FIXED: dict[str, Any] = {
    "hidden_activation": "gelu_pytorch_tanh",
    "attention_bias": False,
    "attn_logit_softcapping": None,
    "final_logit_softcapping": None,
    "use_bidirectional_attention": False,
    "tie_word_embeddings": True,
    "rope_scaling": None,
}


def from_hf(config: Mapping[str, Any], where: str = "config.json") -> Gemma3Config:
    """Reads a Hugging Face configuration, in the layout of transformers 4 or 5.

    Args:
      config: The parsed config.json.
      where: What to call it in an error.

    Raises:
      WeightsError: It is of another architecture, of quantized weights, lacks a number, or asks for something that
        Gemma 3 text is not.
    """
    refuse_recognized(f"{SUPPORTED} in {where}", value_lines(config))
    if config.get("model_type") != "gemma3_text":
        raise WeightsError(SUPPORTED, f"model_type {config.get('model_type')!r} in {where}", _USE_ANOTHER)
    numbers = _numbers(config, _HF_FIELDS, where, _TAKE_ITS_OWN)
    pattern = config.get("sliding_window_pattern") or config.get("_sliding_window_pattern") or 6
    if not _positive(pattern, int):
        raise WeightsError(f"a positive number as sliding_window_pattern in {where}", repr(pattern)[:80], _TAKE_ITS_OWN)
    ropes = _ropes(config, where)
    found = Gemma3Config(
        **numbers,
        rope_base_local=_rope_base(ropes["sliding_attention"], 10_000.0, where),
        rope_base_global=_rope_base(ropes["full_attention"], 1_000_000.0, where),
        layers_per_global=pattern,
    )
    fixed = {**_HF_FIXED, "query_pre_attn_scalar": found.head_dim, "layer_types": _layer_types(found)}
    for key, value in fixed.items():
        stated = config.get(key)
        if stated is not None and stated != value:  # null and an absent key both mean the default
            raise WeightsError(f"{key} = {value!r} in {where}", repr(stated), _USE_ANOTHER)
    for rope in ropes.values():
        if rope.get("rope_type", "default") != "default":
            raise WeightsError(f"unscaled rope in {where}", f"rope_type {rope['rope_type']!r}", _USE_ANOTHER)
    return found


def _numbers(source: Mapping[str, Any], fields: Mapping[str, str], where: str, fix: str) -> dict[str, Any]:
    """Our numbers, by `fields`, which maps our names to those of the source; each is there and positive."""
    missing = [theirs for theirs in fields.values() if theirs not in source]
    if missing:
        raise WeightsError(f"{', '.join(missing)} in {where}", "no such key", fix)
    for ours, theirs in fields.items():
        number = source[theirs]
        if not _positive(number, *((int, float) if ours in _FRACTIONS else (int,))):
            raise WeightsError(f"a positive number as {theirs} in {where}", repr(number)[:80], fix)
    return {ours: source[theirs] for ours, theirs in fields.items()}


def _positive(number: Any, *kinds: type) -> bool:
    """Whether this is a positive, finite number of one of these types; true and false are none."""
    return type(number) in kinds and 0 < number <= sys.float_info.max


def read_config(path: Path) -> Gemma3Config:
    """Reads a config.json; see `from_hf`."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{path}", "no such file", "name a directory with weights and their config.json") from error
    except (OSError, ValueError, RecursionError) as error:
        if not isinstance(error, OSError):
            refuse_recognized(f"JSON in {path}", [beginning(path)])
        raise WeightsError(f"JSON in {path}", str(error), _TAKE_ITS_OWN) from error
    return from_hf(config if isinstance(config, dict) else {}, str(path))


def _ropes(config: Mapping[str, Any], where: str) -> dict[str, Mapping[str, Any]]:
    """Rope parameters by layer type; transformers 4 wrote two flat keys instead."""
    nested = config.get("rope_parameters") or {}
    flat = {"full_attention": config.get("rope_theta"), "sliding_attention": config.get("rope_local_base_freq")}
    if not isinstance(nested, dict) or not all(isinstance(nested.get(kind) or {}, dict) for kind in flat):
        got = repr(nested)[:80]
        raise WeightsError(f"keys of layer types and values as rope_parameters in {where}", got, _TAKE_ITS_OWN)
    return {kind: nested.get(kind) or ({"rope_theta": base} if base else {}) for kind, base in flat.items()}


def _rope_base(rope: Mapping[str, Any], default: float, where: str) -> float:
    """The base that rope parameters state; null means the default, as an absent key does."""
    base = rope.get("rope_theta")
    if base is None:
        return default
    if not _positive(base, int, float):
        raise WeightsError(f"a positive number as a rope's base in {where}", repr(base)[:80], _TAKE_ITS_OWN)
    return float(base)


def _layer_types(config: Gemma3Config) -> list[str]:
    return ["full_attention" if config.is_global(i) else "sliding_attention" for i in range(config.num_layers)]


def to_hf(config: Gemma3Config, dtype: str = "float32") -> dict[str, Any]:
    """The config.json that transformers and every converter to GGUF understand (flat rope keys, as published)."""
    ours = asdict(config)
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "torch_dtype": dtype,
        **{theirs: ours[name] for name, theirs in _HF_FIELDS.items()},
        **_HF_FIXED,
        "query_pre_attn_scalar": config.head_dim,
        "rope_theta": config.rope_base_global,
        "rope_local_base_freq": config.rope_base_local,
        "layer_types": _layer_types(config),
        "_sliding_window_pattern": config.layers_per_global,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
        "use_cache": True,
    }


def from_gguf(metadata: Mapping[str, Any], where: str = "the GGUF") -> Gemma3Config:
    """Reads a GGUF header; it lacks the local rope base and the layer pattern, which are Gemma 3's.

    Args:
      metadata: Plain values by their GGUF key.
      where: What to call the file in an error.

    Raises:
      WeightsError: It is of another architecture, lacks a number, or scales its rope.
    """
    architecture = metadata.get("general.architecture")
    if architecture != "gemma3":
        raise WeightsError(SUPPORTED, f"architecture {architecture!r} in {where}", _USE_ANOTHER)
    scaling = metadata.get("gemma3.rope.scaling.type", "none")
    if scaling != "none":
        raise WeightsError(SUPPORTED, f"rope scaling {scaling!r} in {where}", _USE_ANOTHER)
    fix = "convert the model to GGUF again"
    numbers = _numbers(metadata, _GGUF_FIELDS, where, fix)
    tokens = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list):
        raise WeightsError(f"a list as tokenizer.ggml.tokens in {where}", "none", fix)
    numbers["norm_eps"] = float(f"{numbers['norm_eps']:.6g}")  # a float32 there: 1e-6 reads 9.999999974752427e-07
    return Gemma3Config(**numbers, vocab_size=len(tokens))
