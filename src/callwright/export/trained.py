"""What an export begins with: the adapter of a run's finished stage, the weights it fits, and its format."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from callwright.errors import ConfigError
from callwright.formats import get_format
from callwright.formats.base import Format, check_tokenizer
from callwright.models.license import License
from callwright.models.settings import LoraSettings
from callwright.models.sources import ModelFiles, resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.report.run_files import check_run, find_stage, split_run
from callwright.training.checkpoints import load_adapter, read_card


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model, its parts apart.

    Attributes:
      run: The run's directory.
      stage: The training stage that made the adapter.
      base: The frozen weights.
      adapter: The float32 factors by dotted name, e.g. `layers.0.attn.q_einsum.w_lora_a`; None of the base model alone.
      lora: The adapter's shape.
      format: How conversations are written.
    """

    run: Path
    stage: int
    base: ModelFiles
    adapter: Mapping[str, np.ndarray] | None
    lora: LoraSettings
    format: Format

    @property
    def scale(self) -> float:
        """What the product of two factors is multiplied by."""
        return self.lora.scale

    @property
    def license(self) -> License:
        """The terms of the weights, which also hold for what is made of them."""
        return self.base.license


def read_trained(run: Path, *, stage: int | None = None, fmt: str | None = None) -> Trained:
    """The model after a training stage of a run.

    Args:
      run: `runs/NAME`, `runs/NAME/stageN` or `runs/NAME/checkpoints/stageN`.
      stage: The stage, where `run` names none; the last finished one when both are silent.
      fmt: Another format than the one it was trained in.

    Raises:
      DataError: There is no run, or its log is damaged.
      CheckpointError: No stage is finished, or not this one; its adapter is broken or was trained on other weights.
      ConfigError: `run` and `stage` name two stages.
      WeightsError: The base cannot be read.
      FormatError: There is no such format, or the base's tokenizer lacks its control tokens.
    """
    files, named = split_run(run)
    if stage is not None and named not in (None, stage):
        raise ConfigError(f"one stage of {files.path}", f"stage {named} and stage {stage}", "name it once")
    created = check_run(files)
    files, number = find_stage(run if stage is None else files.path / f"stage{stage}")
    directory = files.checkpoint(number)
    card = read_card(directory)
    chosen = get_format(fmt or card.format, model=created.model.name)
    base = resolve_model(created.model.spec)
    adapter = load_adapter(directory, model_sha256=base.sha256, lora=card.lora)
    check_tokenizer(chosen, load_tokenizer(base.directory))
    arrays = {name: np.asarray(factor, np.float32) for name, factor in adapter.items()}
    return Trained(run=files.path, stage=number, base=base, adapter=arrays, lora=card.lora, format=chosen)


def read_base(source: str, fmt: str) -> Trained:
    """The base model alone, asked in a format.

    Args:
      source: A name or a place, as `model.source` has it.
      fmt: The format.

    Raises:
      WeightsError: It cannot be read.
      FormatError: There is no such format, or its tokenizer lacks the format's control tokens.
    """
    base = resolve_model(source)
    chosen = get_format(fmt, model=base.name)
    check_tokenizer(chosen, load_tokenizer(base.directory))
    return Trained(run=base.directory, stage=0, base=base, adapter=None, lora=LoraSettings(), format=chosen)
