"""What can be set for the synthetic source."""

from pydantic import Field, model_validator

from callwright.data.mix import MixSettings
from callwright.settings import Settings


class Mix(MixSettings):
    """How often each kind of example comes, as weights that need not add up to anything."""

    simple: float = Field(default=0.24, ge=0)
    """One tool, one call."""
    multiple: float = Field(default=0.2, ge=0)
    """Two or more tools, one call."""
    parallel: float = Field(default=0.2, ge=0)
    """One tool, called several times."""
    parallel_multiple: float = Field(default=0.17, ge=0)
    """Two or more tools, several calls."""
    irrelevance: float = Field(default=0.14, ge=0)
    """No tool fits and the assistant says so."""
    dialogue: float = Field(default=0.05, ge=0)
    """A result comes back and is answered, or a follow-up changes the call."""


class SyntheticSettings(Settings):
    """The synthetic source."""

    seed: int = 0
    """Which of the endless sets of examples."""
    examples: int = Field(default=2000, ge=1)
    """How many examples the source has."""
    requests_per_offer: int = Field(default=8, ge=1)
    """So many examples in a row offer the same tools under the same names. What they share is the beginning of their
    prompts, which training computes once; 1 gives every example tools of its own."""
    tools: int | None = Field(default=None, ge=1)
    """Only the first so many declared tools; all of them when absent."""
    mix: Mix = Mix()
    """How often each kind comes."""
    max_tools: int = Field(default=4, ge=1, le=8)
    """The most tools that are offered together."""
    tools_length: int = Field(default=1150, ge=0)
    """Characters of tool definitions that a further tool may not go beyond, a quarter less where several calls follow.
    About three make a token, and a prompt with its calls should fit into a training row of 512."""

    @model_validator(mode="after")
    def _can_be_made(self) -> "SyntheticSettings":
        if min(self.max_tools, self.tools or 2) < 2 and (self.mix.multiple or self.mix.parallel_multiple):
            raise ValueError(
                "multiple and parallel_multiple need two tools; set both weights of mix to 0 or offer more"
            )
        return self
