"""A chat endpoint: conversations with tools over HTTP, and the replies as they came.

`ChatServer` is the protocol that every chat endpoint satisfies (`openai_chat`, `ollama_chat`). A reply keeps what was
sent: the arguments of a call stay JSON text, so that `1.0` is not `1` and a cut object is seen to be cut.
`ChatReply.message` reads them.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from callwright.conversation import Conversation, Json, Message, ToolCall
from callwright.engines.sampling import GREEDY, SamplingParams
from callwright.invisible import is_invisible


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A conversation for which a reply is asked.

    Attributes:
      conversation: Tools and messages.
      max_tokens: How many tokens the reply may have; None leaves it to the server.
      sampling: How tokens are drawn.
      thinking: Whether the model is to think; None leaves it to the server.
      stream: Whether the reply is streamed; a `ChatReply` is the whole of it either way.
      context: How many tokens prompt and reply may have together, where the endpoint has such an option; None leaves it
        to the server.
      may_call: Whether the tools that are offered may be called, where the endpoint has such an option.
    """

    conversation: Conversation
    max_tokens: int | None = None
    sampling: SamplingParams = GREEDY
    thinking: bool | None = None
    stream: bool = False
    context: int | None = None
    may_call: bool = True


@dataclass(frozen=True, slots=True)
class RawToolCall:
    """A call as it came: `arguments` is JSON text, or whatever was sent as such."""

    name: str
    arguments: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """What a server replied.

    Attributes:
      status: The HTTP status; 0 where no response came.
      content: The text; "" where there is none.
      reasoning: The thinking that came apart from the text; "" where there is none.
      calls: The calls, in order.
      finish_reason: The server's own word for it; None where it sent none.
      prompt_tokens: The prompt's length as the server counted it; None where it did not.
      answer_tokens: The reply's length as the server counted it; None where it did not.
      error: The error that the server sent, or what is wrong with its reply, in one line; "" where nothing is.
      pieces: How many pieces of a stream carried text, reasoning or a call.
      body: The reply as it came: a JSON object, or the list of a stream's objects.
    """

    status: int
    content: str = ""
    reasoning: str = ""
    calls: tuple[RawToolCall, ...] = ()
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    error: str = ""
    pieces: int = 0
    body: Json = field(default=None, repr=False)

    def message(self) -> Message | None:
        """The reply as a client sends it back; None where a call has no name, or arguments that are not an object."""
        calls = []
        for call in self.calls:
            try:
                arguments = json.loads(call.arguments or "{}")
            except (ValueError, RecursionError):
                return None
            if not isinstance(arguments, dict) or not call.name:
                return None
            calls.append(ToolCall(call.name, arguments, id=call.id))
        return Message("assistant", self.content or None, reasoning=self.reasoning or None, tool_calls=tuple(calls))

    @property
    def words(self) -> str:
        """Reasoning and content: all text but calls, whatever the server took for thinking."""
        return self.reasoning + self.content


class ChatServer(Protocol):
    """One model behind a chat endpoint; several threads may ask at once."""

    slots: int
    """How many requests are answered side by side."""

    def chat(self, request: ChatRequest) -> ChatReply:
        """The reply. Whatever goes wrong, a server that went away included, becomes a reply's `error`."""
        ...

    def curl(self, request: ChatRequest) -> str:
        """A command line for the shell that sends the same request."""
        ...

    def as_sent(self, conversation: Conversation) -> Conversation:
        """The conversation as the endpoint can carry it: most carry a tool's result as text, JSON if it is another."""

        def as_text(message: Message) -> Message:
            if message.role != "tool" or isinstance(message.content, str):
                return message
            return replace(message, content=json.dumps(message.content, ensure_ascii=False))

        return replace(conversation, messages=tuple(map(as_text, conversation.messages)))


def curl_command(url: str, body: Mapping[str, Json]) -> str:
    """The command line that posts `body` to `url`; characters that a terminal would hide or obey are JSON's escapes."""
    text = json.dumps(body, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(json.dumps(one)[1:-1] if is_invisible(one) else one for one in text)
    return f"curl -s {shlex.quote(url)} -H 'Content-Type: application/json' -d {shlex.quote(text)}"
