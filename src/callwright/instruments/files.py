"""An instrument as files: a GGUF for llama.cpp and Ollama, a Hugging Face directory for transformers and vLLM.

Both hold the same weights, the same vocabulary with the family's own token types, the format's chat template, and its
stops. They are written whole or not at all, a tensor at a time.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import ml_dtypes
import numpy as np

from callwright.errors import ConfigError, DataError
from callwright.instruments.architectures import Architecture, Weights, on_architecture
from callwright.instruments.circuit import HEAD, ROPE_BASE
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import SPACE, Kind, Vocabulary
from callwright.models.gguf_import import gguf_name, is_norm
from callwright.models.safetensors_files import Dtype, write_stream
from callwright.storage import atomic_file, write_bytes, write_json

_NUMPY: Mapping[str, np.dtype[Any]] = {
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype("<f4"),
}
_GGML_TYPES = {
    "float16": gguf.GGMLQuantizationType.F16,
    "bfloat16": gguf.GGMLQuantizationType.BF16,
    "float32": gguf.GGMLQuantizationType.F32,
}
_FILE_TYPES = {
    "float16": gguf.LlamaFileType.MOSTLY_F16,
    "bfloat16": gguf.LlamaFileType.MOSTLY_BF16,
    "float32": gguf.LlamaFileType.ALL_F32,
}
_MOST_CONTEXT = 2**31 - 1  # what the runtimes' integers hold
_DIRECTORY = frozenset(
    {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
)
# Where Llama's names in a GGUF are not Gemma 3's.
_LLAMA_NAMES = {"post_attention_norm": "ffn_norm"}


def write(instrument: Instrument, path: Path, *, architecture: Architecture = "llama", context: int = 8192) -> int:
    """Writes a GGUF where the path ends in .gguf, else a directory, and returns how many bytes it has.

    Args:
      instrument: What is written.
      path: A file, which is replaced, or a directory, which must be new, empty, or one written here before.
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.

    Raises:
      ConfigError: The context is too short for the instrument, or too long for a file.
      DataError: Other files than an instrument's are in the directory.
    """
    if path.suffix == ".gguf":
        if path.is_dir():
            raise DataError(f"a file at {path}", "a directory", "name another path")
        write_gguf(instrument, path, architecture=architecture, context=context)
        return path.stat().st_size
    if path.exists() and not path.is_dir():
        raise DataError(f"a path that ends in .gguf, or a directory, at {path}", "another file", "name another path")
    foreign = sorted(file.name for file in path.glob("*") if file.name not in _DIRECTORY) if path.is_dir() else []
    if foreign:
        raise DataError(f"a directory of its own at {path}", f"one that holds {foreign[0]}", "name another directory")
    write_huggingface(instrument, path, architecture=architecture, context=context)
    return sum(file.stat().st_size for file in path.iterdir())


def write_gguf(
    instrument: Instrument,
    path: Path,
    *,
    architecture: Architecture = "llama",
    context: int = 8192,
    dtype: Dtype | None = None,
) -> None:
    """Writes the instrument as one GGUF file, atomically.

    Args:
      instrument: What is written.
      path: The file.
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
      dtype: What matrices are stored as, the instrument's choice when None; norms are always single precision.

    Raises:
      ConfigError: The context is too short for the instrument, or too long for a file.
    """
    check_context(context, instrument.least_context)
    weights = on_architecture(instrument.circuit, architecture, context)

    def add_vocabulary(writer: Any) -> None:
        _add_vocabulary(writer, instrument.vocabulary)
        writer.add_chat_template(instrument.form.chat_template())

    write_weights(weights, path, name=instrument.name, dtype=dtype or instrument.dtype, add_vocabulary=add_vocabulary)


def check_context(context: int, least: int) -> None:
    """Checks that a context has at least so many tokens, and no more than a file can say."""
    if not least <= context <= _MOST_CONTEXT:
        expected = f"a context of {least} to {_MOST_CONTEXT} tokens for this instrument"
        raise ConfigError(expected, str(context), "name another with --context, or leave it out")


def write_weights(
    weights: Weights, path: Path, *, name: str, dtype: Dtype, add_vocabulary: Callable[[Any], None]
) -> None:
    """Writes weights as one GGUF file, atomically.

    Args:
      weights: The tensors.
      path: The file.
      name: What the file calls itself.
      dtype: What matrices are stored as; norms are always single precision.
      add_vocabulary: Adds everything about the tokenizer to the library's writer.
    """
    with atomic_file(path) as handle:
        writer = gguf.GGUFWriter(None, weights.architecture)
        writer.add_name(name)
        _add_sizes(writer, weights)
        add_vocabulary(writer)
        writer.add_file_type(_FILE_TYPES[dtype])
        for tensor_name, tensor in weights.tensors.items():
            kind = "float32" if is_norm(tensor_name) else dtype
            stored = _NUMPY[kind]
            size = math.prod(tensor.shape) * stored.itemsize
            theirs = _gguf_name(tensor_name, weights.architecture)
            writer.add_tensor_info(theirs, tensor.shape, stored, size, _GGML_TYPES[kind])
        writer.write_header_to_file(Path(handle.name))
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor_name in weights.tensors:
            writer.write_tensor_data(_gguf_tensor(weights, tensor_name, dtype))
        writer.close()


def write_huggingface(
    instrument: Instrument,
    directory: Path,
    *,
    architecture: Architecture = "llama",
    context: int = 8192,
    dtype: Dtype | None = None,
) -> None:
    """Writes the instrument as a directory that transformers loads.

    Args:
      instrument: What is written.
      directory: config.json, model.safetensors, tokenizer.json and their like go there.
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
      dtype: What all tensors are stored as; the instrument's choice when None.

    Raises:
      ConfigError: The context is too short for the instrument, or too long for a file.
    """
    check_context(context, instrument.least_context)
    dtype = dtype or instrument.dtype
    weights = on_architecture(instrument.circuit, architecture, context)
    vocabulary = instrument.vocabulary
    ids = {
        "bos_token_id": vocabulary.bos_id,
        "eos_token_id": list(vocabulary.stop_ids),
        "pad_token_id": vocabulary.pad_id,
    }
    config = {**weights.config, "dtype": dtype, "torch_dtype": dtype, **ids}
    write_json(directory / "config.json", config)
    write_json(directory / "generation_config.json", ids)
    write_json(directory / "tokenizer_config.json", _tokenizer_config(instrument))
    write_bytes(directory / "tokenizer.json", fast_tokenizer(vocabulary).encode())
    shapes = {name: tensor.shape for name, tensor in weights.tensors.items()}
    blocks = (tensor.make(_NUMPY[dtype]) for tensor in weights.tensors.values())
    write_stream(directory / "model.safetensors", shapes, dtype, blocks)


def fast_tokenizer(vocabulary: Vocabulary) -> str:
    """The vocabulary as a tokenizer.json."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

    pieces = {piece: id_ for id_, piece in enumerate(vocabulary.pieces)}
    unknown = vocabulary.pieces[vocabulary.unk_id]
    tokenizer = Tokenizer(models.BPE(vocab=pieces, merges=[], unk_token=unknown, byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    if vocabulary.adds_bos:
        bos = vocabulary.pieces[vocabulary.bos_id]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, vocabulary.bos_id)]
        )
    for piece, kind in zip(vocabulary.pieces, vocabulary.kinds, strict=True):
        added = AddedToken(piece, special=kind != Kind.USER_DEFINED, normalized=False)
        if kind in (Kind.CONTROL, Kind.UNKNOWN):
            tokenizer.add_special_tokens([added])
        elif kind == Kind.USER_DEFINED:
            tokenizer.add_tokens([added])
    return str(tokenizer.to_str())


