"""A file of the user's own: one conversation a line, as OpenAI's `messages` and `tools`.

The file may be larger than the memory, which holds only where each line starts and which group it belongs to. A line is
read and checked when it is asked for. Nothing is skipped and nothing is repaired: a bad line is an error that names the
file and the line.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation, Message
from callwright.data.project import Project, read_project
from callwright.data.source import Example, file_digests
from callwright.errors import DataError, FormatError, suggest
from callwright.notices import Notice, Notify, ignore
from callwright.openai import KnownTools, read_conversation, read_json
from callwright.settings import Settings

_OTHER_FILES = {
    b"PAR1": ("a Parquet file", "convert it: one row a line, as JSON"),
    b"ARROW1": ("an Arrow file", "convert it: one row a line, as JSON"),
    b"\x1f\x8b": ("a gzip file", "unpack it"),
    b"PK\x03\x04": ("a zip file", "unpack it"),
}
"""What files that are no JSON lines begin with."""


class OpenAIJsonlSettings(Settings):
    """A file of conversations."""

    path: Path
    """The file: JSON lines with `messages` and `tools`."""
    tools: Path | None = None
    """The tools of lines that name none: a JSON file with a list of them, as OpenAI writes it."""
    system: Path | None = None
    """The system message of lines without one: a text file."""


class OpenAIJsonlSource:
    """The conversations of a JSON-lines file, in the file's order; empty lines do not count."""

    name = "openai_jsonl"

    def __init__(self, settings: OpenAIJsonlSettings) -> None:
        self.settings = settings
        self._project = read_project(settings.tools, settings.system)
        self._offsets, self._lines = array("Q"), array("Q")
        self._known_tools: KnownTools = {}
        try:
            self._file = open(settings.path, "rb")
            offset = 0
            for number, line in enumerate(self._file, 1):
                if line.strip():
                    if not self._offsets:
                        _check_begin(line, settings.path)
                    self._offsets.append(offset)
                    self._lines.append(number)
                offset += len(line)
        except OSError as error:
            raise DataError(
                f"a readable file at {settings.path}", error.strerror or str(error), "correct the path"
            ) from error
        if not self._offsets:
            raise DataError(f"conversations in {settings.path}", "an empty file", "name a file with one a line")
        self._end = offset

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, index: int) -> Example:
        return self.read(index, ignore)

    def read(self, index: int, notify: Notify) -> Example:
        """See `Source.read`."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        with self.naming(index):
            record = self._project.with_tools(self.record(index))
            conversation = self._project.with_system(read_conversation(record, notify, known_tools=self._known_tools))
            _check(conversation)
        number = self._lines[index]
        conversation = _to_last_supervised(conversation, notify)
        return Example(f"{self.name}-{self.settings.path.name}-{number}", conversation, infer_kind(conversation))

    def group(self, index: int) -> str:
        """See `Source.group`; the first time the whole file is read. A line that cannot be read is alone."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return f"{self._groups[index]:016x}"

    @cached_property
    def _groups(self) -> "array[int]":
        """For each line a digest of its tools and system messages, or of its number where it shares none either."""
        shared = "project" if self._project != Project() else None
        begins = (
            _prompt_begin(self._line(index)) or shared or f"line {number}" for index, number in enumerate(self._lines)
        )
        digests = (hashlib.blake2b(begin.encode(), digest_size=8).digest() for begin in begins)
        return array("Q", map(int.from_bytes, digests))

    def digests(self) -> dict[str, str]:
        """See `Source.digests`.

        Raises:
          DataError: The system refuses to read the file.
        """
        paths = self.settings.path, self.settings.tools, self.settings.system
        return file_digests(path for path in paths if path is not None)

    def _line(self, index: int) -> bytes:
        start = self._offsets[index]
        stop = self._offsets[index + 1] if index + 1 < len(self) else self._end
        line = os.pread(self._file.fileno(), stop - start, start)
        return line if index else line.removeprefix(b"\xef\xbb\xbf")  # how some editors begin a text; JSON knows none

    def line_number(self, index: int) -> int:
        """The line, from 1, on which a conversation stands."""
        return self._lines[index]

    @contextmanager
    def naming(self, index: int) -> Iterator[None]:
        """Puts file and line into what is raised in its block about a conversation.

        Raises:
          DataError: The block raised it, or a FormatError.
        """
        try:
            yield
        except (DataError, FormatError) as error:
            place = f"line {self._lines[index]} of {self.settings.path}"
            raise DataError(f"{place}: {error.expected}", error.got, error.fix) from error

    def record(self, index: int) -> Any:
        """The JSON value of a line, which may be anything.

        Raises:
          DataError: The line is no JSON.
        """
        line = self._line(index)
        try:
            return read_json(line)
        except (ValueError, RecursionError) as error:
            raise DataError("JSON", f"{line[:40]!r} ({error})", "correct the line or take it out") from error


