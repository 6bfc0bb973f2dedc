"""Safetensors on disk: checking that they are a model's, reading them, and writing them as they are made.

A directory is accepted only if its files hold exactly the tensors of its configuration, each with its shape; a loader
that matches names would otherwise leave a missing tensor at its random start. Only headers are read for that. Types may
differ from tensor to tensor (norms are often kept in single precision), because each is converted on its own. An output
head beside the embedding is accepted where the two are equal, since Gemma 3 ties them. Writing streams, because the
library's own writer wants every tensor in memory at once.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, safe_open

from callwright.errors import WeightsError
from callwright.models.gemma3 import Gemma3Config
from callwright.models.recognition import (
    INSTEAD,
    SAVE_SAFETENSORS,
    beginning,
    file_lines,
    refuse_recognized,
    tensor_lines,
)
from callwright.models.weights import LazyTensor
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
HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
"""The output head, which a file need not hold, and the matrix that it is tied to."""
INDEX = "model.safetensors.index.json"
_BLOCK = 1 << 14  # rows of a head compared at a time: 40 MB of the 270M
_FIX = "take the weights and the config.json that were published together"


def is_pickle(path: Path) -> bool:
    """Whether the name says that loading the file would run the code in it."""
    return path.suffix.lower() in _PICKLES


def find_weights(directory: Path) -> tuple[Path, ...]:
    """The directory's safetensors files, in order; a shard that its index names must be among them.

    Raises:
      WeightsError: There are none, a shard is missing, or the directory holds an adapter or something else instead.
    """
    paths, held = tuple(sorted(directory.glob("*.safetensors"))), file_lines(directory)
    refuse_recognized(f"the weights of a model in {directory}", held)
    if not paths:
        refuse_recognized(f"*.safetensors in {directory}", held, INSTEAD)
        others = sorted(path for path in directory.iterdir() if is_pickle(path) or path.suffix == ".gguf")
        got, fix = "none", "name the directory that holds the weights"
        if others and others[0].suffix == ".gguf":
            got, fix = "a GGUF", f"name {others[0]} itself"
        elif others:
            got, fix = f"only {others[0].name}, which may run code when loaded", SAVE_SAFETENSORS
        raise WeightsError(f"*.safetensors in {directory}", got, fix)
    for shard in sorted(set(_weight_map(directory).values()) - {path.name for path in paths}):
        fix = "fetch the missing shard, or remove the index if the other files are the whole model"
        raise WeightsError(f"{shard}, named in {directory / INDEX}", "no such file", fix)
    return paths


def _weight_map(directory: Path) -> dict[str, str]:
    """The file of each tensor by the directory's index of shards; nothing where there is no index."""
    index = directory / INDEX
    if not index.is_file():
        return {}
    try:
        named = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        return {name: str(shard) for name, shard in named.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"a weight_map in {index}", repr(error), _FIX) from error


def check_weights(paths: Sequence[Path], config: Gemma3Config) -> None:
    """Checks that the files hold together exactly the configuration's tensors.

    Raises:
      WeightsError: A file is broken, its weights are quantized or not those of a model, a tensor is missing, unknown,
        doubled or of another shape or type, or the output head is not the embedding.
    """
    expected, where = config.tensor_shapes(), ", ".join(str(path) for path in paths)
    headers = {path: _header(path) for path in paths}
    types = {name: kind for header in headers.values() for name, (_, kind) in header.items()}
    refuse_recognized(f"the tensors of a Gemma 3 text model in {where}", tensor_lines(types))
    owner: dict[str, Path] = {}
    for path, header in headers.items():
        for name, (shape, kind) in header.items():
            wanted = expected.get(EMBEDDING if name == HEAD else name)
            if wanted is None:
                raise WeightsError("only the tensors of config.json", f"{name} in {path}", _FIX)
            if name in owner:
                raise WeightsError(f"{name} once", f"it in {owner[name]} and {path}", "remove one of the two files")
            if shape != wanted:
                raise WeightsError(f"{name} of shape {wanted}", f"{shape} in {path}", _FIX)
            if kind not in CODES.values():
                raise WeightsError(f"{name} in F32, BF16 or F16", f"{kind} in {path}", _FIX)
            owner[name] = path
    missing = [name for name in expected if name not in owner]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(f"{missing[0]}{more} in {where}", "no such tensor", _FIX)
    for name, shard in _weight_map(paths[0].parent).items():
        if name != HEAD and (name not in owner or owner[name].name != shard):
            fix = "fetch that file and the index again, from one place"
            raise WeightsError(f"{name} in {shard}, as {paths[0].parent / INDEX} says", "no such tensor", fix)
    if HEAD in owner:
        _check_head(owner[HEAD], owner[EMBEDDING])


