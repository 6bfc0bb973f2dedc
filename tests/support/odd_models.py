"""Models that are not plain weights, as people have them: how each comes about, and what the error says of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.support.tiny import TINY, tiny_tensors, write_tiny_gguf

from callwright.models.gemma3 import to_hf

PROJECTION = "model.layers.0.mlp.up_proj.weight"
LAYER = PROJECTION.removesuffix(".weight")
FACTORS = {"lora_A": np.zeros((2, 32), np.float32), "lora_B": np.zeros((64, 2), np.float32)}


class Case(NamedTuple):
    """A model that a user might name: how it comes about, and what the error says of it.

    `make` works in a directory with a tiny model, and returns what is named if that is not the directory.
    """

    make: Callable[[Path], Path | str | None]
    got: str
    fix: str


CASES: dict[str, Case] = {}


def case(got, fix):
    """Registers a function that makes a case."""

    def register(make):
        CASES[make.__name__] = Case(make, got, fix)
        return make

    return register


def configured(name, got, fix, **changes):
    """Registers a case in which the config.json has these keys beside its own."""

    def make(directory):
        (directory / "config.json").write_text(json.dumps(to_hf(TINY) | changes))

    CASES[name] = Case(make, got, fix)


def tensors(name, got, fix, change):
    """Registers a case with other tensors, which `change` makes of the model's own."""

    def make(directory):
        save_file(change(tiny_tensors()), directory / "model.safetensors")

    CASES[name] = Case(make, got, fix)


def files(name, got, fix, *names):
    """Registers a case in which the directory holds these files and no safetensors."""

    def make(directory):
        (directory / "model.safetensors").unlink()
        for one in names:
            (directory / one).parent.mkdir(exist_ok=True)
            (directory / one).write_bytes(b"\0")

    CASES[name] = Case(make, got, fix)


def begins(name, got, fix, data, file="model.safetensors"):
    """Registers a case in which a file begins so."""

    def make(directory):
        (directory / file).write_bytes(data)
        return directory / file if file.endswith(".gguf") else None

    CASES[name] = Case(make, got, fix)


def replaced(**parts):
    """Replaces a matrix by what a quantization stores for it."""

    def change(tensors):
        del tensors[PROJECTION]
        return tensors | {f"{LAYER}.{part.replace('__', '.')}": value for part, value in parts.items()}

    return change


def prefixed(prefix, old="model."):
    return lambda tensors: {prefix + name.removeprefix(old): tensor for name, tensor in tensors.items()}


# Adapters

MERGE = "merge_and_unload"


def adapter_only(directory, config="adapter_config.json", weights="adapter_model.safetensors"):
    for path in directory.iterdir():
        path.unlink()
    (directory / config).write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "google/gemma-3-270m"}))
    save_file({f"base_model.model.{LAYER}.{k}.weight": v for k, v in FACTORS.items()}, directory / weights)


@case(r"a PEFT adapter, and no model \(adapter_config.json\)", MERGE)
def peft_adapter(directory):
    adapter_only(directory)


@case(r"a PEFT adapter, and no model \(adapter_config.json\)", MERGE)
def peft_adapter_in_a_pickle_beside_a_trainers_state(directory):
    adapter_only(directory)
    (directory / "adapter_model.safetensors").rename(directory / "adapter_model.bin")
    (directory / "training_args.bin").write_bytes(b"\0")


@case(r"a PEFT adapter, and no model \(adapter_model.safetensors\)", MERGE)
def peft_adapter_as_the_hub_gives_it(directory):
    adapter_only(directory)
    (directory / "adapter_config.json").unlink()


@case(r"an MLX adapter, and no model \(adapters.safetensors\)", "mlx_lm.fuse")
def mlx_adapter(directory):
    adapter_only(directory, weights="adapters.safetensors")


@case(r"the adapter that a stage left, and no model \(adapter.safetensors\)", "--resume")
def stage_of_a_run(directory):
    adapter_only(directory, weights="adapter.safetensors")
    (directory / "adapter_config.json").unlink()


BESIDE = r"an adapter beside the weights, which would not be applied \(adapter\S+\)"


@case(BESIDE, "move its files away")
def adapter_beside_weights(directory):
    (directory / "adapter_config.json").write_text("{}")
    save_file(FACTORS, directory / "adapter_model.safetensors")


@case(BESIDE, "move its files away")
def adapter_in_a_pickle_beside_weights(directory):
    (directory / "adapter_model.bin").write_bytes(b"\x80")


@case(BESIDE, "move its files away")
def settings_of_an_adapter_beside_weights(directory):
    (directory / "adapter_config.json").write_text('{"use_dora": true}')


