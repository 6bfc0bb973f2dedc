"""Supervised fine-tuning of an adapter: packed batches in, an adapter and a record of every update out."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from callwright.data.packing import ExampleCounts
from callwright.models.devices import put_batch
from callwright.training.curriculum import Batches
from callwright.training.losses import sft_loss
from callwright.training.settings import SftSettings
from callwright.training.trainer import LoraTrainer, Record


def train_sft(
    model: Any,
    batches: Batches,
    settings: SftSettings,
    *,
    mesh: jax.sharding.Mesh,
    directory: Path,
    record: Record,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[bool, ExampleCounts]:
    """Trains until `settings.steps` updates are done, starting after the last checkpoint in `directory`.

    Args:
      model: The adapted model; changed in place.
      batches: The stream of updates; the ones already trained on are passed over.
      settings: Steps, schedule, batch shape.
      mesh: The devices.
      directory: The stage's checkpoint directory.
      record: Called after every update with its metrics and the ids of its examples.
      should_stop: Asked before every update; when true, the state is saved and training returns.

    Returns:
      Whether all updates are done, and what was seen (the updates before a resume included).
    """
    current: dict[str, Any] = {}
    accumulation = settings.gradient_accumulation
    with mesh:
        trainer = LoraTrainer(
            model,
            settings,
            directory,
            accumulation=accumulation,
            record=lambda row: record(row | current),
        )
        trainer.with_loss_fn(sft_loss)
        trainer.with_gen_model_input_fn(lambda batch: {"batch": batch})

        def stream() -> Iterator[dict[str, jax.Array]]:
            nonlocal current
            for done, (ids, group) in enumerate(itertools.islice(batches, settings.steps)):
                if done >= trainer.train_steps and should_stop():
                    return
                tokens = sum(int(np.count_nonzero(batch["part"])) for batch in group)
                current = {"tokens": tokens, "examples": ids}
                yield from (put_batch(batch, mesh) for batch in group)

        trainer.train(stream())
    return trainer.train_steps >= settings.steps, batches.counts
