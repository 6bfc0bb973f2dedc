"""The vocabulary of an instrument: a format's special tokens, the 256 bytes, a space, and pieces of its own.

It is a byte-fallback vocabulary of the SentencePiece kind, which every runtime knows, whatever tokenizer the real
family has: what is tested is what a runtime does with tokens, and for that the special tokens must be the family's own,
with the type that the published files give them. All other text of a prompt becomes one token a byte, so a prompt can
hold a piece of an instrument's own only if it is a cue. Pieces have three characters or more: runtimes that merge
neighbors step by step reach a longer piece by way of pieces of two characters, and there are none.

`encode` is the reference: runtimes give the same ids, except that most make a special token of any text that looks like
one, and all of them make a space of a `▁`, which is encoded in bytes here so that `decode` gives the text back.
"""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum

from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.tokens import CUE

SPACE = "\u2581"  # ▁, which stands for a space in pieces
PRIVATE = 0xE000
"""The private-use character that displays the token 0; the others follow."""
MIN_PIECE = 3

# Special tokens that runtimes show as text, because the published files make them user-defined: llama.cpp's converter
# does so for Gemma 4, and the tokenizers of Qwen and Hermes declare them "special": false.
VISIBLE = frozenset(
    {
        "<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>',
        "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<tools>", "</tools>",
        "<think>", "</think>",
    }
)  # fmt: skip
_LIKE_A_MARKER = re.compile(f"[_{SPACE}]?[<\\[].*[>\\]\\[]", re.DOTALL)


