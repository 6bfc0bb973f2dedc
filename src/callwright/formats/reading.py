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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from callwright.conversation import Json, Tool, ToolCall
from callwright.tokens import Segment

WHITESPACE = " \t\r\n"
_SPACE = re.compile(f"[{WHITESPACE}]*")
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


@dataclass(slots=True)
class TextDelta:
    """More content, or more reasoning. Not frozen, because one is made for every token and that doubles the price."""

    text: str
    reasoning: bool = False


Event = TextDelta | ToolCall | ParseIssue | Repair


@dataclass(slots=True)
class Found:
    """What stands in a region. Like `TextDelta` not frozen, for speed.

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


Calm = Callable[[str], re.Match[str] | None]
"""Matches a piece of text that cannot change anything, whatever stands around it."""


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

    def _content_finder(self, *, lenient: bool) -> "Finder":
        trims = {region.before for region in self.regions}
        before: Trim = "whitespace" if "whitespace" in trims else "newline" if "newline" in trims else ""
        return Finder(self._markers(lenient=lenient), before)

    @cached_property
    def in_content(self) -> "Finder":
        """Finds what may end a stretch of content."""
        return self._content_finder(lenient=False)

    @cached_property
    def in_lenient_content(self) -> "Finder":
        """The same for lenient reading."""
        return self._content_finder(lenient=True)

    @cached_property
    def in_reasoning(self) -> "Finder":
        """Finds what may end a thought: calls are not looked for inside one."""
        return Finder([self.thought.closer, *self.stops] if self.thought else [], "whitespace")

    def finder(self, *, thinking: bool, lenient: bool) -> "Finder":
        """The one of these three that counts."""
        if thinking:
            return self.in_reasoning
        return self.in_lenient_content if lenient else self.in_content

    @cached_property
    def opened_by(self) -> dict[str, Region]:
        """Regions by the marker that opens them anywhere."""
        return {region.opener: region for region in reversed(self.regions) if not region.at_start}

    @cached_property
    def at_start(self) -> tuple[Region, ...]:
        """Regions that count only as the first thing in the message."""
        return tuple(region for region in self.regions if region.at_start)

    @cached_property
    def closing(self) -> dict[tuple[str, ...], tuple["Finder", Calm]]:
        """By a region's closers: finds one, and matches text in which none can end."""
        return {
            closers: (Finder(closers), re.compile(f"{_none_of(closer[-1] for closer in closers)}*").fullmatch)
            for closers in {region.closers for region in self.regions}
        }

    def is_thinking(self, generation_prompt: str) -> bool:
        """Whether a prompt that ends so leaves the model inside a thought."""
        if self.thought is None:
            return False
        opened = generation_prompt.rfind(self.thought.opener)
        return opened >= 0 and self.thought.closer not in generation_prompt[opened:]


class Finder:
    """Finds the first of some markers, and what at the end of a text may become one.

    Attributes:
      find: (text, start) to the first marker at or after `start`.
      before: What one of them may take away before itself.
      overlap: How much of one may stand before its last letter at most.
      calm: Matches text in which nothing can become a marker or be taken away by one.
    """

    def __init__(self, markers: Sequence[str], before: Trim = "") -> None:
        self.before = before
        self.find: Callable[[str, int], re.Match[str] | None] = _one_of(markers).search
        self.overlap = max(map(len, markers), default=1) - 1
        self._beginnings = frozenset(marker[:n] for marker in markers for n in range(1, len(marker)))
        firsts = {marker[0] for marker in markers}
        space = {"": "", "newline": "\n", "whitespace": WHITESPACE}[before]
        self._first = _one_of(firsts)
        self.calm: Calm = re.compile(f"{_none_of(firsts)}*{_none_of(firsts.union(space))}").fullmatch

    def held(self, text: str, start: int) -> int:
        """Offset from which the end of the text is the beginning of a marker; the text's length if it is not."""
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


