"""A Gemma 3 that fits into a test: random weights of the TINY configuration and 512 pieces, as a directory or a GGUF.

The vocabulary is a real SentencePiece model with Gemma's markers, its ordinary user-defined pieces, all 256 bytes,
ASCII and a few merges, so whatever works here meets the same kinds of pieces that it will meet in the real one.
"""

import string
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import save_file

from callwright.models.gemma3 import Gemma3Config, to_hf
from callwright.models.gguf import gguf_name, is_norm
from callwright.models.tokenizer import GemmaTokenizer, build_sentencepiece, from_sentencepiece
from callwright.storage import write_bytes, write_json

GEMMA3_270M = Gemma3Config(
    num_layers=18,
    d_model=640,
    num_heads=4,
    num_kv_heads=1,
    head_dim=256,
    d_ff=2048,
    vocab_size=262_144,
    sliding_window=512,
)
GEMMA3_1B = Gemma3Config(
    num_layers=26,
    d_model=1152,
    num_heads=4,
    num_kv_heads=1,
    head_dim=256,
    d_ff=6912,
    vocab_size=262_144,
    sliding_window=512,
)
TINY = Gemma3Config(
    num_layers=7,
    d_model=32,
    num_heads=4,
    num_kv_heads=1,
    head_dim=16,
    d_ff=64,
    vocab_size=512,
    sliding_window=16,
    max_positions=4096,
)
"""A global layer with local ones on both sides, and a window that short texts already leave."""
NORMAL, CONTROL, USER_DEFINED, BYTE = 1, 3, 4, 6
_WORDS = """
▁the ▁a ▁is ▁in ▁of ▁to ▁and ▁you ▁for ▁weather ▁what ▁temperature tool call tool_call tool_response name args result
user model Paris get set true false null function type string number ing er on at city
"""


@cache
def vocabulary(size: int = TINY.vocab_size) -> tuple[tuple[str, float, int], ...]:
    """Pieces, scores and GGUF token types, as a GGUF states them (spaces as spaces in user-defined pieces)."""
    rows = [(piece, -1000.0, CONTROL) for piece in ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")]
    rows += [("[multimodal]", -1000.0, USER_DEFINED)]
    rows += [(piece, -1000.0, CONTROL) for piece in ("<unused0>", "<unused1>", "<start_of_turn>", "<end_of_turn>")]
    ordinary = ("\n", "\n\n", "\n\n\n", "  ", "   ", "    ", "\t", "\t\t", "<table>", "</table>", "<b>", "</b>")
    rows += [(piece, -1000.0, USER_DEFINED) for piece in (*ordinary, "<start_of_image>", "<end_of_image>")]
    rows += [(f"<0x{byte:02X}>", -1000.0, BYTE) for byte in range(256)]
    known = {row[0] for row in rows}
    # A merge is reachable if both halves are pieces: every word comes with all its beginnings, shorter first.
    normal = [c for c in ("▁", *string.printable[:94]) if c not in known]
    for word in _WORDS.split():
        normal += [word[:end] for end in range(2, len(word) + 1) if word[:end] not in normal]
    fill = [a + b for a in string.ascii_lowercase for b in "aeiou" if a + b not in normal]
    normal = (normal + fill)[: size - len(rows)]
    return (*rows, *((piece, -float(rank), NORMAL) for rank, piece in enumerate(normal)))


def tiny_sentencepiece() -> bytes:
    """The bytes of its tokenizer.model."""
    pieces, scores, kinds = zip(*vocabulary(), strict=True)
    return build_sentencepiece(pieces, scores, kinds)


@cache
def tiny_tokenizer() -> GemmaTokenizer:
    """Its tokenizer; `vocab_size` is TINY's."""
    return from_sentencepiece(tiny_sentencepiece())


def tiny_tensors(config: Gemma3Config = TINY, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights by Hugging Face name, float32, of a size that keeps activations near one."""
    random = np.random.default_rng(seed)
    return {
        name: random.normal(0, 0.1 if len(shape) == 1 else shape[-1] ** -0.5, shape).astype(np.float32)
        for name, shape in config.tensor_shapes().items()
    }


def write_tiny_model(directory: Path, config: Gemma3Config = TINY, seed: int = 0) -> Path:
    """Writes a directory that `resolve_model` accepts, and returns it."""
    directory.mkdir(parents=True, exist_ok=True)
    save_file(tiny_tensors(config, seed), directory / "model.safetensors", metadata={"format": "pt"})
    write_json(directory / "config.json", to_hf(config))
    write_bytes(directory / "tokenizer.model", tiny_sentencepiece())
    return directory


def write_tiny_gguf(
    path: Path,
    config: Gemma3Config = TINY,
    *,
    architecture: str = "gemma3",
    quantization: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    encode: Callable[[np.ndarray], np.ndarray] | None = None,
    tensors: Mapping[str, np.ndarray] | None = None,
    extra: Mapping[str, Any] | None = None,
    endianess: gguf.GGUFEndian = gguf.GGUFEndian.LITTLE,
) -> Path:
    """Writes the same model as llama.cpp's converter would, and returns the path.

    Args:
      path: The file.
      config: The sizes.
      architecture: What it says that it is.
      quantization: What matrices are stored in.
      encode: Makes the blocks of a matrix; the library's own quantization when None.
      tensors: The weights by Hugging Face name; random ones when None.
      extra: More values of the header: texts and numbers.
      endianess: The order of its bytes.
    """
    writer = gguf.GGUFWriter(path, architecture, endianess=endianess)
    writer.add_block_count(config.num_layers)
    writer.add_embedding_length(config.d_model)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_feed_forward_length(config.d_ff)
    writer.add_sliding_window(config.sliding_window)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_freq_base(config.rope_base_global)
    writer.add_context_length(config.max_positions)
    for key, value in (extra or {}).items():
        (writer.add_string if isinstance(value, str) else writer.add_uint32)(key, value)
    pieces, scores, kinds = zip(*vocabulary(), strict=True)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(pieces))
    writer.add_token_scores(list(scores))
    writer.add_token_types(list(kinds))
    writer.add_eos_token_id(pieces.index("<eos>"))
    writer.add_add_space_prefix(False)
    for name, tensor in (tiny_tensors(config) if tensors is None else tensors).items():
        if is_norm(name):
            writer.add_tensor(gguf_name(name), tensor + np.float32(1))
        else:
            blocks = encode(tensor) if encode else gguf.quants.quantize(tensor, quantization)
            writer.add_tensor(gguf_name(name), blocks, raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
