"""Whether GRPO had anything to learn from, judged by what its steps recorded.

A group whose rewards are all equal has no advantage, and a step in which no group has one makes no update. That is not
an error, since it can happen in any step; but a stage of nothing else has trained nothing, and has to say so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callwright.training.settings import GrpoSettings

Row = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LearningSignal:
    """How much of a GRPO stage had something to learn from.

    Attributes:
      updates: Steps that made an update.
      idle: Steps that made none.
      zero_variance_groups: Groups with equal rewards, in all steps.
      note: What to tell of it in a sentence, with the likely cause; "" where every step made an update.
    """

    updates: int
    idle: int
    zero_variance_groups: int
    note: str

    @classmethod
    def of(cls, rows: Sequence[Row], settings: GrpoSettings) -> "LearningSignal":
        """Judges a stage.

        Args:
          rows: The metrics of each step, as `train_grpo` records them.
          settings: The stage's.
        """
        idle = [row for row in rows if row["zero_variance_groups"] == settings.prompts_per_step]
        note = ""
        if idle:
            steps = f"made no update in {len(idle)} of {len(rows)} steps" if len(idle) < len(rows) else "never updated"
            note = f"GRPO {steps}: all rewards of every group were equal; {_likely_cause(idle, settings)}"
        groups = sum(int(row["zero_variance_groups"]) for row in rows)
        return cls(len(rows) - len(idle), len(idle), groups, note)


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
