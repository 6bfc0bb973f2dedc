"""What a format is: conversations to segments, and what a model said back to calls.

A format is one object with pure methods. `render` gives segments (text that a format wrote is control, all that
somebody else wrote is not; see `tokens.Segment`), and the prompt is their concatenation. `stream` reads what the model
says as it comes, `parse` reads it at once, and both are the same code (`reading`). Reading is strict: an unclosed call
is reported by `complete=False` and is never a call; a malformed one is an error with its position and stays in the
content, so nothing is lost and nothing is repaired in silence. `lenient=True` may repair known slips, and says which.
"""

import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError, FormatWarning
from callwright.formats.grammar import Event, Grammar, ParseIssue, Repair, TextDelta
from callwright.formats.reading import Stream
from callwright.tokens import Segment, Tokenizer


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a model said, taken apart.

    Attributes:
      content: The text outside calls and reasoning; None when there is none.
      reasoning: The thinking; None when there is none.
      tool_calls: The well-formed, closed calls, in order.
      complete: False when the text ends inside a call or a thought, or was cut by the token limit.
      errors: Malformed calls and other departures, in order.
      repairs: What `lenient` mended, in order.
    """

    content: str | None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    complete: bool = True
    errors: tuple[ParseIssue, ...] = ()
    repairs: tuple[Repair, ...] = ()


def put_together(events: Iterable[Event], *, complete: bool) -> Parsed:
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
    return Parsed(
        "".join(content) or None, "".join(reasoning) or None, tuple(calls), complete, tuple(errors), tuple(repairs)
    )


class Format(ABC):
    """One way of writing tool calls; stateless, shared freely.

    Attributes:
      name: The name in the registry.
      variant: The variant's name in the registry, "" for a format without variants.
      bos: What opens every prompt, "" for a family without it.
      stops: The special tokens that end the model's turn, e.g. `<end_of_turn>`.
      controls: All special tokens that `render` writes or a model may say, `bos` and `stops` included.
      grammar: The markers of what a model says, and who reads what stands between them.
    """

    name: str
    variant: str = ""
    bos: str = ""
    stops: tuple[str, ...]
    controls: tuple[str, ...]
    grammar: Grammar

    @abstractmethod
    def render(
        self, conversation: Conversation, *, add_generation_prompt: bool = False, thinking: bool | None = None
    ) -> list[Segment]:
        """The conversation as segments, BOS included once.

        Args:
          conversation: Tools and messages.
          add_generation_prompt: Whether the model's next turn is opened at the end.
          thinking: Whether the model is to think; None leaves it to the family's default.

        Raises:
          FormatError: the conversation cannot be represented; the message names the message and the field.
        """

    def generation_prompt(self, conversation: Conversation, *, thinking: bool | None = None) -> str:
        """What opens the model's turn: the end that `render` adds for `add_generation_prompt`.

        Raises:
          FormatError: as `render`.
        """
        closed, opened = (
            "".join(segment.text for segment in self.render(conversation, add_generation_prompt=add, thinking=thinking))
            for add in (False, True)
        )
        return opened.removeprefix(closed)

    def stream(self, *, tools: Sequence[Tool] = (), generation_prompt: str = "", lenient: bool = False) -> Stream:
        """A reader for one message that arrives in pieces.

        Args:
          tools: What the model was offered; untyped formats cast by their schemas.
          generation_prompt: The end of the prompt; where it opens a thought, the message begins inside it.
          lenient: Whether known slips are repaired.
        """
        return Stream(
            self.grammar,
            tools=tools,
            controls=self.controls,
            lenient=lenient,
            thinking=self.grammar.is_thinking(generation_prompt),
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
        """What the model said. Never raises on any text.

        Args:
          raw: The model's words as text, where every marker counts, or as segments (`tokens.decode_segments`), where
            only a control token is a control token, whatever its neighbours spell.
          tools: What it was offered.
          finish_reason: "length" when the token limit cut it.
          generation_prompt: The end of the prompt.
          lenient: Whether known slips are repaired.
        """
        stream = self.stream(tools=tools, generation_prompt=generation_prompt, lenient=lenient)
        events = stream.read((raw,) if isinstance(raw, str) else raw, finish_reason)
        return put_together(events, complete=stream.complete)

    def drops_content(self, message: Message) -> bool:
        """Whether the family's template leaves this message's content out, as some do where calls stand beside it."""
        return False

    def chat_template(self) -> str:
        """A Jinja chat template that gives the very bytes of `render`."""
        return template_text(f"{self.name}-{self.variant}" if self.variant else self.name)


def template_text(stem: str, **variables: Json) -> str:
    """The emitted template of that name, with variables that tell variants apart set in front of it."""
    text = (Path(__file__).parent / "templates" / f"{stem}.jinja").read_text(encoding="utf-8")
    return "".join(f"{{%- set {name} = {json.dumps(value)} -%}}\n" for name, value in variables.items()) + text


def check_tokenizer(form: Format, tokenizer: Tokenizer) -> None:
    """Refuses a format whose control tokens are none of this tokenizer's: they would reach the model as plain text.

    Raises:
      FormatError: the tokenizer lacks some; the message names them.
    """
    missing = []
    for token in form.controls:
        try:
            tokenizer.token_id(token)
        except KeyError:
            missing.append(token)
    if missing:
        raise FormatError(
            f"a tokenizer with the control tokens of {form.name}",
            f"one without {', '.join(missing)}",
            "choose a format of the model's own family",
        )


def control(text: str, *, trained: bool = False) -> Segment:
    """Text that is tokenised with special tokens on."""
    return Segment(text, control=True, trained=trained)


def text_of(message: Message, where: str, *, absent: str | None = None) -> str:
    """The content of a message as text.

    Args:
      message: The message.
      where: Its place, for the error.
      absent: What stands for content that is absent; None refuses it.

    Raises:
      FormatError: the content is not text.
    """
    content = absent if message.content is None else message.content
    if not isinstance(content, str):
        came = "nothing" if content is None else type(content).__name__
        raise FormatError(f"text as {where}.content", came, f"give the {message.role} message a string")
    return content


def refuse_thinking(thinking: bool | None) -> None:
    """For a family that has no place for thinking.

    Raises:
      FormatError: thinking was asked for.
    """
    if thinking:
        raise FormatError("thinking off or unset", "thinking on", "choose a format whose family can think")


def warn(message: str) -> None:
    """Says that a family's template leaves out or misplaces something, whose bytes are given all the same."""
    warnings.warn(message, FormatWarning, stacklevel=3)


@contextmanager
def quiet() -> Iterator[None]:
    """Silences what `warn` says, where the bytes of the family's template are wanted whatever it leaves out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        yield


def result_name(messages: Sequence[Message], index: int) -> str | None:
    """The function that the result `messages[index]` comes from: of the call it answers by id, else its own name."""
    message = messages[index]
    if message.tool_call_id is not None:
        for earlier in reversed(messages[:index]):
            for call in earlier.tool_calls:
                if call.id == message.tool_call_id:
                    return call.name
    return message.name
