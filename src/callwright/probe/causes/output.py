"""What a model generated and what that means, and an answer: what a server gives of it, or of another output.

An answer may hold what the model did not generate and nobody wrote: parts of another output of its script. That happens
where tokens were forced on a model, which then continues anywhere in its script, and where a server gives what is left
of another request. Parsers do neither: they cut, retype and lose, but invent no name, word or number.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from callwright.conversation import Conversation, Json, Tool
from callwright.engines.chat import ChatReply, RawToolCall
from callwright.formats.base import Format, Parsed
from callwright.formats.jsontext import finite_float
from callwright.openai import write_tool
from callwright.probe.cases.edits import to_segments, to_words

_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LIMITS = frozenset(edge for bits in (32, 64) for edge in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 2**bits - 1))
"""What is left of numbers too large for a parser, perhaps rounded since."""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What reaches the client of a chat.

    Attributes:
      content: The text.
      reasoning: The thinking.
      calls: The calls, (name, arguments); the arguments are their text where it is no JSON object.
      finish_reason: As OpenAI's wire says it.
    """

    content: str
    reasoning: str
    calls: tuple[tuple[str, Json], ...]
    finish_reason: str | None

    @classmethod
    def of_reply(cls, reply: ChatReply) -> "ChatAnswer":
        """What a server answered."""
        calls = tuple((call.name, arguments_of(call)) for call in reply.calls)
        return cls(reply.content, reply.reasoning, calls, reply.finish_reason)

    def as_json(self) -> dict[str, Json]:
        """As `Outcome.expected` and `Outcome.seen` have an answer."""
        calls: list[Json] = [{"name": name, "arguments": arguments} for name, arguments in self.calls]
        return {
            "content": self.content,
            "reasoning": self.reasoning,
            "tool_calls": calls,
            "finish_reason": self.finish_reason,
        }


@dataclass(frozen=True, kw_only=True)
class ModelOutput:
    """What the model generated, and what that means.

    Attributes:
      fmt: The format.
      words: The text, special tokens written out, without the stop that ended it.
      parsed: What the strict parser reads in it.
      tokens: How many tokens it has as the server counts them; None where its count says nothing.
      cut: Whether the token limit cut it.
      tools: Those of the request.
      says_tool_calls: Whether the wire has a finish reason of its own for calls.
      generation_prompt: The end of the prompt.
    """

    fmt: Format
    words: str
    parsed: Parsed
    tokens: int | None
    cut: bool
    tools: tuple[Tool, ...] = ()
    says_tool_calls: bool = True
    generation_prompt: str = ""

    @cached_property
    def unclosed(self) -> str:
        """The end of the output, from the marker of a call that was never closed; "" where there is none.

        The strict parser makes no call of it, rightly, and no text either, since more may come. Where nothing cut the
        output nothing will, and what was generated must not vanish: it is the text of the answer, as malformed calls
        are. A marker and nothing after it says nothing that could be lost.
        """
        if self.cut or self.parsed.complete or not self.parsed.errors:
            return ""
        fmt, words = self.fmt, self.words
        openers = {region.opener.strip() for region in fmt.grammar.regions if not region.lenient} - {""}
        for start in sorted({match.start() for opener in openers for match in re.finditer(re.escape(opener), words)}):
            before = fmt.parse(
                to_segments(to_words(fmt, words[:start], control=True)),
                tools=self.tools,
                finish_reason="stop",
                generation_prompt=self.generation_prompt,
            )
            if before.complete and len(before.tool_calls) == len(self.parsed.tool_calls):
                return words[start:] if words[start:].strip() not in openers else ""
        return ""

    @property
    def text(self) -> str:
        """The text that is to reach the user: nothing of what became no call is lost."""
        return (self.parsed.content or "") + self.unclosed

    @property
    def answer(self) -> ChatAnswer:
        """What a faithful server gives."""
        calls = tuple((call.name, dict(call.arguments)) for call in self.parsed.tool_calls)
        finish_reason = "length" if self.cut else "tool_calls" if calls else "stop"
        return ChatAnswer(self.text, self.parsed.reasoning or "", calls, finish_reason)

    def as_json(self) -> dict[str, Json]:
        """As `Outcome.expected` has an answer."""
        return {**self.answer.as_json(), "words": self.words}

    def is_counted_by(self, reply: ChatReply) -> bool | None:
        """Whether the server counts as many tokens as the output has; None where nobody knows.

        The model is deterministic, so another number shows that it has generated something else.
        """
        if self.tokens is None or reply.answer_tokens is None:
            return None
        return reply.answer_tokens == self.tokens


