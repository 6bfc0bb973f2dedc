"""A Gemma 3 GGUF, quantised or not, back to Hugging Face safetensors and a SentencePiece tokenizer.

Three conventions differ. llama.cpp stores each norm's scale as 1 + w, so 1 is subtracted from *every* norm; the names
differ; and the blocks of quantised numbers become floats again. Tensors are dequantised and written a few million
numbers at a time, so memory stays far below the size of the model. Stored as float32, the result is bit for bit what
a runtime computes from the quantised blocks; bfloat16 halves the file and rounds (8 bits of mantissa, where an 8-bit
number times its half-precision scale has 18).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from callwright.errors import WeightsError
from callwright.models.gemma3 import Gemma3Config, from_gguf, to_hf
from callwright.models.safetensors_files import Dtype, write_stream
from callwright.models.tokenizer import build_sentencepiece
from callwright.storage import write_bytes, write_json

Progress = Callable[[int, int], None]
"""Called with the numbers (parameters) done and in all."""

# Hugging Face's name of a module, and GGUF's, in a layer and outside.
GGUF_NAMES: Mapping[str, str] = {
    "embed_tokens": "token_embd",
    "norm": "output_norm",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_feedforward_layernorm": "post_ffw_norm",
}
_BLOCK = 1 << 22  # numbers dequantised at a time: 16 MiB as float32
_FIX = "fetch the file again, or convert the model to GGUF again"


def gguf_name(name: str) -> str:
    """A tensor's name in a GGUF, from its Hugging Face name."""
    module, prefix = name.removeprefix("model.").removesuffix(".weight"), ""
    if module.startswith("layers."):
        _, layer, module = module.split(".", 2)
        prefix = f"blk.{layer}."
    return f"{prefix}{GGUF_NAMES[module]}.weight"


def is_norm(name: str) -> bool:
    """Whether a tensor (by its Hugging Face name) is a norm's scale, which a GGUF stores plus one."""
    return name.endswith("norm.weight")


def convert_gguf(
    source: Path, directory: Path, *, dtype: Dtype = "float32", progress: Progress | None = None
) -> Gemma3Config:
    """Writes model.safetensors, config.json and tokenizer.model of a GGUF into `directory`.

    Args:
      source: The GGUF.
      directory: Where the three files go, each atomically; it is made if missing.
      dtype: What the numbers are stored as.
      progress: Told how far the conversion is.

    Raises:
      WeightsError: The file is broken, of another architecture, or lacks a tensor.
    """
    reader, metadata = open_gguf(source)
    config = from_gguf(metadata, str(source))
    shapes = config.tensor_shapes()
    tensors = _matched(reader, shapes, source)
    write_stream(directory / "model.safetensors", shapes, dtype, _blocks(tensors, source, progress))
    write_bytes(directory / "tokenizer.model", _tokenizer(metadata, source))
    write_json(directory / "config.json", to_hf(config, dtype))
    return config


def open_gguf(source: Path) -> tuple[Any, dict[str, Any]]:
    """The library's reader and the header's values as plain ones; WeightsError if there is no whole GGUF."""
    try:
        reader = gguf.GGUFReader(source)
        return reader, {key: field.contents() for key, field in reader.fields.items()}
    except FileNotFoundError as error:
        raise WeightsError(f"a GGUF at {source}", "no such file", "check the path") from error
    except (ValueError, IndexError, KeyError, OSError, OverflowError) as error:  # all that a torn file can raise
        raise WeightsError(f"a whole GGUF at {source}", f"a file that ends or breaks early ({error})", _FIX) from error


def _matched(reader: Any, shapes: Mapping[str, tuple[int, ...]], source: Path) -> dict[str, Any]:
    """The reader's tensors by Hugging Face name: all of them, no other, each of its shape."""
    found = {tensor.name: tensor for tensor in reader.tensors}
    matched = {}
    for name, shape in shapes.items():
        theirs = gguf_name(name)
        if theirs not in found:
            raise WeightsError(f"{theirs} in {source}", "no such tensor", _FIX)
        matched[name] = found.pop(theirs)
        came = tuple(int(n) for n in reversed(matched[name].shape))  # GGUF says the innermost dimension first
        if came != shape:
            raise WeightsError(f"{theirs} of shape {shape}", f"{came} in {source}", _FIX)
    if found:
        raise WeightsError("only the tensors of a Gemma 3 text model", f"{min(found)} in {source}", _FIX)
    return matched


def _blocks(tensors: Mapping[str, Any], source: Path, progress: Progress | None) -> Iterator[np.ndarray]:
    total = sum(int(tensor.n_elements) for tensor in tensors.values())
    done = 0
    for name, tensor in tensors.items():
        data = tensor.data  # rows, quantised along the last axis
        rows = max(1, _BLOCK * len(data) // int(tensor.n_elements))
        for start in range(0, len(data), rows):
            try:
                block = gguf.quants.dequantize(data[start : start + rows], tensor.tensor_type)
            except NotImplementedError as error:
                raise WeightsError(
                    "a quantisation that the gguf library can undo",
                    f"{tensor.tensor_type.name} in {source}",
                    "name a GGUF in F16, BF16, Q8_0 or a K-quant",
                ) from error
            yield block - np.float32(1) if is_norm(name) else block
            done += block.size
            if progress:
                progress(done, total)


def _tokenizer(metadata: Mapping[str, Any], source: Path) -> bytes:
    kind = metadata.get("tokenizer.ggml.model")
    if kind != "llama":  # llama.cpp's name for SentencePiece
        raise WeightsError("a SentencePiece tokenizer (`llama`)", f"{kind!r} in {source}", _FIX)
    lists = [metadata.get(f"tokenizer.ggml.{key}") for key in ("tokens", "scores", "token_type")]
    try:
        return build_sentencepiece(*lists)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise WeightsError("tokens, scores and types of one length", f"{error} in {source}", _FIX) from error
