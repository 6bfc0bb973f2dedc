"""What a tools file says about the conversations around its requests: what precedes one, what answers one that nothing
serves, and how speech recognition changes one. docs/tools-file.md explains every key.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from callwright.data.tools_file.pools import Text, Texts, ToolName
from callwright.data.tools_file.slots import misfit
from callwright.settings import Settings

LONGEST_HISTORY = 12
"""Messages."""

HistoryMessage = Annotated[dict[Literal["user", "assistant"], Text], Field(min_length=1, max_length=1)]
"""A message of a history: its role, and what it says."""


def _alternating(history: tuple[HistoryMessage, ...]) -> tuple[HistoryMessage, ...]:
    for number, message in enumerate(history):
        role = ("user", "assistant")[number % 2]
        if role not in message:
            raise misfit(f"a message of the {role}; a request follows, so user and assistant take turns", number)
    if len(history) % 2:
        raise misfit("a message of the assistant at the end, because a request follows", len(history) - 1)
    return history


History = Annotated[
    tuple[HistoryMessage, ...], Field(min_length=2, max_length=LONGEST_HISTORY), AfterValidator(_alternating)
]
"""A short chat, from the user's first message to the assistant's last."""


LongHistory = Annotated[tuple[HistoryMessage, ...], Field(min_length=2), AfterValidator(_alternating)]
"""The same of any length."""


class Fallback(Settings):
    """What answers a request that no tool serves: a tool that is called without arguments, or words."""

    tool: ToolName | None = None
    """The name of the tool."""
    words: Texts = ()
    """What the assistant says, one of them."""

    @model_validator(mode="after")
    def _one_of_them(self) -> "Fallback":
        if (self.tool is None) == (not self.words):
            raise misfit("either a tool or words")
        return self


class Noise(Settings):
    """What speech recognition does to what the user says; the values of slots stay as they are."""

    speech: float = Field(0.0, ge=0, le=1)
    """The share of the user's messages that it changes."""
    fillers: Texts = Field(("uh", "um", "like", "you know"), min_length=1)
    """Words that mean nothing."""
    misheard: dict[Text, Annotated[Texts, Field(min_length=1)]] = Field(default_factory=dict)
    """Words, each with what may be heard in its place."""
