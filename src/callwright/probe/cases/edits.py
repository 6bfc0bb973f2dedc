"""A model's words, and what is done to them: the mistakes that real models make, the same in every format.

An edit works on text, but a control token is taken whole or not at all: `"` is no part of Gemma's `<|"|>`. So words are
lists of atoms (control tokens, and single characters of plain text), and a text is found only where it begins and ends
between two atoms.

In the texts of edits `{open}` and `{close}` stand for the format's markers around a call, `{think}` and `{end_think}`
for those around a thought, and `{call}` for a whole call. What an edit puts in is plain text unless it says that
markers in it count. Where there is nothing to edit (no such text, no such marker) the format has no such case.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from callwright.conversation import Message
from callwright.errors import FormatError
from callwright.formats.base import Format
from callwright.openai import read_message
from callwright.settings import Settings
from callwright.tokens import Segment

NOT_TESTED = "the case is not tested in this format"
_PLACEHOLDER = re.compile(r"\{(open|close|think|end_think|call)\}")
_OPERATIONS = ("append", "prepend", "replace", "cut_after", "unclosed", "close_twice", "stop")

Atom = tuple[str, bool]
"""One control token and True, or one character of plain text and False."""
Words = list[Atom]


def to_words(fmt: Format, text: str, *, control: bool) -> Words:
    """The text as atoms; with `control`, each special token of the format in it is one atom."""
    tokens = sorted({*fmt.special_tokens, *fmt.stops}, key=len, reverse=True) if control else ()
    if not tokens:
        return [(character, False) for character in text]
    words: Words = []
    for number, part in enumerate(re.split(f"({'|'.join(map(re.escape, tokens))})", text)):
        words += [(part, True)] if number % 2 else [(character, False) for character in part]
    return words


def to_segments(words: Iterable[Atom]) -> tuple[Segment, ...]:
    """The atoms as segments: one for each control token and for each run of plain text."""
    segments: list[Segment] = []
    for text, control in words:
        if segments and not control and not segments[-1].control:
            segments[-1] = Segment(segments[-1].text + text)
        else:
            segments.append(Segment(text, control=control))
    return tuple(segments)


def text_of(words: Iterable[Atom]) -> str:
    """The text of the atoms."""
    return "".join(text for text, _ in words)


def places(words: Sequence[Atom], text: str) -> list[tuple[int, int]]:
    """Where the text stands, from left to right and without overlaps, as indices of its first atom and the next one."""
    starts, at = {}, 0
    for number, (piece, _) in enumerate(words):
        starts[at] = number
        at += len(piece)
    starts[at] = len(words)
    found = re.finditer(re.escape(text), text_of(words)) if text else ()
    return [(starts[m.start()], starts[m.end()]) for m in found if m.start() in starts and m.end() in starts]


def split_stop(fmt: Format, words: Words) -> tuple[Words, Words]:
    """The words, and the stop that ends them if one does."""
    ends = bool(words) and words[-1][1] and words[-1][0] in fmt.stops
    return (words[:-1], words[-1:]) if ends else (words, [])


class WrittenCall(Settings):
    """A call as a case file writes it."""

    name: str
    """The function."""
    arguments: dict[str, JsonValue] | str = ""
    """An object, or JSON text."""
    id: str | None = None
    """The id by which a result refers to the call."""

    def message(self) -> Message:
        """An assistant's message that makes this call, with an id where none was given.

        Raises:
          DataError: The arguments are no JSON object.
        """
        fields = {"id": "quoted001"} | self.model_dump(exclude_none=True)
        return read_message({"role": "assistant", "tool_calls": [fields]}, "call")


class Edit(Settings):
    """One thing that is done to the words: exactly one of the keys before `control`."""

    append: str | None = None
    """Added after the words, before the end of the turn."""
    prepend: str | None = None
    """Added before the words."""
    replace: tuple[str, str] | None = None
    """The old text, wherever it stands, and the new."""
    cut_after: str | None = None
    """Everything after the first occurrence of this is left out, the end of the turn included."""
    unclosed: Literal[True] | None = None
    """The last call's closing marker (or bracket, where only a bracket closes a call) and what follows is left out."""
    close_twice: Literal[True] | None = None
    """The last call's closing marker comes twice."""
    stop: int | None = Field(None, ge=0)
    """The turn ends with this one of the format's stops, counted from 0."""
    control: bool = False
    """Whether markers in added text are control tokens, where the format has them as such, or characters."""
    call: WrittenCall | None = None
    """The call that `{call}` stands for."""

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        done = [name for name in _OPERATIONS if getattr(self, name) is not None]
        if len(done) != 1:
            raise ValueError(f"an edit does one of {', '.join(_OPERATIONS)}, not {len(done)} of them")
        if "{call}" in f"{self.append}{self.prepend}{self.replace}{self.cut_after}" and self.call is None:
            raise ValueError("where {call} stands, call says which")
        if self.call is not None:
            self.call.message()
        return self


