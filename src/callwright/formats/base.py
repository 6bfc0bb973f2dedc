"""What a format is: conversations to segments, and the model's output back to calls.

A format is one object with pure methods. `render` gives segments (text that a format wrote is control, all that
somebody else wrote is not; see `tokens.Segment`), whose concatenation is the prompt, and warns of what the family's
template leaves out. `stream` reads the model's output as it arrives, `parse` reads it at once, and both are the same
code (`reading`). Reading is strict: an unclosed call is reported by `complete=False` and is never a call; a malformed
one is an error with its position and stays in the content, so nothing is lost and nothing is repaired in silence.
`lenient=True` repairs common mistakes, and lists the repairs; a call that nothing closes only where the model is known
to have ended its turn.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.grammar import WHITESPACE, Event, Grammar, ParseIssue, Repair, TextDelta
from callwright.formats.reading import Stream
from callwright.openai import is_parts
from callwright.tokens import Segment, Tokenizer

_LAST = "last words"
"""What is said in conversations that show how prompts end."""
Warn = Callable[[str], None]
"""Takes a warning: what the family's template leaves out or misplaces, whose bytes are given all the same."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as a prompt.

    Attributes:
      segments: The prompt, piece by piece.
      warnings: What the family's template leaves out or misplaces, in order; each names the message and the field.
    """

    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The prompt as one string."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A model's output, parsed.

    Attributes:
      content: The text outside calls and reasoning; None when there is none.
      reasoning: The text of the thoughts; None when there is none.
      tool_calls: The well-formed, closed calls, in order.
      complete: False when the text ends inside a call or a thought, or was cut by the token limit.
      errors: Malformed calls and other departures, in order.
      repairs: What `lenient` repaired, in order.
    """

    content: str | None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    complete: bool = True
    errors: tuple[ParseIssue, ...] = ()
    repairs: tuple[Repair, ...] = ()

    @classmethod
    def from_events(cls, events: Iterable[Event], *, complete: bool) -> Self:
        """The events of one message, from first to last, as one result."""
        content: list[str] = []
        reasoning: list[str] = []
        calls: list[ToolCall] = []
        errors: list[ParseIssue] = []
        repairs: list[Repair] = []
        for event in events:
            if isinstance(event, TextDelta):
                (reasoning if event.reasoning else content).append(event.text)
            elif isinstance(event, ToolCall):
                calls.append(event)
            elif isinstance(event, ParseIssue):
                errors.append(event)
            else:
                repairs.append(event)
        return cls(
            "".join(content) or None, "".join(reasoning) or None, tuple(calls), complete, tuple(errors), tuple(repairs)
        )


