"""The trained model as one set of weights: base and adapter merged, a tensor at a time.

Each matrix is read, merged in float32 and only then rounded to the type it is written in, when it is written; so a
merge holds the embedding, the largest tensor, in memory and never the model. The embedding is tied to the output head
and has no adapter: it is written as it was read.
"""

from collections.abc import Callable

import numpy as np

from callwright.export.trained import Trained
from callwright.models.gemma3 import to_hf
from callwright.models.hf_names import Factors, factors_of
from callwright.models.safetensors_files import Dtype, lazy_tensors
from callwright.models.weights import LazyTensor, Weights


def merged_weights(trained: Trained, dtype: Dtype = "float32") -> Weights:
    """The merged tensors under Hugging Face's names, in the order of `Gemma3Config.tensor_shapes`.

    Args:
      trained: The model.
      dtype: What config.json says that the numbers are stored as.

    Raises:
      CheckpointError: An adapted module lacks a factor, or a factor has no module, or another shape than its module.
    """
    config = trained.base.config
    tensors = lazy_tensors(trained.base.weights, config)
    if trained.adapter is not None:
        for name, factors in factors_of(trained.adapter, config, trained.lora.modules).items():
            tensors[name] = LazyTensor(tensors[name].shape, _merge(tensors[name], factors, trained.scale))
    return Weights(architecture="gemma3", tensors=tensors, config=to_hf(config, dtype))


def _merge(base: LazyTensor, factors: Factors, scale: float) -> Callable[[np.dtype], np.ndarray]:
    """Makes the base's matrix (out, in) with the scaled product of its factors added."""

    def make(dtype: np.dtype) -> np.ndarray:
        matrix = base.make(np.dtype(np.float32))
        matrix += np.float32(scale) * (factors.b @ factors.a)
        return matrix.astype(dtype, copy=False)

    return make
