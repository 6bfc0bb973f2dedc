"""ChatML, as Qwen and Hermes use it: turns between `<|im_start|>` and `<|im_end|>`, results in `<tool_response>`.

What the families share is here: the walk through the messages, calls as one line of JSON between `<tool_call>` and
`</tool_call>`, results as Python prints them (which is what their templates do with data), and the refusal of content
that would be read back as something else. A family's own file has how the prompt opens, how an assistant's turn is
written and how a run of results is.

The calls' names stand between quotes as they are, so a name that JSON would have to escape is refused.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import base
from callwright.formats.base import Format, Warn, control, supervised_if
from callwright.formats.grammar import Grammar, Thought
from callwright.formats.jsontext import dumps_at, needs_no_escape, reason
from callwright.formats.schemas import source_tool
from callwright.formats.tagged import TaggedJson
from callwright.tokens import Segment

OPEN, CLOSE = "<tool_call>", "</tool_call>"
START, END = "<|im_start|>", "<|im_end|>"


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """An assistant's message and where it stands.

    Attributes:
      message: The message.
      where: Its place, for errors.
      tools: What is offered.
      last: Whether it is the conversation's last message.
      after_question: Whether it comes after the user's last question; a user's message that is one `<tool_response>` is
        none.
      thinking: What `render` was told.
      warn: Takes each warning.
    """

    message: Message
    where: str
    tools: Sequence[Tool]
    last: bool
    after_question: bool
    thinking: bool | None
    warn: Warn


class ChatMl(Format):
    """A family of ChatML."""

    stops: tuple[str, ...] = (END, "<|endoftext|>")
    result_opener = f"{START}user\n"
    """What opens the turn with the results of a round."""

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterator[Segment]:
        if not conversation.messages:
            raise FormatError("at least one message", "none", "add the user's message")
        messages = conversation.messages
        yield from self.literal(self.bos)
        yield from self.opening(conversation, thinking)
        question = self._last_question(messages)
        for index, message in enumerate(messages):
            if message.role == "assistant":
                last = index == len(messages) - 1
                turn = AssistantTurn(
                    message, f"messages[{index}]", conversation.tools, last, index > question, thinking, warn
                )
                if message.reasoning and self.grammar.thought is None:
                    warn(f"{turn.where}.reasoning is left out: {self.name} has no place for thinking")
                yield from self.literal(f"{START}assistant\n")
                yield from supervised_if(message.supervised, self.answer(turn))
                yield from self.literal(END, supervised=message.supervised)
                yield Segment("\n")
            elif message.role == "tool":
                yield from self.result(messages, index)
            elif index > 0 or not self.opening_includes(message):
                yield from self.turn(message.role, self.text(message, f"messages[{index}]"))
        if add_generation_prompt:
            yield from self.literal(f"{START}assistant\n")
            yield from self.prompt_suffix(thinking)

    @abstractmethod
    def opening(self, conversation: Conversation, thinking: bool | None) -> Iterator[Segment]:
        """What stands before the messages; `thinking` is what `render` was told."""

    @abstractmethod
    def answer(self, turn: AssistantTurn) -> Iterator[Segment]:
        """The assistant's turn, without its opening and its end."""

    def opening_includes(self, first: Message) -> bool:
        """Whether the opening has the first message in it."""
        return first.role == "system"

    def prompt_suffix(self, thinking: bool | None) -> Iterator[Segment]:
        """What a generation prompt has after the opening of the assistant's turn."""
        yield from ()

    def result(self, messages: Sequence[Message], index: int) -> Iterator[Segment]:
        """One result of a run of them."""
        last = index == len(messages) - 1
        if index == 0 or messages[index - 1].role != "tool":
            yield from self.literal(self.result_opener)
        yield from self.literal("<tool_response>\n")
        yield Segment(self.result_text(messages[index], f"messages[{index}]"))
        yield from self.literal("\n</tool_response>")
        if not last and messages[index + 1].role == "tool":
            yield Segment("\n")
        else:
            yield from self.literal(self.results_end(last))

    def text(self, message: Message, where: str) -> str:
        """The text of a message, as the template sees it."""
        return text_of(message, where)

    def result_text(self, message: Message, where: str) -> str:
        """The text of a result, as the template prints it."""
        return python_text(message.content, f"{where}.content")

    def results_end(self, last: bool) -> str:
        """What ends the turn with results; `last` where it is the conversation's last one."""
        return f"{END}\n"

    def _last_question(self, messages: Sequence[Message]) -> int:
        """Index of the user's last message that is not a tool's result in disguise; past the end when there is none."""
        for index in range(len(messages) - 1, -1, -1):
            if messages[index].role == "user":
                content = self.text(messages[index], f"messages[{index}]")
                if not (content.startswith("<tool_response>") and content.endswith("</tool_response>")):
                    return index
        return len(messages)

    def turn(self, role: str, text: str) -> Iterator[Segment]:
        """A turn of anybody but the assistant."""
        yield from self.literal(f"{START}{role}\n")
        yield Segment(text)
        yield from self.literal(f"{END}\n")

    def literal(self, text: str, *, supervised: bool = False) -> Sequence[Segment]:
        """Text of the template's own: its special tokens are control, the rest is plain."""
        return _split(text, self.special_tokens, supervised)

    def content_and_calls(self, content: str, turn: AssistantTurn, gap: str) -> Iterator[Segment]:
        """Content, a gap, and the turn's calls between their tags, one under the other."""
        if content:
            yield Segment(content, supervised=True)
        for n, call in enumerate(turn.message.tool_calls):
            separator = "\n" if n else gap
            if separator:
                yield Segment(separator, supervised=True)
            yield control(OPEN, supervised=True)
            yield Segment(self.call(call, turn.tools, f"{turn.where}.tool_calls[{n}]"), supervised=True)
            yield control(CLOSE, supervised=True)

    def call(self, call: ToolCall, tools: Sequence[Tool], where: str) -> str:
        """What stands between the tags of a call."""
        if not call.name or not needs_no_escape(call.name):
            raise FormatError(f"{where}.name that JSON need not escape", repr(call.name), "rename the function")
        return f'\n{{"name": "{call.name}", "arguments": {dumps_at(dict(call.arguments), f"{where}.arguments")}}}\n'

    def tools_json(self, tools: Sequence[Tool]) -> Iterator[str]:
        """The tools as JSON, as their source wrote them."""
        for n, tool in enumerate(tools):
            yield dumps_at(source_tool(tool), f"tools[{n}]")


def calls_in_json(stops: tuple[str, ...], thought: Thought | None = None) -> Grammar:
    """The grammar of a family whose calls are JSON; white space before a call belongs to the call."""
    calls = TaggedJson(OPEN, CLOSE).region(before="whitespace")
    # A thought that is closed without being open began in the prompt: reported, not taken for content in silence.
    return Grammar((calls,), stops=stops, thought=thought, lone_closers=(thought.closer,) if thought else ())


def text_of(message: Message, where: str) -> str:
    """The text of a message; an assistant may have none."""
    return base.text_of(message, where, absent="" if message.role == "assistant" else None)


def python_text(value: Json, where: str) -> str:
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


@lru_cache(maxsize=256)
def _split(text: str, special_tokens: tuple[str, ...], supervised: bool) -> tuple[Segment, ...]:
    pieces = re.split(f"({'|'.join(map(re.escape, special_tokens))})", text)
    return tuple(Segment(piece, n % 2 == 1, supervised) for n, piece in enumerate(pieces) if piece)
