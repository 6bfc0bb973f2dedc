"""GGUF files: weights written as one, and a Gemma 3 file, quantized or not, converted to safetensors.

Where a GGUF differs from Hugging Face's files: tensors have other names, Gemma 3's norms are stored as 1 + w (so 1 is
subtracted from every one of them when reading), Llama's rotary pairs stand next to each other, and numbers may be
quantized in blocks. Both directions hold a few million numbers in memory at a time, far below the size of a model.

Stored as float32, a conversion is bit for bit what a runtime computes from the quantized blocks; bfloat16 halves the
file and rounds (8 bits of mantissa, where an 8-bit number times its half-precision scale has 18).
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np

from callwright.errors import WeightsError
from callwright.models.gemma3 import SUPPORTED, Gemma3Config, from_gguf, to_hf
from callwright.models.recognition import beginning, refuse_recognized, tensor_lines, value_lines
from callwright.models.safetensors_files import CODES, EMBEDDING, NUMPY_DTYPES, Dtype, untied, write_stream
from callwright.models.tokenizer import build_sentencepiece
from callwright.models.weights import Architecture, Weights
from callwright.storage import atomic_file, write_bytes, write_json

Progress = Callable[[int, int], None]
"""Called with the number of parameters that are done, and of all."""
StoredAs = Dtype | Literal["q8_0"]
"""What matrices are written as: floating-point numbers, or blocks of 32 8-bit integers that share a scale."""

READABLE = frozenset(
    (
        *("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"),
        *("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS"),
        *("TQ1_0", "TQ2_0", "MXFP4", "NVFP4"),
    )
)
"""The types of numbers that a GGUF is read in, by ggml's names."""
_RETIRED = {
    4: "Q4_2",
    5: "Q4_3",
    31: "Q4_0_4_4",
    32: "Q4_0_4_8",
    33: "Q4_0_8_8",
    36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8",
}
"""Types that ggml no longer knows, and files still have."""
_BLOCK = 1 << 22  # numbers dequantized at a time: 16 MiB as float32
_FIX = "fetch the file again, or convert the model to GGUF again"


def gguf_name(name: str, architecture: Architecture = "gemma3") -> str:
    """A tensor's name in a GGUF, from its Hugging Face name."""
    layer = re.search(r"(?<=layers\.)\d+", name)
    known = _layer_names(architecture).get_name(re.sub(r"(?<=layers\.)\d+", "0", name), try_suffixes=(".weight",))
    return str(known).replace("blk.0.", f"blk.{layer[0]}.") if layer else str(known)


@cache
def _layer_names(architecture: Architecture) -> gguf.TensorNameMap:
    """llama.cpp's names in a model of one layer."""
    return gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], 1)


def is_norm(name: str) -> bool:
    """Whether a tensor (by its Hugging Face name) is a norm's scale, which a GGUF stores plus one."""
    return name.endswith("norm.weight")


def write_weights(
    weights: Weights, path: Path, *, name: str, dtype: StoredAs, add_vocabulary: Callable[[gguf.GGUFWriter], None]
) -> None:
    """Writes weights as one GGUF file, atomically.

    Args:
      weights: The tensors.
      path: The file.
      name: What the file calls itself.
      dtype: What matrices are stored as; norms are always single precision.
      add_vocabulary: Adds everything about the tokenizer to the library's writer.
    """
    kinds = {tensor: stored_type(tensor, weights.tensors[tensor].shape, dtype) for tensor in weights.tensors}
    with atomic_file(path) as handle:
        writer = gguf.GGUFWriter(None, weights.architecture)
        writer.add_name(name)
        _add_sizes(writer, weights)
        add_vocabulary(writer)
        writer.add_file_type(gguf.LlamaFileType[f"{'ALL' if dtype == 'float32' else 'MOSTLY'}_{_ggml(dtype)}"])
        if dtype == "q8_0":
            writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        for tensor, kind in kinds.items():
            shape, number = weights.tensors[tensor].shape, NUMPY_DTYPES["float32"]
            size = stored_bytes(shape, kind)
            writer.add_tensor_info(
                gguf_name(tensor, weights.architecture), shape, number, size, gguf.GGMLQuantizationType[_ggml(kind)]
            )
        writer.write_header_to_file(Path(handle.name))
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor, kind in kinds.items():
            writer.write_tensor_data(_stored(weights, tensor, kind))
        writer.close()


def stored_type(name: str, shape: tuple[int, ...], dtype: StoredAs) -> StoredAs:
    """What a tensor, by its Hugging Face name, is stored as in a file whose matrices are stored as `dtype`.

    Norms are single precision, and rows that are no whole number of blocks half precision, as in llama.cpp's own files.
    """
    if is_norm(name):
        return "float32"
    return "float16" if dtype == "q8_0" and shape[-1] % _block_size(dtype)[0] else dtype


def stored_bytes(shape: tuple[int, ...], dtype: StoredAs) -> int:
    """How many bytes a tensor has in a file."""
    numbers, size = _block_size(dtype)
    return math.prod(shape) // numbers * size


def _block_size(dtype: StoredAs) -> tuple[int, int]:
    """How many numbers a block holds, and how many bytes."""
    numbers, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[_ggml(dtype)]]
    return int(numbers), int(size)


def _ggml(dtype: StoredAs) -> str:
    """The type's name in ggml."""
    return "Q8_0" if dtype == "q8_0" else CODES[dtype]


