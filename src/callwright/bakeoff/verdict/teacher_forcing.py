"""The models behind two arms, forced along the reference's outputs: margins, and how far their numbers agree.

An arm can be forced if something tells what its weights would say in place of each token: `ForcedCompletion` of the
export's checks does for a llama.cpp server, `ForcedModel` for a model in this process. Without any, the verdict has to
do with what the traces hold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from callwright.bakeoff.trace import Step
from callwright.export.verify.forced import ForcedOutput, forced_ids
from callwright.export.verify.likeliest import Agreement, Likeliest, likeliest
from callwright.formats.base import Format
from callwright.tokens import Tokenizer

if TYPE_CHECKING:  # it imports JAX
    from callwright.export.verify.reference import LogitModel


class TeacherForcing(Protocol):
    """Weights that can be asked along ids."""

    def forced(self, forced: ForcedOutput) -> Iterable[Likeliest]:
        """What they would say in place of each token of an output."""
        ...


class ForcedModel:
    """A model whose logits are computed in this process."""

    def __init__(self, model: "LogitModel") -> None:
        self._model = model

    def forced(self, forced: ForcedOutput) -> Iterable[Likeliest]:
        """See `TeacherForcing.forced`."""
        return likeliest(self._model.logits(forced))


@dataclass(frozen=True, eq=False)
class ForcedArms:
    """The arms that can be forced.

    Attributes:
      arms: By name.
      fmt: The format of the outputs, which says what part of a call a token belongs to.
      tokenizer: The model's.
    """

    arms: Mapping[str, TeacherForcing]
    fmt: Format
    tokenizer: Tokenizer

    def margins(self, step: Step, place: int) -> Likeliest | None:
        """What the weights of a step's own arm say in place of one token of its output; None where nobody can ask."""
        forced = self._output(step)
        if forced is None or step.arm not in self.arms or place >= len(forced.output):
            return None
        return self._along(step.arm, forced)[place]

    def agreement(self, reference: str, arm: str, steps: Iterable[Step]) -> Agreement | None:
        """How two arms agree along outputs of the reference; None where one cannot be forced, or there are none.

        Args:
          reference: The arm whose outputs these are.
          arm: The other one.
          steps: Of the reference.
        """
        if reference not in self.arms or arm not in self.arms:
            return None
        agreement, outputs = Agreement.empty(), 0
        for step in steps:
            if forced := self._output(step):
                agreement.add(self._along(reference, forced), self._along(arm, forced), forced.regions)
                outputs += 1
        return agreement if outputs else None

    def _output(self, step: Step) -> ForcedOutput | None:
        if not step.prompt_ids or not step.output_ids:
            return None
        name = f"step {step.step} of {step.task}, wording {step.wording}"
        return forced_ids(step.prompt_ids, step.output_ids, self.fmt, self.tokenizer, name)

    @lru_cache(maxsize=64)  # noqa: B019 - it lives as long as a comparison
    def _along(self, arm: str, forced: ForcedOutput) -> list[Likeliest]:
        return list(self.arms[arm].forced(forced))
