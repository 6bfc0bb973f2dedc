"""What turns prompt ids into tokens: one protocol for every engine, in this process or behind a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from callwright.settings import Settings


class Sampling(Settings):
    """How the next token is drawn; the default is greedy."""

    temperature: float = 0.0
    """Logits are divided by it; 0 takes the likeliest token."""
    seed: int = 0
    """Two calls with the same prompts and seed draw the same tokens."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What an engine said to one prompt.

    Attributes:
      token_ids: The tokens, without the stop token that ended them.
      finish_reason: "stop" when the model ended its turn, "length" when the limit cut it.
      stop_id: The stop token, None when cut.
    """

    token_ids: tuple[int, ...]
    finish_reason: Literal["stop", "length"]
    stop_id: int | None = None


class Engine(Protocol):
    """Generates for prompts given as token ids, BOS included; nothing is added to them."""

    def generate(
        self, prompts: Sequence[Sequence[int]], *, max_new_tokens: int, sampling: Sampling
    ) -> list[Generation]:
        """One generation for each prompt, in order."""
        ...
