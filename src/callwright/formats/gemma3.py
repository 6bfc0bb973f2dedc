"""Turns of Gemma 3, which the formats of our own are written on.

Gemma 3 has two roles, user and model, no role for the system and no control tokens for tools. So tools and system text
open the first user turn, and results come from the user. A format says how tools, calls and results look.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import FormatError
from callwright.formats.base import Format, control, refuse_thinking, result_name, text_of
from callwright.formats.jsontext import dumps_at
from callwright.tokens import Segment


class Gemma3Format(Format):
    """A format on Gemma 3's turns."""

    bos = "<bos>"
    stops = ("<end_of_turn>",)
    controls = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")

    def render(
        self, conversation: Conversation, *, add_generation_prompt: bool = False, thinking: bool | None = None
    ) -> list[Segment]:
        """See `Format.render`."""
        refuse_thinking(thinking)
        return list(self._segments(conversation, add_generation_prompt))

    @abstractmethod
    def _offer(self, tools: Sequence[Tool]) -> str:
        """The tools, of which there are some."""

    @abstractmethod
    def _calls(self, message: Message, content: str, where: str) -> str:
        """What the model says: its content, which may be empty, and its calls."""

    @abstractmethod
    def _results(self, messages: Sequence[Message], start: int, stop: int) -> Iterator[Segment]:
        """The turns that bring the results `messages[start:stop]`."""

    def _text(self, message: Message, index: int) -> str:
        """What a user or the model says in words."""
        return text_of(message, f"messages[{index}]")

    def _opening(self, offer: str, system: Sequence[str]) -> str:
        """What stands before the first user's words."""
        return "".join(f"{part}\n\n" for part in ([offer] if offer else []) + list(system))

    def _segments(self, conversation: Conversation, add_generation_prompt: bool) -> Iterator[Segment]:
        yield control("<bos>")
        messages = conversation.messages
        start = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
        offer = self._offer(conversation.tools) if conversation.tools else ""
        opening = self._opening(offer, [text_of(messages[i], f"messages[{i}]") for i in range(start)])
        if opening and (start == len(messages) or messages[start].role != "user"):
            yield from turn("user", opening)
            opening = ""
        index = start
        while index < len(messages):
            message = messages[index]
            if message.role == "tool":
                stop = next((i for i in range(index, len(messages)) if messages[i].role != "tool"), len(messages))
                yield from self._results(messages, index, stop)
                index = stop
                continue
            if message.role == "assistant":
                yield from turn("model", self._answer(message, index), trained=True)
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
        if message.reasoning is not None:
            raise FormatError(
                f"messages[{index}] without reasoning", "reasoning", "drop it: this format has no place for thinking"
            )
        content = self._text(message, index) if message.content is not None else ""
        return self._calls(message, content, f"messages[{index}]")


def turn(role: str, text: str, *, trained: bool = False) -> Iterator[Segment]:
    """One turn, its end marker included."""
    yield control("<start_of_turn>")
    yield Segment(f"{role}\n")
    yield Segment(text, trained=trained)
    yield control("<end_of_turn>", trained=trained)
    yield Segment("\n")


def result_json(messages: Sequence[Message], index: int) -> str:
    """The result `messages[index]` as JSON, with the name of its function.

    Raises:
      FormatError: it names no function, or JSON cannot say it.
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
