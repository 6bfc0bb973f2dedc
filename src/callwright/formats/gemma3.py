"""Turns of Gemma 3, which the formats of our own are written on.

Gemma 3 has two roles, user and model, no role for the system and no control tokens for tools. So tools and system text
open the first user turn, and results come from the user. A format's own file has how tools, calls and results look.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import FormatError
from callwright.formats.base import Format, Warn, control, refuse_reasoning, result_name, text_of
from callwright.formats.jsontext import dumps_at
from callwright.formats.schemas import served_tool
from callwright.tokens import Segment


class Gemma3Format(Format):
    """A format on Gemma 3's turns."""

    bos = "<bos>"
    stops = ("<end_of_turn>",)
    special_tokens = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
    text_markers = special_tokens

    around_tools = around_result = ("", "")
    """What stands before and behind the tools, and a result."""

    def _tools_text(self, tools: Sequence[Tool]) -> str:
        """The tools, of which there are some."""
        before, behind = self.around_tools
        return f"{before}\n[{', '.join(dumps_at(served_tool(tool), 'tools') for tool in tools)}]\n{behind}"

    @abstractmethod
    def _turn_text(self, message: Message, content: str, where: str) -> str:
        """The model's turn: its content, which may be empty, and its calls."""

    def _result_turns(self, messages: Sequence[Message], start: int, stop: int) -> Iterator[Segment]:
        """The turns that bring the results `messages[start:stop]`."""
        before, behind = self.around_result
        yield from turn("user", "\n".join(f"{before}\n{_result(messages, i)}\n{behind}" for i in range(start, stop)))

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
        tools_text = self._tools_text(conversation.tools) if conversation.tools else ""
        opening = self._opening(tools_text, [text_of(messages[i], f"messages[{i}]") for i in range(start)])
        if opening and (start == len(messages) or messages[start].role != "user"):
            yield from turn("user", opening)
            opening = ""
        index = start
        while index < len(messages):
            message = messages[index]
            if message.role == "tool":
                stop = next((i for i in range(index, len(messages)) if messages[i].role != "tool"), len(messages))
                yield from self._result_turns(messages, index, stop)
                index = stop
                continue
            if message.role == "assistant":
                yield from turn("model", self._answer(message, index), supervised=True)
            elif message.role == "user":
                yield from turn("user", opening + self._text(message, index))
                opening = ""
            else:
                raise FormatError(
                    "system messages before all others",
                    f"one as messages[{index}]",
                    "move its text into the first system message",
                )
            index += 1
        if add_generation_prompt:
            yield control("<start_of_turn>")
            yield Segment("model\n")

    def _answer(self, message: Message, index: int) -> str:
        refuse_reasoning(message, f"messages[{index}]")
        content = self._text(message, index) if message.content is not None else ""
        self.check_reads_back(content, f"messages[{index}].content")
        return self._turn_text(message, content, f"messages[{index}]")


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
    return dumps_at({"name": name, "result": message.content}, f"messages[{index}].content")
