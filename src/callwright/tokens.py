"""What a tokenizer must do for us, and the two kinds of text it may be given.

A `Segment` is control text (turn markers, tool markers: written by a format and tokenised with special tokens on) or
plain text (all that a user, a tool or a schema supplied: tokenised with special tokens off). Because only a format can
make a control segment, no user text can ever become a control token. Formats produce segments; data and engines turn
them into ids with `encode_segments`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a rendered conversation.

    Attributes:
      text: The piece; a prompt is the concatenation of its segments' texts.
      control: Whether special tokens in it are special.
      trained: Whether the model is to learn to say it (the assistant's turns, their end marker included).
    """

    text: str
    control: bool = False
    trained: bool = False


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

    def is_control(self, token_id: int) -> bool:
        """Whether the id is a special piece, which no plain text becomes."""
        ...


def encode_segments(tokenizer: Tokenizer, segments: Iterable[Segment]) -> tuple[list[int], list[bool]]:
    """Token ids of the segments and, aligned with them, whether each is trained on.

    Neighbouring segments of one kind are joined before they are tokenised, so that a word cut by a segment's edge
    still becomes the tokens it would have in the whole text; a change of `trained` always cuts, because the model will
    begin its turn there at serving time too.
    """
    ids: list[int] = []
    trained: list[bool] = []
    run: list[Segment] = []

    def flush() -> None:
        if run:
            piece = tokenizer.encode("".join(s.text for s in run), control=run[0].control)
            ids.extend(piece)
            trained.extend([run[0].trained] * len(piece))
            run.clear()

    for segment in segments:
        if not segment.text:
            continue
        if run and (run[0].control, run[0].trained) != (segment.control, segment.trained):
            flush()
        run.append(segment)
    flush()
    return ids, trained


def decode_segments(tokenizer: Tokenizer, ids: Iterable[int]) -> list[Segment]:
    """What the ids say, control tokens apart from text that may look like them."""
    runs = groupby(ids, key=tokenizer.is_control)
    return [Segment(tokenizer.decode(list(run)), control=control) for control, run in runs]
