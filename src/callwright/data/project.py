"""What the conversations of a project have in common, so that no line of a file needs to repeat it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import DataError
from callwright.openai import read_json, read_tools, write_tool


@dataclass(frozen=True, slots=True)
class Project:
    """What a conversation takes that does not have its own.

    Attributes:
      tools: The tools on offer; empty where the project has none.
      system: What the system says; None where it says nothing.
    """

    tools: tuple[Tool, ...] = ()
    system: str | None = None

    def with_tools(self, record: Any) -> Any:
        """The record of a conversation, with the project's tools where it names none."""
        if not self.tools or not isinstance(record, dict) or has_tools(record):
            return record
        return {**record, "tools": [write_tool(tool) for tool in self.tools]}

    def with_system(self, conversation: Conversation) -> Conversation:
        """The conversation, with the project's system message where it has none."""
        if self.system is None or has_system(conversation):
            return conversation
        return replace(conversation, messages=(Message("system", self.system), *conversation.messages))


def has_tools(record: Any) -> bool:
    """Whether a record says which tools are on offer, be they none."""
    return isinstance(record, dict) and (record.get("tools") is not None or record.get("functions") is not None)


def has_system(conversation: Conversation) -> bool:
    """Whether a conversation begins with a system message."""
    return bool(conversation.messages) and conversation.messages[0].role == "system"


def read_project(tools: Path | None, system: Path | None) -> Project:
    """A project from its files.

    Args:
      tools: A JSON file: a list of tools as OpenAI writes them, or an object with such a list as `tools`.
      system: A text file: what the system says.

    Raises:
      DataError: A file cannot be read, or has no tools in it.
    """
    found = tuple[Tool, ...]()
    if tools is not None:
        try:
            value = read_json(_bytes(tools))
        except (ValueError, RecursionError) as error:
            raise DataError(f"JSON in {tools}", str(error), "correct the file") from error
        try:
            found = read_tools(value if isinstance(value, dict) else {"tools": value})
        except DataError as error:
            raise DataError(f"{tools}: {error.expected}", error.got, error.fix) from error
        if not found:
            raise DataError(f"tools in {tools}", "none", "give a JSON list of tools")
    return Project(found, None if system is None else _text(system))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"a readable file at {path}", error.strerror or str(error), "correct the path") from error


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise DataError(f"UTF-8 in {path}", str(error), "save the file as UTF-8") from error
