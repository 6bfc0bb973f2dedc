"""Whether an answer holds what the model has not said and nobody has asked: parts of another line of its script.

That happens where tokens were forced on a model, which then goes on anywhere in its script, and where a server gives
what is left of another request. Parsers do neither: they cut, retype and lose, but invent no name, word or number.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from callwright.conversation import Conversation, Json
from callwright.engines.chat import ChatReply
from callwright.openai import write_tool
from callwright.probe.explain.said import Said, arguments_of
from callwright.probe.explain.values import close

_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")

_LIMITS = frozenset(edge for bits in (32, 64) for edge in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 2**bits - 1))
"""What is left of numbers too large for a parser, perhaps rounded since."""


@dataclass(frozen=True)
class Lines:
    """All lines of a script.

    Attributes:
      text: One after the other.
      words: The long words in them.
    """

    text: str
    words: frozenset[str]


def read_lines(text: str) -> Lines:
    """The lines of a script, given as one text."""
    return Lines(text, _long_words(_ESCAPE.sub(" ", text)))


def holds_others(said: Said, conversation: Conversation, reply: ChatReply, lines: Lines) -> bool:
    """Whether an answer holds parts of another line.

    Args:
      said: The model's own words.
      conversation: What was asked.
      reply: The answer.
      lines: All lines of the script.
    """
    offered = {tool.name for tool in conversation.tools}
    if any(call.name in offered and call.name not in said.words for call in reply.calls):
        return True
    own = "\n".join([said.words, _ESCAPE.sub(" ", said.words), *_texts(said.as_json())])
    defaults = "\n".join(text for tool in conversation.tools for text in _texts(dict(tool.parameters)))
    for call in reply.calls:
        for value in _leaves(arguments_of(call)) if isinstance(arguments_of(call), dict) else ():
            if _is_text_of(value, lines, own + defaults) if isinstance(value, str) else _is_new(value, own + defaults):
                return True
    if said.is_counted_by(reply):  # the text is the model's, so that other words are a comment of the server's
        return False
    strange = _long_words(f"{reply.content}\n{reply.reasoning}") - _long_words("\n".join([own, *_asked(conversation)]))
    return not strange.isdisjoint(lines.words)


def _is_text_of(value: str, lines: Lines, own: str) -> bool:
    return bool(value.strip()) and value.strip() not in own and value.strip() in lines.text


def _is_new(value: Json, own: str) -> bool:
    """Whether a number is none of the own ones, however they are spelled, rounded or cut off."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not any(close(float(number), value) for number in (*_LIMITS, *_NUMBER.findall(own)))


def _asked(conversation: Conversation) -> Iterator[str]:
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
