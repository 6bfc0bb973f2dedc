"""Where examples come from: one interface, one file for each source.

A source yields `Example`s by index and is deterministic: the same settings give the same example at the same index in
every process, which is what makes an interrupted run resumable to the bit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from callwright.conversation import Conversation, ToolCall
from callwright.errors import DataError, FormatError
from callwright.formats.base import Format, Rendered
from callwright.notices import Notify
from callwright.storage import sha256_file


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation to learn from; its last message is the assistant's, which the model should generate.

    Attributes:
      id: Unique within a run; names the source and the index.
      conversation: Tools and messages.
      kind: What it teaches: "simple", "multiple", "parallel", "parallel_multiple", "irrelevance" or "dialogue"; of the
        user's own tools one of `own_tools.kinds.KINDS`.
      context: How many messages at its beginning, a system prompt and a history, the request would be answered the
        same without.
    """

    id: str
    conversation: Conversation
    kind: str
    context: int = 0

    @property
    def expected_calls(self) -> tuple[ToolCall, ...]:
        """The calls the last assistant message makes; empty where no tool fits."""
        return self.conversation.messages[-1].tool_calls

    def render(self, fmt: Format, messages: int | None = None, *, add_generation_prompt: bool = False) -> Rendered:
        """Its first `messages` messages (all when None) as the format writes them.

        Raises:
          DataError: The format cannot represent them; it names the example.
        """
        conversation = Conversation(self.conversation.messages[:messages], self.conversation.tools)
        try:
            return fmt.render(conversation, add_generation_prompt=add_generation_prompt)
        except FormatError as error:
            raise DataError(f"{self.id}: {error.expected}", error.got, error.fix) from error

    def generation_prompt(self, fmt: Format, messages: int) -> str:
        """What opens the model's turn after the first `messages` messages; "" where the format cannot say these."""
        try:
            return fmt.generation_prompt(Conversation(self.conversation.messages[:messages], self.conversation.tools))
        except FormatError:
            return ""


class Source(Protocol):
    """A finite, indexable, deterministic set of examples."""

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def __getitem__(self, index: int) -> Example:
        """The example at `index`, the same in every process."""
        ...

    def read(self, index: int, notify: Notify) -> Example:
        """The same example; `notify` takes what of it is read as something else than it says, or not at all."""
        ...

    def group(self, index: int) -> str:
        """The name of the group that the example at `index` belongs to; no example is made or checked for it.

        Examples of one group can be expected to share the beginning of their prompt: the same tools, the same system
        message. An example that shares it with no other is a group of its own. A group may be of any size, and its
        examples need not be neighbors.
        """
        ...

    def digests(self) -> dict[str, str]:
        """The sha256 of each file of the user's that it reads, by path, as they are now; empty where it reads none."""
        ...


def file_digests(paths: Iterable[Path]) -> dict[str, str]:
    """The sha256 of each of a source's files, by path.

    Raises:
      DataError: The system refuses to read one.
    """
    found: dict[str, str] = {}
    for path in paths:
        try:
            found[str(path)] = sha256_file(path)
        except OSError as error:
            fix = "check the file and its disk"
            raise DataError(f"to read {path}", error.strerror or str(error), fix) from error
    return found