class Editor:
    """Edits words in one format.

    Args:
      fmt: The format.
      say: Returns the text of a message in the format, without the end of the turn.
    """

    def __init__(self, fmt: Format, say: Callable[[Message], str]) -> None:
        self._fmt, self._say = fmt, say

    def edited(self, edit: Edit, output: Words, end: Words) -> tuple[Words, Words]:
        """The words and the end of the turn after one edit.

        Raises:
          FormatError: There is nothing to edit.
        """
        if edit.append is not None:
            return [*output, *self._new(edit, edit.append)], end
        if edit.prepend is not None:
            return [*self._new(edit, edit.prepend), *output], end
        if edit.replace is not None:
            old, new = edit.replace
            for start, stop in reversed(self._found(output, self._filled(edit, old))):
                output = [*output[:start], *self._new(edit, new), *output[stop:]]
            return output, end
        if edit.cut_after is not None:
            return output[: self._found(output, self._filled(edit, edit.cut_after))[0][1]], []
        if edit.stop is not None:
            stops = self._fmt.stops
            if edit.stop >= len(stops):
                raise FormatError(f"stop {edit.stop} of {self._fmt.name}", f"only {', '.join(stops)}", NOT_TESTED)
            return output, [(stops[edit.stop], True)]
        start, stop = self._last_closer(output)
        if edit.close_twice:
            return [*output[:stop], *output[start:stop], *output[stop:]], end
        while start and output[start - 1][0].isspace():
            start -= 1
        return output[:start], []

    def _new(self, edit: Edit, text: str) -> Words:
        return to_words(self._fmt, self._filled(edit, text), control=edit.control)

    def _found(self, output: Words, text: str) -> list[tuple[int, int]]:
        found = places(output, text)
        if not found:
            raise FormatError(f"{text!r} in what {self._fmt.name} says", "nothing like it", NOT_TESTED)
        return found

    def _last_closer(self, output: Words) -> tuple[int, int]:
        """Where the last call's closing marker stands."""
        regions = [region for region in self._fmt.grammar.regions if not region.lenient]
        closers = {closer for region in regions if places(output, region.opener) for closer in region.closers}
        found = [place for closer in closers for place in places(output, closer)[-1:]]
        if not found:
            raise FormatError(f"the end of a call in what {self._fmt.name} says", "none", NOT_TESTED)
        return max(found, key=lambda place: place[1])

    def _filled(self, edit: Edit, text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: self._meaning(edit, match[1]), text)

    def _meaning(self, edit: Edit, name: str) -> str:
        """What a placeholder stands for."""
        if name == "call" and edit.call is not None:
            return self._say(edit.call.message())
        meaning = None
        if name in ("think", "end_think"):
            thought = self._fmt.grammar.thought
            meaning = thought and (thought.opener if name == "think" else thought.closer)
        else:
            for region in self._fmt.grammar.regions:
                if not region.lenient and not region.at_start:
                    closer = region.closers[0] if len(region.closers) == 1 else None
                    meaning = region.opener.strip() if name == "open" else closer
                    break
        if not meaning:
            raise FormatError(f"a marker for {{{name}}} in {self._fmt.name}", "none", NOT_TESTED)
        return meaning
