"""ChatML, as Qwen and Hermes speak it: turns between `<|im_start|>` and `<|im_end|>`, results in `<tool_response>`.

What the families share is here: the walk through the messages, calls as one line of JSON between `<tool_call>` and
`</tool_call>`, results as Python prints them (which is what their templates do with data), and the refusal of content
that would be read back as something else. A family says how its prompt opens, what its assistant says and how a run of
results is written.

The calls' names stand between quotes as they are, so a name that JSON would have to escape is refused.
"""

import re
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError, FormatWarning
from callwright.formats.base import Format, control
from callwright.formats.grammar import Grammar, Region, Thought
from callwright.formats.jsontext import dumps, dumps_at, reason
from callwright.formats.tagged import TaggedJson
from callwright.openai import write_tool
from callwright.tokens import Segment

OPEN, CLOSE = "<tool_call>", "</tool_call>"
START, END = "<|im_start|>", "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Turn:
    """An assistant's message and where it stands.

    Attributes:
      message: The message.
      where: Its place, for errors.
      tools: What is offered.
      last: Whether it is the conversation's last message.
      answers: Whether it comes after the last question of the user; a user's message that is one `<tool_response>` is
        no question.
      thinking: What `render` was told.
    """

    message: Message
    where: str
    tools: Sequence[Tool]
    last: bool
    answers: bool
    thinking: bool | None


class ChatMl(Format):
    """What the families share."""

    stops: tuple[str, ...] = (END, "<|endoftext|>")
    result_opener = f"{START}user\n"
    """What opens the turn with the results of a round."""

    def render(
        self, conversation: Conversation, *, add_generation_prompt: bool = False, thinking: bool | None = None
    ) -> list[Segment]:
        """See `Format.render`."""
        if thinking and self.grammar.thought is None:
            raise FormatError("thinking off or unset", "thinking on", "choose a format whose family can think")
        if not conversation.messages:
            raise FormatError("at least one message", "none", "add the user's message")
        return list(self._segments(conversation, add_generation_prompt, thinking))

    def _segments(
        self, conversation: Conversation, add_generation_prompt: bool, thinking: bool | None
    ) -> Iterator[Segment]:
        messages = conversation.messages
        yield from self.fixed(self.bos)
        yield from self.opening(conversation)
        question = _last_question(messages)
        for index, message in enumerate(messages):
            if message.role == "assistant":
                last = index == len(messages) - 1
                turn = Turn(message, f"messages[{index}]", conversation.tools, last, index > question, thinking)
                yield from self.fixed(f"{START}assistant\n")
                yield from self.answer(turn)
                yield from self.fixed(END, trained=True)
                yield Segment("\n")
            elif message.role == "tool":
                yield from self.result(messages, index)
            elif index > 0 or not self.takes_up(message):
                yield from self.turn(message.role, text_of(message, f"messages[{index}]"))
        if add_generation_prompt:
            yield from self.fixed(f"{START}assistant\n")
            yield from self.prompted(thinking)

    @abstractmethod
    def opening(self, conversation: Conversation) -> Iterator[Segment]:
        """What stands before the messages."""

    @abstractmethod
    def answer(self, turn: Turn) -> Iterator[Segment]:
        """What the assistant says in this turn."""

    def takes_up(self, first: Message) -> bool:
        """Whether the opening has the first message in it."""
        return first.role == "system"

    def prompted(self, thinking: bool | None) -> Iterator[Segment]:
        """What a generation prompt adds to the opened turn."""
        yield from ()

    def result(self, messages: Sequence[Message], index: int) -> Iterator[Segment]:
        """One result of a run of them."""
        if index == 0 or messages[index - 1].role != "tool":
            yield from self.fixed(self.result_opener)
        else:
            yield Segment("\n")
        yield from self.fixed("<tool_response>\n")
        yield Segment(printed(messages[index].content, f"messages[{index}].content"))
        yield from self.fixed("\n</tool_response>")
        if index == len(messages) - 1 or messages[index + 1].role != "tool":
            yield from self.fixed(f"{END}\n")

    def turn(self, role: str, text: str) -> Iterator[Segment]:
        """A turn of somebody else."""
        yield from self.fixed(f"{START}{role}\n")
        yield Segment(text)
        yield from self.fixed(f"{END}\n")

    def fixed(self, text: str, *, trained: bool = False) -> Sequence[Segment]:
        """Text of the template's own: its special tokens are control, the rest is plain."""
        return _split(text, self.controls, trained)

    def spoken(self, content: str, turn: Turn, gap: str) -> Iterator[Segment]:
        """Content, a gap, and the turn's calls between their tags, one under the other."""
        if content:
            yield Segment(content, trained=True)
        for n, call in enumerate(turn.message.tool_calls):
            separator = "\n" if n else gap
            if separator:
                yield Segment(separator, trained=True)
            yield control(OPEN, trained=True)
            yield Segment(self.call(call, turn.tools, f"{turn.where}.tool_calls[{n}]"), trained=True)
            yield control(CLOSE, trained=True)

    def call(self, call: ToolCall, tools: Sequence[Tool], where: str) -> str:
        """What stands between the tags of a call."""
        if not call.name or dumps(call.name) != f'"{call.name}"':
            raise FormatError(f"{where}.name that JSON need not escape", repr(call.name), "rename the function")
        return f'\n{{"name": "{call.name}", "arguments": {dumps_at(dict(call.arguments), f"{where}.arguments")}}}\n'

    def readable(self, content: str, where: str) -> None:
        """Refuses what would be read back as a call, a thought or the end of the turn.

        Raises:
          FormatError: a marker stands in it.
        """
        match = self.grammar.in_content.find(content, 0)
        if match is not None:
            raise FormatError(
                f"{where} without {match.group()}",
                f"one at character {match.start()}",
                "write the tag differently, or say a call as a tool call: read back it would be a marker",
            )

    def given(self, tools: Sequence[Tool]) -> Iterator[str]:
        """The tools as JSON, as their source wrote them."""
        for n, tool in enumerate(tools):
            yield dumps_at(dict(tool.given or write_tool(tool)), f"tools[{n}]")


