"""What a format is: conversations to segments, and what a model said back to calls.

A format is one object with two pure methods. `render` gives segments (text that a format wrote is control, all that
somebody else wrote is not; see `tokens.Segment`), and the prompt is their concatenation. `parse` reads what the model
said. Parsing is strict: an unclosed call is reported by `complete=False` and is never a call; a malformed one is an
error with its position and stays in the content, so nothing is lost and nothing is repaired in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from callwright.conversation import Conversation, Tool, ToolCall
from callwright.tokens import Segment


@dataclass(frozen=True, slots=True)
class ParseIssue:
    """Something in the raw text that is not what the format allows.

    Attributes:
      message: What is wrong.
      position: Offset in the raw text, in characters.
    """

    message: str
    position: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a model said, taken apart.

    Attributes:
      content: The text outside calls and reasoning; None when there is none.
      reasoning: The thinking; None when there is none.
      tool_calls: The well-formed, closed calls, in order.
      complete: False when the text ends inside a call or was cut by the token limit.
      errors: Malformed calls and other departures, in order.
    """

    content: str | None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    complete: bool = True
    errors: tuple[ParseIssue, ...] = ()


class Format(Protocol):
    """One way of writing tool calls; stateless, shared freely."""

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    @property
    def stops(self) -> tuple[str, ...]:
        """The special tokens that end the model's turn, e.g. `<end_of_turn>`."""
        ...

    def render(self, conversation: Conversation, *, add_generation_prompt: bool = False) -> list[Segment]:
        """The conversation as segments, BOS included once.

        Raises:
          FormatError: the conversation cannot be represented; the message names the message and the field.
        """
        ...

    def parse(self, raw: str, *, tools: Sequence[Tool] = (), finish_reason: str | None = None) -> Parsed:
        """What the model said, given its text without the stop token. Never raises on any text.

        Args:
          raw: The model's words.
          tools: What it was offered; untyped formats cast by their schemas.
          finish_reason: "length" when the token limit cut it.
        """
        ...
