"""The fields that all instruments have."""

from dataclasses import dataclass
from typing import Literal

from callwright.formats.base import Format
from callwright.instruments.circuit import Circuit
from callwright.instruments.vocabulary import Vocabulary
from callwright.models.safetensors_files import Dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A vocabulary, and the circuit that generates with it.

    Attributes:
      kind: "script", "x-ray" or "dice".
      fmt: The format whose special tokens, chat template and stops it has.
      vocabulary: Its tokens.
      circuit: Its weights, before an architecture is chosen.
      dtype: The type in which its weights are stored unless another is asked for.
    """

    kind: Literal["script", "x-ray", "dice"]
    fmt: Format
    vocabulary: Vocabulary
    circuit: Circuit
    dtype: Dtype = "float16"

    @property
    def least_context(self) -> int:
        """How many tokens of context it needs at least."""
        return 1

    @property
    def name(self) -> str:
        """The name that the files state."""
        return f"callwright {self.kind} {self.fmt.name} {self.fmt.variant}".rstrip()
