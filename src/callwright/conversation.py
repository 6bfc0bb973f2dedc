"""Tool, ToolCall, Message and Conversation, which everything else is about.

They are frozen and hold plain JSON values. A format makes a prompt of a conversation, and `openai` reads and writes
OpenAI's notation. Arguments keep the order in which the model generated them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call.

    Attributes:
      name: Any non-empty string; dots and dashes occur in the wild.
      description: What it does; None when the source gave none.
      parameters: A JSON Schema of type object, or {} for a function without parameters.
      given: The tool as its source wrote it, key order and further keys included, because some chat templates print
        just that; None for a tool made here. It does not count when tools are compared.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    given: Mapping[str, Json] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call: a name and JSON arguments, in the order in which the model generated them."""

    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    Attributes:
      role: Whose message it is. A `tool` message carries one result.
      content: Text, or for a tool result any JSON value; None when absent.
      reasoning: The assistant's thinking, apart from its content.
      tool_calls: What the assistant calls, in order.
      name: For a tool result, the function it comes from.
      tool_call_id: For a tool result, the id of the call it answers.
      supervised: Whether an assistant's message is to be learned; False where the source gives it the weight 0.
      reasoning_field: The key under which its source had the reasoning, because some chat templates know one key only.
      parts: The text parts that its source gave as content, because some chat templates trim each; () for plain text.
    """

    role: Role
    content: Json = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    name: str | None = None
    tool_call_id: str | None = None
    supervised: bool = True
    reasoning_field: str = field(default="reasoning_content", compare=False, repr=False)
    parts: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages, and the tools that the model may call."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
