"""The entries of the suite `tools`: requests to the tools of a tools file, whose phrasings and values were held out.

Every kind of request that the file can make has the same share, and an entry stands in the same place whatever the
number of entries, so that fewer of them are among more. A request that comes a second time is left out; a kind that has
no further requests leaves its share to the others. Flows are a kind, and are played by `flows`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count, islice, zip_longest
from typing import Literal

from callwright.conversation import Conversation, ToolCall
from callwright.data.own_tools.flows import Flow
from callwright.data.own_tools.generator import Generator
from callwright.data.own_tools.kinds import KINDS
from callwright.data.own_tools.settings import KindMix
from callwright.data.own_tools.source import load_own_tools
from callwright.data.tools_file.conversations import Noise
from callwright.data.tools_file.declaration import ToolGroup
from callwright.errors import DataError, FormatError
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.evaluation.statistics import FLOW
from callwright.formats.base import Format
from callwright.scoring.expected import score_expected
from callwright.scoring.verdict import Verdict

Turns = Literal["last", "all"]
_CONTEXT_SHARE = 1 / 3
_NOTHING_NEW = 30
"""Draws in a row without a new request, after which a kind has no more."""


@dataclass(frozen=True, slots=True)
class ToolsEntry:
    """A conversation in which the assistant's next message is asked for.

    Attributes:
      id: Unique in the suite.
      category: The kind of the request.
      conversation: Tools and messages.
      expected: The calls of the assistant's next message.
    """

    id: str
    category: str
    conversation: Conversation
    expected: tuple[ToolCall, ...]

    @property
    def tool(self) -> str:
        """See `evaluation.entries.Entry.tool`."""
        names = {call.name for call in self.expected}
        return names.pop() if len(names) == 1 else ""

    def score(self, calls: Sequence[ToolCall] | None) -> Verdict:
        """See `evaluation.entries.Entry.score`."""
        return score_expected(self.conversation.tools, self.expected, calls)


def labelled_entries(name: str, kind: str, conversation: Conversation, turns: Turns = "last") -> Iterator[ToolsEntry]:
    """What a conversation asks for whose assistant messages are known.

    Args:
      name: The id of the entry; with all turns, that of the first, and the others are numbered.
      kind: Its category.
      conversation: Tools and messages.
      turns: Whether each of the assistant's messages is asked for, after those before it as they stand, or the last.
    """
    places = [place for place, message in enumerate(conversation.messages) if message.role == "assistant" and place]
    for number, place in enumerate(places[-1:] if turns == "last" else places):
        before = Conversation(conversation.messages[:place], conversation.tools)
        expected = conversation.messages[place].tool_calls
        yield ToolsEntry(f"{name}_{number}" if number else name, kind, before, expected)


def tools_entries(settings: ToolsSuiteSettings, stage: int) -> tuple[dict[str, list[ToolsEntry]], list[Flow]]:
    """The entries that are asked after a stage, by kind, and the flows.

    Raises:
      DataError: The tools file is missing or wrong.
    """
    entries: dict[str, list[ToolsEntry]] = {}
    flows: list[Flow] = []
    for request in _requests(settings)[: settings.size(stage)]:
        if isinstance(request, ToolsEntry):
            entries.setdefault(request.category, []).append(request)
        else:
            flows.append(request)
    return entries, flows


def check_requests(settings: ToolsSuiteSettings, fmt: Format) -> None:
    """Refuses a format that cannot write one of the requests, as some cannot write a call that got no result.

    Raises:
      DataError: There is one.
    """
    for request in _requests(settings):
        try:
            fmt.render(request.conversation, add_generation_prompt=True)
        except FormatError as error:
            raise DataError(
                f"requests to the tools of {settings.path} that format {fmt.id} can write: in {request.id}, "
                f"{error.expected}",
                error.got,
                "choose another format, or set evaluation.tools to null",
            ) from error


@lru_cache(maxsize=4)
def _requests(settings: ToolsSuiteSettings) -> list[ToolsEntry | Flow]:
    """The first request of every kind, then the second of every kind, and so on."""
    file = load_own_tools(settings.path)
    mixed = Generator(file, KindMix(**dict.fromkeys(KINDS, 1.0)), 0.0, seed=settings.seed, held_out=True)
    streams = [_different(file, kind, settings.seed) for kind in mixed.kinds]
    every = (request for one_of_each in zip_longest(*streams) for request in one_of_each if request is not None)
    return list(islice(every, settings.requests))


def _different(file: ToolGroup, kind: str, seed: int) -> Iterator[ToolsEntry | Flow]:
    """Different requests of one kind, numbered; they end where no further one is found.

    Two differ if they do without what surrounds them: who says it, when, and after which chat.
    """
    plain = file.model_copy(update={"system": (), "histories": (), "user_line": "{text}", "noise": Noise()})
    mix = KindMix(**{one: float(one == kind) for one in KINDS})
    whole, bare = (Generator(one, mix, _CONTEXT_SHARE, seed=seed, held_out=True) for one in (file, plain))
    seen = set[str]()
    since = 0
    # Others than those of the other kinds, and their surroundings; but all flows come before one of them comes again.
    for index in count() if kind == FLOW else count(KINDS.index(kind), len(KINDS)):
        messages = (bare.flow(index).conversation if kind == FLOW else bare.example(index).conversation).messages
        words = repr([(message.role, message.content, message.tool_calls) for message in messages])
        since += 1
        if words not in seen:
            name = f"{kind}_{len(seen)}"
            seen.add(words)
            since = 0
            if kind == FLOW:
                yield replace(whole.flow(index), id=name)
            else:
                yield from labelled_entries(name, kind, whole.example(index).conversation)
        elif since == _NOTHING_NEW:
            return