def calls_in_json(stops: tuple[str, ...], thought: Thought | None = None) -> Grammar:
    """The grammar of a family whose calls are JSON; white space before a call belongs to the call."""
    calls = Region(OPEN, TaggedJson(OPEN, CLOSE), closers=(CLOSE,), before="whitespace")
    # A thought that is closed without being open began in the prompt: reported, not taken for content in silence.
    return Grammar((calls,), stops=stops, thought=thought, strays=(thought.closer,) if thought else ())


def text_of(message: Message, where: str) -> str:
    """The text of a message; an assistant may have none.

    Raises:
      FormatError: the content is not text.
    """
    if message.content is None and message.role == "assistant":
        return ""
    if not isinstance(message.content, str):
        came = "nothing" if message.content is None else type(message.content).__name__
        raise FormatError(f"text as {where}.content", came, f"give the {message.role} message a string")
    return message.content


def printed(value: Json, where: str) -> str:
    """The value as Python's `str` writes it, which is how these templates print data.

    Raises:
      FormatError: Python cannot write it.
    """
    if isinstance(value, str):
        return value
    try:
        return str(value)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"a value that can be printed as {where}", reason(error), "give the text itself") from error


def warn(left_out: str, why: str) -> None:
    """Says that the family's template leaves something out."""
    warnings.warn(f"{left_out} is left out: {why}", FormatWarning, stacklevel=2)


def _last_question(messages: Sequence[Message]) -> int:
    """Index of the user's last message that is not a tool's result in disguise; past the end when there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            content = text_of(messages[index], f"messages[{index}]")
            if not (content.startswith("<tool_response>") and content.endswith("</tool_response>")):
                return index
    return len(messages)


@lru_cache(maxsize=256)
def _split(text: str, controls: tuple[str, ...], trained: bool) -> tuple[Segment, ...]:
    pieces = re.split(f"({'|'.join(map(re.escape, controls))})", text)
    return tuple(Segment(piece, n % 2 == 1, trained) for n, piece in enumerate(pieces) if piece)