class Stream:
    """Reads one message; see `formats.base.Format.stream`.

    Attributes:
      complete: After `finish`: False when the text ended inside a call or a thought, or was cut by the token limit.
    """

    complete = True
    _text = ""
    _late: list[str]  # what has come since
    _base = 0  # offset of `_text` in the message; what was given away is forgotten
    _at = 0  # everything before it has been given away (this and all that follow are offsets in `_text`)
    _tried = 0  # everything before it has been searched for a closer of the region
    _start = 0  # where the region begins
    _region: Region | None = None
    _context: Context | None = None  # what its reader was told last
    _thinking: bool
    _finder: Finder  # finds what ends what is read now
    _fresh: bool  # no content and no region yet, and one may count for that
    _skip: Trim  # what is taken away next
    _calm: Calm | None  # what it matches is content if no region is open, and the region's if one is
    _shield: "_Shield | None" = None  # made when control tokens and text come apart
    _ended = False
    _cut = False  # the message ended where it should not
    _reported = False

    def __init__(
        self, grammar: Grammar, *, tools: Sequence[Tool], controls: Sequence[str], lenient: bool, thinking: bool
    ) -> None:
        self._grammar, self._tools, self._lenient, self._controls = grammar, tools, lenient, controls
        self._late = []
        self._thinking = thinking
        self._finder = grammar.finder(thinking=thinking, lenient=lenient)
        self._fresh = bool(grammar.at_start)
        self._skip = "whitespace" if thinking else ""
        self._calm = None if self._skip or self._fresh else self._finder.calm

    def feed(self, piece: str | Segment) -> list[Event]:
        """What is certain now that this piece has come."""
        text = piece if isinstance(piece, str) else self._shielded(piece)
        calm = self._calm
        if calm is None or calm(text) is None:
            self._late.append(text)
            events = self._advance(final=False)
        elif self._region is not None:
            self._late.append(text)
            return []
        else:
            self._base += len(text)
            events = [TextDelta(text, self._thinking)]
        return self._restored(events) if self._shield is not None else events

    def finish(self, finish_reason: str | None = None) -> list[Event]:
        """What is certain now that nothing more comes.

        Args:
          finish_reason: "length" when the token limit cut the message.
        """
        if self._shield is not None:
            self._late.append(self._shield.flush())
        events = self._advance(final=True)
        self.complete = finish_reason != "length" and not self._thinking and not self._cut
        return self._restored(events) if self._shield is not None else events

    def read(self, pieces: Iterable[str | Segment], finish_reason: str | None = None) -> list[Event]:
        """All events of a message that has come whole: like `feed` and `finish`, but looks at it once."""
        self._late += [piece if isinstance(piece, str) else self._shielded(piece) for piece in pieces]
        return self.finish(finish_reason)

    def _shielded(self, piece: Segment) -> str:
        if self._shield is None:
            self._shield = _Shield(self._controls)
        return self._shield.pass_on(piece)

    def _restored(self, events: list[Event]) -> list[Event]:
        return [_restore(event) for event in events] if self._shield is not None and self._shield.used else events

    def _advance(self, *, final: bool) -> list[Event]:
        self._text += "".join(self._late)
        self._late.clear()
        events: list[Event] = []
        while self._step(events, final):
            pass
        if not final:
            self._rest()
        return events

    def _rest(self) -> None:
        """Settles which pieces to come need no closer look, and forgets what is given away."""
        self._calm = None
        if self._region is not None:
            if self._region.closers:
                self._calm = self._grammar.closing[self._region.closers][1]
            return
        if not (self._ended or self._skip or self._fresh) and self._at == len(self._text):
            self._calm = self._finder.calm
        self._text, self._base, self._at = self._text[self._at :], self._base + self._at, 0

    def _step(self, events: list[Event], final: bool) -> bool:
        """One marker, one region, or the rest of the text; False when more must come first."""
        if self._ended:
            return self._leave_behind(events)
        if self._region is not None:
            return self._read_region(self._region, events, final)
        if self._skip:
            self._drop(final)
        if self._fresh and not self._thinking:
            opened = self._open_at_start(final)
            if opened is not None:
                return opened
        match = self._finder.find(self._text, self._at)
        if match is not None:
            self._meet(match, events)
            return True
        edge = len(self._text) if final else self._held()
        text = self._text[self._at : edge]
        self._give(text.rstrip(WHITESPACE) if final and self._thinking else text, edge, events)
        return False

    def _drop(self, final: bool) -> None:
        """Takes away what the marker before takes away behind it."""
        if self._skip == "newline" and (self._at < len(self._text) or final):
            self._at += self._text.startswith("\n", self._at)
            self._skip = ""
        elif self._skip == "whitespace":
            self._at = _space_ends(self._text, self._at)
            if self._at < len(self._text):
                self._skip = ""

    def _held(self) -> int:
        """Where what may become a marker begins, and the white space in front of it that this may yet take away."""
        edge, before = self._finder.held(self._text, self._at), self._finder.before
        if before == "whitespace":
            while edge > self._at and self._text[edge - 1] in WHITESPACE:
                edge -= 1
        elif before == "newline" and edge > self._at and self._text[edge - 1] == "\n":
            edge -= 1
        return edge

    def _open_at_start(self, final: bool) -> bool | None:
        """Opens a region that counts at the start only; None when there is none, False when that is not certain."""
        first = _space_ends(self._text, self._at)
        for region in self._grammar.at_start:
            if self._text.startswith(region.opener, first) and (self._lenient or not region.lenient):
                self._region, self._start, self._tried = region, first, first
                return True
        if final:
            return None
        rest = self._text[first:]
        may = (region for region in self._grammar.at_start if self._lenient or not region.lenient)
        return False if any(region.opener.startswith(rest) for region in may) else None

    def _meet(self, match: re.Match[str], events: list[Event]) -> None:
        """A marker in text."""
        marker, (start, end) = match[0], match.span()
        text, thought = self._text[self._at : start], self._grammar.thought
        if self._thinking:
            self._give(text.rstrip(WHITESPACE), end, events)
            self._think(False)
            if thought is not None and marker == thought.closer:
                self._skip = thought.after
            else:
                self._cut = self._ended = True
        elif (region := self._grammar.opened_by.get(marker)) is not None:
            self._give(_trimmed(text, region.before), start, events)
            self._region, self._start, self._tried = region, start, end
        elif marker in self._grammar.stops:
            self._give(text, end, events)
            self._ended = True
        elif thought is not None and marker == thought.opener:
            self._give(text, end, events)
            self._think(True)
            self._skip = "whitespace"
        else:
            events.append(ParseIssue(f"{marker} closes nothing", self._base + start))
            self._give(text + marker, end, events)

    def _think(self, thinking: bool) -> None:
        self._thinking, self._finder = thinking, self._grammar.finder(thinking=thinking, lenient=self._lenient)

    def _read_region(self, region: Region, events: list[Event], final: bool) -> bool:
        if not final and region.closers:
            closing, _ = self._grammar.closing[region.closers]
            since = max(self._tried - closing.overlap, self._start + len(region.opener))
            self._tried = len(self._text)
            if closing.find(self._text, since) is None:
                return False
        if self._context is None or self._context.final != final:
            self._context = Context(self._tools, final, self._lenient)
        found = region.read(self._text, self._start, self._context)
        if found is None:
            return False
        space = self._text[self._at : self._start]  # before a region that counts at the start only
        self._region, self._fresh, self._skip = None, False, region.after
        if found.repairs or found.errors:
            events += self._placed((*found.repairs, *found.errors))
        if found.content:
            events.append(TextDelta(space + found.content))
            self._skip = ""
        events += found.calls
        self._at = found.end
        if not found.closed:
            self._cut = self._ended = True
        return True

    def _placed(self, found: Iterable[ParseIssue | Repair]) -> Iterable[ParseIssue | Repair]:
        """With offsets in the whole message."""
        return (replace(one, position=self._base + one.position) for one in found)

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
            events.append(ParseIssue("text after the end of the turn", self._base + len(self._text) - len(rest)))
        self._at = len(self._text)
        return False


def _space_ends(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    return space.end() if space else start


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
