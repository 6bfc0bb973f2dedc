"""`jax` and `jax-bf16`: our own engine on the very checkpoint that was trained.

In float32 it is the reference for everything of ours; in bfloat16 it shows what that changes. The tasks of a batch are
played side by side, so that the prefix of their prompts is computed once.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from callwright.bakeoff.arms.base import ArmError, ArmOptions
from callwright.bakeoff.arms.batches import Ids, PromptBatches
from callwright.bakeoff.arms.raw import RawArm, RawOutput, RawPrompt
from callwright.engines.base import Generation
from callwright.models.settings import Precision

if TYPE_CHECKING:
    from callwright.engines.jax import JaxEngine


class JaxOptions(ArmOptions):
    """What can be set for the engine in this process."""

    batch_size: int = Field(16, ge=1)
    """How many tasks are asked side by side; above temperature 0 it is one, as draws depend on a prompt's place."""


class JaxArm(RawArm):
    """The engine in this process, in float32."""

    options_type = JaxOptions
    needs_weights = True
    precision: ClassVar[Precision] = "float32"
    """Of the weights, and of what is computed."""

    def take(self, options: Any) -> None:
        """See `Arm.take`."""
        self.slots = options.batch_size if self.setup.temperature == 0 else 1
        self._batches = PromptBatches[Generation](self._generate)
        self._engine: JaxEngine | None = None
        self._seed = 0

    async def open(self) -> None:
        """See `Arm.open`."""
        await asyncio.to_thread(self._load)

    def _load(self) -> None:
        from callwright.export.in_process import merged_engine

        if self.setup.model is None:
            raise ArmError("arm_error", f"weights for the arm {self.name}", "none", "name a run with --run")
        self._engine = merged_engine(self.setup.model, self.precision, dtype=self.precision)

    def playing(self) -> AbstractContextManager[None]:
        """See `Arm.playing`."""
        return self._batches.playing()

    async def generate(self, prompt: RawPrompt) -> RawOutput:
        """See `RawArm.generate`."""
        self._seed = prompt.seed
        try:
            generation = await self._batches.ask(prompt.ids)
        except Exception as error:
            return RawOutput(failure="sampler_error", error=f"{type(error).__name__}: {error}")
        stop = () if generation.stop_id is None else (generation.stop_id,)
        ids = (*generation.token_ids, *stop)[: prompt.limit]
        cut = generation.finish_reason != "stop" or len(generation.token_ids) >= prompt.limit
        likeliest = ids if self.setup.temperature == 0 else None  # nothing else chooses in this engine
        return RawOutput(ids=ids, top_ids=likeliest, truncated=cut, stop_reason=generation.finish_reason)

    def _generate(self, prompts: Sequence[Ids]) -> Sequence[Generation]:
        if self._engine is None:
            raise ArmError("arm_error", f"the arm {self.name} to be open", "one that is not", "open it first")
        setup = self.setup
        return self._engine.generate(prompts, max_new_tokens=setup.max_new_tokens, sampling=setup.sampling(self._seed))

    async def close(self) -> None:
        """See `Arm.close`."""
        self._engine = None


class JaxBf16Arm(JaxArm):
    """The same in bfloat16."""

    precision = "bfloat16"
