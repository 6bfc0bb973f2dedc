"""The round trip: what a model learns to generate, parsed, must be the message that it was rendered from."""

from callwright.conversation import Message
from callwright.data.source import Example
from callwright.errors import DataError
from callwright.formats.base import Format, Parsed
from callwright.tokens import last_supervised


def check_round_trip(example: Example, fmt: Format) -> tuple[str, ...]:
    """Renders the conversation up to each turn of the assistant and parses the model's output in that turn.

    Returns:
      What the format's template leaves out of the whole conversation, see `Rendered.warnings`.

    Raises:
      DataError: What is parsed is not the message, which is a mistake of the format or of the example; or the format
        cannot represent it at all.
    """
    messages = example.conversation.messages
    for index, message in enumerate(messages):
        if message.role == "assistant":
            output = last_supervised(example.render(fmt, index + 1).segments)
            parsed = fmt.parse(output, tools=example.conversation.tools)
            if parsed.errors or not _equal(parsed, message):
                raise DataError(
                    f"{example.id}, messages[{index}], to read back as it was written",
                    f"content {parsed.content!r} and calls {parsed.tool_calls!r}",
                    "correct the example; if it is right, the format and its parser disagree",
                )
    return example.render(fmt).warnings


def _equal(parsed: Parsed, message: Message) -> bool:
    calls = [(call.name, list(call.arguments.items())) for call in parsed.tool_calls]
    expected = [(call.name, list(call.arguments.items())) for call in message.tool_calls]
    return parsed.content == (message.content or None) and calls == expected
