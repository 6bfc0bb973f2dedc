"""A tokenizer for any format without a model: its special tokens, and the bytes of all other text."""

import re
from collections.abc import Sequence

from callwright.engines.response_text import whole_characters
from callwright.formats.base import Format

_FIRST_SPECIAL = 256


class ByteTokenizer:
    """A `tokens.Tokenizer`: ids below 256 are bytes, the others a format's special tokens.

    Args:
      fmt: The format.
    """

    def __init__(self, fmt: Format) -> None:
        self._pieces = tuple(dict.fromkeys(("<pad>", fmt.bos or "<bos>", *fmt.stops, *fmt.special_tokens)))
        self._ids = {piece: id_ for id_, piece in enumerate(self._pieces, _FIRST_SPECIAL)}
        longest_first = sorted(self._pieces, key=len, reverse=True)
        self._special = re.compile(f"({'|'.join(map(re.escape, longest_first))})")

    pad_id, bos_id = _FIRST_SPECIAL, _FIRST_SPECIAL + 1

    @property
    def vocab_size(self) -> int:
        """How many ids exist."""
        return _FIRST_SPECIAL + len(self._pieces)

    def encode(self, text: str, *, control: bool = False) -> list[int]:
        """The bytes of the text, and special tokens if `control`; half a surrogate pair becomes U+FFFD."""
        ids: list[int] = []
        for number, part in enumerate(self._special.split(text) if control else (text,)):
            ids += [self._ids[part]] if number % 2 else whole_characters(part).encode()
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, special tokens written out; bytes that are not UTF-8 read as U+FFFD."""
        parts = (self._pieces[id_ - _FIRST_SPECIAL].encode() if self.is_special(id_) else bytes([id_]) for id_ in ids)
        return b"".join(parts).decode(errors="replace")

    def token_id(self, piece: str) -> int:
        """The id of exactly this special token; raises KeyError if there is none."""
        return self._ids[piece]

    def is_special(self, token_id: int) -> bool:
        """Whether the id is a special token."""
        return token_id >= _FIRST_SPECIAL
