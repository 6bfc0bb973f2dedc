"""What a runtime may choose, because its documentation says what it does.

A choice never loses, alters or invents a call. Each names the documentation and says in short what stands there, so
that a reader can hold the two against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """One documented behaviour.

    Attributes:
      target: The runtime, as `Target.name` has it.
      cause: The class of `faults.FAULTS` that it would otherwise be.
      says: What the documentation says.
      where: Where it says so.
      draws: For draws: how the explanation of what came begins if it is what the documentation says.
    """

    target: str
    cause: str
    says: str
    where: str
    draws: str = ""


_LLAMA_SERVER = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"
_OLLAMA_MODELFILE = "https://docs.ollama.com/modelfile"
_OLLAMA_THINKING = "https://docs.ollama.com/capabilities/thinking"
_OF_THINKING = ("thinking-default", "content-as-reasoning")
"""What comes of a server that thinks by default: another prompt, and answers that it takes for thoughts."""
_GENERATION = "https://huggingface.co/docs/transformers/generation_strategies"

CHOICES: Sequence[Choice] = (
    Choice(
        "llama.cpp",
        "sampler-default",
        "--temp 0.8, --top-k 40, --top-p 0.95 and --min-p 0.05 are the defaults",
        _LLAMA_SERVER,
        "llama.cpp's defaults",
    ),
    Choice(
        "llama.cpp",
        "assistant-continued",
        "--prefill-assistant (default): a last message of the assistant is taken as the beginning of the answer",
        _LLAMA_SERVER,
    ),
    Choice(
        "llama.cpp",
        "thinking-default",
        "--reasoning auto (default): the template decides, and is told to think",
        _LLAMA_SERVER,
    ),
    Choice(
        "Ollama",
        "sampler-default",
        "temperature 0.8, top_k 40, top_p 0.9, min_p 0.0 are the defaults",
        _OLLAMA_MODELFILE,
        "Ollama's defaults",
    ),
    Choice(
        "transformers",
        "sampler-default",
        "Greedy search is the default decoding strategy",
        _GENERATION,
        "temperature 0 ",
    ),
    *(
        Choice(
            "Ollama", cause, "Thinking is enabled by default in the CLI and API for supported models", _OLLAMA_THINKING
        )
        for cause in _OF_THINKING
    ),
)


def find_choice(target: str, cause: str, *, by_default: bool = True) -> Choice | None:
    """What the runtime's documentation says of a cause; None when it says nothing.

    Args:
      target: The runtime.
      cause: The cause.
      by_default: Whether the request left thinking to the server; one that says it is not to be overruled.
    """
    if cause in _OF_THINKING and not by_default:
        return None
    return next((one for one in CHOICES if (one.target, one.cause) == (target, cause)), None)
