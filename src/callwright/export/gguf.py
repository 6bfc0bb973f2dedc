"""A trained model as one GGUF file, for llama.cpp, Ollama, LM Studio and whatever else reads them.

The gguf library writes single and half precision and 8-bit blocks; the K-quants are llama.cpp's own, and its quantizer
makes them of a file in single precision (`quantize`). Each file has the base's tokenizer, the format's chat template
and stops, and says where it comes from. A K-quant has blocks of 256 numbers along a row: a matrix whose rows are no
multiple of that (Gemma 3 270M's are 640 wide) is stored in another type, so `tensor_types` says what became of each.
"""

import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

from callwright.errors import ConfigError, WeightsError, suggest
from callwright.export.gguf_vocabulary import read_gguf_vocabulary
from callwright.export.merged import merged_weights
from callwright.export.quantize import KQuant, importance_matrix, quantize
from callwright.export.trained import Trained
from callwright.formats.base import Format
from callwright.models.gemma3 import Gemma3Config
from callwright.models.gguf import StoredAs, open_gguf, stored_bytes, stored_type, write_weights
from callwright.models.tokenizer import GemmaTokenizer, load_tokenizer
from callwright.report.run_files import RunFiles
from callwright.storage import sha256_file, writing
from callwright.training.checkpoints import FILE

GgufKind = Literal["f32", "f16", "bf16", "q8_0", "q4_k_m", "q5_k_m", "q6_k"]
"""What most numbers of a file are stored as."""
_WRITTEN: dict[str, StoredAs] = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "q8_0": "q8_0"}
"""The kinds that are written without llama.cpp."""
_LAYERS_PER_GLOBAL = 6
"""What llama.cpp takes for Gemma 3's, which no file states."""
_VOCABULARY_BYTES = 48
"""For each id: its piece, score and type, with room to spare."""


def gguf_kind(name: str) -> GgufKind:
    """The kind that a user names, in capitals or not.

    Raises:
      ConfigError: There is no such kind; the message lists those that exist.
    """
    kinds: dict[str, GgufKind] = {kind: kind for kind in get_args(GgufKind)}
    found = kinds.get(name.lower())
    if found is None:
        raise ConfigError("a quantization that can be written", repr(name), suggest(name, kinds))
    return found


def write_gguf(
    trained: Trained,
    target: Path,
    kind: GgufKind,
    *,
    calibration: Sequence[str] = (),
    server: Path | None = None,
) -> None:
    """Writes the merged model as one GGUF, atomically.

    Args:
      trained: The model.
      target: The file.
      kind: What most numbers are stored as.
      calibration: For a K-quant, texts of the training data as the model reads them: what most changes the model's
        activations on them is stored most exactly. Without any, all numbers count alike.
      server: The user's own llama-server, beside which the quantizer is looked for.

    Raises:
      ConfigError: Calibration texts for a kind that uses none, or a llama.cpp that has no quantizer.
      WeightsError: The model is none that a GGUF can state.
      FetchError: llama.cpp cannot be built.
      StorageError: The disk is full, or a file cannot be written.
      WorkError: The quantizer failed.
    """
    _check_layers(trained.base.config)
    if kind in ("q4_k_m", "q5_k_m", "q6_k"):
        _write_k_quant(trained, target, kind, calibration, server)
        return
    if calibration:
        got = f"one for {kind}, which rounds every number by itself"
        raise ConfigError("an importance matrix for q4_k_m, q5_k_m or q6_k", got, "leave it out, or name one of them")
    _write(trained, target, kind)


def _write_k_quant(
    trained: Trained, target: Path, kind: KQuant, calibration: Sequence[str], server: Path | None
) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        directory = tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.")
    with directory as scratch:
        whole = Path(scratch) / "float32.gguf"
        _write(trained, whole, "f32")
        matrix = importance_matrix(whole, calibration, server=server) if calibration else None
        quantize(whole, target, kind, matrix=matrix, server=server)