def _prompt_begin(line: bytes) -> str | None:
    """Tools and system messages of a line, as JSON; None where it has neither or is no conversation."""
    try:
        record = read_json(line)
        tools, messages = (
            read_json(value) if isinstance(value, str) else value
            for value in (record.get("tools") or record.get("functions"), record["messages"])
        )
        system = list(takewhile(lambda message: message["role"] in ("system", "developer"), messages))
        return json.dumps([tools, system]) if tools or system else None
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None


def _check_begin(line: bytes, path: Path) -> None:
    """Refuses a file whose first line shows that it is none of JSON lines.

    Raises:
      DataError: It is a JSON list, an object over several lines, or a file of another kind.
    """
    for begin, (what, fix) in _OTHER_FILES.items():
        if line.startswith(begin):
            raise DataError(f"JSON lines in {path}", what, fix)
    text = line.removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith(b"["):
        raise DataError(f"JSON lines in {path}", "a JSON list", "write each of its members on a line of its own")
    if text == b"{":
        raise DataError(f"JSON lines in {path}", "a JSON object over several lines", "write it on one line")


def _to_last_supervised(conversation: Conversation, notify: Notify) -> Conversation:
    """The conversation up to its last message that is to be learned: what follows teaches nothing."""
    messages = conversation.messages
    last = max(i for i, message in enumerate(messages) if is_learned(message))
    if last < len(messages) - 1:
        notify(Notice("messages", "end with some of weight 0, which are left out: they come after all that is learned"))
        return Conversation(messages[: last + 1], conversation.tools)
    return conversation


def is_learned(message: Message) -> bool:
    """Whether it is the assistant's, and of another weight than 0."""
    return message.role == "assistant" and message.supervised


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
    """What an example needs beyond being a conversation: answers to learn, and calls only to what is offered.

    Raises:
      DataError: It has something else.
    """
    messages = conversation.messages
    if not messages or messages[-1].role != "assistant":
        got = f"role {messages[-1].role}" if messages else "no messages"
        raise DataError("the last message to be the assistant's", got, "end the conversation with what to learn")
    if not any(map(is_learned, messages)):
        raise DataError("a message to learn from", "weight 0 in all of the assistant's", "give one the weight 1")
    check_answers(conversation)


def check_answers(conversation: Conversation) -> None:
    """Refuses an assistant that says nothing, and calls of what is not offered.

    Raises:
      DataError: There is such a message.
    """
    offered = {tool.name for tool in conversation.tools}
    for i, message in enumerate(conversation.messages):
        if message.role == "assistant" and not message.tool_calls and not str(message.content or "").strip():
            raise DataError(f"messages[{i}] to have content or tool_calls", "neither", "add what the assistant says")
        for j, call in enumerate(message.tool_calls):
            if call.name not in offered:
                hint = f" or correct the name: {suggest(call.name, sorted(offered))}" if offered else ""
                raise DataError(f"messages[{i}].tool_calls[{j}] to call one of tools", call.name, f"add the tool{hint}")
