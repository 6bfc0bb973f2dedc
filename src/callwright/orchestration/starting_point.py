"""What each training stage starts from: a finished stage, or the base model.

A stage starts from the nearest stage before it that this command runs or that this run has finished; else from what
`--resume` names; else from the base model, if no stage before it is enabled. A stage that was stopped goes on from what
it began with, whatever has been finished since.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callwright.errors import CheckpointError
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.rundir import RunDirectory
from callwright.report.events import StageProgress
from callwright.report.stage_list import SECTIONS, STAGES
from callwright.training.checkpoints import FILE, has_steps

BASE = STAGES[2].title


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """What a training stage starts from.

    Attributes:
      name: What the log calls it: `base model`, `stage3` of this run, or the path of another run's stage.
      checkpoint: The finished stage's directory; None of the base model.
    """

    name: str
    checkpoint: Path | None = None

    def __str__(self) -> str:
        """What people call it."""
        if self.checkpoint is None:
            return f"the {self.name}"
        stage = re.fullmatch(r"stage(\d)", self.name)
        return f"stage {stage[1]} ({STAGES[int(stage[1])].title})" if stage else self.name


def is_trained(run: RunDirectory, stage: int) -> bool:
    """Whether the stage left its adapter and logged it; killed between the two, it has nothing left to train."""
    return run.stage_finished(stage) and (run.checkpoint(stage) / FILE).is_file()


def starting_points(
    config: PipelineConfig, run: RunDirectory, resume: Path | None, numbers: Sequence[int]
) -> dict[int, StartingPoint]:
    """What the training stages that a command will train start from.

    Args:
      config: The run's configuration.
      run: Its directory.
      resume: The finished stage of another run that `--resume` names.
      numbers: The stages that the command runs.

    Raises:
      CheckpointError: A stage needs one before it that is enabled and neither run nor finished.
    """
    training = [number for number in numbers if number in SECTIONS and not is_trained(run, number)]
    return {number: _began(run, resume, number) or _first(config, run, resume, numbers, number) for number in training}


def _began(run: RunDirectory, resume: Path | None, stage: int) -> StartingPoint | None:
    """What an unfinished stage began with; None if it left nothing to go on from, or a version that does not say."""
    if not has_steps(run.checkpoint(stage)):
        return None
    began = [e.starts_from for e in run.events() if isinstance(e, StageProgress) and e.stage == stage and e.starts_from]
    if not began or began[-1] == BASE:
        return StartingPoint(BASE) if began else None
    earlier = re.fullmatch(r"stage(\d)", began[-1])
    if earlier:
        return StartingPoint(began[-1], run.checkpoint(int(earlier[1])))
    return StartingPoint(began[-1], resume or Path(began[-1]))


def _first(
    config: PipelineConfig, run: RunDirectory, resume: Path | None, numbers: Sequence[int], stage: int
) -> StartingPoint:
    """What a stage starts from that has done nothing yet."""
    before = [earlier for earlier in SECTIONS if earlier < stage]
    ready = [earlier for earlier in before if earlier in numbers or (run.checkpoint(earlier) / FILE).is_file()]
    if ready:
        return StartingPoint(f"stage{ready[-1]}", run.checkpoint(ready[-1]))
    if resume is not None:
        return StartingPoint(str(resume), resume)
    enabled = [earlier for earlier in before if config.stage(earlier).enabled]
    if enabled:
        without = " ".join(f"--set {SECTIONS[earlier]}.enabled=false" for earlier in enabled)
        raise CheckpointError(
            f"a finished stage before stage {stage} in {run.path}",
            "none",
            f"add {enabled[-1]} to --stages, or name one with --resume, or start from the base model with {without}",
        )
    return StartingPoint(BASE)
