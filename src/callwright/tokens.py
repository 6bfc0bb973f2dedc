"""What a tokenizer must do for us, and the two kinds of text it may be given.

A `Segment` is control text (turn markers, tool markers: written by a format and tokenized with special tokens on) or
plain text (all that a user, a tool or a schema supplied: tokenized with special tokens off). Because only a format can
make a control segment, no user text can ever become a control token. Formats produce segments; data and engines turn
them into ids with `encode_segments`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

CUE = re.compile(r"@@([\w.-]+)@@", re.ASCII)
"""A cue in a prompt, and its name: the planned output of that name follows. JSON, HTML and templates leave it alone."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a rendered conversation.

    Attributes:
      text: The piece; a prompt is the concatenation of its segments' texts.
      control: Whether special tokens in it are special.
      supervised: Whether the loss is computed on it (the assistant's turns, their end marker included).
    """

    text: str
    control: bool = False
    supervised: bool = False


class Tokenizer(Protocol):
    """Text to token ids and back. Ids are plain ints; no method adds BOS or EOS."""

    @property
    def bos_id(self) -> int:
        """The id that opens every prompt."""
        ...

    @property
    def pad_id(self) -> int:
        """The id that fills a batch; never attended to."""
        ...

    @property
    def vocab_size(self) -> int:
        """How many ids exist."""
        ...

    def encode(self, text: str, *, control: bool = False) -> list[int]:
        """Token ids of `text`; markers like `<bos>` in it become special tokens only if `control`."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, special tokens written out."""
        ...

    def token_id(self, piece: str) -> int:
        """The id of exactly this special piece, e.g. `<end_of_turn>`; raises KeyError if it has none."""
        ...

    def is_special(self, token_id: int) -> bool:
        """Whether the id is a special piece, which no plain text becomes."""
        ...


def encode_segments(tokenizer: Tokenizer, segments: Iterable[Segment]) -> tuple[list[int], list[bool]]:
    """Token ids of the segments and, aligned with them, whether each is supervised.

    Neighboring segments of one kind are joined before they are tokenized, so that a word cut by a segment's edge
    still becomes the tokens it would have in the whole text; a change of `supervised` always cuts, because the model
    will begin its turn there at serving time too.
    """
    ids: list[int] = []
    flags: list[bool] = []
    alike = groupby((s for s in segments if s.text), key=lambda segment: (segment.control, segment.supervised))
    for (control, supervised), run in alike:
        piece = tokenizer.encode("".join(segment.text for segment in run), control=control)
        ids += piece
        flags += [supervised] * len(piece)
    return ids, flags


def decode_segments(tokenizer: Tokenizer, ids: Iterable[int]) -> list[Segment]:
    """The text of the ids, control tokens apart from text that may look like them."""
    runs = groupby(ids, key=tokenizer.is_special)
    return [Segment(tokenizer.decode(list(run)), control=control) for control, run in runs]


def last_supervised(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The last run of supervised segments: what a model must generate for the last message of a conversation."""
    runs = [tuple(run) for supervised, run in groupby(segments, key=lambda segment: segment.supervised) if supervised]
    return runs[-1] if runs else ()


def count_given(tokenizer: Tokenizer, output: Sequence[int], prompt: Sequence[int]) -> int:
    """How many tokens of a planned output the prompt ends with, a special token among them.

    Templates open a thought, or put an empty one, and the model continues from there. Ordinary text (a line break, say)
    that only looks like the output's beginning does not count.
    """
    for count in range(min(len(output), len(prompt)), 0, -1):
        if tuple(output[:count]) == tuple(prompt[-count:]) and any(map(tokenizer.is_special, output[:count])):
            return count
    return 0
