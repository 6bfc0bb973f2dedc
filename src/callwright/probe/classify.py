"""From causes to an outcome: faithful, a fault, or a choice, where the runtime's documentation says what it does.

A choice never loses, alters or invents a call. Each names the documentation and says in short what stands there, so
that a reader can hold the two against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callwright.conversation import Json
from callwright.formats.base import Format
from callwright.probe.cases.schema import Case
from callwright.probe.causes.registry import Cause
from callwright.probe.outcome import Outcome
from callwright.probe.plan import Part
from callwright.probe.targets.base import Target


@dataclass(frozen=True, slots=True)
class Choice:
    """One documented behavior of a runtime.

    Attributes:
      says: What the documentation says.
      where: Where it says so.
      draws: For draws: how the explanation of what was seen begins if it is what the documentation says.
    """

    says: str
    where: str
    draws: str = ""


_LLAMA_SERVER = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"
_OLLAMA_THINKS = Choice(
    "Thinking is enabled by default in the CLI and API for supported models",
    "https://docs.ollama.com/capabilities/thinking",
)

DOCUMENTED: Mapping[str, Mapping[Cause, Choice]] = {
    "llama.cpp": {
        Cause.SAMPLER_DEFAULT: Choice(
            "--temp 0.8, --top-k 40, --top-p 0.95 and --min-p 0.05 are the defaults",
            _LLAMA_SERVER,
            draws="llama.cpp's defaults",
        ),
        Cause.ASSISTANT_CONTINUED: Choice(
            "--prefill-assistant (default): a last message of the assistant is taken as the beginning of the answer",
            _LLAMA_SERVER,
        ),
        Cause.THINKING_DEFAULT: Choice(
            "--reasoning auto (default): the template decides, and is told to think", _LLAMA_SERVER
        ),
    },
    "Ollama": {
        Cause.SAMPLER_DEFAULT: Choice(
            "temperature 0.8, top_k 40, top_p 0.9, min_p 0.0 are the defaults",
            "https://docs.ollama.com/modelfile",
            draws="Ollama's defaults",
        ),
        Cause.THINKING_DEFAULT: _OLLAMA_THINKS,
        Cause.CONTENT_AS_REASONING: _OLLAMA_THINKS,
    },
    "transformers": {
        Cause.SAMPLER_DEFAULT: Choice(
            "Greedy search is the default decoding strategy",
            "https://huggingface.co/docs/transformers/generation_strategies",
            draws="temperature 0 ",
        ),
    },
}
"""By `Target.name` and cause."""
_OF_THINKING = frozenset({Cause.THINKING_DEFAULT, Cause.CONTENT_AS_REASONING})
"""What comes of a server that thinks by default: another prompt, and answers that it takes for thoughts."""


def find_choice(target: str, cause: Cause, *, by_default: bool = True) -> Choice | None:
    """What the runtime's documentation says of a cause; None when it says nothing.

    Args:
      target: The runtime.
      cause: The cause.
      by_default: Whether the request left thinking to the server; one that says it is not to be overruled.
    """
    if cause in _OF_THINKING and not by_default:
        return None
    return DOCUMENTED.get(target, {}).get(cause)


def classify(
    target: Target,
    fmt: Format,
    case: Case,
    causes: Sequence[Cause],
    expected: Json,
    seen: Json,
    commands: str,
    part: Part,
    *,
    documented: bool = True,
) -> Outcome:
    """The outcome of a case that was run.

    Args:
      target: The runtime.
      fmt: The format.
      case: The case.
      causes: What explains the difference; none where there is none.
      expected: What should have come.
      seen: What was seen.
      commands: The command lines that ask the same.
      part: The instrument that they are for.
      documented: Whether what was seen is what the runtime's documentation says, where it says something of the causes.
    """
    by_default = case.thinking is None
    found = {cause: find_choice(target.name, cause, by_default=by_default) for cause in causes if documented}
    choices = {cause: choice for cause, choice in found.items() if choice is not None}
    faults = [cause for cause in causes if cause not in choices]
    cause = " + ".join(faults)
    if causes and not faults:
        cause = "; ".join(f"{name}: {choice.says} ({choice.where})" for name, choice in choices.items())
    return Outcome(
        id=case.id,
        format=fmt.id,
        fault_class=case.fault_class,
        result="fault" if faults else "choice" if causes else "faithful",
        cause=cause,
        expected=expected,
        seen=seen,
        reproduce=f"{target.reproduce_with(fmt.id, part)}\n{commands}" if causes else "",
    )
