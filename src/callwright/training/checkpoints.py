"""The result of a training stage: one safetensors file with the adapter, and in its header what the adapter fits.

While a stage runs, Tunix's own checkpoints (adapter, optimizer, step) lie in `steps/` beside it, from which a killed
stage is resumed. When it is finished, `adapter.safetensors` is written, atomically; its header says which weights and
which LoRA shape it fits, so that it is refused for any other model.
"""

import json
import os
import struct
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from callwright.errors import CheckpointError
from callwright.models.lora import Adapter
from callwright.models.settings import LoraSettings
from callwright.settings import validated
from callwright.storage import write_bytes

FILE = "adapter.safetensors"
_TRAIN_AGAIN = "train the stage again"


class AdapterCard(BaseModel):
    """The header of an adapter file."""

    schema_version: Literal[1] = 1
    model: str
    """The model's name for people, e.g. Gemma 3 270M."""
    model_sha256: str
    """The frozen weights it was trained on."""
    lora: LoraSettings
    """Its LoRA shape."""
    format: str
    """The format it was trained in, e.g. `xml/args`."""
    stage: str
    """The section of the stage that made it, e.g. `sft_full`."""
    steps: int
    """Updates in that stage."""


def save_adapter(directory: Path, adapter: Adapter, card: AdapterCard) -> Path:
    """Writes the stage's result."""
    arrays = {name: np.asarray(factor) for name, factor in sorted(adapter.items())}
    path = Path(directory) / FILE
    write_bytes(path, save(arrays, metadata={"callwright": card.model_dump_json()}))
    return path


def has_steps(directory: Path) -> bool:
    """Whether an unfinished stage left a checkpoint to go on from."""
    return any(step.name.isdigit() for step in (Path(directory) / "steps").glob("*"))


def read_card(directory: Path) -> AdapterCard:
    """The header of the stage's result.

    Raises:
      CheckpointError: There is none, it cannot be read, or it is not an adapter of ours.
    """
    path = Path(directory) / FILE
    if not os.path.isfile(path):  # also false where the directory may not be entered
        unfinished = (Path(directory) / "steps").is_dir()
        raise CheckpointError(
            f"a finished stage with {FILE} in {directory}",
            "a stage that was interrupted" if unfinished else "none",
            "run that stage again to finish it"
            if unfinished
            else "name a directory such as runs/NAME/checkpoints/stage3",
        )
    try:
        with open(path, "rb") as handle:
            (size,) = struct.unpack("<Q", handle.read(8))
            header = json.loads(handle.read(size if size < 1 << 24 else 0))
        card = json.loads(header["__metadata__"]["callwright"])
    except (OSError, struct.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(path, error) from error
    return validated(
        AdapterCard,
        card,
        where=f"an adapter written by this program as {path}",
        error=CheckpointError,
        fix=_TRAIN_AGAIN,
    )


def load_adapter(directory: Path, *, model_sha256: str, lora: LoraSettings) -> Adapter:
    """The adapter of a finished stage, for these weights and this LoRA shape.

    Raises:
      CheckpointError: It is missing, broken, or of another model or shape.
    """
    card = read_card(directory)
    if card.model_sha256 != model_sha256:
        raise CheckpointError(
            f"an adapter for weights {model_sha256[:12]}",
            f"{directory}, trained on {card.model} ({card.model_sha256[:12]})",
            "use the model that it was trained on, or another checkpoint",
        )
    if card.lora != lora:
        raise CheckpointError(
            f"an adapter of {_shape(lora)}",
            f"{directory} of {_shape(card.lora)}",
            "set lora in the configuration to the checkpoint's",
        )
    path = Path(directory) / FILE
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise _broken(path, error) from error


def _shape(lora: LoraSettings) -> str:
    return f"rank {lora.rank}, alpha {lora.alpha:g}, modules {', '.join(lora.modules)}"


def _broken(path: Path, error: Exception) -> CheckpointError:
    if isinstance(error, OSError):
        return CheckpointError(f"a readable adapter at {path}", error.strerror or str(error), "correct its rights")
    return CheckpointError(f"an adapter written by this program as {path}", str(error), _TRAIN_AGAIN)
