"""Reading what a model says as it comes, with the same code that reads it at once.

A `Stream` walks through the text that has arrived, with a format's `Grammar`. In text it gives away all that can no
longer be the beginning of a marker; at a marker it asks the region's reader. Because a reader never changes its mind,
what is read cannot depend on how the text was cut.

Control tokens and text that merely looks like them are told apart where the caller can: `feed` takes segments too, and
in plain ones every spelling of a control token is hidden from the markers, and restored in what comes out.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from callwright.conversation import Tool
from callwright.formats.grammar import (
    WHITESPACE,
    Calm,
    Context,
    Event,
    Grammar,
    ParseIssue,
    Region,
    Repair,
    TextDelta,
    Trim,
)
from callwright.formats.shield import MessageShield
from callwright.tokens import Segment

_SPACE = re.compile(f"[{WHITESPACE}]*")


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
        self._controls = controls
        self._shield: MessageShield | None = None  # made when control tokens and text come apart
        self._text = ""
        self._late: list[str] = []  # what has come since
        self._base = 0  # offset of `_text` in the message; what was given away is forgotten
        self._at = 0  # everything before it has been given away (this and all that follow are offsets in `_text`)
        self._tried = 0  # everything before it has been searched for a closer of the region
        self._region: Region | None = None
        self._context: Context | None = None  # what its reader was told last
        self._thinking = thinking
        self._start = 0  # where the region begins
        self._ended = False
        self._cut = False  # the message ended where it should not
        self._fresh = bool(grammar.at_start)  # no content and no region yet, and one may count for that
        self._skip: Trim = "whitespace" if thinking else ""
        self._reported = False
        self._finder = grammar.finder(thinking=thinking, lenient=lenient)
        # What it matches is content if no region is open, and the region's if one is.
        self._calm: Calm | None = None if self._skip or self._fresh else self._finder.calm

    def feed(self, piece: str | Segment) -> list[Event]:
        """What is certain now that this piece has come."""
        text = piece if isinstance(piece, str) else self._shielded(piece)
        calm = self._calm
        if calm is None or calm(text) is None:
            if self._late:
                self._late.append(text)
            else:
                self._text += text
            events = self._advance(final=False)
        elif self._region is None:
            self._base += len(text)
            events = [TextDelta(text, self._thinking)]
        else:
            self._late.append(text)
            return []
        return events if self._shield is None else self._restored(events)

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
            self._shield = MessageShield(self._controls)
        return self._shield.pass_on(piece)

    def _restored(self, events: list[Event]) -> list[Event]:
        return [self._shield.restored(event) for event in events] if self._shield is not None else events

    def _advance(self, *, final: bool) -> list[Event]:
        if self._late:
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
        if self._at:
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
