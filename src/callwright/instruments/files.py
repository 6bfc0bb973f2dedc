"""An instrument as files: a GGUF for llama.cpp and Ollama, a Hugging Face directory for transformers and vLLM.

Both hold the same weights, the same vocabulary with the family's own token types, the format's chat template, and its
stops. They are written whole or not at all, a tensor at a time.
"""

from pathlib import Path
from typing import Any

from callwright.errors import ConfigError, DataError
from callwright.instruments.architectures import on_architecture
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import SPACE, PieceType, Vocabulary
from callwright.models.gguf import write_weights
from callwright.models.safetensors_files import NUMPY_DTYPES, Dtype, write_stream
from callwright.models.weights import Architecture, Weights
from callwright.storage import write_bytes, write_json

_MOST_CONTEXT = 2**31 - 1  # what the runtimes' integers hold
_DIRECTORY = frozenset(
    {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
)


def write(
    instrument: Instrument,
    path: Path,
    *,
    architecture: Architecture = "llama",
    context: int = 8192,
    dtype: Dtype | None = None,
) -> int:
    """Writes a GGUF where the path ends in .gguf, else a directory, and returns how many bytes it has.

    Args:
      instrument: What is written.
      path: A file, which is replaced, or a directory, which must be new, empty, or an instrument's.
      architecture: The architecture of the weights.
      context: How many tokens prompt and answer may have together.
      dtype: What matrices are stored as, the instrument's choice when None; a GGUF's norms are always float32.

    Raises:
      ConfigError: The context is too short for the instrument, or too long for a file.
      DataError: The directory holds other files than an instrument's.
    """
    is_gguf = path.suffix == ".gguf"
    if is_gguf and path.is_dir():
        raise DataError(f"a file at {path}", "a directory", "name another path")
    if not is_gguf and path.exists() and not path.is_dir():
        raise DataError(f"a path that ends in .gguf, or a directory, at {path}", "another file", "name another path")
    others = sorted(file.name for file in path.glob("*") if file.name not in _DIRECTORY) if path.is_dir() else []
    if others:
        raise DataError(f"a directory of its own at {path}", f"one that holds {others[0]}", "name another directory")
    check_context(context, instrument.least_context)
    weights = on_architecture(instrument.circuit, architecture, context)
    if not is_gguf:
        _write_huggingface(instrument, weights, path, dtype or instrument.dtype)
        return sum(file.stat().st_size for file in path.iterdir())

    def add_vocabulary(writer: Any) -> None:
        _add_vocabulary(writer, instrument.vocabulary)
        writer.add_chat_template(instrument.fmt.chat_template())

    write_weights(weights, path, name=instrument.name, dtype=dtype or instrument.dtype, add_vocabulary=add_vocabulary)
    return path.stat().st_size


def check_context(context: int, least: int) -> None:
    """Checks that a context has at least so many tokens, and no more than a file can state.

    Raises:
      ConfigError: It has fewer or more.
    """
    if not least <= context <= _MOST_CONTEXT:
        expected = f"a context of {least} to {_MOST_CONTEXT} tokens for this instrument"
        raise ConfigError(expected, str(context), "name another with --context, or leave it out")


def _write_huggingface(instrument: Instrument, weights: Weights, directory: Path, dtype: Dtype) -> None:
    """Writes config.json, model.safetensors, tokenizer.json and their like, which transformers loads."""
    vocabulary = instrument.vocabulary
    ids = {
        "bos_token_id": vocabulary.bos_id,
        "eos_token_id": list(vocabulary.stop_ids),
        "pad_token_id": vocabulary.pad_id,
    }
    write_json(directory / "config.json", {**weights.config, "dtype": dtype, "torch_dtype": dtype, **ids})
    write_json(directory / "generation_config.json", ids)
    write_json(directory / "tokenizer_config.json", _tokenizer_config(instrument))
    write_bytes(directory / "tokenizer.json", fast_tokenizer(vocabulary).encode())
    shapes = {name: tensor.shape for name, tensor in weights.tensors.items()}
    blocks = (tensor.make(NUMPY_DTYPES[dtype]) for tensor in weights.tensors.values())
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
        added = AddedToken(piece, special=kind != PieceType.USER_DEFINED, normalized=False)
        if kind in (PieceType.CONTROL, PieceType.UNKNOWN):
            tokenizer.add_special_tokens([added])
        elif kind == PieceType.USER_DEFINED:
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
        "chat_template": instrument.fmt.chat_template(),
    }


def _add_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([piece.encode() for piece in vocabulary.pieces])
    kinds = zip(vocabulary.pieces, vocabulary.kinds, strict=True)
    merged_last = [-1000.0 if kind == PieceType.NORMAL and piece != SPACE else 0.0 for piece, kind in kinds]
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