class PieceType(IntEnum):
    """Token types, numbered as in a GGUF and in SentencePiece."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    BYTE = 6


class Vocabulary:
    """Pieces by id; a `tokens.Tokenizer` to which pieces can be added.

    The first four are padding, the end of a turn, the beginning of a prompt and the unknown token, as in Gemma's.

    Args:
      fmt: The format whose special tokens it has.
      user_defined: Texts that are one token wherever they stand in plain text, the longest match first.

    Attributes:
      pieces: The text of each token, with `▁` for spaces.
      kinds: The type of each.
      adds_bos: Whether the family's tokenizer opens every prompt with BOS by itself.
      stop_ids: The tokens that end a turn; the first is the end-of-sequence token of the files.
    """

    def __init__(self, fmt: Format, user_defined: Sequence[str] = ()) -> None:
        self.pieces: list[str] = []
        self.kinds: list[PieceType] = []
        self._index: dict[str, int] = {}
        stops = fmt.stops or ("<eos>",)
        for piece in ("<pad>", stops[0], fmt.bos or "<bos>"):
            self.add(piece, _marker_kind(piece))
        self.add("<unk>", PieceType.UNKNOWN)
        for piece in (*stops, *fmt.special_tokens):
            if piece not in self._index:
                self.add(piece, _marker_kind(piece))
        self.adds_bos = bool(fmt.bos)
        self.stop_ids = tuple(dict.fromkeys(self._index[stop] for stop in stops))
        unused = {"<unk>"} - set(fmt.special_tokens)
        self._markers = frozenset(range(len(self.pieces))) - {self._index[piece] for piece in unused}
        self._marker = re.compile("|".join(_longest_first(self.pieces[id_] for id_ in self._markers)))
        self._first_byte = len(self.pieces)
        for byte in range(256):
            self.add(f"<0x{byte:02X}>", PieceType.BYTE)
        self.space_id = self.add(SPACE, PieceType.NORMAL)
        for piece in dict.fromkeys(user_defined):
            if piece not in self._index:
                self.add(piece, PieceType.USER_DEFINED)
        self._whole = re.compile("|".join([CUE.pattern, *_longest_first(user_defined)]), re.ASCII)

    pad_id, bos_id, unk_id = 0, 2, 3

    @property
    def eos_id(self) -> int:
        """The token that ends a turn."""
        return self.stop_ids[0]

    @property
    def vocab_size(self) -> int:
        """How many ids exist."""
        return len(self.pieces)

    def __contains__(self, piece: str) -> bool:
        return piece in self._index

    def add(self, piece: str, kind: PieceType) -> int:
        """Adds a piece that is not there yet, and returns its id."""
        if piece in self._index:
            raise ValueError(f"{piece!r} twice")
        self._index[piece] = len(self.pieces)
        self.pieces.append(piece)
        self.kinds.append(kind)
        return self._index[piece]

    def add_cue(self, name: str) -> int:
        """The id of a cue, `@@name@@`: a token of its own wherever it stands in text.

        Raises:
          DataError: The name has other characters than letters, digits, `_`, `.` and `-`.
        """
        cue = cue_text(name)
        return self._index[cue] if cue in self._index else self.add(cue, PieceType.USER_DEFINED)

    def add_text(self, text: str) -> int:
        """The id of the ordinary piece for `text`, which is added if it is not there."""
        piece = text.replace(" ", SPACE)
        return self._index[piece] if piece in self._index else self.add(piece, PieceType.NORMAL)

    def can_be_piece(self, text: str) -> bool:
        """Whether `text` may become a piece: no prompt is cut into it, and no runtime takes it for a special token."""
        return (
            len(text) >= MIN_PIECE
            and SPACE not in text
            and not _LIKE_A_MARKER.fullmatch(text)
            and not CUE.search(text)
            and self.kind_of(text.replace(" ", SPACE)) in (None, PieceType.NORMAL)
        )

    def kind_of(self, piece: str) -> PieceType | None:
        """The type of a piece; None when there is no such piece."""
        id_ = self._index.get(piece)
        return None if id_ is None else self.kinds[id_]

    def token_id(self, piece: str) -> int:
        """The id of exactly this special token; raises KeyError if there is none."""
        id_ = self._index[piece]
        if id_ not in self._markers:
            raise KeyError(piece)
        return id_

    def is_special(self, token_id: int) -> bool:
        """Whether the id is one of the format's special tokens."""
        return token_id in self._markers

    def encode(self, text: str, *, control: bool = False) -> list[int]:
        """Token ids of `text`: cues, spaces and bytes; special tokens only if `control`."""
        if not control:
            return self._plain(text)
        parts = self.cut(text)
        return [id_ for part, is_marker in parts for id_ in ([self._index[part]] if is_marker else self._plain(part))]

    def cut(self, text: str) -> list[tuple[str, bool]]:
        """The text cut around the format's special tokens; each part with whether it is one."""
        return _parts(self._marker, text)

    def _plain(self, text: str) -> list[int]:
        ids: list[int] = []
        for part, is_whole in _parts(self._whole, text):
            if is_whole and part in self._index:
                ids.append(self._index[part])
            else:
                ids += self.spell(part)
        return ids

    def spell(self, text: str) -> list[int]:
        """The text in single bytes, spaces as the token that is one; half a surrogate pair becomes U+FFFD."""
        ids: list[int] = []
        for number, word in enumerate(text.split(" ")):
            if number:
                ids.append(self.space_id)
            ids += [
                self._first_byte + byte
                for byte in word.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
            ]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, special tokens written out; bytes that are not UTF-8 read as U+FFFD."""
        return b"".join(map(self._bytes, ids)).decode(errors="replace")

    def _bytes(self, id_: int) -> bytes:
        match self.kinds[id_]:
            case PieceType.BYTE:
                return bytes([id_ - self._first_byte])
            case PieceType.NORMAL:
                return self.pieces[id_].replace(SPACE, " ").encode()
        return self.pieces[id_].encode()


def cue_text(name: str) -> str:
    """A cue as it is written in a prompt: with characters that JSON, HTML and templates leave alone.

    Raises:
      DataError: The name has other characters than letters, digits, `_`, `.` and `-`.
    """
    cue = f"@@{name}@@"
    if not CUE.fullmatch(cue):
        raise DataError("a cue of letters, digits, '_', '.' and '-'", repr(name), "rename it")
    return cue


def read_private(output: str, count: int) -> list[int]:
    """The ids of the tokens that private-use characters display.

    Args:
      output: One character for each token.
      count: How many tokens, from 0, can be displayed.

    Raises:
      DataError: There is another character.
    """
    shown = range(PRIVATE, PRIVATE + count)
    for place, character in enumerate(output):
        if ord(character) not in shown:
            raise DataError("an x-ray's private-use characters", f"{character!r} at character {place}", "ask an x-ray")
    return [ord(character) - PRIVATE for character in output]


def _marker_kind(piece: str) -> PieceType:
    return PieceType.USER_DEFINED if piece in VISIBLE else PieceType.CONTROL


def _longest_first(pieces: Iterable[str]) -> list[str]:
    return list(map(re.escape, sorted(pieces, key=len, reverse=True)))


def _parts(pattern: re.Pattern[str], text: str) -> list[tuple[str, bool]]:
    """The text cut around the pattern's matches; each non-empty part with whether it is one."""
    parts, done = [], 0
    for match in pattern.finditer(text):
        parts += [(text[done : match.start()], False), (match[0], True)]
        done = match.end()
    return [(part, is_match) for part, is_match in [*parts, (text[done:], False)] if part]
