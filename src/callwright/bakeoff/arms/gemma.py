"""`gemma-jax`: google-deepmind/gemma, the reference code, in an environment of its own."""

from callwright.bakeoff.arms.base import Arm, ArmAnswer, ArmError
from callwright.conversation import Conversation


class GemmaArm(Arm):
    """Nothing builds that environment, so every task of this arm ends with `env_missing`."""

    async def open(self) -> None:
        """See `Arm.open`."""
        raise _missing()

    async def answer(self, conversation: Conversation, seed: int) -> ArmAnswer:
        """See `Arm.answer`."""
        raise _missing()


def _missing() -> ArmError:
    return ArmError("env_missing", "the environment of google-deepmind/gemma", "none", "leave the arm out")