def _tokenizer_config(instrument: Instrument) -> dict[str, Any]:
    vocabulary = instrument.vocabulary
    roles = {"bos": vocabulary.bos_id, "eos": vocabulary.eos_id, "unk": vocabulary.unk_id, "pad": vocabulary.pad_id}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{f"{role}_token": vocabulary.pieces[id_] for role, id_ in roles.items()},
        "add_bos_token": vocabulary.adds_bos,
        "clean_up_tokenization_spaces": False,
        "chat_template": instrument.form.chat_template(),
    }


def _gguf_name(name: str, architecture: Architecture) -> str:
    converted = gguf_name(name)
    if architecture == "llama":
        for theirs, ours in _LLAMA_NAMES.items():
            converted = converted.replace(theirs, ours)
    return converted


def _gguf_tensor(weights: Weights, name: str, dtype: Dtype) -> np.ndarray:
    """A tensor as a GGUF has it: Gemma 3's norms plus 1, Llama's rotary pairs next to each other."""
    kind = _NUMPY["float32" if is_norm(name) else dtype]
    tensor = weights.tensors[name].make(kind)
    if is_norm(name) and weights.architecture == "gemma3":
        return tensor + np.float32(1)
    if weights.architecture == "llama" and ("q_proj" in name or "k_proj" in name):
        halves = tensor.reshape(-1, 2, HEAD // 2, tensor.shape[-1])  # (heads, half, pair, D)
        return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(tensor.shape)
    return tensor


def _add_sizes(writer: Any, weights: Weights) -> None:
    config = weights.config
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_rope_freq_base(config["rope_theta"])
    if weights.architecture == "llama":
        writer.add_rope_dimension_count(HEAD)
    else:
        writer.add_sliding_window(config["sliding_window"])
        writer.add_rope_freq_base_swa(ROPE_BASE)


def _add_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([piece.encode() for piece in vocabulary.pieces])
    merged_last = [-1000.0 if kind == Kind.NORMAL and piece != SPACE else 0.0 for piece, kind in _pairs(vocabulary)]
    writer.add_token_scores(merged_last)
    writer.add_token_types([int(kind) for kind in vocabulary.kinds])
    writer.add_bos_token_id(vocabulary.bos_id)
    writer.add_eos_token_id(vocabulary.eos_id)
    if len(vocabulary.stop_ids) > 1:
        writer.add_eot_token_id(vocabulary.stop_ids[1])
    if len(vocabulary.stop_ids) > 2:
        writer.add_eom_token_id(vocabulary.stop_ids[2])
    writer.add_unk_token_id(vocabulary.unk_id)
    writer.add_pad_token_id(vocabulary.pad_id)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)


def _pairs(vocabulary: Vocabulary) -> list[tuple[str, Kind]]:
    return list(zip(vocabulary.pieces, vocabulary.kinds, strict=True))
