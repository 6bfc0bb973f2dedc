"""Safetensors on disk: checking that they are a model's, and writing them without holding the model in memory.

A directory is accepted only if its files hold exactly the tensors of its configuration, each with its shape and all of
one type; a loader that matches names would otherwise leave a missing tensor at its random start. Only headers are read
for that. Writing streams, because the library's own writer wants every tensor in memory at once.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, safe_open

from callwright.errors import WeightsError
from callwright.models.gemma3 import Gemma3Config
from callwright.storage import atomic_file

Dtype = Literal["float32", "bfloat16", "float16"]
CODES: Mapping[Dtype, str] = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
"""Their names in safetensors and GGUF files."""
NUMPY_DTYPES: Mapping[Dtype, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float16": np.dtype("<f2"),
}
_PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
_FIX = "take the weights and the config.json that were published together"


def is_pickle(path: Path) -> bool:
    """Whether the name says that loading the file would run the code in it."""
    return path.suffix.lower() in _PICKLES


def find_weights(directory: Path) -> tuple[Path, ...]:
    """The directory's safetensors files, in order; a shard that its index names must be among them.

    Raises:
      WeightsError: There are none, or a shard is missing.
    """
    paths = tuple(sorted(directory.glob("*.safetensors")))
    if not paths:
        others = sorted(path for path in directory.iterdir() if is_pickle(path) or path.suffix == ".gguf")
        got, fix = "none", "name the directory that holds the weights"
        if others and others[0].suffix == ".gguf":
            got, fix = "a GGUF", f"name {others[0]} itself"
        elif others:
            got, fix = f"only {others[0].name}, which may run code when loaded", "convert it to safetensors first"
        raise WeightsError(f"*.safetensors in {directory}", got, fix)
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        try:
            shards = {str(shard) for shard in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise WeightsError(f"a weight_map in {index}", repr(error), _FIX) from error
        for shard in sorted(shards - {path.name for path in paths}):
            raise WeightsError(f"{shard}, named in {index}", "no such file", "fetch the missing shard")
    return paths


def check_weights(paths: Iterable[Path], config: Gemma3Config) -> None:
    """Checks that the files hold together exactly the configuration's tensors.

    Raises:
      WeightsError: A file is broken, or a tensor is missing, unknown, doubled or of another shape or type.
    """
    expected = config.tensor_shapes()
    owner: dict[str, Path] = {}
    dtypes: set[str] = set()
    for path in paths:
        for name, (shape, dtype) in _header(path).items():
            if name not in expected:
                raise WeightsError("only the tensors of config.json", f"{name} in {path}", _FIX)
            if name in owner:
                raise WeightsError(f"{name} once", f"it in {owner[name]} and {path}", "remove one of the two files")
            if shape != expected[name]:
                raise WeightsError(f"{name} of shape {expected[name]}", f"{shape} in {path}", _FIX)
            owner[name] = path
            dtypes.add(dtype)
    missing = [name for name in expected if name not in owner]
    where = ", ".join(str(path) for path in paths)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(f"{missing[0]}{more} in {where}", "no such tensor", _FIX)
    if len(dtypes) > 1 or not dtypes <= {"F32", "BF16", "F16"}:
        got = f"{', '.join(sorted(dtypes))} in {where}"
        raise WeightsError("tensors all of one type, F32, BF16 or F16", got, _FIX)


def _header(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type by name; opening checks that the file is as long as its header says."""
    try:
        with safe_open(path, framework="numpy") as file:  # type: ignore[no-untyped-call]
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            return {name: (tuple(one.get_shape()), one.get_dtype()) for name, one in slices.items()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"a whole safetensors file at {path}", str(error), "fetch or convert it again") from error


def write_stream(path: Path, shapes: Mapping[str, tuple[int, ...]], dtype: Dtype, blocks: Iterable[np.ndarray]) -> None:
    """Writes a safetensors file from blocks of rows, atomically.

    Args:
      path: The file.
      shapes: Every tensor's shape by its name, in the order in which they are written.
      dtype: What the numbers are stored as.
      blocks: The tensors' rows, one tensor after the other, in pieces of any size.
    """
    kind, offset = NUMPY_DTYPES[dtype], 0
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    for name, shape in shapes.items():
        end = offset + int(np.prod(shape)) * kind.itemsize
        header[name] = {"dtype": CODES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the numbers start aligned
    written = 0
    with atomic_file(path) as handle:
        handle.write(len(head).to_bytes(8, "little") + head)
        for block in blocks:
            written += handle.write(np.ascontiguousarray(block, kind).tobytes())
        if written != offset:
            raise WeightsError(f"{offset} bytes of tensors for {path}", f"{written}", "fetch the source file again")
