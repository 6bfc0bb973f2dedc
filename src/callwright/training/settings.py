"""The settings of training, apart from the code that reads them: that imports JAX, which takes seconds, and a wrong
configuration is told before.
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from callwright.data.packing import PackingSettings
from callwright.settings import Settings
from callwright.training.rewards import RewardSettings


class OptimizerSettings(Settings):
    """AdamW with a linear warm-up and a cosine decay. All lengths count optimizer updates, never micro-batches."""

    steps: int = Field(100, ge=0)
    """Updates in this stage; the schedule ends with them."""
    learning_rate: float = Field(2e-4, gt=0)
    """The peak."""
    final_learning_rate: float = Field(0.0, ge=0)
    """Where the cosine ends."""
    warmup_steps: int = Field(5, ge=0)
    """Updates to reach the peak."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled weight decay."""
    clip_norm: float = Field(1.0, gt=0)
    """Gradients with a larger global norm are scaled down to it."""
    checkpoint_every: int = Field(10, gt=0)
    """Updates between two checkpoints of an unfinished stage."""


class ShortPromptsSettings(Settings):
    """The first part of a stage, on prompts that declare no tools and have no context (`Example.context`)."""

    share: float = Field(0.9, gt=0, lt=1)
    """Of the stage's steps."""
    sequence_length: int = Field(512, gt=0)
    """Tokens in a row."""


class SftSettings(OptimizerSettings, PackingSettings):
    """Optimizer, schedule and the shape of batches."""

    RENAMED: ClassVar[Mapping[str, str]] = {**PackingSettings.RENAMED, "without_tools": "short_prompts"}

    short_prompts: ShortPromptsSettings | None = None
    """The first steps leave the declarations of tools, system prompts and histories out of their prompts: short rows,
    so many more steps in the same time. For tools that stay the same; none by default."""

    @property
    def steps_on_short_prompts(self) -> int:
        """How many steps that is."""
        return 0 if self.short_prompts is None else int(self.steps * self.short_prompts.share)


class GrpoSettings(OptimizerSettings):
    """Rollouts, rewards, and when to give up."""

    learning_rate: float = Field(2e-5, gt=0)
    """The peak; RL wants a smaller one than SFT."""
    prompts_per_step: int = Field(2, gt=0)
    """Prompts, and so groups of completions, in a step."""
    group_size: int = Field(4, gt=1)
    """Completions for each prompt."""
    max_prompt_tokens: int = Field(384, gt=0)
    """Longer prompts are passed over and counted."""
    max_new_tokens: int = Field(96, gt=0)
    """Completions are cut there, and a cut one is never well-formed."""
    temperature: float = Field(1.0, gt=0)
    """Of the rollouts."""
    kl_weight: float = Field(0.04, ge=0)
    """Weight of the divergence from the model that training began with."""
    max_kl: float = Field(1.0, gt=0)
    """Training stops when a step's mean divergence is beyond it."""
    min_entropy: float = Field(1e-3, ge=0)
    """Training stops when a step's mean entropy is below it: the policy no longer explores."""
    signal_steps: int = Field(4, gt=0)
    """Steps after which it is judged whether there is enough to learn from; more where these have under 8 groups."""
    min_signal: float = Field(0.2, ge=0, le=1)
    """The stage ends then if a smaller share of their groups had an advantage; 0 never ends it."""
    reward: RewardSettings = RewardSettings()
    """What completions earn."""
