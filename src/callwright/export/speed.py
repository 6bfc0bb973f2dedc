"""How fast a llama.cpp server reads a prompt and generates, by its own clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from callwright.conversation import Json
from callwright.engines.llama_completion import LlamaCompletion
from callwright.errors import WorkError

NEW_TOKENS = 48
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second.

    Attributes:
      prompt: Read.
      generated: Generated, one answer at a time.
    """

    prompt: float
    generated: float


def measure_speed(server: LlamaCompletion, prompt: Sequence[int]) -> Speed:
    """The median of three rounds, each with the whole prompt read anew; one before them warms up.

    Args:
      server: The server.
      prompt: Token ids.

    Raises:
      WorkError: It goes away, or tells no times.
    """
    body: dict[str, Json] = {"prompt": list(prompt), "n_predict": NEW_TOKENS, "ignore_eos": True, "cache_prompt": False}
    body["temperature"] = 0
    found = []
    for _ in range(1 + _ROUNDS):
        match server.post("/completion", body):
            case {"timings": {"prompt_per_second": float(read), "predicted_per_second": float(generated)}}:
                found.append((read, generated))
            case _:
                raise WorkError("times in an answer of llama.cpp", "none", "name another llama-server")
    return Speed(*map(median, zip(*found[1:], strict=True)))
