"""What a model said and what that means, beside what a server made of it."""

import json
import math
from dataclasses import dataclass
from functools import cached_property

from callwright.conversation import Json, Tool
from callwright.engines.chat import ChatReply, WireCall
from callwright.formats.base import Format, Parsed
from callwright.probe.explain.unclosed import unclosed


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the model said, and what that means.

    Attributes:
      form: The format.
      words: The words, control tokens written out, without the stop that ended them.
      parsed: What the strict parser reads in them.
      tokens: How many tokens they are as the server counts them; None where its count says nothing.
      cut: Whether the token limit cut them.
      tools: Those of the request.
    """

    form: Format
    words: str
    parsed: Parsed
    tokens: int | None
    cut: bool
    tools: tuple[Tool, ...] = ()

    @cached_property
    def unclosed(self) -> str:
        """What was said from the marker of a call on that the model never closed, though nothing cut it."""
        return "" if self.cut else unclosed(self.form, self.words, self.parsed, self.tools)

    @property
    def text(self) -> str:
        """The text that is to reach the user: no word of what became no call is lost."""
        return (self.parsed.content or "") + self.unclosed

    def as_json(self) -> dict[str, Json]:
        """As `Outcome.expected` has an answer."""
        calls: list[Json] = [{"name": call.name, "arguments": dict(call.arguments)} for call in self.parsed.tool_calls]
        return {
            "content": self.text,
            "reasoning": self.parsed.reasoning or "",
            "tool_calls": calls,
            "finish_reason": self.finish_reason,
            "words": self.words,
        }

    @property
    def finish_reason(self) -> str:
        """As OpenAI's wire says it."""
        return "length" if self.cut else "tool_calls" if self.parsed.tool_calls else "stop"

    def is_counted_by(self, reply: ChatReply) -> bool | None:
        """Whether the server counts as many tokens as these words have; None where nobody knows.

        The model is deterministic, so another number says that it has said something else.
        """
        if self.tokens is None or reply.answer_tokens is None:
            return None
        return reply.answer_tokens == self.tokens


def reply_as_json(reply: ChatReply) -> dict[str, Json]:
    """As `Outcome.seen` has an answer."""
    if reply.error:
        return {"status": reply.status, "error": reply.error}
    calls: list[Json] = [{"name": call.name, "arguments": arguments_of(call)} for call in reply.calls]
    return {
        "content": reply.content,
        "reasoning": reply.reasoning,
        "tool_calls": calls,
        "finish_reason": reply.finish_reason,
    }


def arguments_of(call: WireCall) -> Json:
    """The arguments as an object, or the text where they are none."""
    value = loads(call.arguments)
    return value if isinstance(value, dict) else call.arguments


def loads(text: str) -> Json:
    """The JSON that a text is; None where it is none."""
    try:
        value: Json = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    return value


def _finite(number: str) -> float:
    """The number; ValueError for those that Python reads and JSON does not have."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"no number of JSON: {number}")
    return value


def without_markers(form: Format, text: str) -> str:
    """A text without the format's control tokens and without white space."""
    for control in sorted(form.controls, key=len, reverse=True):
        text = text.replace(control, "")
    return "".join(text.split())
