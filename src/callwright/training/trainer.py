"""Tunix's trainer, with checks and records of every update.

`PeftTrainer` owns the step, the optimizer and the checkpoints. This class adds three promises: a step that is not
finite ends training before it can reach a checkpoint; every update is recorded with its metrics; and checkpoints are
written before the next step begins, so that what a kill leaves behind is always a state that training had.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import orbax.checkpoint as ocp
from tunix.sft import peft_trainer

from callwright.errors import CheckpointError, TrainingError
from callwright.training.settings import OptimizerSettings

Record = Callable[[dict[str, Any]], None]


def schedule(settings: OptimizerSettings) -> optax.Schedule:
    """Learning rate by update."""
    warmup = min(settings.warmup_steps, max(settings.steps - 1, 0))
    return optax.schedules.warmup_cosine_decay_schedule(
        init_value=settings.learning_rate / (warmup + 1),
        peak_value=settings.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(settings.steps, warmup + 1),
        end_value=settings.final_learning_rate,
    )


def optimizer(settings: OptimizerSettings) -> optax.GradientTransformation:
    """The transformation; Tunix wraps it so that its counter moves once an update."""
    return optax.chain(
        optax.clip_by_global_norm(settings.clip_norm),
        optax.adamw(schedule(settings), b1=0.9, b2=0.95, weight_decay=settings.weight_decay),
    )


class LoraTrainer(peft_trainer.PeftTrainer):
    """Trains the adapter of a model; resumes by itself from `directory`/steps.

    Args:
      model: An adapted model (`models.lora.attach`).
      settings: Optimizer and schedule.
      directory: The stage's checkpoint directory.
      accumulation: Batches in one update.
      record: Called with a dictionary of metrics after every update.
    """

    def __init__(
        self, model: Any, settings: OptimizerSettings, directory: Path, *, accumulation: int, record: Record
    ) -> None:
        options = ocp.CheckpointManagerOptions(
            save_interval_steps=settings.checkpoint_every, max_to_keep=2, enable_async_checkpointing=False
        )
        self.metadata: dict[str, Any] = {}
        config = peft_trainer.TrainingConfig(
            eval_every_n_steps=1 << 62,
            gradient_accumulation_steps=accumulation if accumulation > 1 else None,
            checkpoint_root_directory=str((directory / "steps").absolute()),
            checkpointing_options=options,
            max_inflight_computations=1,
        )
        _check_parts(directory / "steps")
        try:
            super().__init__(model, optimizer(settings), config)
        except (ValueError, OSError, KeyError, RuntimeError, TypeError) as error:  # of a damaged checkpoint
            raise CheckpointError(
                f"checkpoints of this model and LoRA shape in {directory}/steps",
                " ".join(str(error).split())[:200],
                "remove that directory to start the stage again",
            ) from error
        self.accumulation = accumulation
        self.rate = schedule(settings)
        self.record = record
        self._clock = time.perf_counter()

    @property
    def restored(self) -> Mapping[str, Any]:
        """The metadata of the checkpoint that training resumed from; empty at a fresh start."""
        return self._restored_custom_metadata or {}

    def custom_checkpoint_metadata(self) -> dict[str, Any]:
        """What is saved beside the arrays."""
        return self.metadata

    def _save_last_checkpoint(self) -> None:
        """As in Tunix, but with the metadata, which it leaves out of the last checkpoint."""
        if (self.checkpoint_manager.latest_step() or 0) < self.train_steps:
            self.checkpoint_manager.save(
                self.train_steps,
                self.model,
                self.optimizer,
                save_only_lora_params=True,
                force=True,
                custom_metadata=self.metadata,
            )

    def _post_process_train_step(self, aux: Mapping[str, Any] | None) -> None:
        buffered = self._buffered_train_metrics
        norms = buffered.additional_metrics["grad_norm"][0]
        step = self.train_steps + 1
        for name, value in (("loss", buffered.losses[-1]), ("gradient norm", norms[-1])):
            if not math.isfinite(float(value)):
                raise TrainingError(
                    f"a finite {name} at step {step}",
                    str(float(value)),
                    "lower learning_rate and run again: the last checkpoint is from before",
                )
        if (self.iter_steps + 1) % self.accumulation == 0:
            now = time.perf_counter()
            row = {"step": step, "loss": float(buffered.loss), "grad_norm": float(np.mean([float(n) for n in norms]))}
            row["learning_rate"] = float(self.rate(self.train_steps))
            row |= {name: float(value) for name, value in jax.device_get(aux or {}).items()}
            self.record(row | {"seconds": round(now - self._clock, 3)})
            self._clock = now


def _check_parts(steps: Path) -> None:
    """Refuses a checkpoint that lacks a part: Tunix would restore the rest and start the optimizer afresh."""
    numbers = [int(step.name) for step in steps.glob("*") if step.name.isdigit()]
    if numbers:
        latest = steps / str(max(numbers))
        missing = [part for part in ("model_params", "optimizer_state") if not (latest / part).is_dir()]
        if missing:
            raise CheckpointError(
                f"a whole checkpoint in {latest}",
                f"one without {' and '.join(missing)}",
                "remove that directory to resume from the checkpoint before it",
            )
