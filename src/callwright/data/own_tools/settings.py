"""What can be set for the source of own tools."""

from pathlib import Path

from pydantic import Field

from callwright.data.mix import MixSettings
from callwright.settings import Settings


class KindMix(MixSettings):
    """How often each kind of request comes, as weights that need not add up to anything.

    A kind that the tools file has nothing for does not come.
    """

    single: float = Field(default=0.34, ge=0)
    """One call."""
    several: float = Field(default=0.1, ge=0)
    """Several calls."""
    missing: float = Field(default=0.08, ge=0)
    """A required value is missing."""
    no_tool: float = Field(default=0.16, ge=0)
    """No tool serves it."""
    follow_up: float = Field(default=0.06, ge=0)
    """The call before with other values."""
    pronoun: float = Field(default=0.05, ge=0)
    """Values of the call before."""
    correction: float = Field(default=0.05, ge=0)
    """The call before, corrected."""
    answer: float = Field(default=0.06, ge=0)
    """A value that was missing."""
    unanswered: float = Field(default=0.05, ge=0)
    """After calls without a result."""
    flow: float = Field(default=0.05, ge=0)
    """Several steps."""


class OwnToolsSettings(Settings):
    """Tools of the user's own."""

    path: Path
    """The tools file."""
    seed: int = 0
    """Which of the endless sets of examples."""
    examples: int = Field(default=2000, ge=1)
    """How many examples the source has."""
    mix: KindMix = KindMix()
    """How often each kind comes."""
    context_share: float = Field(default=1 / 3, ge=0, le=1)
    """The share of examples that carry a system prompt and a history, where the file has some."""
