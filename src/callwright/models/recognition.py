"""What people have in place of a model's plain weights: what gives each kind away, and what to do about it.

Whoever reads a file or directory tells what it saw in lines: `file NAME` for what a directory holds, `NAME begins
'BYTES'` for a file that cannot be read, `KEY VALUE` for a config.json or the header of a GGUF, `tensor NAME (TYPE)`.
A kind is recognized when each of its marks, which are regular expressions, matches the beginning of some line. Most of
them would be refused anyway, as a missing tensor or a broken file; here they are called what they are. Where several
fit, the first of the table is named.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from callwright.errors import WeightsError

_BEGINNING = 64  # bytes of a file that tell what it is


class Kind(NamedTuple):
    """Something that is not plain weights: what it is, what to do, and its marks, of which each must be found."""

    what: str
    fix: str
    marks: tuple[str, ...]


_MERGE = "merge it into its base model (PEFT's merge_and_unload, then save_pretrained) and name the result"
_ORIGINAL = "name the model that was quantized, in F32, BF16 or F16, or a GGUF of it"
_PUBLISHED = "take the version for transformers, in safetensors"
_SOURCE = "name the model that it was made from"
_TEXT_MODEL = "name a Gemma 3 text model such as gemma3-270m or google/gemma-3-270m-it"
SAVE_SAFETENSORS = "convert it to safetensors first (transformers' from_pretrained, then save_pretrained)"
_RENAME = "rename the tensors without it (safetensors' load_file, then save_file)"
_ADAPTER = r"file adapter(?:_config\.json|_model.*|s?\.safetensors|s\.npz)$"

KINDS: tuple[Kind, ...] = (
    # Files that are not what their names say
    Kind("a Git LFS pointer in place of the file", "run `git lfs pull`", (r".+ begins 'version https://git-lfs",)),
    Kind(
        "a web page in place of the file",
        "download the file itself (on the hub, its address has /resolve/ and not /blob/)",
        (r"(?i).+ begins '[^<]{0,20}<(?:!doctype|!--|html|head|\?xml)",),
    ),
    Kind(
        "a server's refusal in place of the file",
        "download it again, after `hf auth login`",
        (r".+ begins '(?:\{\"error\"|Access to model|Invalid (?:user|cred)|Entry not|Repository not)",),
    ),
    Kind("a GGUF under another name", "name it with the suffix .gguf", (r".+\.safetensors begins 'GGUF",)),
    Kind(
        "a safetensors file under another name",
        "name it model.safetensors, and its directory as the model",
        (r".+\.gguf begins '.{2,32}\{\"",),
    ),
    Kind(
        "a pickled checkpoint under another name, which may run code when loaded",
        SAVE_SAFETENSORS,
        (r".+\.safetensors begins '(?:PK|\\x80)",),
    ),
    Kind("an archive", "unpack it and name what is in it", (r".+ begins '(?:PK|\\x1f\\x8b|7z)",)),
    Kind("a GGML file, older than GGUF", "convert the original model to GGUF", (r".+ begins '(?:lm|mf|fm|tj|la)gg",)),
    # Adapters
    Kind(
        "an adapter beside the weights, which would not be applied",
        "merge it into them (PEFT's merge_and_unload, then save_pretrained), or move its files away",
        (_ADAPTER, r"file (?!adapter).+\.safetensors$"),
    ),
    Kind(
        "the adapter that a stage left, and no model",
        "name the base model, and start from the stage with --resume",
        (r"file adapter\.safetensors$",),
    ),
    Kind("an MLX adapter, and no model", "fuse it (mlx_lm.fuse) and name the result", (r"file adapters\..+$",)),
    Kind("a PEFT adapter, and no model", _MERGE, (_ADAPTER,)),
    Kind(
        "a LoRA adapter as GGUF, and no model",
        "merge it into its base model (llama.cpp's llama-export-lora) and name the result",
        (r"general\.type 'adapter'|adapter\.type .*|tensor blk\S+\.lora_[ab]\b",),
    ),
    Kind(
        "an adapter that is not merged",
        _MERGE,
        (r"tensor \S*(?:\blora_\w+|\.base_layer|\.modules_to_save|\.original_module)\b",),
    ),
    Kind(
        "a model saved from inside PEFT",
        "save what merge_and_unload gives",
        (r"tensor base_model\.\S+",),
    ),
    # Parts and relatives of a model
    Kind(
        "the part of a model that reads images (mmproj)",
        "name the GGUF of the text model",
        (r"general\.type 'mmproj'|general\.architecture 'clip'",),
    ),
    Kind("an importance matrix, and no model", "name the GGUF of the model", (r"general\.type 'imatrix'",)),
    Kind(
        "one part of a split GGUF",
        "merge the parts (llama.cpp's llama-gguf-split --merge) and name the result",
        (r"split\.count (?!0$|1$).*",),
    ),
    Kind("a GGUF for big-endian machines", "convert it (gguf-convert-endian FILE little)", (r"byte order 'S'",)),
    Kind("a Gemma 3 that sees images (4B and larger)", _TEXT_MODEL, (r"model_type 'gemma3'$",)),
    Kind(
        "another architecture",
        _TEXT_MODEL,
        (r"model_type (?!'gemma3_text'$).*|general\.architecture (?!'gemma3'$).*",),
    ),
    Kind("an embedding model, which writes no text", _TEXT_MODEL, (r"use_bidirectional_attention True",)),
    Kind(
        "a model with an output head of its own",
        "train it with tied embeddings; if its lm_head.weight equals the embedding, set this key to true",
        (r"tie_word_embeddings False",),
    ),
    Kind("a file without tensors", "name one with the weights", (r"no tensor$",)),
    # Quantized weights, by their configuration or their tensors
    Kind(
        "weights quantized with bitsandbytes",
        f"{_ORIGINAL}; or write this one in full (transformers' dequantize, then save_pretrained)",
        (
            r"quantization_config\.(?:quant_method 'bitsandbytes'|_?load_in_[48]bit True|bnb_.*)"
            r"|tensor \S+[._](?:absmax|quant_map|quant_state\S*|SCB|weight_format)\b",
        ),
    ),
    Kind(
        "weights quantized with GPTQ",
        _ORIGINAL,
        (r"quantization_config\.quant_method '(?:gptq|gptqmodel)'|tensor \S+\.g_idx\b",),
    ),
    Kind(
        "weights quantized with AWQ",
        _ORIGINAL,
        (r"quantization_config\.quant_method 'awq'|tensor \S+\.(?:qweight|qzeros)\b",),
    ),
    Kind(
        "weights quantized with MLX",
        f"{_ORIGINAL}; or write this one in full (mlx_lm.convert --dequantize)",
        (r"quantization\.\w+ .*|tensor \S+\.biases\b|tensor \S+\.weight \(U32\)",),
    ),
    Kind(
        "weights quantized as compressed-tensors",
        _ORIGINAL,
        (r"(?:quantization|compression)_config\.quant_method 'compressed-tensors'|tensor \S+\.weight_packed\b",),
    ),
    Kind(
        "weights quantized to FP8",
        _ORIGINAL,
        (r"quantization_config\.quant_method '\w*fp8'|tensor \S+ \(F8\w+\)|tensor \S+\.weight_scale_inv\b",),
    ),
    Kind(
        "quantized weights",
        _ORIGINAL,
        (
            r"(?:quantization|compression)_config\.\w+ .*"
            r"|tensor \S+ \((?:[UI]\d+|BOOL|F[46]_\w+)\)|tensor \S+\.(?:weight|input)_scale\w*",
        ),
    ),
    # The right numbers under other names
    Kind(
        "a model that sees images",
        _TEXT_MODEL,
        (r"tensor \S*\b(?:vision_tower|vision_model|multi_modal_projector|embed_vision)\.\S+",),
    ),
    Kind(
        "the text part of a model that sees images",
        _RENAME,
        (r"tensor (?:model\.)?language_model\.\S+",),
    ),
    Kind(
        "a model saved from inside one of PyTorch's wrappers",
        "save the module inside the wrapper, or rename the tensors without it",
        (r"tensor (?:_orig_mod|module|_forward_module|_fsdp_wrapped_module)\.\S+",),
    ),
    Kind(
        "a model without its output head (no model. before its names)",
        "save it as Gemma3ForCausalLM, or put model. before each name",
        (r"tensor (?:embed_tokens|layers\.\d+\.(?:self_attn|mlp|\w+norm)|norm)\.\S+",),
    ),
    Kind("a classifier or reward model", _TEXT_MODEL, (r"tensor (?:score|classifier|v_head)\b\S*",)),
    Kind(
        "weights in the layout of their publisher's own code",
        "take the version for transformers, or move this file away where both lie together",
        (r"file consolidated.*\.safetensors$",),
    ),
)
"""What is recognized wherever a model is read."""

INSTEAD: tuple[Kind, ...] = (
    Kind("a single file", "name the directory in which it lies", (r"file .+\.safetensors$",)),
    Kind(
        "weights in the layout of their publisher's own code",
        _PUBLISHED,
        (r"file consolidated.*$",),
    ),
    Kind(
        "the hub's cache of a model",
        "name the directory inside snapshots, or the hub id",
        (r"file snapshots$", r"file refs$"),
    ),
    Kind("a trainer's checkpoints", "name one of these directories", (r"file checkpoint-\d+$",)),
    Kind("an unfinished download", "finish it", (r"file .+\.(?:incomplete|crdownload|part|aria2)$",)),
    Kind("weights for Flax", SAVE_SAFETENSORS, (r"file .+\.msgpack$",)),
    Kind(
        "an Orbax checkpoint",
        _PUBLISHED,
        (r"file (?:_CHECKPOINT_METADATA|manifest\.ocdbt)$",),
    ),
    Kind("weights for TensorFlow or Keras", _PUBLISHED, (r"file .+\.(?:h5|keras|index)$",)),
    Kind("numpy arrays of an older MLX", _PUBLISHED, (r"file .+\.npz$",)),
    Kind("a model for ONNX", _SOURCE, (r"file .+\.onnx(?:_data)?$",)),
    Kind("a model for LiteRT", _SOURCE, (r"file .+\.(?:tflite|task|litertlm)$",)),
    Kind("a model for Core ML", _SOURCE, (r"file .+\.(?:mlpackage|mlmodelc?)$",)),
    Kind("an archive", "unpack it and name what is in it", (r"file .+\.(?:zip|tar|t?gz|7z|nemo)$",)),
)
"""What is recognized where there are no safetensors; beside them it would be no obstacle."""


def refuse_recognized(expected: str, lines: Iterable[str], kinds: Iterable[Kind] = KINDS) -> None:
    """Raises an error that names the kind which the lines give away; returns where there is none.

    Args:
      expected: What should have been there.
      lines: What was seen, as this module says.
      kinds: Which kinds are looked for.

    Raises:
      WeightsError: One was found.
    """
    seen = tuple(lines)
    for kind in kinds:
        found = [next(filter(None, (re.match(mark, line) for line in seen)), None) for mark in kind.marks]
        if found[0] and all(found):
            evidence = found[0][0].removeprefix("file ").partition(" begins ")[0]
            raise WeightsError(expected, f"{kind.what} ({evidence})", kind.fix)


def file_lines(directory: Path) -> list[str]:
    """What a directory holds, in lines."""
    return [f"file {path.name}" for path in sorted(directory.iterdir())]


def beginning(path: Path) -> str:
    """How a file begins, as a line.

    Raises:
      OSError: It cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(_BEGINNING).decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"{path} begins '{text}'"


def value_lines(values: Mapping[str, Any]) -> Iterator[str]:
    """The values of a config.json or of a GGUF's header, and those one level below, in lines."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{inner} {one!r}"[:300] for inner, one in value.items())
        elif not isinstance(value, list):  # a vocabulary tells nothing and is long
            yield f"{key} {value!r}"[:300]


def tensor_lines(types: Mapping[str, str]) -> list[str]:
    """Tensors by name with their types, in lines."""
    return [f"tensor {name} ({kind})" for name, kind in types.items()] or ["no tensor"]
