"""A format's markers as data, and the results of reading between them.

A `Grammar` names the markers: which ones open a region (a call, say) and who reads it, which ones enclose a thought,
which ones end the turn. A reader looks at the text from its region's marker on and returns a `ParsedRegion`, or None
where that is not decidable before more text has come. It knows nothing of pieces, and is consistent: what it returns
for a text, None apart, it returns for every longer one. `reading.Stream` walks through a message with it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from callwright.conversation import Tool, ToolCall

WHITESPACE = " \t\r\n"
Trim = Literal["", "newline", "whitespace"]
"""What a marker removes on one of its sides: nothing, one line break, or all white space."""


@dataclass(frozen=True, slots=True)
class ParseIssue:
    """Something in the raw text that is not what the format allows.

    Attributes:
      message: What is wrong.
      position: Offset in the raw text, in characters.
    """

    message: str
    position: int


@dataclass(frozen=True, slots=True)
class Repair:
    """A mistake that lenient reading repaired.

    Attributes:
      message: What was wrong and how it was read.
      position: Offset in the raw text, in characters.
    """

    message: str
    position: int


@dataclass(slots=True)
class TextDelta:
    """More content, or more reasoning. Not frozen, because one is made for every token and that doubles the price."""

    text: str
    reasoning: bool = False


Event = TextDelta | ToolCall | ParseIssue | Repair


@dataclass(slots=True)
class ParsedRegion:
    """A region that was read. Like `TextDelta` not frozen, for speed.

    Attributes:
      end: Offset where reading continues.
      calls: Its calls.
      errors: What is wrong in it.
      repairs: What was repaired in it.
      content: What of it belongs to the content: the raw text of a malformed call, nothing of a good one.
      closed: False when the text ended inside the region.
    """

    end: int
    calls: tuple[ToolCall, ...] = ()
    errors: tuple[ParseIssue, ...] = ()
    repairs: tuple[Repair, ...] = ()
    content: str = ""
    closed: bool = True

    @property
    def right(self) -> bool:
        """Whether nothing is wrong in it and nothing of it is content."""
        return self.closed and not (self.errors or self.content)


@dataclass(slots=True)
class ParseContext:
    """What a region's reader is told besides the text. Not frozen, for speed: one is made for every message with calls.

    Attributes:
      tools: The tools that the model was offered.
      final: Whether the text is all there is; then None is no answer.
      lenient: Whether common mistakes are repaired.
      stops: What ends the model's turn.
      stopped: Whether the model is known to have stopped by itself where the text ends (finish_reason "stop").
    """

    tools: Sequence[Tool] = ()
    final: bool = True
    lenient: bool = False
    stops: tuple[str, ...] = ()
    stopped: bool = False

    def ended_at(self, text: str, position: int) -> bool:
        """Whether the model ended its turn at `position`, white space aside: then what is open there was not cut."""
        position = skip_space(text, position)
        return text.startswith(self.stops, position) or (self.stopped and position == len(text))


RegionReader = Callable[[str, int, ParseContext], ParsedRegion | None]
"""(text so far, offset of the opening marker, context) to the parsed region, or None if more text must come first."""

RegionRepairer = Callable[[str, int, ParseContext, ParsedRegion], ParsedRegion | None]
"""The same for lenient reading, with the region as it was read strictly: to the region repaired, or None if it stays
what it is. Raises `Unfinished` where more text must come first, and `Malformed` where nothing certain was meant."""


TextMatch = Callable[[str], re.Match[str] | None]
"""A text to a match if all of it matches."""


@dataclass(frozen=True, slots=True)
class Region:
    """What begins with a marker and is read as a whole.

    Attributes:
      opener: The marker.
      read: Reads it.
      closers: Texts without one of which, after the opener, nothing can be decided; saves calls of the reader.
      at_start: Whether it counts only as the first thing in the message, white space apart.
      before: What is removed before the opener.
      lenient: Whether it counts in lenient reading only.
      repair: Repairs it in lenient reading; without one, `read` does so itself.
    """

    opener: str
    read: RegionReader
    closers: tuple[str, ...] = ()
    at_start: bool = False
    before: Trim = ""
    lenient: bool = False
    repair: RegionRepairer | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """The markers around reasoning; white space at its inner edges is removed, and so is what follows it.

    Attributes:
      opener: Opens it.
      closer: Closes it.
      after: What is removed behind the closer.
    """

    opener: str
    closer: str
    after: Trim = "whitespace"


@dataclass(frozen=True)
class Grammar:
    """The markers of a format. No marker may be the beginning of another.

    Attributes:
      regions: Calls.
      stops: End the turn; what follows them is reported and dropped.
      thought: Encloses reasoning, if the family has it.
      lone_closers: Closing markers that mean nothing by themselves; they are reported and stay in the content.
    """

    regions: tuple[Region, ...] = ()
    stops: tuple[str, ...] = ()
    thought: Thought | None = None
    lone_closers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        markers = self._markers(lenient=True)
        clash = [(a, b) for a in markers for b in markers if a != b and b.startswith(a)]
        if clash:
            raise ValueError(f"no marker may begin another: {clash[0]}")

    def _markers(self, *, lenient: bool) -> list[str]:
        opened = [r.opener for r in self.regions if not r.at_start and (lenient or not r.lenient)]
        thought = [self.thought.opener] if self.thought else []
        return [*opened, *self.stops, *thought, *self.lone_closers]

    def _content_finder(self, *, lenient: bool) -> "MarkerFinder":
        trims = {region.before for region in self.regions}
        before: Trim = "whitespace" if "whitespace" in trims else "newline" if "newline" in trims else ""
        return MarkerFinder(self._markers(lenient=lenient), before)

    @cached_property
    def in_content(self) -> "MarkerFinder":
        """Finds what may end a stretch of content."""
        return self._content_finder(lenient=False)

    @cached_property
    def in_lenient_content(self) -> "MarkerFinder":
        """The same for lenient reading."""
        return self._content_finder(lenient=True)

    @cached_property
    def in_reasoning(self) -> "MarkerFinder":
        """Finds what may end a thought: calls are not looked for inside one."""
        return MarkerFinder([self.thought.closer, *self.stops] if self.thought else [], "whitespace")

    def finder(self, *, thinking: bool, lenient: bool) -> "MarkerFinder":
        """The one of these three that counts."""
        if thinking:
            return self.in_reasoning
        return self.in_lenient_content if lenient else self.in_content

    @cached_property
    def regions_by_opener(self) -> dict[str, Region]:
        """Regions by the marker that opens them anywhere."""
        return {region.opener: region for region in reversed(self.regions) if not region.at_start}

    @cached_property
    def start_regions(self) -> tuple[Region, ...]:
        """Regions that count only as the first thing in the message."""
        return tuple(region for region in self.regions if region.at_start)

    @cached_property
    def closing(self) -> dict[tuple[str, ...], tuple["MarkerFinder", TextMatch]]:
        """By a region's closers: finds one, and matches text in which none can end."""
        return {
            closers: (MarkerFinder(closers), re.compile(f"{_none_of(closer[-1] for closer in closers)}*").fullmatch)
            for closers in {region.closers for region in self.regions}
        }

    def opens_thought(self, generation_prompt: str) -> bool:
        """Whether a prompt that ends so leaves the model inside a thought."""
        if self.thought is None or not generation_prompt:
            return False
        opened = generation_prompt.rfind(self.thought.opener)
        return opened >= 0 and self.thought.closer not in generation_prompt[opened:]


