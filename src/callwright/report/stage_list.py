"""The stages of the pipeline, in one table."""

from dataclasses import dataclass
from typing import Literal

StageKind = Literal["format", "evaluation", "sft", "grpo"]


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """A stage.

    Attributes:
      number: What `--stages` calls it; a run's files and log say `stage3` and 3.
      title: How a report calls the model after it.
      kind: What it does.
      section: The section of the configuration that has its settings; "" where it does not train.
    """

    number: int
    title: str
    kind: StageKind
    section: str = ""


STAGES = {
    stage.number: stage
    for stage in (
        PipelineStage(1, "format", "format"),
        PipelineStage(2, "base model", "evaluation"),
        PipelineStage(3, "SFT small", "sft", "sft_small"),
        PipelineStage(4, "SFT full", "sft", "sft_full"),
        PipelineStage(5, "GRPO", "grpo", "grpo"),
    )
}
"""Every stage by its number, in the order in which they run."""
SECTIONS = {number: stage.section for number, stage in STAGES.items() if stage.section}
"""The training stages: number to section."""
EVALUATED = tuple(number for number in STAGES if number > 1)
"""The stages that an evaluation follows, or is."""
