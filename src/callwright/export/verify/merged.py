"""Merged weights against base and adapter: a sum in every matrix, and so the same logits along every output."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from callwright.export.gguf import GgufKind
from callwright.export.verify.check import Check
from callwright.export.verify.forced import ForcedOutput
from callwright.export.verify.likeliest import LARGEST, Agreement, likeliest
from callwright.export.verify.reference import LogitModel
from callwright.models.safetensors_files import Dtype

_KINDS: Mapping[Dtype, GgufKind] = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
BOUND = 1e-4
"""By how much logits in float32 may differ, as a share of the largest."""


def check_merged(
    reference: LogitModel, merged: LogitModel, outputs: Sequence[ForcedOutput], *, dtype: Dtype = "float32"
) -> Check:
    """Compares merged weights with base and adapter, along held-out outputs.

    Args:
      reference: Base and adapter.
      merged: What was exported.
      outputs: What both are forced along.
      dtype: What the exported numbers are stored as: in float32 the logits must be the same, else nearly the same
        distributions.
    """
    agreement, largest, worst = Agreement.empty(), 0.0, "none"
    for forced in outputs:
        expected, got = reference.logits(forced), merged.logits(forced)
        difference = float(np.abs(got - expected).max() / max(float(np.abs(expected).max()), 1e-30))
        difference = math.inf if math.isnan(difference) else difference
        if difference > largest:
            largest, worst = difference, forced.id
        agreement.add(likeliest(expected), likeliest(got), forced.regions)
    detail = f"logits differ by {largest:.1e} of the largest at most (in {worst}); {agreement}"
    kind = _KINDS[dtype]
    passed = agreement.mean_divergence <= LARGEST[kind] and (dtype != "float32" or largest <= BOUND)
    numbers = {**agreement.numbers(), "largest_difference": largest}
    return Check("merged logits", passed, detail, numbers)
