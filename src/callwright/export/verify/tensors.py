"""Every tensor of a GGUF against the merged weights: nothing is missing, and nothing differs by more than its type."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from callwright.export.merged import merged_weights
from callwright.export.trained import Trained
from callwright.export.verify.check import Check
from callwright.models.gguf import gguf_name, is_norm, open_gguf

LARGEST_ERROR: Mapping[str, float] = {
    "F32": 1e-6,
    "F16": 1e-3,
    "BF16": 5e-3,
    "Q8_0": 0.02,
    "Q6_K": 0.04,
    "Q5_K": 0.08,
    "Q5_1": 0.08,
    "Q5_0": 0.08,
    "Q4_K": 0.16,
    "Q4_1": 0.16,
    "Q4_0": 0.16,
}
"""How large the error of a tensor may be, as a share of the tensor (Frobenius norms), by ggml's name of its type: about
twice that of normally distributed numbers."""
_BLOCK = 1 << 22  # numbers dequantized at a time: 16 MiB as float32


def check_tensors(trained: Trained, path: Path) -> Check:
    """Compares each tensor of a GGUF with base and adapter.

    Raises:
      WeightsError: There is no GGUF, or a broken one.
    """
    reader, _ = open_gguf(path)
    found = {str(tensor.name): tensor for tensor in reader.tensors}
    wrong, worst = list[str](), ("none", 0.0)
    for name, tensor in merged_weights(trained).tensors.items():
        theirs = gguf_name(name)
        stored = found.pop(theirs, None)
        if stored is None:
            wrong.append(f"{theirs} is missing")
            continue
        error, kind = _error(stored, tensor.make(np.dtype(np.float32)), norm=is_norm(name)), stored.tensor_type.name
        if not error <= LARGEST_ERROR.get(kind, 0.0):
            wrong.append(f"{theirs}, stored as {kind}, differs by {error:.1%}")
        if error > worst[1]:
            worst = theirs, error
    wrong += [f"{theirs} is none of the model's" for theirs in found]
    numbers = {"largest_error": worst[1], "different": float(len(wrong))}
    detail = f"all tensors are within the bounds of their types; {worst[0]} differs most, by {worst[1]:.2%}"
    if wrong:
        detail = f"{wrong[0]} ({len(wrong)} tensors in all)"
    return Check("tensors", not wrong, detail, numbers)


def _error(stored: Any, expected: np.ndarray, *, norm: bool) -> float:
    """The Frobenius norm of the error, as a share of that of what is expected."""
    if tuple(int(n) for n in reversed(stored.shape)) != expected.shape:
        return math.inf
    rows = max(1, _BLOCK * len(stored.data) // int(stored.n_elements))
    squares = whole = 0.0
    for start in range(0, len(stored.data), rows):
        got = gguf.quants.dequantize(stored.data[start : start + rows], stored.tensor_type)
        # A norm is stored plus one, and nearly all of it may be that one.
        wanted = expected[start : start + rows] + np.float32(1) if norm else expected[start : start + rows]
        squares += float(np.square(got - wanted, dtype=np.float64).sum())
        whole += float(np.square(wanted, dtype=np.float64).sum())
    return math.sqrt(squares / whole) if whole else float(squares > 0)
