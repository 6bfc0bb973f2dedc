"""Labelled conversations of a file, as entries: what an assistant said there is what a model is expected to call.

A line without tools, or without a system message, takes the project's. What precedes a turn stands as the file has it,
so that a model is asked after right answers only. Messages of weight 0 are not asked for.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation, ToolCall
from callwright.data.openai_jsonl import OpenAIJsonlSettings, OpenAIJsonlSource, check_answers, is_learned
from callwright.data.project import Project, has_system, has_tools
from callwright.errors import DataError
from callwright.evaluation.own_tools import ToolsEntry, Turns, labelled_entries
from callwright.formats.base import Format
from callwright.notices import Notify
from callwright.openai import KnownTools, read_conversation

LABELLED_KINDS = ("call", "several", "no_call")
"""One call, several calls, none."""


@dataclass(slots=True)
class LabelledFile:
    """What a file asks.

    Attributes:
      entries: By kind, in the order of the lines.
      lines: How many conversations it has.
      own_tools: How many of them have tools of their own.
      own_system: How many of them have a system message of their own.
      notices: What is not read, or as something else than it says, to how often.
    """

    entries: dict[str, list[ToolsEntry]] = field(default_factory=dict)
    lines: int = 0
    own_tools: int = 0
    own_system: int = 0
    notices: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))


def read_labelled(path: Path, turns: Turns, project: Project, fmt: Format) -> LabelledFile:
    """The entries of a file of conversations, one JSON object a line.

    Args:
      path: The file.
      turns: Whether the last of the assistant's messages is asked for, or each.
      project: What lines take that do not have their own.
      fmt: The format in which they will be asked.

    Raises:
      DataError: The file cannot be read, a line is no conversation with something to ask for, or the format cannot say
        it; the message names file and line.
    """
    source = OpenAIJsonlSource(OpenAIJsonlSettings(path=path))
    found = LabelledFile(lines=len(source))
    known: KnownTools = {}
    for index in range(len(source)):
        with source.naming(index):
            conversation = _conversation(source.record(index), project, found, known)
            for entry in _entries(f"{path.stem}_{source.line_number(index)}", conversation, turns):
                fmt.render(entry.conversation, add_generation_prompt=True)
                found.entries.setdefault(entry.category, []).append(entry)
    found.entries = {kind: found.entries[kind] for kind in LABELLED_KINDS if kind in found.entries}
    return found


def _conversation(record: Any, project: Project, found: LabelledFile, known: KnownTools) -> Conversation:
    own_tools = has_tools(record)
    conversation = read_conversation(project.with_tools(record), _counting(found), known_tools=known)
    if not conversation.tools and not own_tools:
        fix = "give the line its tools, or name a tools file in evaluation.tools.path of the run's configuration"
        raise DataError("tools, in the line or the run's", "none", fix)
    check_answers(conversation)
    found.own_tools += own_tools
    found.own_system += has_system(conversation)
    return project.with_system(conversation)


def _counting(found: LabelledFile) -> Notify:
    return lambda notice: found.notices.update([notice.kind])


def _entries(line: str, conversation: Conversation, turns: Turns) -> Sequence[ToolsEntry]:
    """What a conversation asks for; the id is that of the line and the number of the message, from 0."""
    messages = conversation.messages
    every = [
        replace(entry, id=f"{line}_{len(entry.conversation.messages)}", category=_kind(entry.expected))
        for entry in labelled_entries(line, "", conversation, "all")
        if is_learned(messages[len(entry.conversation.messages)])
    ]
    if not every:
        raise DataError(
            "a message of the assistant to ask for",
            "none",
            "add what is right, after what the user says, or its weight",
        )
    return every[-1:] if turns == "last" else every


def _kind(expected: Sequence[ToolCall]) -> str:
    return LABELLED_KINDS[min(len(expected), 2) - 1] if expected else LABELLED_KINDS[2]
