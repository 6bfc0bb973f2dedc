"""What all instruments have in common."""

from dataclasses import dataclass
from typing import Literal

from callwright.formats.base import Format
from callwright.instruments.circuit import Circuit
from callwright.instruments.vocabulary import Vocabulary
from callwright.models.safetensors_files import Dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A vocabulary, and the circuit that says something with it.

    Attributes:
      kind: "script", "x-ray" or "dice".
      form: The format whose control tokens, chat template and stops it has.
      vocabulary: Its tokens.
      circuit: What it does.
      dtype: What its weights are best stored as.
    """

    kind: Literal["script", "x-ray", "dice"]
    form: Format
    vocabulary: Vocabulary
    circuit: Circuit
    dtype: Dtype = "float16"

    @property
    def least_context(self) -> int:
        """How many tokens of context it needs."""
        return 1

    @property
    def name(self) -> str:
        """What the files call themselves."""
        return f"callwright {self.kind} {self.form.name} {self.form.variant}".rstrip()