class Format(ABC):
    """One way of writing tool calls; stateless, shared freely.

    Attributes:
      name: The family's name.
      variant: The variant's name, "" for a family without variants.
      bos: What opens every prompt, "" for a family without it.
      stops: The special tokens that end the model's turn, e.g. `<end_of_turn>`.
      special_tokens: All special tokens that `render` writes or a model may generate, `bos` and `stops` included.
      grammar: The markers in the model's output, and what reads the text between them.
      text_markers: Markers that content may hold as plain text, because only control tokens count as these markers.
    """

    name: str
    variant: str = ""
    bos: str = ""
    stops: tuple[str, ...]
    special_tokens: tuple[str, ...]
    grammar: Grammar
    text_markers: tuple[str, ...] = ()

    def render(
        self, conversation: Conversation, *, add_generation_prompt: bool = False, thinking: bool | None = None
    ) -> Rendered:
        """The conversation as a prompt, BOS included once.

        Args:
          conversation: Tools and messages.
          add_generation_prompt: Whether the model's next turn is opened at the end.
          thinking: Whether the model is to think; None leaves it to the family's default.

        Raises:
          FormatError: The conversation cannot be represented; the message names the message and the field.
        """
        self._check_thinking(thinking)
        warnings: list[str] = []
        segments = tuple(
            self._segments(
                conversation,
                add_generation_prompt=add_generation_prompt,
                thinking=thinking,
                warn=warnings.append,
            )
        )
        return Rendered(segments, tuple(warnings))

    @property
    def id(self) -> str:
        """The key in the registry: `NAME` or `NAME/VARIANT`."""
        return f"{self.name}/{self.variant}" if self.variant else self.name

    @abstractmethod
    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterable[Segment]:
        """The segments of `render`, which has its other arguments; `warn` takes each warning."""

    def _check_thinking(self, thinking: bool | None) -> None:
        """Refuses thinking in a family that has no place for it."""
        if thinking and self.grammar.thought is None:
            raise FormatError("thinking off or unset", "thinking on", "choose a format whose family can think")

    def check_reads_back(self, text: str, where: str, *, reasoning: bool = False) -> None:
        """Refuses text of the model that `parse` would not give back: what is written reads back.

        Args:
          text: Content, or the inside of a thought.
          where: Its place, for the error.
          reasoning: Whether it is the inside of a thought, where calls are not looked for.

        Raises:
          FormatError: A marker stands in it, or it begins like a call that is a whole message.
        """
        finder = self.grammar.in_reasoning if reasoning else self.grammar.in_content
        match = finder.find(text, 0)
        while match is not None and match.group() in self.text_markers:
            match = finder.find(text, match.end())
        if match is not None:
            raise FormatError(
                f"{where} without {match.group().strip()}",
                f"one at character {match.start()}",
                "write it differently, or say a call as a tool call: read back it would be a marker",
            )
        openers = () if reasoning else tuple(region.opener for region in self.grammar.start_regions)
        if openers and text.lstrip(WHITESPACE).startswith(openers):
            parsed = self.parse([Segment(text)])
            if parsed.tool_calls or parsed.errors or not parsed.complete:
                raise FormatError(
                    f"{where} that reads back as text",
                    "text that begins like a call",
                    "say it as a tool call, or begin with other words",
                )

    def generation_prompt(self, conversation: Conversation, *, thinking: bool | None = None) -> str:
        """What opens the model's turn: the end that `render` adds for `add_generation_prompt`.

        Raises:
          FormatError: As `render`.
        """
        closed, opened = (
            self.render(conversation, add_generation_prompt=add, thinking=thinking).text for add in (False, True)
        )
        return opened.removeprefix(closed)

    def prompt_warnings(self, generation_prompt: str, thinking: bool | None = None) -> list[str]:
        """What reading makes nothing of, where it is told the end of the prompt, or whether the model was to think."""
        if not generation_prompt and not thinking:
            return []
        opened, warnings = self.grammar.opens_thought(generation_prompt), []
        if thinking and self.grammar.thought is None:
            warnings.append(f"thinking is left out of account: {self.id} has no place for thoughts")
        elif thinking is not None and generation_prompt and not self._may_open(thinking, opened):
            decided = "opens a thought" if opened else "opens none"
            warnings.append(f"thinking is left out of account: generation_prompt {decided}")
        end = generation_prompt.rstrip()
        own_ends = (own for ends in self._prompt_ends.values() for own in ends)
        if not opened and not any(end.endswith(own) or own.endswith(end) for own in own_ends):
            warnings.append(
                f"generation_prompt ends in {end[-40:]!r}, as no prompt of {self.id} does: "
                "the output is read as if the model's turn began with it"
            )
        return warnings

    @cached_property
    def opens_thoughts(self) -> bool:
        """Whether its prompts may open a thought where nobody says whether the model is to think."""
        return self._may_open(None, opened=True)

    def _may_open(self, thinking: bool | None, opened: bool) -> bool:
        """Whether one of the format's own prompts opens a thought, or opens none."""
        return any(self.grammar.opens_thought(end) == opened for end in self._prompt_ends[thinking])

    @cached_property
    def _prompt_ends(self) -> dict[bool | None, frozenset[str]]:
        """What stands in generation prompts behind the last text of others, without white space at its end.

        By what `render` is told of thinking; after a user's message, and after a result.
        """
        call = ToolCall("f", {}, id="call00001")
        user, result = Message("user", _LAST), Message("tool", _LAST, name="f", tool_call_id="call00001")
        found: dict[bool | None, set[str]] = {None: set(), False: set(), True: set()}
        for messages in ((user,), (user, Message("assistant", None, tool_calls=(call,)), result)):
            for thinking, ends in found.items():
                with suppress(FormatError):
                    prompt = self.render(Conversation(messages), add_generation_prompt=True, thinking=thinking).text
                    ends.add(prompt.rpartition(_LAST)[2].rstrip())
        return {thinking: frozenset(ends) for thinking, ends in found.items()}

    def stream(self, *, tools: Sequence[Tool] = (), generation_prompt: str = "", lenient: bool = False) -> Stream:
        """A reader for one message that arrives in pieces.

        Args:
          tools: The tools that the model was offered; formats without types cast arguments by their schemas.
          generation_prompt: The end of the prompt; where it opens a thought, the message begins inside it.
          lenient: Whether common mistakes are repaired.
        """
        return Stream(
            self.grammar,
            tools=tools,
            special_tokens=self.special_tokens,
            lenient=lenient,
            thinking=self.grammar.opens_thought(generation_prompt),
        )

    def parse(
        self,
        raw: str | Iterable[Segment],
        *,
        tools: Sequence[Tool] = (),
        finish_reason: str | None = None,
        generation_prompt: str = "",
        lenient: bool = False,
    ) -> Parsed:
        """The model's output as content, reasoning and calls. No text makes it raise.

        Args:
          raw: The output as text, where every marker counts, or as segments (`tokens.decode_segments`), where a control
            token counts only in a control segment.
          tools: The tools that the model was offered.
          finish_reason: "length" when the token limit cut the output, "stop" when the model ended it by itself, which
            lenient reading needs to know where a call is not closed.
          generation_prompt: The end of the prompt.
          lenient: Whether common mistakes are repaired.
        """
        stream = self.stream(tools=tools, generation_prompt=generation_prompt, lenient=lenient)
        events = stream.read((raw,) if isinstance(raw, str) else raw, finish_reason)
        return Parsed.from_events(events, complete=stream.complete)

    def drops_content(self, message: Message) -> bool:
        """Whether the family's template leaves this message's content out, as some do where calls stand beside it."""
        return False

    def chat_template(self) -> str:
        """A Jinja chat template that gives the very bytes of `render`."""
        return template_text(f"{self.id.replace('/', '-')}.jinja")


