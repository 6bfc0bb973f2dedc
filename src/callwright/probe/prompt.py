"""Prompts: the one that our renderer gives of a request, and the one that reached the model, read with an x-ray."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from callwright.conversation import Conversation, Json, Message, Tool
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer
from callwright.formats.base import Format
from callwright.instruments.prompt_reader import DisplayTokens, xray_cue
from callwright.instruments.vocabulary import PRIVATE, Vocabulary, cue_text
from callwright.tokens import Segment, decode_segments, encode_segments

PromptPieces = tuple[tuple[str, bool], ...]
"""A prompt as (text, whether it is a special token), no two texts next to each other."""
_XRAY_CUE = re.compile(cue_text(xray_cue(1)).replace("1", "[0-9]+") + r"\Z")
SPARE = 8
"""Tokens that an x-ray may generate beyond the prompt, so that one that does not stop is noticed."""


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """A request, and the prompt that should become of it.

    Attributes:
      fmt: The format.
      vocabulary: The instrument's.
      conversation: Tools and messages, the x-ray's cue included.
      thinking: Whether the request asks for thinking; None leaves it open.
    """

    fmt: Format
    vocabulary: Vocabulary
    conversation: Conversation
    thinking: bool | None = None

    def segments(self, *, generation_prompt: bool = True) -> tuple[Segment, ...]:
        """The prompt as our renderer gives it."""
        prompt = self.fmt.render(self.conversation, add_generation_prompt=generation_prompt, thinking=self.thinking)
        return prompt.segments

    def pieces(self, *, generation_prompt: bool = True) -> PromptPieces:
        """The same in pieces."""
        return pieces_of(self.vocabulary, self.segments(generation_prompt=generation_prompt))

    def with_messages(self, messages: Iterable[Message]) -> "RenderedRequest":
        """The request with other messages."""
        return replace(self, conversation=replace(self.conversation, messages=tuple(messages)))

    def with_tools(self, tools: Iterable[Tool]) -> "RenderedRequest":
        """The request with other tools."""
        return replace(self, conversation=replace(self.conversation, tools=tuple(tools)))


@dataclass(frozen=True, slots=True)
class SeenPrompt:
    """What an x-ray showed.

    Attributes:
      request: What was asked, the cue included.
      cue: The length that the cue named.
      reply: The server's answer.
      pieces: The prompt; None when it could not be read.
      before: Text before the prompt's characters.
      problem: Why it could not be read, in a sentence.
    """

    request: ChatRequest
    cue: int
    reply: ChatReply
    pieces: PromptPieces | None = None
    before: str = ""
    problem: str = ""


def pieces_of(vocabulary: Vocabulary, segments: Iterable[Segment]) -> PromptPieces:
    """Segments in pieces; in a control segment each special token of the vocabulary is one."""
    return joined(
        piece
        for segment in segments
        for piece in (vocabulary.cut(segment.text) if segment.control else [(segment.text, False)])
    )


def joined(parts: Iterable[tuple[str, bool]]) -> PromptPieces:
    """The parts with neighboring texts as one and empty ones gone."""
    pieces: list[tuple[str, bool]] = []
    for text, special in parts:
        if pieces and not special and not pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + text, False)
        elif text:
            pieces.append((text, special))
    return tuple(pieces)


def change_texts(pieces: PromptPieces, change: Callable[[str], str]) -> PromptPieces:
    """The pieces with their texts changed and special tokens as they are; texts that become empty are gone."""
    changed = ((text if special else change(text), special) for text, special in pieces)
    return tuple((text, special) for text, special in changed if text)


def text_of_pieces(pieces: PromptPieces) -> str:
    """The prompt's text, special tokens written out."""
    return "".join(text for text, _ in pieces)


def marked(pieces: PromptPieces) -> str:
    """The prompt's text, each special token between two characters that no text can have."""
    return "".join(f"\ud800{text}\udfff" if special else text for text, special in pieces)


def pieces_as_json(pieces: PromptPieces) -> Json:
    """As `Outcome.expected` and `Outcome.seen` have a prompt."""
    return [[text, special] for text, special in pieces]