@case(BESIDE, "move its files away")
def mlx_adapter_beside_weights(directory):
    save_file(FACTORS, directory / "adapters.safetensors")


UNMERGED = r"an adapter that is not merged \(tensor \S+\)"
tensors(
    "factors_among_the_weights",
    UNMERGED,
    MERGE,
    lambda own: own | {f"{LAYER}.{name}.weight": factor for name, factor in FACTORS.items()},
)
tensors(
    "factors_of_a_named_adapter",
    UNMERGED,
    MERGE,
    lambda own: own | {f"{LAYER}.{name}.default.weight": factor for name, factor in FACTORS.items()},
)
tensors(
    "dora", UNMERGED, MERGE, lambda own: own | {f"{LAYER}.lora_magnitude_vector.weight": np.ones((64,), np.float32)}
)
tensors("base_layer", UNMERGED, MERGE, replaced(base_layer__weight=np.zeros((64, 32), np.float32)))
tensors(
    "modules_to_save",
    UNMERGED,
    MERGE,
    lambda own: (
        prefixed("base_model.model.", "")(own)
        | {"base_model.model.lm_head.modules_to_save.default.weight": np.zeros((512, 32), np.float32)}
    ),
)
tensors(
    "prefix_of_peft",
    r"a model saved from inside PEFT \(tensor base_model\.\S+\)",
    "save what merge_and_unload gives",
    prefixed("base_model.model.", ""),
)

# Quantized weights

ORIGINAL = "name the model that was quantized, in F32, BF16 or F16, or a GGUF of it"
BYTES = np.zeros((64, 16), np.uint8)
WORDS = np.zeros((64, 4), np.uint32)
SCALES = np.zeros((64, 1), np.float32)
for method, name in {
    "bitsandbytes": "with bitsandbytes",
    "gptq": "with GPTQ",
    "awq": "with AWQ",
    "compressed-tensors": "as compressed-tensors",
    "fp8": "to FP8",
    "fbgemm_fp8": "to FP8",
}.items():
    configured(
        f"{method}_by_its_configuration",
        rf"weights quantized {name} \(quantization_config\.quant_method '{method}'\)",
        ORIGINAL,
        quantization_config={"quant_method": method, "bits": 4},
    )
for method in ("hqq", "torchao", "aqlm", "quanto", "exl2", "mxfp4", "modelopt"):
    configured(
        f"{method}_by_its_configuration",
        rf"quantized weights \(quantization_config\.quant_method '{method}'\)",
        ORIGINAL,
        quantization_config={"quant_method": method},
    )
configured(
    "mlx_by_its_configuration",
    r"weights quantized with MLX \(quantization\.group_size 64\)",
    r"mlx_lm\.convert --dequantize",
    quantization={"group_size": 64, "bits": 4},
    quantization_config={"group_size": 64, "bits": 4},
)
configured(
    "old_bitsandbytes_by_its_configuration",
    r"weights quantized with bitsandbytes \(quantization_config\.load_in_8bit True\)",
    "transformers' dequantize",
    quantization_config={"load_in_8bit": True, "load_in_4bit": False},
)
for name, method, parts in (
    (
        "bitsandbytes_nf4",
        "with bitsandbytes",
        {"weight": np.zeros((1024, 1), np.uint8), "weight__absmax": SCALES[:, 0], "weight__quant_map": SCALES[:16, 0]},
    ),
    (
        "bitsandbytes_state",
        "with bitsandbytes",
        {"weight": np.zeros((1024, 1), np.uint8), "weight__quant_state__bitsandbytes__nf4": BYTES[0]},
    ),
    ("bitsandbytes_int8", "with bitsandbytes", {"weight": np.zeros((64, 32), np.int8), "SCB": SCALES[:, 0]}),
    (
        "gptq",
        "with GPTQ",
        {"qweight": WORDS.view(np.int32), "qzeros": WORDS, "scales": SCALES, "g_idx": np.zeros(32, np.int32)},
    ),
    ("awq", "with AWQ", {"qweight": WORDS.view(np.int32), "qzeros": WORDS, "scales": SCALES}),
    ("mlx", "with MLX", {"weight": WORDS, "scales": SCALES, "biases": SCALES}),
    ("mlx_without_biases", "with MLX", {"weight": WORDS, "scales": BYTES}),
    ("compressed_tensors", "as compressed-tensors", {"weight_packed": WORDS.view(np.int32), "weight_scale": SCALES}),
    ("fp8", "to FP8", {"weight": np.zeros((64, 32), "float8_e4m3fn"), "weight_scale": SCALES}),
    ("fp8_blocks", "to FP8", {"weight": np.zeros((64, 32), "float8_e4m3fn"), "weight_scale_inv": SCALES}),
):
    tensors(f"{name}_by_its_tensors", rf"weights quantized {method} \(tensor \S+", ORIGINAL, replaced(**parts))
