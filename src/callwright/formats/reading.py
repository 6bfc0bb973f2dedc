"""Reading what a model says as it comes, with the same code that reads it at once.

A format describes its markers as data, a `Grammar`: which ones open a region (a call, say) and who reads it, which
ones enclose a thought, which ones end the turn. A `Stream` walks through the text that has arrived. In text it gives
away all that can no longer be the beginning of a marker; at a marker it asks the region's reader, which looks at the
text from there and answers with what it `Found`, or with None: not decidable before more has come. A reader therefore
knows nothing of pieces, and the answer cannot depend on how the text was cut, as long as a reader never changes its
mind: what it answers for a text, it answers for every longer one.

Control tokens and text that merely looks like them are told apart where the caller can: `feed` takes segments too, and
in plain ones every spelling of a control token is shielded from the markers, and restored in what comes out.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from callwright.conversation import Json, Tool, ToolCall
from callwright.tokens import Segment

WHITESPACE = " \t\r\n"
Trim = Literal["", "newline", "whitespace"]
"""What a marker takes away on one of its sides: nothing, one line break, or all white space."""


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
    """A slip that lenient reading mended.

    Attributes:
      message: What was wrong and how it was read.
      position: Offset in the raw text, in characters.
    """

    message: str
    position: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More content, or more reasoning."""

    text: str
    reasoning: bool = False


Event = TextDelta | ToolCall | ParseIssue | Repair


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a region.

    Attributes:
      end: Offset where reading goes on.
      calls: Its calls.
      errors: What is wrong in it.
      repairs: What was mended in it.
      content: What of it belongs to the content: the raw text of a malformed call, nothing of a good one.
      closed: False when the text ended inside the region.
    """

    end: int
    calls: tuple[ToolCall, ...] = ()
    errors: tuple[ParseIssue, ...] = ()
    repairs: tuple[Repair, ...] = ()
    content: str = ""
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader may know.

    Attributes:
      tools: What the model was offered.
      final: Whether the text is all there is; then None is no answer.
      lenient: Whether known slips are repaired.
    """

    tools: Sequence[Tool] = ()
    final: bool = True
    lenient: bool = False


Read = Callable[[str, int, Context], Found | None]
"""(text so far, offset of the opening marker, context) to what was found, or None if that is not decidable yet."""


@dataclass(frozen=True, slots=True)
class Region:
    """What begins with a marker and is read as a whole.

    Attributes:
      opener: The marker.
      read: Reads it.
      closers: Texts without one of which, after the opener, nothing can be decided; saves asking in vain.
      at_start: Whether it counts only as the first thing in the message, white space apart.
      before: What is taken away before the opener.
      after: What is taken away behind the region.
      lenient: Whether it counts in lenient reading only.
    """

    opener: str
    read: Read
    closers: tuple[str, ...] = ()
    at_start: bool = False
    before: Trim = ""
    after: Trim = ""
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Thought:
    """The markers around reasoning; white space at its inner edges is taken away, and so is what follows it.

    Attributes:
      opener: Opens it.
      closer: Closes it.
      after: What is taken away behind the closer.
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
      strays: Closing markers that mean nothing by themselves; they are reported and stay in the content.
    """

    regions: tuple[Region, ...] = ()
    stops: tuple[str, ...] = ()
    thought: Thought | None = None
    strays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        markers = self._markers(lenient=True)
        clash = [(a, b) for a in markers for b in markers if a != b and b.startswith(a)]
        if clash:
            raise ValueError(f"no marker may begin another: {clash[0]}")

    def _markers(self, *, lenient: bool) -> list[str]:
        opened = [r.opener for r in self.regions if not r.at_start and (lenient or not r.lenient)]
        thought = [self.thought.opener] if self.thought else []
        return [*opened, *self.stops, *thought, *self.strays]

    @cached_property
    def in_content(self) -> "Finder":
        """Finds what may end a stretch of content."""
        return Finder(self._markers(lenient=False))

    @cached_property
    def in_lenient_content(self) -> "Finder":
        """The same for lenient reading."""
        return Finder(self._markers(lenient=True))

    @cached_property
    def in_reasoning(self) -> "Finder":
        """Finds what may end a thought: calls are not looked for inside one."""
        return Finder([self.thought.closer, *self.stops] if self.thought else [])

    def is_thinking(self, generation_prompt: str) -> bool:
        """Whether a prompt that ends so leaves the model inside a thought."""
        if self.thought is None:
            return False
        opened = generation_prompt.rfind(self.thought.opener)
        return opened >= 0 and self.thought.closer not in generation_prompt[opened:]


