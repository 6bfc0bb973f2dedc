"""Whether examples say what they mean: everything the model will learn to say must read back as what was meant."""

from itertools import takewhile

from callwright.conversation import Message
from callwright.data.source import Example
from callwright.errors import DataError
from callwright.formats.base import Format, Parsed
from callwright.tokens import Segment


def check_round_trip(example: Example, form: Format) -> None:
    """Renders the conversation up to each assistant turn and parses what the model says in that turn.

    Raises:
      DataError: what is read back is not the message, an error of the format or of the example; or the format cannot
        say it at all.
    """
    messages = example.conversation.messages
    for index, message in enumerate(messages):
        if message.role == "assistant":
            parsed = form.parse(_last_words(example, index, form), tools=example.conversation.tools)
            if parsed.errors or not _means(parsed, message):
                raise DataError(
                    f"{example.id}, messages[{index}], to read back as it was written",
                    f"content {parsed.content!r} and calls {parsed.tool_calls!r}",
                    "correct the example; if it is right, the format and its parser disagree",
                )


def _last_words(example: Example, index: int, form: Format) -> list[Segment]:
    """What the model says in the assistant turn `messages[index]`, the end of its turn included."""
    segments = example.render(form, index + 1)
    while not segments[-1].trained:
        segments.pop()
    return list(takewhile(lambda segment: segment.trained, reversed(segments)))[::-1]


def _means(parsed: Parsed, message: Message) -> bool:
    said = [(call.name, list(call.arguments.items())) for call in parsed.tool_calls]
    meant = [(call.name, list(call.arguments.items())) for call in message.tool_calls]
    return parsed.content == (message.content or None) and said == meant