def _check_head(head: Path, embedding: Path) -> None:
    """Refuses an output head that is not the embedding, as numbers."""
    with safe_open(head, framework="numpy") as first, safe_open(embedding, framework="numpy") as second:  # type: ignore[no-untyped-call]
        one, other = first.get_slice(HEAD), second.get_slice(EMBEDDING)
        rows = one.get_shape()[0]
        for start in range(0, rows, _BLOCK):
            end = min(start + _BLOCK, rows)
            mine, theirs = (tensor[start:end].astype(np.float32) for tensor in (one, other))
            if not np.array_equal(mine, theirs, equal_nan=True):
                raise untied(f"{HEAD} in {head}")


def untied(head: str) -> WeightsError:
    """The error for an output head that is not the embedding."""
    fix = "train it with tied embeddings, or take the model that it was trained from"
    return WeightsError("an output head equal to the embedding, as Gemma 3 ties them", f"another {head}", fix)


def _header(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type by name; opening checks that the file is as long as its header says."""
    expected = f"a whole safetensors file at {path}"
    try:
        with safe_open(path, framework="numpy") as file:  # type: ignore[no-untyped-call]
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            return {name: (tuple(one.get_shape()), one.get_dtype()) for name, one in slices.items()}
    except SafetensorError as error:
        refuse_recognized(expected, [beginning(path)])
        raise WeightsError(expected, str(error), "fetch or convert it again") from error
    except OSError as error:
        raise WeightsError(expected, str(error), "fetch or convert it again") from error


def read_tensors(paths: Iterable[Path], config: Gemma3Config, dtype: Dtype) -> dict[str, np.ndarray]:
    """The configuration's tensors by name, each converted to `dtype`; see `check_weights`, which has passed."""
    tensors, names = {}, config.tensor_shapes()
    for path in paths:
        with safe_open(path, framework="numpy") as file:  # type: ignore[no-untyped-call]
            for name in file.keys():  # noqa: SIM118 - not a mapping
                if name in names:
                    tensors[name] = np.asarray(file.get_tensor(name)).astype(NUMPY_DTYPES[dtype], copy=False)
    return tensors


def lazy_tensors(paths: Iterable[Path], config: Gemma3Config) -> dict[str, LazyTensor]:
    """The configuration's tensors in its order, each read when it is made; see `check_weights`, which has passed."""

    def reading(path: Path, name: str) -> Callable[[np.dtype], np.ndarray]:
        def make(dtype: np.dtype) -> np.ndarray:
            with safe_open(path, framework="numpy") as file:  # type: ignore[no-untyped-call]
                return np.asarray(file.get_tensor(name)).astype(dtype, copy=False)

        return make

    owner = {name: path for path in paths for name in _header(path)}
    return {name: LazyTensor(shape, reading(owner[name], name)) for name, shape in config.tensor_shapes().items()}


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
            written += handle.write(np.ascontiguousarray(block, kind).reshape(-1).view(np.uint8).data)
        if written != offset:
            raise WeightsError(f"{offset} bytes of tensors for {path}", f"{written}", "fetch the source file again")