def with_cue(conversation: Conversation, name: str) -> Conversation:
    """The conversation with a cue at the end of what the user said last."""
    messages = list(conversation.messages)
    last = max((n for n, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        raise ValueError("a conversation without a user")
    messages[last] = replace(messages[last], content=f"{messages[last].content or ''} {cue_text(name)}")
    return replace(conversation, messages=tuple(messages))


def shows_prompt(request: ChatRequest) -> bool:
    """Whether a request has the cue that makes an x-ray repeat the prompt."""
    texts = [message.content for message in request.conversation.messages if message.role == "user"]
    return bool(texts) and _XRAY_CUE.search(str(texts[-1])) is not None


def see_prompt(server: ChatServer, fmt: Format, display: DisplayTokens, request: ChatRequest) -> SeenPrompt:
    """Reads the prompt that the server makes of a request.

    The length comes first: what our renderer gives is tried, and if the server counts otherwise, its own count. Where
    the context has no space for a prompt and its echo, the prompt is read in windows.

    Args:
      server: A server with the x-ray.
      fmt: The format.
      display: The x-ray's tokens.
      request: The conversation has no cue yet; `max_tokens` and `sampling` are chosen here.
    """
    count = _expected_tokens(fmt, display, request)
    for _ in range(2):
        if not 0 < count <= len(display.cues):
            count = 1  # only asks for the length
        asked, reply = _ask(server, request, count, count)
        problem = _problem(display, reply)
        if problem:
            return SeenPrompt(asked, count, reply, problem=problem)
        if reply.prompt_tokens == count:
            return _read(server, display, request, SeenPrompt(asked, count, reply))
        count = reply.prompt_tokens or 0
    problem = "the same request does not give a prompt of the same length twice"
    return SeenPrompt(asked, count, reply, problem=problem)


def _ask(server: ChatServer, request: ChatRequest, back: int, count: int) -> tuple[ChatRequest, ChatReply]:
    """Asks for the last `back` tokens of a prompt that has `count`."""
    limit = back + SPARE if request.context is None else min(back + SPARE, request.context - count)
    conversation = with_cue(request.conversation, xray_cue(back))
    asked = replace(request, conversation=conversation, max_tokens=max(1, limit))
    return asked, server.chat(asked)


def _problem(display: DisplayTokens, reply: ChatReply) -> str:
    """Why a reply shows no prompt; "" where it may."""
    if reply.error:
        return reply.error
    if reply.prompt_tokens is None:
        return "the server does not say how many tokens the prompt has"
    if reply.prompt_tokens > len(display.cues):
        longest = f"longer than the instrument can say back ({len(display.cues)})"
        return f"a prompt of {reply.prompt_tokens} tokens is {longest}"
    return ""


def _expected_tokens(fmt: Format, display: DisplayTokens, request: ChatRequest) -> int:
    """How many tokens our renderer gives; the cue is one, whatever number it has."""
    conversation = with_cue(request.conversation, xray_cue(1))
    prompt = fmt.render(conversation, add_generation_prompt=True, thinking=request.thinking)
    return len(encode_segments(display.vocabulary, prompt.segments)[0])


def _read(server: ChatServer, display: DisplayTokens, request: ChatRequest, first: SeenPrompt) -> SeenPrompt:
    """The prompt of a first answer, and of further ones that begin where the one before ended."""
    before, output = split_display(display, first.reply)
    while 0 < len(output) < first.cue:
        _, reply = _ask(server, request, first.cue - len(output), first.cue)
        _, more = split_display(display, reply)
        if reply.prompt_tokens != first.cue or not more:
            break
        output += more
    if len(output) != first.cue:
        got = f"{len(output)} of {first.cue} tokens" if output else repr(before[:60])
        return replace(first, problem=f"the x-ray's answer did not come through: {got}")
    prompt = decode_segments(display.vocabulary, display.read(output, first.cue))
    return replace(first, pieces=pieces_of(display.vocabulary, prompt), before=before)


def split_display(display: DisplayTokens, reply: ChatReply) -> tuple[str, str]:
    """What stands before an x-ray's characters, and these up to the first other one.

    Where a prompt opens a thought, or a server takes one for opened, what the x-ray generates is the thought.
    """
    words, shown = reply.words, range(PRIVATE, PRIVATE + len(display.tokens))
    start = next((place for place, one in enumerate(words) if ord(one) in shown), len(words))
    output = list(takewhile(lambda one: ord(one) in shown, words[start:]))
    return words[:start], "".join(output)