class Finder:
    """Finds the first of some markers, and what at the end of a text may become one."""

    def __init__(self, markers: Sequence[str]) -> None:
        self.markers = tuple(markers)
        self._pattern = re.compile("|".join(map(re.escape, markers)) or r"(?!)")
        self._longest = max(map(len, markers), default=1)
        self._beginnings = frozenset(marker[:n] for marker in markers for n in range(1, len(marker)))

    def find(self, text: str, start: int) -> re.Match[str] | None:
        """The first marker at or after `start`."""
        return self._pattern.search(text, start)

    def held(self, text: str, start: int) -> int:
        """Offset from which the end of the text is the beginning of a marker; the text's length if it is not."""
        for position in range(max(start, len(text) - self._longest + 1), len(text)):
            if text[position:] in self._beginnings:
                return position
        return len(text)


class Stream:
    """Reads one message; see `formats.base.Format.stream`.

    Attributes:
      complete: After `finish`: False when the text ended inside a call or a thought, or was cut by the token limit.
    """

    def __init__(
        self, grammar: Grammar, *, tools: Sequence[Tool], controls: Sequence[str], lenient: bool, thinking: bool
    ) -> None:
        self.complete = True
        self._grammar, self._tools, self._lenient = grammar, tools, lenient
        self._shield = _Shield(controls)
        self._text = ""
        self._at = 0  # everything before it has been given away
        self._tried = 0  # everything before it has been searched for a closer of the region
        self._region: Region | None = None
        self._thinking = thinking
        self._start = 0  # where the region begins
        self._ended = False
        self._cut = False  # the message ended where it should not
        self._fresh = True  # no content and no region yet
        self._skip: Trim = "whitespace" if thinking else ""
        self._reported = False

    def feed(self, piece: str | Segment) -> list[Event]:
        """What is certain now that this piece has come."""
        if isinstance(piece, Segment):
            self._text += self._shield.pass_on(piece)
        else:
            self._text += piece
        return self._restored(self._advance(final=False))

    def finish(self, finish_reason: str | None = None) -> list[Event]:
        """What is certain now that nothing more comes.

        Args:
          finish_reason: "length" when the token limit cut the message.
        """
        self._text += self._shield.flush()
        events = self._advance(final=True)
        self.complete = finish_reason != "length" and not self._thinking and not self._cut
        return self._restored(events)

    def _restored(self, events: list[Event]) -> list[Event]:
        return [_restore(event) for event in events] if self._shield.used else events

    def _advance(self, *, final: bool) -> list[Event]:
        events: list[Event] = []
        while self._step(events, final):
            pass
        return events

    def _step(self, events: list[Event], final: bool) -> bool:
        """One marker, one region, or the rest of the text; False when more must come first."""
        if self._ended:
            return self._leave_behind(events)
        if self._region is not None:
            return self._read_region(self._region, events, final)
        self._drop(final)
        if self._fresh and not self._thinking:
            opened = self._open_at_start(final)
            if opened is not None:
                return opened
        finder = self._finder
        match = finder.find(self._text, self._at)
        if match is not None:
            self._meet(match, events)
            return True
        edge = len(self._text) if final else self._held_space(finder.held(self._text, self._at))
        text = self._text[self._at : edge]
        self._give(text.rstrip(WHITESPACE) if final and self._thinking else text, edge, events)
        return False

    @property
    def _finder(self) -> Finder:
        if self._thinking:
            return self._grammar.in_reasoning
        return self._grammar.in_lenient_content if self._lenient else self._grammar.in_content

    def _drop(self, final: bool) -> None:
        """Takes away what the marker before takes away behind it."""
        if self._skip == "newline" and (self._at < len(self._text) or final):
            self._at += self._text.startswith("\n", self._at)
            self._skip = ""
        elif self._skip == "whitespace":
            while self._at < len(self._text) and self._text[self._at] in WHITESPACE:
                self._at += 1
            if self._at < len(self._text):
                self._skip = ""

    def _held_space(self, edge: int) -> int:
        """`edge`, or before the white space in front of it that a marker may yet take away."""
        trims = {"whitespace"} if self._thinking else {region.before for region in self._grammar.regions}
        if "whitespace" in trims:
            while edge > self._at and self._text[edge - 1] in WHITESPACE:
                edge -= 1
        elif "newline" in trims and edge > self._at and self._text[edge - 1] == "\n":
            edge -= 1
        return edge

    def _open_at_start(self, final: bool) -> bool | None:
        """Opens a region that counts at the start only; None when there is none, False when that is not certain."""
        regions = [r for r in self._grammar.regions if r.at_start and (self._lenient or not r.lenient)]
        if not regions:
            return None
        first = self._at
        while first < len(self._text) and self._text[first] in WHITESPACE:
            first += 1
        for region in regions:
            if self._text.startswith(region.opener, first):
                self._region, self._start, self._tried = region, first, first
                return True
        rest = self._text[first:]
        if not final and any(region.opener.startswith(rest) for region in regions):
            return False
        return None

    def _meet(self, match: re.Match[str], events: list[Event]) -> None:
        """A marker in text."""
        marker, start = match.group(), match.start()
        thought = self._grammar.thought
        text = self._text[self._at : start]
        region = next((r for r in self._grammar.regions if r.opener == marker and not r.at_start), None)
        if self._thinking:
            self._give(text.rstrip(WHITESPACE), match.end(), events)
            self._thinking = False
            if thought is not None and marker == thought.closer:
                self._skip = thought.after
            else:
                self._cut = self._ended = True
        elif region is not None:
            self._give(_trimmed(text, region.before), start, events)
            self._region, self._start, self._tried = region, start, match.end()
        elif marker in self._grammar.stops:
            self._give(text, match.end(), events)
            self._ended = True
        elif thought is not None and marker == thought.opener:
            self._give(text, match.end(), events)
            self._thinking, self._skip = True, "whitespace"
        else:
            events.append(ParseIssue(f"{marker} closes nothing", start))
            self._give(text + marker, match.end(), events)

    def _read_region(self, region: Region, events: list[Event], final: bool) -> bool:
        if not final and region.closers:
            overlap = max(map(len, region.closers)) - 1
            since = max(self._tried - overlap, self._start + len(region.opener))
            self._tried = len(self._text)
            if not any(self._text.find(closer, since) >= 0 for closer in region.closers):
                return False
        found = region.read(self._text, self._start, Context(self._tools, final, self._lenient))
        if found is None:
            return False
        space = self._text[self._at : self._start]  # before a region that counts at the start only
        self._region, self._fresh, self._skip = None, False, region.after
        events.extend(found.repairs)
        events.extend(found.errors)
        if found.content:
            events.append(TextDelta(space + found.content))
            self._skip = ""
        events.extend(found.calls)
        self._at = found.end
        if not found.closed:
            self._cut = self._ended = True
        return True

    def _give(self, text: str, end: int, events: list[Event]) -> None:
        """Gives this text away, and goes on at `end`."""
        self._at = end
        if text:
            self._fresh = self._fresh and (self._thinking or not text.strip(WHITESPACE))
            events.append(TextDelta(text, self._thinking))

    def _leave_behind(self, events: list[Event]) -> bool:
        """Words after the end of the turn: reported once, and no content."""
        rest = self._text[self._at :].lstrip(WHITESPACE)
        if rest and not self._reported:
            self._reported = True
            events.append(ParseIssue("text after the end of the turn", len(self._text) - len(rest)))
        self._at = len(self._text)
        return False