Reading = Callable[[ModelOutput, ChatAnswer, ChatAnswer], ChatAnswer | None]
"""(a model's output, the answer as far as it is explained, the answer seen) to the answer that a faulty reader gives.

None, or the same, where the fault would not show. `reply` tries them; what comes out must be the answer seen.
"""


def reply_as_json(reply: ChatReply) -> dict[str, Json]:
    """As `Outcome.seen` has an answer, or an error."""
    if reply.error:
        return {"status": reply.status, "error": reply.error}
    return ChatAnswer.of_reply(reply).as_json()


def arguments_of(call: RawToolCall) -> Json:
    """The arguments as an object, or the text where they are none."""
    value = loads(call.arguments)
    return value if isinstance(value, dict) else call.arguments


def loads(text: str) -> Json:
    """The JSON that a text is; None where it is none."""
    try:
        value: Json = json.loads(text, parse_float=finite_float, parse_constant=finite_float)
    except (ValueError, RecursionError):
        return None
    return value


def without_markers(fmt: Format, text: str) -> str:
    """A text without the format's special tokens and without white space."""
    for token in sorted(fmt.special_tokens, key=len, reverse=True):
        text = text.replace(token, "")
    return without_space(text)


def without_space(text: str) -> str:
    """A text without white space."""
    return "".join(text.split())


def is_close(ours: Any, theirs: Any) -> bool:
    """Whether these are two numbers, the same but for rounding."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in (ours, theirs)):
        return False
    try:
        return abs(float(ours) - float(theirs)) <= 1e-6 * max(1.0, abs(float(ours)))
    except OverflowError:
        return False


@dataclass(frozen=True)
class ScriptText:
    """All that a script generates.

    Attributes:
      text: The outputs of all cues, one after the other.
      words: The long words in it.
    """

    text: str
    words: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "ScriptText":
        """The outputs, given as one text."""
        return cls(text, _long_words(_ESCAPE.sub(" ", text)))


def holds_other_output(output: ModelOutput, conversation: Conversation, reply: ChatReply, script: ScriptText) -> bool:
    """Whether an answer holds parts of another output of the script.

    Args:
      output: The model's own output.
      conversation: What was asked.
      reply: The answer.
      script: All that the script generates.
    """
    offered = {tool.name for tool in conversation.tools}
    if any(call.name in offered and call.name not in output.words for call in reply.calls):
        return True
    own = "\n".join([output.words, _ESCAPE.sub(" ", output.words), *_texts(output.as_json())])
    own_or_default = own + "\n".join(text for tool in conversation.tools for text in _texts(dict(tool.parameters)))
    for arguments in map(arguments_of, reply.calls):
        if isinstance(arguments, dict) and any(_is_other(leaf, script, own_or_default) for leaf in _leaves(arguments)):
            return True
    if output.is_counted_by(reply):  # the text is the model's, so that other words are a comment of the server's
        return False
    known = _long_words("\n".join([own, *_texts_of_request(conversation)]))
    return not (_long_words(f"{reply.content}\n{reply.reasoning}") - known).isdisjoint(script.words)


def _is_other(value: Json, script: ScriptText, own: str) -> bool:
    """Whether a value is a text that only another output has, or a number that this one does not have."""
    if isinstance(value, str):
        text = value.strip()
        return bool(text) and text not in own and text in script.text
    return _is_new(value, own)


def _is_new(value: Json, own: str) -> bool:
    """Whether a number is none of the own ones, however they are spelled, rounded or cut off."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not any(is_close(float(number), value) for number in (*_LIMITS, *_NUMBER.findall(own)))


def _texts_of_request(conversation: Conversation) -> Iterator[str]:
    for message in conversation.messages:
        yield from _texts([message.content, message.reasoning])
        for call in message.tool_calls:
            yield from _texts([call.name, dict(call.arguments)])
    yield from _texts([write_tool(tool) for tool in conversation.tools])


def _texts(value: Json) -> Iterator[str]:
    """All that is neither object nor list, as text."""
    return (leaf if isinstance(leaf, str) else json.dumps(leaf) for leaf in _leaves(value))


def _leaves(value: Json) -> Iterator[Json]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None:
        yield value


def _long_words(text: str) -> frozenset[str]:
    """Runs of letters that do not occur by chance."""
    return frozenset(word.casefold() for word in re.findall(r"[^\W\d_]{5,}", text))
