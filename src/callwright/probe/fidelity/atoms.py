"""What a model says, in parts that edits may not cut: control tokens, and characters of plain text.

An edit works on text, but where a control token stands it must take all of it or nothing: `"` is no part of Gemma's
`<|"|>`. So words are lists of atoms, and a text is found only where it begins and ends between two of them.
"""

import re
from collections.abc import Iterable, Sequence

from callwright.formats.base import Format
from callwright.tokens import Segment

Atom = tuple[str, bool]
"""One control token and True, or one character of plain text and False."""
Words = list[Atom]


def to_words(form: Format, text: str, *, control: bool) -> Words:
    """The text as atoms; where `control`, each of the format's special tokens in it is one."""
    tokens = sorted({*form.controls, *form.stops}, key=len, reverse=True) if control else ()
    if not tokens:
        return [(character, False) for character in text]
    words: Words = []
    for number, part in enumerate(re.split(f"({'|'.join(map(re.escape, tokens))})", text)):
        words += [(part, True)] if number % 2 else [(character, False) for character in part]
    return words


def to_segments(words: Iterable[Atom]) -> tuple[Segment, ...]:
    """The atoms as segments: a control token each, or plain text as long as it goes on."""
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
    """From which to which atom the text stands, from left to right, without overlaps."""
    starts, at = {}, 0
    for number, (piece, _) in enumerate(words):
        starts[at] = number
        at += len(piece)
    starts[at] = len(words)
    found = re.finditer(re.escape(text), text_of(words)) if text else ()
    return [(starts[m.start()], starts[m.end()]) for m in found if m.start() in starts and m.end() in starts]


def split_stop(form: Format, words: Words) -> tuple[Words, Words]:
    """The words, and the stop that ends them if one does."""
    ends = bool(words) and words[-1][1] and words[-1][0] in form.stops
    return (words[:-1], words[-1:]) if ends else (words, [])
