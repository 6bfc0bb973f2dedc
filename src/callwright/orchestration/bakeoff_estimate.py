"""About how long a bake-off takes on this machine, before it begins."""

from collections.abc import Sequence
from math import prod
from pathlib import Path

from callwright.bakeoff.arms.base import Arm
from callwright.bakeoff.run import Attempt
from callwright.evaluation.cost import measure_suite
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.evaluation.suites import SuiteEntries
from callwright.formats.base import Format
from callwright.models.gemma3 import Gemma3Config
from callwright.orchestration.estimate import EVALUATION_EFFICIENCY, EVALUATION_START_SECONDS, measure_speed
from callwright.report.stage_list import SECTIONS
from callwright.tokens import Tokenizer

_BATCH_TOKENS = 16384
_SERVER_EFFICIENCY = 0.5
"""The share of a matrix product's speed that a server reads prompts with."""
_ONE_AT_A_TIME = 12.0
"""A generated token takes as long as so many that are read, where one task is asked at a time: it reads all weights."""


class BakeoffEstimator:
    """Measures this machine once.

    Args:
      tasks_file: The tools file.
      fmt: How conversations are written.
      tokenizer: The model's.
      config: The model's architecture.
    """

    def __init__(self, tasks_file: Path, fmt: Format, tokenizer: Tokenizer, config: Gemma3Config) -> None:
        self._tasks_file, self._fmt, self._tokenizer, self._config = tasks_file, fmt, tokenizer, config
        self._speed = measure_speed()

    def seconds(self, arm: Arm, attempts: Sequence[Attempt]) -> float | None:
        """How long an arm takes, if every task is solved on the shortest way; None where nobody knows its speed."""
        if not attempts:
            return 0.0
        if not arm.local or not (arm.needs_weights or arm.needs_server):
            return None
        settings = ToolsSuiteSettings(path=self._tasks_file, batch_size=max(arm.slots, 16), batch_tokens=_BATCH_TOKENS)
        flows = [task.flow for task, _ in attempts]
        cost = measure_suite(SuiteEntries({}, flows), settings, max(SECTIONS), self._fmt, self._tokenizer)
        body = sum(prod(shape) for name, shape in self._config.tensor_shapes().items() if "embed" not in name)
        if arm.needs_weights:
            head = self._config.vocab_size * self._config.d_model
            tokens = cost.prompt_tokens + cost.answer_tokens
            flops = 2.0 * cost.answers * (tokens * body + cost.answer_tokens * head)
            return EVALUATION_START_SECONDS + flops / (self._speed * EVALUATION_EFFICIENCY)
        tokens = cost.prompt_tokens + _ONE_AT_A_TIME * cost.answer_tokens
        return 2.0 * cost.answers * tokens * body / (self._speed * _SERVER_EFFICIENCY)


def answers(attempts: Sequence[Attempt]) -> int:
    """How many answers the tasks take, on the shortest way."""
    return sum(len(task.flow.steps) + 1 for task, _ in attempts)