def _write(trained: Trained, target: Path, kind: GgufKind) -> None:
    """Writes a kind that needs no llama.cpp."""
    config, fmt = trained.base.config, trained.format
    tokenizer = load_tokenizer(trained.base.directory)
    vocabulary = read_gguf_vocabulary(trained.base.directory, fmt, config.vocab_size)

    def add_vocabulary(writer: Any) -> None:
        _add_provenance(writer, trained)
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list([piece.encode() for piece in vocabulary.pieces])
        writer.add_token_scores(list(vocabulary.scores))
        writer.add_token_types(list(vocabulary.types))
        _add_special_ids(writer, tokenizer, fmt)
        writer.add_chat_template(fmt.chat_template())

    dtype = _WRITTEN[kind]
    write_weights(merged_weights(trained), target, name=_name(trained), dtype=dtype, add_vocabulary=add_vocabulary)


def gguf_bytes(trained: Trained, kind: GgufKind) -> int:
    """How many bytes writing a kind takes at most, the file that a K-quant is made of included."""
    config = trained.base.config

    def size(dtype: StoredAs) -> int:
        shapes = config.tensor_shapes().items()
        return sum(stored_bytes(shape, stored_type(name, shape, dtype)) for name, shape in shapes)

    vocabulary = config.vocab_size * _VOCABULARY_BYTES
    if kind in _WRITTEN:
        return size(_WRITTEN[kind]) + vocabulary
    return size("float32") + size("q8_0") + 2 * vocabulary  # no K-quant, nor what takes its place, is larger than 8-bit


def tensor_types(path: Path) -> dict[str, str]:
    """The type of each tensor of a GGUF as it was written, by the tensor's name there, in ggml's words (`Q5_0`).

    Raises:
      WeightsError: There is no GGUF, or a broken one.
    """
    reader, _ = open_gguf(path)
    return {str(tensor.name): str(tensor.tensor_type.name) for tensor in reader.tensors}


def _check_layers(config: Gemma3Config) -> None:
    if config.layers_per_global != _LAYERS_PER_GLOBAL:
        raise WeightsError(
            f"a global layer every {_LAYERS_PER_GLOBAL} layers, which runtimes take for granted in a GGUF of Gemma 3",
            f"one every {config.layers_per_global}",
            "export with --to hf, whose config.json states it",
        )


def _name(trained: Trained) -> str:
    return f"{trained.run.name} (stage {trained.stage})"


def _add_provenance(writer: Any, trained: Trained) -> None:
    """What the file says about where it comes from."""
    base = trained.base
    writer.add_license(base.license.name)
    writer.add_string("callwright.license_notice", base.license.notice)
    writer.add_base_model_count(1)
    writer.add_base_model_name(0, base.name)
    if base.revision:
        writer.add_base_model_version(0, base.revision)
    writer.add_string("callwright.version", version("callwright"))
    writer.add_string("callwright.run", trained.run.name)
    writer.add_uint32("callwright.stage", trained.stage)
    writer.add_string("callwright.format", trained.format.id)
    writer.add_string("callwright.base_sha256", base.sha256)
    adapter = RunFiles(trained.run).checkpoint(trained.stage) / FILE
    if trained.adapter is not None and adapter.is_file():
        writer.add_string("callwright.adapter_sha256", sha256_file(adapter))


def _add_special_ids(writer: Any, tokenizer: GemmaTokenizer, fmt: Format) -> None:
    """Roles of tokens: where a text begins, and all that ends the model's turn."""
    eos = tokenizer.token_id("<eos>")
    writer.add_bos_token_id(tokenizer.bos_id)
    writer.add_eos_token_id(eos)
    ends = [id_ for id_ in dict.fromkeys(map(tokenizer.token_id, fmt.stops)) if id_ != eos]
    roles = (writer.add_eot_token_id, writer.add_eom_token_id)
    if len(ends) > len(roles):
        raise ConfigError(
            f"a format with {len(roles)} stops beside <eos>, as many as a GGUF states",
            f"{', '.join(fmt.stops)} of {fmt.id}",
            "export with --to hf",
        )
    for add, id_ in zip(roles, ends, strict=False):
        add(id_)
    writer.add_unk_token_id(tokenizer.token_id("<unk>"))
    writer.add_pad_token_id(tokenizer.pad_id)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
