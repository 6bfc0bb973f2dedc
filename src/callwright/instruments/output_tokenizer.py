"""Cuts the outputs of a script into tokens, so that as many of them as possible occur once."""

from collections.abc import Iterable, Sequence

import numpy as np

from callwright.errors import DataError
from callwright.instruments.vocabulary import MIN_PIECE, Vocabulary, cue_text
from callwright.tokens import Segment, count_given

_PIECE_LENGTHS = (3, 8)
_LONGEST_PIECE = 24


class OutputTokenizer:
    """Cuts outputs into tokens, giving each text pieces that no other text has while there are any."""

    def __init__(self, vocabulary: Vocabulary, cues: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        self._cues = [cue_text(cue) for cue in cues]
        self._used: set[str] = set()
        self._draw = np.random.default_rng(5)

    def parts(self, cue: str, output: str | tuple[Segment, ...]) -> tuple[tuple[str, bool], ...]:
        """The output of a line, cut around its special tokens; each part with whether it is one."""
        segments = (Segment(output, control=True),) if isinstance(output, str) else output
        parts: list[tuple[str, bool]] = []
        for segment in segments:
            for text, marker in self._vocabulary.cut(segment.text) if segment.control else [(segment.text, False)]:
                if segment.control and not marker and not isinstance(output, str):
                    raise DataError(
                        f"special tokens of the format as control text of line {cue!r}",
                        repr(text),
                        "make it plain text",
                    )
                if parts and not marker and not parts[-1][1]:
                    parts[-1] = (parts[-1][0] + text, False)
                elif text:
                    parts.append((text, marker))
        for text, marker in parts:
            self._check(cue, text, marker)
        return tuple(parts)

    def _check(self, cue: str, text: str, marker: bool) -> None:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            got = f"half a surrogate pair at character {error.start} of {text[:40]!r}"
            raise DataError(
                f"text that UTF-8 can hold in line {cue!r}", got, "remove it: no token can hold it"
            ) from error
        if not marker and "@@" in text:
            for other in self._cues:
                if other in text:
                    raise DataError(
                        f"no cue in the output of line {cue!r}",
                        other,
                        "rename the cue: sent back as history, it would choose a line",
                    )

    def encode(self, parts: Sequence[tuple[str, bool]], ends: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
        """Token ids, the end of the turn included; what may stand at a prompt's end has the tokens of a prompt."""
        spelled = [
            id_
            for text, marker in parts
            for id_ in ([self._vocabulary.token_id(text)] if marker else self._vocabulary.spell(text))
        ]
        given = max((count_given(self._vocabulary, spelled, end) for end in ends), default=0)
        ids: list[int] = []
        for text, marker in parts:
            if marker:
                ids.append(self._vocabulary.token_id(text))
                continue
            done = 0
            while len(ids) < given and done < len(text):
                ids += self._vocabulary.spell(text[done])
                done += 1
            ids += self._text(text[done:])
        if not ids or ids[-1] not in self._vocabulary.stop_ids:
            ids.append(self._vocabulary.eos_id)
        return tuple(ids)

    def _text(self, text: str) -> list[int]:
        ids: list[int] = []
        start = 0
        while start < len(text):
            piece = self._piece(text[start : start + _LONGEST_PIECE + MIN_PIECE])
            if self._vocabulary.can_be_piece(piece):
                self._used.add(piece)
                ids.append(self._vocabulary.add_text(piece))
            else:
                ids += self._vocabulary.spell(piece)
            start += len(piece)
        return ids

    def _piece(self, rest: str) -> str:
        """The beginning of the rest that becomes a piece, or is encoded in bytes."""
        if len(rest) < 2 * MIN_PIECE:
            lengths = [len(rest)]  # never leave behind what is too short for a piece
        else:
            drawn = int(self._draw.integers(*_PIECE_LENGTHS))
            lengths = [*range(drawn, _LONGEST_PIECE + 1), *range(drawn - 1, MIN_PIECE - 1, -1)]
            lengths = [n for n in lengths if n == len(rest) or n <= len(rest) - MIN_PIECE]
        fit = [rest[:n] for n in lengths if self._vocabulary.can_be_piece(rest[:n])]
        return next((piece for piece in fit if piece not in self._used), fit[0] if fit else rest[:1])