for dtype in ("int8", "uint8", "int32", "int64", "bool"):
    tensors(
        f"all_of_{dtype}",
        r"quantized weights \(tensor \S+ \(\w+\)",
        ORIGINAL,
        lambda own, dtype=dtype: {name: tensor.astype(dtype) for name, tensor in own.items()},
    )
tensors(
    "scales_of_an_unknown_kind",
    r"quantized weights \(tensor \S+_scale",
    ORIGINAL,
    lambda own: own | {f"{LAYER}.input_scale": SCALES},
)

# The right numbers under other names, and relatives of the model

VISION = {"vision_tower.vision_model.post_layernorm.weight": np.ones(8, np.float32)}
LANGUAGE = r"the text part of a model that sees images \(tensor \S+\)"
tensors("language_model", LANGUAGE, "rename the tensors without it", prefixed("language_model.", ""))
tensors("model_language_model", LANGUAGE, "rename the tensors without it", prefixed("model.language_model."))
for name, prefix in (("old", ""), ("new", "model.")):
    tensors(
        f"vision_in_the_{name}_layout",
        rf"a model that sees images \(tensor {prefix}vision_tower\.",
        "name a Gemma 3 text model",
        lambda own, prefix=prefix: (
            prefixed("language_model.", "")(own) | {prefix + name: value for name, value in VISION.items()}
        ),
    )
for wrapper in ("_orig_mod.", "module.", "_forward_module.", "_fsdp_wrapped_module."):
    tensors(
        f"wrapper_{wrapper}",
        r"a model saved from inside one of PyTorch's wrappers \(tensor ",
        "save the module inside the wrapper",
        prefixed(wrapper, ""),
    )
tensors(
    "bare",
    r"a model without its output head \(no model\. before its names\)",
    r"put model\. before each name",
    prefixed(""),
)
tensors(
    "classifier",
    r"a classifier or reward model \(tensor score\.weight\)",
    "name a Gemma 3 text model",
    lambda own: own | {"score.weight": np.zeros((2, 32), np.float32)},
)
tensors("empty", r"a file without tensors \(no tensor\)", "name one with the weights", lambda own: {})
configured("vision", r"a Gemma 3 that sees images \(4B and larger\) \(model_type 'gemma3'", "270m", model_type="gemma3")
configured("other", "another architecture.*model_type 'gemma3n'", "name a Gemma 3 text model", model_type="gemma3n")
configured(
    "embedding_model",
    "an embedding model, which writes no text",
    "name a Gemma 3 text",
    use_bidirectional_attention=True,
)
configured(
    "untied",
    r"a model with an output head of its own \(tie_word_embeddings False\)",
    "if its lm_head.weight equals the embedding, set this key to true",
    tie_word_embeddings=False,
)


@case("weights in the layout of their publisher's own code", "move this file away where both lie together")
def consolidated_beside_weights(directory):
    save_file({"norm.weight": np.zeros(32, np.float32)}, directory / "consolidated.safetensors")


# Files that are not what their names say

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 536223056\n"
PAGE = b'\n<!doctype html>\n<html class="">\n<head><meta charset="utf-8" />'
for file in ("model.safetensors", "m.gguf", "config.json", "tokenizer.model"):
    got = rf"a Git LFS pointer in place of the file \(\S+{re.escape(file)}\)"
    begins(f"pointer_as_{file}", got, "run `git lfs pull`", POINTER, file)
    begins(f"page_as_{file}", rf"a web page in place of the file \(\S+{re.escape(file)}\)", "/resolve/", PAGE, file)
for number, text in enumerate((b'{"error":"not found"}', b"Access to model x is restricted", b"Entry not found")):
    begins(f"refusal_{number}", "a server's refusal in place of the file", "hf auth login", text, "m.gguf")


@case(r"a Git LFS pointer in place of the file \(\S+tokenizer\.json\)", "run `git lfs pull`")
def pointer_as_tokenizer_json(directory):
    (directory / "tokenizer.model").unlink()
    (directory / "tokenizer.json").write_bytes(POINTER)


