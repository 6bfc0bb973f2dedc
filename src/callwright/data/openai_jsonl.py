"""A file of the user's own: one conversation a line, as OpenAI's `messages` and `tools`.

The file may be larger than the memory, which holds only where each line starts. A line is read and checked when it is
asked for. Nothing is skipped and nothing is repaired: a bad line is an error that names the file and the line.
"""

from array import array
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation
from callwright.data.source import Example
from callwright.errors import DataError
from callwright.openai import read_conversation, read_json
from callwright.settings import Settings


class OpenAIJsonlSettings(Settings):
    """A file of conversations."""

    path: Path
    """The file: JSON lines with `messages` and `tools`."""


class OpenAIJsonlSource:
    """The conversations of a JSON-lines file, in the file's order; empty lines do not count."""

    name = "openai_jsonl"

    def __init__(self, settings: OpenAIJsonlSettings) -> None:
        self.settings = settings
        self._offsets, self._lines = array("Q"), array("Q")
        try:
            with open(settings.path, "rb") as file:
                offset = 0
                for number, line in enumerate(file, 1):
                    if line.strip():
                        self._offsets.append(offset)
                        self._lines.append(number)
                    offset += len(line)
        except OSError as error:
            raise DataError(
                f"a readable file at {settings.path}", error.strerror or str(error), "correct the path"
            ) from error
        if not self._offsets:
            raise DataError(f"conversations in {settings.path}", "an empty file", "name a file with one a line")

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = self._lines[index]
        try:
            conversation = read_conversation(self._record(index))
            _check(conversation)
        except DataError as error:
            raise DataError(f"line {number} of {self.settings.path}: {error.expected}", error.got, error.fix) from error
        return Example(f"{self.name}-{self.settings.path.name}-{number}", conversation, infer_kind(conversation))

    def _record(self, index: int) -> Any:
        with open(self.settings.path, "rb") as file:
            file.seek(self._offsets[index])
            line = file.readline()
        try:
            return read_json(line)
        except (ValueError, RecursionError) as error:
            raise DataError("JSON", f"{line[:40]!r} ({error})", "correct the line or take it out") from error


def infer_kind(conversation: Conversation) -> str:
    """What a conversation teaches, judged by its tools and its last message."""
    calls = len(conversation.messages[-1].tool_calls)
    if any(message.role in ("assistant", "tool") for message in conversation.messages[:-1]):
        return "dialogue"
    if not calls:
        return "irrelevance"
    if calls == 1:
        return "simple" if len(conversation.tools) == 1 else "multiple"
    return "parallel" if len(conversation.tools) == 1 else "parallel_multiple"


def _check(conversation: Conversation) -> None:
    """What an example needs beyond being a conversation: an answer to learn, and calls only to what is offered."""
    last = len(conversation.messages) - 1
    if last < 0 or conversation.messages[last].role != "assistant":
        got = f"role {conversation.messages[last].role}" if last >= 0 else "no messages"
        raise DataError("the last message to be the assistant's", got, "end the conversation with what to learn")
    if not conversation.messages[last].tool_calls and not conversation.messages[last].content:
        raise DataError(f"messages[{last}] to have content or tool_calls", "neither", "add what the assistant says")
    offered = {tool.name for tool in conversation.tools}
    for i, message in enumerate(conversation.messages):
        for j, call in enumerate(message.tool_calls):
            if call.name not in offered:
                expected = (
                    f"messages[{i}].tool_calls[{j}] to call one of tools ({', '.join(sorted(offered)) or 'none'})"
                )
                raise DataError(expected, call.name, "add the tool or correct the name")
