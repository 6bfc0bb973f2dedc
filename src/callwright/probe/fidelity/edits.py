"""What is done to a model's words: the slips that real models make, the same in every format.

In the texts of edits `{open}` and `{close}` stand for the format's markers around a call, `{think}` and `{end_think}`
for those around a thought, and `{call}` for a whole call. What an edit puts in is plain text unless it says that
markers in it count. Where there is nothing to edit (no such text, no such marker) the format has no such case.
"""

import re
from collections.abc import Callable
from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from callwright.conversation import Message
from callwright.errors import FormatError
from callwright.formats.base import Format
from callwright.openai import read_message
from callwright.probe.fidelity.atoms import Words, places, to_words
from callwright.settings import Settings

NOT_TESTED = "the case is not tested in this format"
_PLACEHOLDER = re.compile(r"\{(open|close|think|end_think|call)\}")
_OPERATIONS = ("append", "prepend", "replace", "cut_after", "unclosed", "close_twice", "stop")


class CallSettings(Settings):
    """A call."""

    name: str
    """The function."""
    arguments: dict[str, JsonValue] | str = ""
    """An object, or JSON text."""
    id: str | None = None
    """What a result names to answer it."""

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
    """Said after the words, before the end of the turn."""
    prepend: str | None = None
    """Said before the words."""
    replace: tuple[str, str] | None = None
    """The old text, wherever it stands, and the new."""
    cut_after: str | None = None
    """All that follows the first occurrence of this is not said, the end of the turn included."""
    unclosed: Literal[True] | None = None
    """The last call's closing marker (where only a bracket closes a call, the bracket) and what follows is not said."""
    close_twice: Literal[True] | None = None
    """The last call's closing marker is said twice."""
    stop: int | None = Field(None, ge=0)
    """The turn ends with this one of the format's stops, counted from 0."""
    control: bool = False
    """Whether markers in what is put in are control tokens, where the format has them as such, or characters."""
    call: CallSettings | None = None
    """What `{call}` is."""

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        done = [name for name in _OPERATIONS if getattr(self, name) is not None]
        if len(done) != 1:
            raise ValueError(f"an edit does one of {', '.join(_OPERATIONS)}, not {len(done)} of them")
        if "{call}" in f"{self.append}{self.prepend}{self.replace}{self.cut_after}" and self.call is None:
            raise ValueError("where {call} stands, call says which")
        return self


class Editor:
    """Edits words in one format.

    Args:
      form: The format.
      say: Gives the text of a message in the format, without the end of the turn.
    """

    def __init__(self, form: Format, say: Callable[[Message], str]) -> None:
        self._form, self._say = form, say

    def edited(self, edit: Edit, said: Words, end: Words) -> tuple[Words, Words]:
        """The words and the end of the turn after one edit.

        Raises:
          FormatError: There is nothing to edit.
        """
        if edit.append is not None:
            return [*said, *self._new(edit, edit.append)], end
        if edit.prepend is not None:
            return [*self._new(edit, edit.prepend), *said], end
        if edit.replace is not None:
            old, new = edit.replace
            for start, stop in reversed(self._found(said, self._filled(edit, old))):
                said = [*said[:start], *self._new(edit, new), *said[stop:]]
            return said, end
        if edit.cut_after is not None:
            return said[: self._found(said, self._filled(edit, edit.cut_after))[0][1]], []
        if edit.stop is not None:
            stops = self._form.stops
            if edit.stop >= len(stops):
                raise FormatError(f"stop {edit.stop} of {self._form.name}", f"only {', '.join(stops)}", NOT_TESTED)
            return said, [(stops[edit.stop], True)]
        start, stop = self._last_closer(said)
        if edit.close_twice:
            return [*said[:stop], *said[start:stop], *said[stop:]], end
        while start and said[start - 1][0].isspace():
            start -= 1
        return said[:start], []

    def _new(self, edit: Edit, text: str) -> Words:
        return to_words(self._form, self._filled(edit, text), control=edit.control)

    def _found(self, said: Words, text: str) -> list[tuple[int, int]]:
        found = places(said, text)
        if not found:
            raise FormatError(f"{text!r} in what {self._form.name} says", "nothing like it", NOT_TESTED)
        return found

    def _last_closer(self, said: Words) -> tuple[int, int]:
        """Where the last call's closing marker stands."""
        regions = [region for region in self._form.grammar.regions if not region.lenient]
        closers = {closer for region in regions if places(said, region.opener) for closer in region.closers}
        found = [place for closer in closers for place in places(said, closer)[-1:]]
        if not found:
            raise FormatError(f"the end of a call in what {self._form.name} says", "none", NOT_TESTED)
        return max(found, key=lambda place: place[1])

    def _filled(self, edit: Edit, text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: self._meaning(edit, match[1]), text)

    def _meaning(self, edit: Edit, name: str) -> str:
        """What a placeholder stands for."""
        if name == "call" and edit.call is not None:
            return self._say(edit.call.message())
        meaning = None
        if name in ("think", "end_think"):
            thought = self._form.grammar.thought
            meaning = thought and (thought.opener if name == "think" else thought.closer)
        else:
            for region in self._form.grammar.regions:
                if not region.lenient and not region.at_start:
                    closer = region.closers[0] if len(region.closers) == 1 else None
                    meaning = region.opener.strip() if name == "open" else closer
                    break
        if not meaning:
            raise FormatError(f"a marker for {{{name}}} in {self._form.name}", "none", NOT_TESTED)
        return meaning
