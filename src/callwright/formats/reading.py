"""Reading a model's output as it arrives, with the same code that reads it at once.

A `Stream` walks through the text that has arrived, with a format's `Grammar`. In text it emits all that can no longer
be the beginning of a marker; at a marker it asks the region's reader. Because a reader's result for a text holds for
every longer one, what is read cannot depend on how the text was cut into pieces.

Control tokens and text that merely looks like them are told apart where the caller can: `feed` takes segments too, and
in plain ones every spelling of a control token is hidden from the markers, and restored in the events.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from callwright.conversation import Tool
from callwright.formats.grammar import (
    WHITESPACE,
    Event,
    Grammar,
    Malformed,
    ParseContext,
    ParsedRegion,
    ParseIssue,
    Region,
    RegionRepairer,
    Repair,
    TextDelta,
    TextMatch,
    Trim,
    Unfinished,
    skip_space,
)
from callwright.formats.hiding import OutputHider
from callwright.tokens import Segment

_ATTEMPTS = 16
"""After so many vain attempts to repair a region, the next waits until the region is half as long again."""


class Stream:
    """Reads one message; see `formats.base.Format.stream`.

    Attributes:
      complete: After `finish`: False when the text ended inside a call or a thought, or was cut by the token limit.
    """

    # What most messages leave as it is stands here, because a reader is made for every message.
    _hider: OutputHider | None = None  # made when control tokens and text come apart
    _text = ""
    _base = 0  # offset of `_text` in the message; what was emitted is dropped
    _at = 0  # everything before it was emitted (this and all that follow are offsets in `_text`)
    _searched = 0  # everything before it has been searched for a closer of the region
    _region: Region | None = None
    _attempts = 0  # how often the region was repaired in vain, because more text must come
    _repair_from = 0  # before the text is so long it is not tried again
    _context: ParseContext | None = None  # what the region's reader was given last
    _start = 0  # where the region begins
    _ended = False
    _truncated = False  # the message ended where it should not
    _stopped = False  # the model is known to have stopped by itself
    _reported = False
    complete = True

    def __init__(
        self, grammar: Grammar, *, tools: Sequence[Tool], special_tokens: Sequence[str], lenient: bool, thinking: bool
    ) -> None:
        self._grammar, self._tools, self._lenient = grammar, tools, lenient
        self._special_tokens = special_tokens
        self._pending: list[str] = []  # pieces that arrived since
        self._thinking = thinking
        self._may_start = bool(grammar.start_regions)  # no content and no region yet, and one may count for that
        self._trim: Trim = "whitespace" if thinking else ""
        self._finder = grammar.finder(thinking=thinking, lenient=lenient)
        # What it matches is content if no region is open, and the region's if one is.
        self._marker_free: TextMatch | None = None if self._trim or self._may_start else self._finder.marker_free

    def feed(self, piece: str | Segment) -> list[Event]:
        """What is certain now that this piece has come."""
        text = piece if isinstance(piece, str) else self._hide(piece)
        marker_free = self._marker_free
        if marker_free is None or marker_free(text) is None:
            if self._pending:
                self._pending.append(text)
            else:
                self._text += text
            events = self._advance(final=False)
        elif self._region is None:
            self._base += len(text)
            events = [TextDelta(text, self._thinking)]
        else:
            self._pending.append(text)
            return []
        return events if self._hider is None else self._restored(events)

    def finish(self, finish_reason: str | None = None) -> list[Event]:
        """What is certain now that nothing more comes.

        Args:
          finish_reason: "length" when the token limit cut the message, "stop" when the model ended it by itself.
        """
        self._stopped = finish_reason == "stop"
        if self._hider is not None:
            self._pending.append(self._hider.flush())
        events = self._advance(final=True)
        self.complete = finish_reason != "length" and not self._thinking and not self._truncated
        return self._restored(events) if self._hider is not None else events

    def read(self, pieces: Iterable[str | Segment], finish_reason: str | None = None) -> list[Event]:
        """All events of a message that has come whole: like `feed` and `finish`, but looks at it once."""
        self._pending += [piece if isinstance(piece, str) else self._hide(piece) for piece in pieces]
        return self.finish(finish_reason)

    def _hide(self, piece: Segment) -> str:
        if self._hider is None:
            self._hider = OutputHider(self._special_tokens)
        return self._hider.hide(piece)

    def _restored(self, events: list[Event]) -> list[Event]:
        return [self._hider.restore(event) for event in events] if self._hider is not None else events

    def _advance(self, *, final: bool) -> list[Event]:
        if self._pending:
            self._text += "".join(self._pending)
            self._pending.clear()
        events: list[Event] = []
        while self._step(events, final):
            pass
        if not final:
            self._prepare_for_more()
        return events

    def _prepare_for_more(self) -> None:
        """Decides which pieces to come need no closer look, and drops the text that was emitted."""
        self._marker_free = None
        if self._region is not None:
            if self._region.closers:
                self._marker_free = self._grammar.closing[self._region.closers][1]
            return
        if not (self._ended or self._trim or self._may_start) and self._at == len(self._text):
            self._marker_free = self._finder.marker_free
        if self._at:
            self._text, self._base, self._at = self._text[self._at :], self._base + self._at, 0

    def _step(self, events: list[Event], final: bool) -> bool:
        """One marker, one region, or the rest of the text; False when more must come first."""
        if self._ended:
            return self._report_rest(events)
        if self._region is not None:
            return self._read_region(self._region, events, final)
        if self._trim:
            self._apply_trim(final)
        if self._may_start and not self._thinking:
            opened = self._open_at_start(final)
            if opened is not None:
                return opened
        match = self._finder.find(self._text, self._at)
        if match is not None:
            self._handle_marker(match, events)
            return True
        edge = len(self._text) if final else self._emittable_end()
        text = self._text[self._at : edge]
        self._emit_text(text.rstrip(WHITESPACE) if final and self._thinking else text, edge, events)
        return False

    def _apply_trim(self, final: bool) -> None:
        """Skips the white space that the marker before removes behind itself."""
        if self._trim == "newline" and (self._at < len(self._text) or final):
            self._at += self._text.startswith("\n", self._at)
            self._trim = ""
        elif self._trim == "whitespace":
            self._at = skip_space(self._text, self._at)
            if self._at < len(self._text):
                self._trim = ""

    def _emittable_end(self) -> int:
        """Where text ends that can be emitted: before what may become a marker, and the white space it would remove."""
        edge, before = self._finder.partial_marker(self._text, self._at), self._finder.before
        if before == "whitespace":
            while edge > self._at and self._text[edge - 1] in WHITESPACE:
                edge -= 1
        elif before == "newline" and edge > self._at and self._text[edge - 1] == "\n":
            edge -= 1
        return edge

    def _open_at_start(self, final: bool) -> bool | None:
        """Opens a region that counts at the start only; None when there is none, False when that is not certain."""
        first = skip_space(self._text, self._at)
        for region in self._grammar.start_regions:
            if self._text.startswith(region.opener, first) and (self._lenient or not region.lenient):
                self._region, self._start, self._searched = region, first, first
                return True
        if final:
            return None
        rest = self._text[first:]
        may = (region for region in self._grammar.start_regions if self._lenient or not region.lenient)
        return False if any(region.opener.startswith(rest) for region in may) else None

    def _handle_marker(self, match: re.Match[str], events: list[Event]) -> None:
        """A marker in text."""
        marker, (start, end) = match[0], match.span()
        text, thought = self._text[self._at : start], self._grammar.thought
        if self._thinking:
            self._emit_text(text.rstrip(WHITESPACE), end, events)
            self._switch_thinking(False)
            if thought is not None and marker == thought.closer:
                self._trim = thought.after
            else:
                self._truncated = self._ended = True
        elif (region := self._grammar.regions_by_opener.get(marker)) is not None:
            self._emit_text(_trimmed(text, region.before), start, events)
            self._region, self._start, self._searched = region, start, end
        elif marker in self._grammar.stops:
            self._emit_text(text, end, events)
            self._ended = True
        elif thought is not None and marker == thought.opener:
            self._emit_text(text, end, events)
            self._switch_thinking(True)
            self._trim = "whitespace"
        else:
            events.append(ParseIssue(f"{marker} closes nothing", self._base + start))
            self._emit_text(text + marker, end, events)

    def _switch_thinking(self, thinking: bool) -> None:
        self._thinking, self._finder = thinking, self._grammar.finder(thinking=thinking, lenient=self._lenient)

    def _read_region(self, region: Region, events: list[Event], final: bool) -> bool:
        if not final and len(self._text) < self._repair_from:
            return False
        if not final and region.closers:
            closing, _ = self._grammar.closing[region.closers]
            since = max(self._searched - closing.overlap, self._start + len(region.opener))
            self._searched = len(self._text)
            if closing.find(self._text, since) is None:
                return False
        if self._context is None or self._context.final != final:
            self._context = ParseContext(
                self._tools, final, self._lenient, self._grammar.stops, stopped=final and self._stopped
            )
        found = region.read(self._text, self._start, self._context)
        if found is not None and self._lenient and region.repair is not None:
            found = self._repaired(region.repair, found, self._context)
        if found is None:
            return False
        space = self._text[self._at : self._start]  # before a region that counts at the start only
        self._region, self._may_start, self._trim = None, False, ""
        self._attempts = self._repair_from = 0
        if found.repairs or found.errors:
            events += self._placed((*found.repairs, *found.errors))
        if found.content:
            events.append(TextDelta(space + found.content))
        events += found.calls
        self._at = found.end
        if not found.closed:
            self._truncated = self._ended = True
        return True

    def _repaired(self, repair: RegionRepairer, found: ParsedRegion, context: ParseContext) -> ParsedRegion | None:
        """The region repaired; as it was read strictly, where nothing certain was meant."""
        try:
            return repair(self._text, self._start, context, found) or found
        except Unfinished:
            self._attempts += 1
            if self._attempts >= _ATTEMPTS:  # so many that the time would grow with the square of the length
                self._repair_from = len(self._text) + (len(self._text) - self._start) // 2
            return found if context.final else None
        except Malformed:
            return found

    def _placed(self, found: Iterable[ParseIssue | Repair]) -> Iterable[ParseIssue | Repair]:
        """With offsets in the whole message."""
        return (replace(one, position=self._base + one.position) for one in found)

    def _emit_text(self, text: str, end: int, events: list[Event]) -> None:
        """Emits this text, and continues at `end`."""
        self._at = end
        if text:
            self._may_start = self._may_start and (self._thinking or not text.strip(WHITESPACE))
            events.append(TextDelta(text, self._thinking))

    def _report_rest(self, events: list[Event]) -> bool:
        """Text after the end of the turn: reported once, and no content."""
        rest = self._text[self._at :].lstrip(WHITESPACE)
        if rest and not self._reported:
            self._reported = True
            events.append(ParseIssue("text after the end of the turn", self._base + len(self._text) - len(rest)))
        self._at = len(self._text)
        return False


def _trimmed(text: str, trim: Trim) -> str:
    if trim == "whitespace":
        return text.rstrip(WHITESPACE)
    return text.removesuffix("\n") if trim == "newline" else text
