"""What all instruments have in common."""

from dataclasses import dataclass

from callwright.formats.base import Format
from callwright.instruments.circuit import Circuit
from callwright.instruments.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A vocabulary, and the circuit that says something with it.

    Attributes:
      kind: "script", "x-ray" or "dice".
      form: The format whose control tokens, chat template and stops it has.
      vocabulary: Its tokens.
      circuit: What it does.
    """

    kind: str
    form: Format
    vocabulary: Vocabulary
    circuit: Circuit

    @property
    def name(self) -> str:
        """What the files call themselves."""
        return f"callwright {self.kind} {self.form.name} {self.form.variant}".rstrip()
