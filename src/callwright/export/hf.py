"""Merged weights as a Hugging Face directory, which transformers and vLLM load without code of ours."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from callwright.export.chat_files import generation_ids, write_chat_files
from callwright.export.merged import merged_weights
from callwright.export.trained import Trained
from callwright.models.safetensors_files import INDEX, NUMPY_DTYPES, Dtype, write_stream
from callwright.models.weights import LazyTensor
from callwright.storage import write_json

SHARD_BYTES = 5_000_000_000
"""The largest file that is written, unless one tensor is larger."""


def write_hf(trained: Trained, target: Path, *, dtype: Dtype = "bfloat16", shard_bytes: int = SHARD_BYTES) -> None:
    """Writes config.json, the weights, and what `chat_files.write_chat_files` writes.

    Args:
      trained: The model.
      target: The directory.
      dtype: What the numbers are stored as; they are merged in float32.
      shard_bytes: How large a file of weights may be; several have an index.

    Raises:
      CheckpointError: The adapter does not fit the base.
      WeightsError: A file of the base cannot be read.
      StorageError: The directory cannot be written.
    """
    weights = merged_weights(trained, dtype)
    ids = generation_ids(trained.base, trained.format)
    write_json(target / "config.json", {**weights.config, "dtype": dtype, **ids})
    write_chat_files(trained.base, trained.format, target)
    shards = list(_shards(weights.tensors, NUMPY_DTYPES[dtype].itemsize, shard_bytes))
    files: dict[str, str] = {}
    for number, names in enumerate(shards, 1):
        single = len(shards) == 1
        file = "model.safetensors" if single else f"model-{number:05}-of-{len(shards):05}.safetensors"
        shapes = {name: weights.tensors[name].shape for name in names}
        write_stream(target / file, shapes, dtype, (weights.tensors[name].make(NUMPY_DTYPES[dtype]) for name in names))
        files |= dict.fromkeys(names, file)
    if len(shards) > 1:
        size = weights.parameters * NUMPY_DTYPES[dtype].itemsize
        write_json(target / INDEX, {"metadata": {"total_size": size}, "weight_map": files})


def _shards(tensors: Mapping[str, LazyTensor], itemsize: int, most: int) -> Iterator[Sequence[str]]:
    """The names in each file, in order, none of which is larger than `most` bytes unless by a single tensor."""
    names: list[str] = []
    size = 0
    for name, tensor in tensors.items():
        needed = math.prod(tensor.shape) * itemsize
        if names and size + needed > most:
            yield names
            names, size = [], 0
        names.append(name)
        size += needed
    yield names