begins("gguf_as_safetensors", "a GGUF under another name", "suffix .gguf", b"GGUF\3\0\0\0" + bytes(64))
PICKLE = "a pickled checkpoint under another name, which may run code when loaded"
begins("zip_as_safetensors", PICKLE, "to safetensors first", b"PK\3\4" + bytes(64))
begins("pickle_as_safetensors", PICKLE, "to safetensors first", b"\x80\2\x8a" + bytes(64))
begins("gzip_as_safetensors", "an archive", "unpack it", b"\x1f\x8b\x08" + bytes(64))
begins("zip_as_gguf", "an archive", "unpack it", b"PK\3\4" + bytes(64), "m.gguf")
begins("ggml_as_gguf", "a GGML file, older than GGUF", "convert the original", b"tjgg\1\0\0\0" + bytes(64), "m.gguf")
begins(
    "safetensors_as_gguf",
    "a safetensors file under another name",
    "its directory as the model",
    b'\x30\0\0\0\0\0\0\0{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   ' + bytes(4),
    "m.gguf",
)

# GGUF files


def header(name, got, fix, **changes):
    """Registers a GGUF with more in its header."""

    def make(directory):
        values = {key.replace("__", "."): value for key, value in changes.items()}
        return write_tiny_gguf(directory / "m.gguf", architecture=values.pop("architecture", "gemma3"), extra=values)

    CASES[name] = Case(make, got, fix)


header(
    "lora_gguf", r"a LoRA adapter as GGUF, and no model \(general.type", "llama-export-lora", general__type="adapter"
)
header("old_lora_gguf", r"a LoRA adapter as GGUF, and no model \(adapter", "llama-export-lora", adapter__type="lora")
header("mmproj", r"the part of a model that reads images \(mmproj\)", "of the text model", general__type="mmproj")
header("clip", r"the part of a model that reads images \(mmproj\)", "of the text model", architecture="clip")
header("imatrix", "an importance matrix, and no model", "name the GGUF of the model", general__type="imatrix")
header("split", r"one part of a split GGUF \(split.count 3\)", "llama-gguf-split --merge", split__count=3)
header("qwen_gguf", r"another architecture \(general.architecture 'qwen3'\)", "name a Gemma", architecture="qwen3")


@case("a file without tensors", "name one with the weights")
def vocabulary(directory):
    return write_tiny_gguf(directory / "m.gguf", tensors={})


@case("a GGUF for big-endian machines", "gguf-convert-endian")
def big_endian(directory):
    return write_tiny_gguf(directory / "m.gguf", endianess=gguf.GGUFEndian.BIG)


@case(r"another output\.weight in \S+m\.gguf", "train it with tied embeddings")
def untied_gguf(directory):
    class Writer(gguf.GGUFWriter):
        def write_header_to_file(self, path=None):
            self.add_tensor("output.weight", np.zeros((512, 32), np.float32))
            super().write_header_to_file(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "GGUFWriter", Writer)
        return write_tiny_gguf(directory / "m.gguf")


# What lies in a directory without safetensors, or is named itself

files(
    "only_consolidated",
    "weights in the layout of their publisher's own code",
    "for transformers",
    "consolidated.00.pth",
)
files("cache_of_the_hub", "the hub's cache of a model", "inside snapshots", "snapshots/x", "refs/main", "blobs/y")
files("checkpoints", r"a trainer's checkpoints \(checkpoint-500\)", "name one of", "checkpoint-500/model.safetensors")
files("unfinished", "an unfinished download", "finish it", "model.safetensors.incomplete")
files("flax", r"weights for Flax \(flax_model.msgpack\)", "safetensors first", "flax_model.msgpack")
files("orbax", r"an Orbax checkpoint", "take the version for transformers", "_CHECKPOINT_METADATA", "manifest.ocdbt")
files("keras", "weights for TensorFlow or Keras", "take the version for transformers", "model.weights.h5")
files("npz", r"numpy arrays of an older MLX \(weights\.npz\)", "take the version for transformers", "weights.npz")
files("onnx", "a model for ONNX", "name the model that it was made from", "model_q4.onnx")
files("litert", "a model for LiteRT", "name the model that it was made from", "gemma3-270m-it-q8.task")
files("core_ml", "a model for Core ML", "name the model that it was made from", "model.mlpackage/Manifest.json")
files("archive", r"an archive \(model\.tar\.gz\)", "unpack it", "model.tar.gz")
files("pickle", r"only pytorch_model\.bin, which may run code when loaded", "to safetensors first", "pytorch_model.bin")


@case(r"a single file \(model\.safetensors\)", "name the directory in which it lies")
def one_file(directory):
    return directory / "model.safetensors"


@case(r"a PEFT adapter, and no model \(adapter_model\.safetensors\)", MERGE)
def one_adapter(directory):
    return (directory / "model.safetensors").rename(directory / "adapter_model.safetensors")


@case("an archive", "unpack it")
def one_archive(directory):
    (directory / "gemma.zip").write_bytes(b"PK")
    return directory / "gemma.zip"
