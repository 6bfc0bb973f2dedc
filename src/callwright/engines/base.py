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
      finish_reason: "stop" when the model ended its turn, "length" when the limit cut it, "loop" when greedy decoding
        was cut because it had begun to repeat itself (`loops.is_loop`).
      stop_id: The stop token, None when cut.
    """

    token_ids: tuple[int, ...]
    finish_reason: Literal["stop", "length", "loop"]
    stop_id: int | None = None

    @property
    def for_parser(self) -> Literal["stop", "length"]:
        """The finish reason as a format's parser takes it: a loop is an output that was cut."""
        return "length" if self.finish_reason == "loop" else self.finish_reason


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
