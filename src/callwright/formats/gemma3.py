"""Turns of Gemma 3, which the formats of our own are written on.

Gemma 3 has two roles, user and model, no role for the system and no control tokens for tools. So tools and system text
open the first user turn, and results come from the user. Turns alternate: the user's words and results that follow each
other are one turn, with an empty line between them, and two turns of the model in a row are refused. A format's own
file has how tools, calls and results look.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from callwright.conversation import Conversation, Json, Message, Tool
from callwright.errors import FormatError
from callwright.formats.base import (
    Format,
    Warn,
    control,
    refuse_reasoning,
    result_name,
    result_value,
    template_text,
    text_of,
)
from callwright.formats.jsontext import dumps_at
from callwright.formats.omissions import Omissions
from callwright.formats.schemas import served_tool
from callwright.tokens import Segment


class Gemma3Format(Format):
    """A format on Gemma 3's turns."""

    bos = "<bos>"
    stops = ("<end_of_turn>",)
    special_tokens = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
    text_markers = special_tokens

    tools_template = template_text("served-tools.jinja")
    """The part of a chat template that prints tools; it follows references, but none with percent-escapes."""
    around_tools = around_result = ("", "")
    """What stands before and behind the tools, and a result."""

    def _tools_text(self, tools: Sequence[Tool], warn: Warn) -> str:
        """The tools, of which there are some."""
        served: list[Json] = []
        for n, tool in enumerate(tools):
            omissions = Omissions(f"tools[{n}]", tool.name)
            served.append(served_tool(tool, omissions))
            omissions.tell(warn)
        before, behind = self.around_tools
        return f"{before}\n{dumps_at(served, 'tools')}\n{behind}"

    @abstractmethod
    def _turn_text(self, message: Message, content: str, where: str) -> str:
        """The model's turn: its content, which may be empty, and its calls."""

    def _text(self, message: Message, index: int) -> str:
        """The content of a user's or the model's message."""
        return text_of(message, f"messages[{index}]")

    def _opening(self, tools_text: str, system: Sequence[str]) -> str:
        """What stands before the first user's words."""
        return "".join(f"{part}\n\n" for part in ([tools_text] if tools_text else []) + list(system))

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterator[Segment]:
        yield control("<bos>")
        messages = conversation.messages
        start = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
        tools_text = self._tools_text(conversation.tools, warn) if conversation.tools else ""
        opening = self._opening(tools_text, [text_of(messages[i], f"messages[{i}]") for i in range(start)])
        if opening and (start == len(messages) or messages[start].role == "assistant"):
            yield from turn("user", opening)
            opening = ""
        index = start
        while index < len(messages):
            message = messages[index]
            stop = index + 1
            if message.role == "assistant":
                if index > start and messages[index - 1].role == "assistant":
                    raise FormatError(
                        f"the user's words or results as messages[{index}]",
                        "the assistant's turn again",
                        f"join it to messages[{index - 1}]: the model would learn to stop between them",
                    )
                yield from turn("model", self._answer(message, index), supervised=message.supervised)
            else:
                while stop < len(messages) and messages[stop].role != "assistant":
                    stop += 1
                yield from self._user_turns(messages, index, stop, opening)
                opening = ""
            index = stop
        if add_generation_prompt:
            yield control("<start_of_turn>")
            yield Segment("model\n")

    def _user_turns(self, messages: Sequence[Message], start: int, stop: int, opening: str) -> Iterator[Segment]:
        """What stands between two turns of the model, `messages[start:stop]`, as one turn of the user's."""
        before, behind = self.around_result
        pieces: list[str] = []
        for index in range(start, stop):
            if messages[index].role == "user":
                pieces += ("\n\n" if pieces else "", self._text(messages[index], index))
            elif messages[index].role == "tool":
                after_result = index > start and messages[index - 1].role == "tool"
                pieces += (
                    "\n" if after_result else "\n\n" if pieces else "",
                    f"{before}\n{_result(messages, index)}\n{behind}",
                )
            else:
                raise refused_system(index)
        yield from turn("user", opening + "".join(pieces))

    def _answer(self, message: Message, index: int) -> str:
        refuse_reasoning(message, f"messages[{index}]")
        content = self._text(message, index) if message.content is not None else ""
        self.check_reads_back(content, f"messages[{index}].content")
        return self._turn_text(message, content, f"messages[{index}]")


def refused_system(index: int) -> FormatError:
    """The error for a system message that follows others."""
    return FormatError(
        "system messages before all others",
        f"one as messages[{index}]",
        "join them: move its text into the first system message",
    )


def turn(role: str, text: str, *, supervised: bool = False) -> Iterator[Segment]:
    """One turn, its end marker included."""
    yield control("<start_of_turn>")
    yield Segment(f"{role}\n")
    yield Segment(text, supervised=supervised)
    yield control("<end_of_turn>", supervised=supervised)
    yield Segment("\n")


def _result(messages: Sequence[Message], index: int) -> str:
    """The result `messages[index]` as JSON, with the name of its function.

    Raises:
      FormatError: It names no function, or JSON cannot write it.
    """
    message = messages[index]
    name = result_name(messages, index)
    if not name:
        raise FormatError(
            f"messages[{index}] to name the function it comes from",
            f"no name and tool_call_id {message.tool_call_id!r}, which answers no earlier call",
            "set name, or the id of a call that was made",
        )
    return dumps_at({"name": name, "result": result_value(message, f"messages[{index}]")}, f"messages[{index}].content")
