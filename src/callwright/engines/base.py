"""The protocol of an engine: prompts as token ids in, generated tokens out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from callwright.engines.sampling import SamplingParams


@dataclass(frozen=True, slots=True)
class Generation:
    """What an engine generated for one prompt.

    Attributes:
      token_ids: The generated tokens, without the stop token that ended them.
      finish_reason: "stop" when the model ended its turn, "length" when the limit cut it.
      stop_id: The stop token, None when cut.
    """

    token_ids: tuple[int, ...]
    finish_reason: Literal["stop", "length"]
    stop_id: int | None = None


class Engine(Protocol):
    """Generates for prompts given as token ids, BOS included; nothing is added to them."""

    def generate(
        self, prompts: Sequence[Sequence[int]], *, max_new_tokens: int, sampling: SamplingParams
    ) -> list[Generation]:
        """One generation for each prompt, in order.

        Raises:
          ConfigError: The engine has no such way of sampling.
        """
        ...
