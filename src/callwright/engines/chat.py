"""A chat endpoint: conversations with tools over HTTP, and what came back, unread.

`ChatServer` is the protocol that every way of serving a chat satisfies (`openai_chat`, `ollama_chat`). An answer keeps
what the wire said: the arguments of a call stay JSON text, so that `1.0` is not `1` and a cut object is seen to be cut.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from callwright.conversation import Conversation, Json, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSampling:
    """How tokens are to be drawn; what is None is left out of the request, so that the server's default counts."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None


GREEDY = ChatSampling(temperature=0.0, seed=1)
PURE = ChatSampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0)
"""The model's own distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What is asked.

    Attributes:
      conversation: Tools and messages.
      max_tokens: The limit of the answer; None leaves it out.
      sampling: How tokens are drawn.
      thinking: Whether the model is to think; None leaves it to the server.
      stream: Whether the answer comes in pieces; it is put together again either way.
      context: How many tokens prompt and answer may have together, where the wire can say it; None leaves it out.
      may_call: Whether the tools that are offered may be called, where the wire can say it.
    """

    conversation: Conversation
    max_tokens: int | None = None
    sampling: ChatSampling = GREEDY
    thinking: bool | None = None
    stream: bool = False
    context: int | None = None
    may_call: bool = True


@dataclass(frozen=True, slots=True)
class WireCall:
    """A call as it came: `arguments` is JSON text, or what stood in its place."""

    name: str
    arguments: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """What a server answered.

    Attributes:
      status: The HTTP status; 0 when no answer came.
      content: The text; "" where there is none.
      reasoning: The thinking that came apart from the text.
      calls: The calls, in order.
      finish_reason: As the server said it; None when it said none.
      prompt_tokens: The prompt's length as the server counted it.
      answer_tokens: The answer's length as the server counted it.
      error: What the server said was wrong, or what was wrong with its answer; "" when nothing was.
      pieces: How many pieces of a stream carried text, reasoning or a call.
      body: The answer as it came: an object, or the list of a stream's objects.
    """

    status: int
    content: str = ""
    reasoning: str = ""
    calls: tuple[WireCall, ...] = ()
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    error: str = ""
    pieces: int = 0
    body: Json = field(default=None, repr=False)

    @property
    def words(self) -> str:
        """Whatever the model said but calls, whether the server took it for thinking or for text."""
        return self.reasoning + self.content


class ChatServer(Protocol):
    """One model behind a chat endpoint. Several threads may ask at once."""

    @property
    def slots(self) -> int:
        """How many requests are answered side by side."""
        ...

    def chat(self, request: ChatRequest) -> ChatReply:
        """The answer. What goes wrong, a server that went away included, is an answer with `error`, never raised."""
        ...

    def curl(self, request: ChatRequest) -> str:
        """A command line that asks the same."""
        ...

    def carried(self, conversation: Conversation) -> Conversation:
        """What of a conversation is on the wire: most know only text for a tool's result (`results_as_text`)."""
        ...


def results_as_text(conversation: Conversation) -> Conversation:
    """The conversation with JSON for every result that is not text."""

    def written(message: Message) -> Message:
        if message.role != "tool" or isinstance(message.content, str):
            return message
        return replace(message, content=json.dumps(message.content, ensure_ascii=False))

    return replace(conversation, messages=tuple(map(written, conversation.messages)))


def curl_command(url: str, body: Mapping[str, Json]) -> str:
    """The command line that posts `body` to `url`."""
    text = json.dumps(body, ensure_ascii=False)
    return f"curl -s {shlex.quote(url)} -H 'Content-Type: application/json' -d {shlex.quote(text)}"