def _add_sizes(writer: gguf.GGUFWriter, weights: Weights) -> None:
    config = weights.config
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_rope_freq_base(config["rope_theta"])
    if weights.architecture == "llama":
        writer.add_rope_dimension_count(config["head_dim"])
    else:
        writer.add_sliding_window(config["sliding_window"])
        writer.add_rope_freq_base_swa(config["rope_local_base_freq"])


def _stored(weights: Weights, name: str, dtype: StoredAs) -> np.ndarray:
    """A tensor as a GGUF has it."""
    if dtype == "q8_0":
        blocks: np.ndarray = gguf.quants.quantize(
            _stored(weights, name, "float32"), gguf.GGMLQuantizationType[_ggml(dtype)]
        )
        return blocks
    tensor = weights.tensors[name].make(NUMPY_DTYPES[dtype])
    if is_norm(name) and weights.architecture == "gemma3":
        return tensor + np.float32(1)
    if weights.architecture == "llama" and ("q_proj" in name or "k_proj" in name):
        width = weights.config["head_dim"]
        halves = tensor.reshape(-1, 2, width // 2, tensor.shape[-1])  # (heads, half, pair, D)
        return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(tensor.shape)
    return tensor


def convert_gguf(
    source: Path, directory: Path, *, dtype: Dtype = "float32", progress: Progress | None = None
) -> Gemma3Config:
    """Writes model.safetensors, config.json and tokenizer.model of a GGUF into `directory`.

    Args:
      source: The GGUF.
      directory: Where the three files go, each atomically; it is made if missing.
      dtype: What the numbers are stored as.
      progress: Called as the conversion advances.

    Raises:
      WeightsError: The file is broken, of another architecture, or lacks a tensor.
    """
    reader, metadata = open_gguf(source)
    types = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    seen = [*value_lines(metadata), f"byte order {reader.byte_order!r}", *tensor_lines(types)]
    refuse_recognized(f"{SUPPORTED} in {source}", seen)
    config = from_gguf(metadata, str(source))
    shapes = config.tensor_shapes()
    tensors = _matched(reader, shapes, source)
    write_stream(directory / "model.safetensors", shapes, dtype, _blocks(tensors, progress))
    write_bytes(directory / "tokenizer.model", _tokenizer(metadata, source))
    write_json(directory / "config.json", to_hf(config, dtype))
    return config


def open_gguf(source: Path) -> tuple[Any, dict[str, Any]]:
    """The library's reader, and the header's values in Python's types.

    Raises:
      WeightsError: There is no GGUF, or only a part of one.
    """
    try:
        reader = gguf.GGUFReader(source)
        return reader, {key: field.contents() for key, field in reader.fields.items()}
    except FileNotFoundError as error:
        raise WeightsError(f"a GGUF at {source}", "no such file", "check the path") from error
    except (ValueError, IndexError, KeyError, OSError, OverflowError) as error:  # all that a cut file can raise
        if not isinstance(error, OSError):
            refuse_recognized(f"a GGUF at {source}", [beginning(source)])
        if unknown := re.search(r"(\d+)\)? is not a valid GGMLQuantizationType", str(error)):
            number = int(unknown[1])
            raise _unreadable(_RETIRED.get(number, f"type {number}"), source) from error
        raise WeightsError(f"a whole GGUF at {source}", f"a file that ends or breaks early ({error})", _FIX) from error


def _unreadable(kind: str, source: Path) -> WeightsError:
    return WeightsError(
        "a quantization that the gguf library can undo",
        f"{kind} in {source}",
        "name a GGUF in F16, BF16, Q8_0, Q4_0 or a K-quant",
    )


def _matched(reader: Any, shapes: Mapping[str, tuple[int, ...]], source: Path) -> dict[str, Any]:
    """The reader's tensors by Hugging Face name: all of them, no other, each of its shape."""
    found = {tensor.name: tensor for tensor in reader.tensors}
    matched = {}
    for tensor in found.values():
        if tensor.tensor_type.name not in READABLE:
            raise _unreadable(tensor.tensor_type.name, source)
    for name, shape in shapes.items():
        theirs = gguf_name(name)
        if theirs not in found:
            raise WeightsError(f"{theirs} in {source}", "no such tensor", _FIX)
        matched[name] = found.pop(theirs)
        got = tuple(int(n) for n in reversed(matched[name].shape))  # GGUF says the innermost dimension first
        if got != shape:
            raise WeightsError(f"{theirs} of shape {shape}", f"{got} in {source}", _FIX)
    head, embedding = found.pop("output.weight", None), matched[EMBEDDING]
    if head and not (head.tensor_type == embedding.tensor_type and np.array_equal(head.data, embedding.data)):
        raise untied(f"output.weight in {source}")
    if found:
        raise WeightsError("only the tensors of a Gemma 3 text model", f"{min(found)} in {source}", _FIX)
    return matched


def _blocks(tensors: Mapping[str, Any], progress: Progress | None) -> Iterator[np.ndarray]:
    total = sum(int(tensor.n_elements) for tensor in tensors.values())
    done = 0
    for name, tensor in tensors.items():
        data = tensor.data  # rows, quantized along the last axis
        rows = max(1, _BLOCK * len(data) // int(tensor.n_elements))
        for start in range(0, len(data), rows):
            block = gguf.quants.dequantize(data[start : start + rows], tensor.tensor_type)
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
