"""Weights that are about to be written: tensors by their Hugging Face names, each made only when it is written."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

Architecture = Literal["llama", "gemma3"]
"""The architectures that can be written, by their names in a GGUF."""


class LazyTensor(NamedTuple):
    """A tensor that is made, in the type that is asked for, when it is written: the largest are most of a file."""

    shape: tuple[int, ...]
    make: Callable[[np.dtype], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model without its tokenizer.

    Attributes:
      architecture: What computes with them.
      tensors: Every tensor by its Hugging Face name, in the order in which they are written.
      config: The config.json.
    """

    architecture: Architecture
    tensors: Mapping[str, LazyTensor]
    config: Mapping[str, Any]

    @property
    def parameters(self) -> int:
        """How many numbers they are."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())
