"""The prompt that reaches the model, read with an x-ray, and held against what our renderer gives."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from callwright.conversation import Conversation, Json
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer
from callwright.formats.base import Format
from callwright.instruments.echo import Echo, cue
from callwright.instruments.vocabulary import PRIVATE, Vocabulary, cue_text
from callwright.tokens import Segment, decode_segments, encode_segments

Pairs = tuple[tuple[str, bool], ...]
"""A prompt as text and control tokens: (text, whether it is one), no two texts next to each other."""
SPARE = 8
"""Tokens that an x-ray may say beyond the prompt, so that one that goes on is seen to."""


@dataclass(frozen=True, slots=True)
class SeenPrompt:
    """What an x-ray showed.

    Attributes:
      request: What was asked, the cue included.
      cue: The length that the cue named.
      reply: The server's answer.
      pairs: The prompt; None when it could not be read.
      before: Text that came before the prompt's characters.
      problem: Why it could not be read, in a sentence.
    """

    request: ChatRequest
    cue: int
    reply: ChatReply
    pairs: Pairs | None = None
    before: str = ""
    problem: str = ""


def pairs_of(vocabulary: Vocabulary, segments: Iterable[Segment]) -> Pairs:
    """Segments as pairs; in a control segment each special token of the vocabulary is one."""
    return joined(
        pair
        for segment in segments
        for pair in (vocabulary.cut(segment.text) if segment.control else [(segment.text, False)])
    )


def joined(parts: Iterable[tuple[str, bool]]) -> Pairs:
    """The parts with neighbouring texts as one and empty ones gone."""
    pairs: list[tuple[str, bool]] = []
    for text, control in parts:
        if pairs and not control and not pairs[-1][1]:
            pairs[-1] = (pairs[-1][0] + text, False)
        elif text:
            pairs.append((text, control))
    return tuple(pairs)


def pairs_of_ids(vocabulary: Vocabulary, ids: Iterable[int]) -> Pairs:
    """Token ids as pairs, each control token apart."""
    pairs: list[tuple[str, bool]] = []
    for segment in decode_segments(vocabulary, ids):
        pairs += vocabulary.cut(segment.text) if segment.control else [(segment.text, False)]
    return tuple(pairs)


def text_of_pairs(pairs: Pairs) -> str:
    """The prompt's text, control tokens written out."""
    return "".join(text for text, _ in pairs)


def marked(pairs: Pairs) -> str:
    """The prompt's text, each control token between two characters that no text can have."""
    return "".join(f"\ud800{text}\udfff" if control else text for text, control in pairs)


def pairs_as_json(pairs: Pairs) -> Json:
    """As `Outcome.expected` and `Outcome.seen` have a prompt."""
    return [[text, control] for text, control in pairs]


def with_cue(conversation: Conversation, name: str) -> Conversation:
    """The conversation with a cue at the end of what the user said last."""
    messages = list(conversation.messages)
    last = max((n for n, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        raise ValueError("a conversation without a user")
    messages[last] = replace(messages[last], content=f"{messages[last].content or ''} {cue_text(name)}")
    return replace(conversation, messages=tuple(messages))


def see_prompt(server: ChatServer, form: Format, echo: Echo, request: ChatRequest) -> SeenPrompt:
    """Reads the prompt that the server makes of a request.

    The length comes first: what our renderer gives is tried, and if the server counts otherwise, its own count. Where
    the context has no room for a prompt and its echo, the prompt is read in windows.

    Args:
      server: A server with the x-ray.
      form: The format.
      echo: The x-ray's tokens.
      request: The conversation has no cue yet; `max_tokens` and `sampling` are chosen here.
    """
    count = _expected_tokens(form, echo, request)
    for _ in range(2):
        if not 0 < count <= len(echo.pointers):
            count = 1  # only asks for the length
        asked, reply = _ask(server, request, count, count)
        problem = _problem(echo, reply)
        if problem:
            return SeenPrompt(asked, count, reply, problem=problem)
        if reply.prompt_tokens == count:
            return _read(server, echo, request, SeenPrompt(asked, count, reply))
        count = reply.prompt_tokens or 0
    problem = "the same request does not give a prompt of the same length twice"
    return SeenPrompt(asked, count, reply, problem=problem)


def _ask(server: ChatServer, request: ChatRequest, back: int, count: int) -> tuple[ChatRequest, ChatReply]:
    """Asks for the last `back` tokens of a prompt that has `count`."""
    room = back + SPARE if request.context is None else min(back + SPARE, request.context - count)
    conversation = with_cue(request.conversation, cue(back))
    asked = replace(request, conversation=conversation, max_tokens=max(1, room))
    return asked, server.chat(asked)


def _problem(echo: Echo, reply: ChatReply) -> str:
    if reply.error:
        return reply.error
    if reply.prompt_tokens is None:
        return "the server does not say how many tokens the prompt has"
    if reply.prompt_tokens > len(echo.pointers):
        longest = f"longer than the instrument can say back ({len(echo.pointers)})"
        return f"a prompt of {reply.prompt_tokens} tokens is {longest}"
    return ""


def _expected_tokens(form: Format, echo: Echo, request: ChatRequest) -> int:
    """How many tokens our renderer gives; the cue is one, whatever number it has."""
    conversation = with_cue(request.conversation, cue(1))
    segments = form.render(conversation, add_generation_prompt=True, thinking=request.thinking)
    return len(encode_segments(echo.vocabulary, segments)[0])


def _read(server: ChatServer, echo: Echo, request: ChatRequest, first: SeenPrompt) -> SeenPrompt:
    """The prompt of a first answer, and of further ones that begin where the one before ended."""
    before, said = _shown(echo, first.reply)
    while 0 < len(said) < first.cue:
        _, reply = _ask(server, request, first.cue - len(said), first.cue)
        _, more = _shown(echo, reply)
        if reply.prompt_tokens != first.cue or not more:
            break
        said += more
    if len(said) != first.cue:
        came = f"{len(said)} of {first.cue} tokens" if said else repr(before[:60])
        return replace(first, problem=f"the x-ray's answer did not come through: {came}")
    return replace(first, pairs=pairs_of_ids(echo.vocabulary, echo.read(said, first.cue)), before=before)


def _shown(echo: Echo, reply: ChatReply) -> tuple[str, str]:
    """What stands before an x-ray's characters, and these up to the first other one.

    Where a prompt opens a thought, or a server takes one for opened, what the x-ray says is the thought.
    """
    words, shown = reply.words, range(PRIVATE, PRIVATE + len(echo.shows))
    start = next((place for place, one in enumerate(words) if ord(one) in shown), len(words))
    said = list(takewhile(lambda one: ord(one) in shown, words[start:]))
    return words[:start], "".join(said)