class MarkerFinder:
    """Finds the first of some markers, and what at the end of a text may become one.

    Attributes:
      markers: The markers.
      find: (text, start) to the first marker at or after `start`.
      before: What one of them may remove before itself.
      overlap: How much of one may stand before its last letter at most.
      marker_free: Matches text in which nothing can become a marker or be removed by one.
    """

    def __init__(self, markers: Sequence[str], before: Trim = "") -> None:
        self.markers, self.before = tuple(markers), before
        self.find: Callable[[str, int], re.Match[str] | None] = _one_of(markers).search
        self.overlap = max(map(len, markers), default=1) - 1
        self._beginnings = frozenset(marker[:n] for marker in markers for n in range(1, len(marker)))
        firsts = {marker[0] for marker in markers}
        space = {"": "", "newline": "\n", "whitespace": WHITESPACE}[before]
        self._first = _one_of(firsts)
        self.marker_free: TextMatch = re.compile(f"{_none_of(firsts)}*{_none_of(firsts.union(space))}").fullmatch

    def partial_marker(self, text: str, start: int) -> int:
        """Offset from which the end of the text is the beginning of a marker; the text's length if it is not."""
        if len(text) - start <= self.overlap and text[start:] in self._beginnings:
            return start
        for first in self._first.finditer(text, max(start, len(text) - self.overlap)):
            if text[first.start() :] in self._beginnings:
                return first.start()
        return len(text)


def _one_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of the words."""
    return re.compile("|".join(map(re.escape, words)) or r"(?!)")


def _none_of(letters: Iterable[str]) -> str:
    """A pattern for one character that is none of the letters."""
    excluded = "".join(map(re.escape, sorted(letters)))
    return f"[^{excluded}]" if excluded else r"[\s\S]"


class Malformed(ValueError):  # noqa: N818 - a finding about a text, not an error of the program or of its user
    """What stands at `position` of a text is not what a reader expects there."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Unfinished(ValueError):  # noqa: N818 - as above
    """The text ends too early to tell: before the value or the call does."""


def skip_space(text: str, position: int) -> int:
    """The offset of the first character from `position` on that is no white space."""
    while position < len(text) and text[position] in WHITESPACE:
        position += 1
    return position


NEVER_CLOSED = "the call is never closed"
"""How the message of an issue begins where the text ended inside a call."""


def never_closed(position: int, reason: str = "") -> ParseIssue:
    """The text ended inside the call that is read at `position`."""
    return ParseIssue(NEVER_CLOSED + (f" ({reason})" if reason else ""), position)


def unclosed(text: str, position: int, reason: str = "") -> ParsedRegion:
    """The text ended inside the region: nothing of it is a call, and nothing of it is content."""
    return ParsedRegion(len(text), errors=(never_closed(position, reason),), closed=False)
