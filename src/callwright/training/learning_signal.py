"""Whether GRPO had anything to learn from, judged by what its steps recorded.

A group whose rewards are all equal has no advantage, and a step in which no group has one makes no update. That is not
an error, since it can happen in any step; but a stage of nothing else has trained nothing, and has to say so. Where
hardly a group of the first steps had an advantage, the other steps would take time for nothing: the stage ends and
keeps what it has.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callwright.training.settings import GrpoSettings

Row = Mapping[str, float]
LEAST_GROUPS = 8
"""Groups that a judgment needs."""


@dataclass(frozen=True, slots=True)
class LearningSignal:
    """How much of a GRPO stage had something to learn from.

    Attributes:
      steps: Steps that were taken.
      updates: Steps that made an update.
      groups: Groups in all steps.
      varied: Those of them that had an advantage.
      note: What to tell of it in a sentence, with the likely cause; "" where every step made an update, and enough
        groups had an advantage.
    """

    steps: int
    updates: int
    groups: int
    varied: int
    note: str

    @property
    def share(self) -> float:
        """Of groups that had an advantage."""
        return self.varied / self.groups if self.groups else 0.0

    @classmethod
    def of(cls, rows: Sequence[Row], settings: GrpoSettings) -> "LearningSignal":
        """Judges a stage.

        Args:
          rows: The metrics of each step, as `train_grpo` records them.
          settings: The stage's.
        """
        idle = [row for row in rows if row["zero_variance_groups"] == settings.prompts_per_step]
        first = rows[: judged_steps(settings)]
        weak = len(first) == judged_steps(settings) and is_weak(_varied(first, settings), settings)
        varied, groups = _varied(rows, settings), len(rows) * settings.prompts_per_step
        facts = []
        if weak:
            facts.append(_weakness(first, len(rows), settings))
        if idle:
            steps = f"made no update in {len(idle)} of {len(rows)} steps" if len(idle) < len(rows) else "never updated"
            facts.append(f"{steps}: all rewards of every group were equal")
        note = ""
        if facts:
            note = f"GRPO {', and it '.join(facts)}; {_likely_cause(idle or rows, settings)}"
        return cls(len(rows), len(rows) - len(idle), groups, varied, note)

    def __str__(self) -> str:
        """How many groups had an advantage, in words."""
        return f"{self.varied} of {self.groups} groups had an advantage ({self.share:.0%})"


def judged_steps(settings: GrpoSettings) -> int:
    """The first steps, by which a stage is judged."""
    return max(settings.signal_steps, -(-LEAST_GROUPS // settings.prompts_per_step))


def is_weak(varied: int, settings: GrpoSettings) -> bool:
    """Whether there is too little to learn from, if so many groups of the first steps had an advantage."""
    return varied < settings.min_signal * judged_steps(settings) * settings.prompts_per_step


def _varied(rows: Sequence[Row], settings: GrpoSettings) -> int:
    return sum(settings.prompts_per_step - int(row["zero_variance_groups"]) for row in rows)


def _weakness(first: Sequence[Row], steps: int, settings: GrpoSettings) -> str:
    """That too few groups had an advantage, and what followed."""
    varied, groups = _varied(first, settings), len(first) * settings.prompts_per_step
    share = f"{varied} of the first {groups} groups had an advantage, under {settings.min_signal:.0%}"
    if steps < settings.steps:
        return f"stopped after {steps} of {settings.steps} steps and kept its adapter: {share}"
    return f"had little to learn from: {share}"


def _likely_cause(rows: Sequence[Row], settings: GrpoSettings) -> str:
    """Why the groups of these steps had nothing to tell apart, and what to do about it."""
    weights = settings.reward

    def everywhere(name: str, value: float) -> bool:
        return all(math.isclose(row[name], value, abs_tol=1e-9) for row in rows)

    if everywhere("reward/exact", weights.exact):
        return "every completion was right: nothing is left to learn here; take harder data, or leave the stage out"
    if everywhere("distinct_completions", 1):
        fix = f"raise temperature ({settings.temperature:g}), or take data of which the model is less sure"
        return f"each group's completions were the same text; {fix}"
    if everywhere("completion_length", settings.max_new_tokens) and everywhere("reward/well_formed", 0):
        return (
            f"every completion was cut after {settings.max_new_tokens} tokens; raise max_new_tokens, or train SFT first"
        )
    if all(everywhere(f"reward/{name}", 0) for name in ("well_formed", "exact", "partial", "unnecessary_call")):
        wanted = "well-formed" if weights.well_formed else "right"
        return f"no completion was {wanted}, and none earned anything; train SFT first, or longer"
    if everywhere("reward", weights.well_formed) and everywhere("reward/exact", 0):
        return "every completion was well-formed and none was right; train SFT longer, or take easier data"
    return "the model does equally well at every try of a prompt; raise temperature or group_size, or take other data"