def _trimmed(text: str, trim: Trim) -> str:
    if trim == "whitespace":
        return text.rstrip(WHITESPACE)
    return text.removesuffix("\n") if trim == "newline" else text


def unclosed(text: str, position: int, reason: str = "") -> Found:
    """The text ended inside the region: nothing of it is a call, and nothing of it is content."""
    message = "the call is never closed" + (f" ({reason})" if reason else "")
    return Found(len(text), errors=(ParseIssue(message, position),), closed=False)


_PLAIN, _SHIELDED = range(0x80), range(0xDC00, 0xDC80)
_RESTORED = dict(zip(_SHIELDED, _PLAIN, strict=True))


class _Shield:
    """Replaces the first character of every control token that plain text spells by one that no text holds."""

    def __init__(self, controls: Sequence[str]) -> None:
        self.used = False
        self._finder = Finder(controls)
        self._waiting = ""

    def pass_on(self, piece: Segment) -> str:
        """The piece, shielded; the end of a plain one may have to wait for what follows."""
        if piece.control:
            return self.flush() + piece.text
        text = self._waiting + piece.text
        edge = self._finder.held(text, 0)
        match, start, parts = self._finder.find(text, 0), 0, []
        while match is not None:
            self.used = True
            parts += [text[start : match.start()], chr(_SHIELDED[ord(match.group()[0])]), match.group()[1:]]
            start = match.end()
            match = self._finder.find(text, start)
        edge = max(edge, start)
        self._waiting = text[edge:]
        return "".join([*parts, text[start:edge]])

    def flush(self) -> str:
        """What was waiting."""
        text, self._waiting = self._waiting, ""
        return text


def _restore(event: Event) -> Event:
    match event:
        case TextDelta(text, reasoning=thought):
            return TextDelta(text.translate(_RESTORED), thought)
        case ToolCall(name, arguments, id=identity):
            restored = {key.translate(_RESTORED): _restore_value(value) for key, value in arguments.items()}
            return ToolCall(name.translate(_RESTORED), restored, identity)
    return event


def _restore_value(value: Json) -> Any:
    if isinstance(value, str):
        return value.translate(_RESTORED)
    if isinstance(value, list):
        return [_restore_value(item) for item in value]
    if isinstance(value, dict):
        return {key.translate(_RESTORED): _restore_value(item) for key, item in value.items()}
    return value