def template_text(file: str, **variables: Json) -> str:
    """What a file of templates/ holds, with variables that tell variants apart set in front of it."""
    text = (Path(__file__).parent / "templates" / file).read_text(encoding="utf-8")
    return "".join(f"{{%- set {name} = {json.dumps(value)} -%}}\n" for name, value in variables.items()) + text


def check_tokenizer(fmt: Format, tokenizer: Tokenizer) -> None:
    """Refuses a format whose control tokens are none of this tokenizer's: they would reach the model as plain text.

    Raises:
      FormatError: The tokenizer lacks some; the message names them.
    """
    missing = []
    for token in fmt.special_tokens:
        try:
            tokenizer.token_id(token)
        except KeyError:
            missing.append(token)
    if missing:
        raise FormatError(
            f"a tokenizer with the control tokens of {fmt.id}",
            f"one without {', '.join(missing)}",
            "choose a format of the model's own family",
        )


@lru_cache(maxsize=512)
def control(text: str, *, supervised: bool = False) -> Segment:
    """Text that is tokenized with special tokens on."""
    return Segment(text, control=True, supervised=supervised)


def supervised_if(supervised: bool, segments: Iterable[Segment]) -> Iterable[Segment]:
    """The segments of an assistant's message; none of them supervised where the message is not to be learned."""
    return segments if supervised else (replace(segment, supervised=False) for segment in segments)


def text_of(message: Message, where: str, *, absent: str | None = None, trim_parts: bool = False) -> str:
    """The content of a message as text.

    Args:
      message: The message.
      where: Its place, for the error.
      absent: What stands for content that is absent; None refuses it.
      trim_parts: Whether white space at the ends of text parts is removed; they are joined with nothing either way.

    Raises:
      FormatError: The content is not text.
    """
    content = absent if message.content is None else message.content
    if trim_parts and message.parts:
        return "".join(part.strip() for part in message.parts)
    if not isinstance(content, str):
        got = "nothing" if content is None else type(content).__name__
        raise FormatError(f"text as {where}.content", got, f"give the {message.role} message a string")
    return content


def result_value(message: Message, where: str) -> Json:
    """A result's value as our own formats print it: text parts are their text, all else is as it is.

    Raises:
      FormatError: A part is no text.
    """
    content = message.content
    if not is_parts(content):
        return content
    texts = [part.get("text") for part in content]
    if not all(isinstance(text, str) for text in texts):
        raise FormatError(f"text parts as {where}.content", "a part of another type", "keep text only")
    return "".join(map(str, texts))


def refuse_reasoning(message: Message, where: str) -> None:
    """Refuses a message with reasoning, for a family that has no place for thinking.

    Raises:
      FormatError: The message has reasoning.
    """
    if message.reasoning:
        raise FormatError(f"{where} without reasoning", "reasoning", "drop it: this format has no place for thinking")


def result_name(messages: Sequence[Message], index: int) -> str | None:
    """The function that the result `messages[index]` comes from: of the call it answers by id, else its own name."""
    message = messages[index]
    if message.tool_call_id is not None:
        for earlier in reversed(messages[:index]):
            for call in earlier.tool_calls:
                if call.id == message.tool_call_id:
                    return call.name
    return message.name
