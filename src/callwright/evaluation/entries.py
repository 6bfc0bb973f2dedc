"""What an evaluation asks: entries of any suite, which know their conversation and score what is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from callwright.conversation import Conversation, ToolCall
from callwright.scoring.checker import score_calls
from callwright.scoring.entry import BfclEntry, expected_calls, to_tools
from callwright.scoring.verdict import Verdict


class Entry(Protocol):
    """One thing that is asked once and scored once."""

    @property
    def id(self) -> str:
        """Unique in its suite."""
        ...

    @property
    def category(self) -> str:
        """The part of the suite that it belongs to, which names the file of its row."""
        ...

    @property
    def conversation(self) -> Conversation:
        """Tools and messages; the assistant's answer comes next."""
        ...

    @property
    def expected(self) -> tuple[ToolCall, ...]:
        """One set of calls that is right; empty where no call is, or where the suite names none."""
        ...

    @property
    def tool(self) -> str:
        """The tool that all expected calls call; "" where there is none, several differ, or the suite does not count
        by tool.
        """
        ...

    def score(self, calls: Sequence[ToolCall] | None) -> Verdict:
        """The verdict on decoded calls; None where the model output does not decode."""
        ...


@dataclass(frozen=True, slots=True)
class BfclQuestion:
    """A BFCL entry as an `Entry`."""

    entry: BfclEntry

    @property
    def id(self) -> str:
        """See `Entry.id`."""
        return self.entry.id

    @property
    def category(self) -> str:
        """See `Entry.category`."""
        return self.entry.category

    @property
    def conversation(self) -> Conversation:
        """See `Entry.conversation`."""
        return Conversation(self.entry.question, to_tools(self.entry))

    @property
    def expected(self) -> tuple[ToolCall, ...]:
        """See `Entry.expected`."""
        return expected_calls(self.entry)

    @property
    def tool(self) -> str:
        """See `Entry.tool`: every entry of BFCL has tools of its own."""
        return ""

    def score(self, calls: Sequence[ToolCall] | None) -> Verdict:
        """See `Entry.score`."""
        return score_calls(self.entry, calls)


def bfcl_questions(entries: Mapping[str, Sequence[BfclEntry]]) -> dict[str, list[BfclQuestion]]:
    """BFCL's entries as an evaluation asks them, by category."""
    return {name: [BfclQuestion(entry) for entry in members] for name, members in entries.items()}
