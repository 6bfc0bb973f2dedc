"""A model's tokenizer as a GGUF states it: pieces, scores and types.

Two things differ from the tokenizer's own file. Runtimes drop control tokens from the text that they hand on, so a
marker that the model writes and a parser must see (FunctionGemma's `<start_function_call>`) is user-defined here, while
stops and turn markers stay control tokens. And llama.cpp's converter spells the spaces of user-defined pieces as
spaces.

A tokenizer.json has merges where SentencePiece has scores. It was made by sorting the merges by the scores of what they
make, so the order of the merges is the order of the scores.
"""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentencepiece import sentencepiece_model_pb2 as sentencepiece_pb

from callwright.errors import WeightsError
from callwright.formats.base import Format
from callwright.formats.example import example_for
from callwright.instruments.vocabulary import SPACE, PieceType
from callwright.models.tokenizer import is_ordinary

_UNUSED = 5
_SPECIAL_SCORE = -1000.0
_TYPE = sentencepiece_pb.ModelProto.SentencePiece
_FIX = "take the tokenizer that was published with the weights"


@dataclass(frozen=True, slots=True)
class GgufVocabulary:
    """The three lists of a GGUF, by id.

    Attributes:
      pieces: `tokenizer.ggml.tokens`.
      scores: `tokenizer.ggml.scores`; of two merges the one with the higher score comes first.
      types: `tokenizer.ggml.token_type`: 1 normal, 3 control, 4 user-defined, 5 unused, 6 byte.
    """

    pieces: Sequence[str]
    scores: Sequence[float]
    types: Sequence[int]


def read_gguf_vocabulary(directory: Path, fmt: Format, rows: int) -> GgufVocabulary:
    """The tokenizer of a model directory, for a model that writes a format.

    Args:
      directory: Has the tokenizer.model or the tokenizer.json, which `load_tokenizer` has accepted.
      fmt: The format.
      rows: How many ids the embedding has; those without a piece are unused.

    Raises:
      WeightsError: A tokenizer.json has merges of another form.
    """
    model = directory / "tokenizer.model"
    read = _of_sentencepiece(model) if model.is_file() else _of_tokenizers(directory / "tokenizer.json")
    pieces, scores, types = (list[Any](column) for column in zip(*read[:rows], strict=True))
    visible = model_markers(fmt)
    for id_, piece in enumerate(pieces):
        if types[id_] == PieceType.CONTROL and piece in visible:
            types[id_] = int(PieceType.USER_DEFINED)
    for id_ in range(len(pieces), rows):
        pieces.append(f"[PAD{id_}]")
        scores.append(_SPECIAL_SCORE)
        types.append(_UNUSED)
    return GgufVocabulary(pieces, scores, types)


def model_markers(fmt: Format) -> Set[str]:
    """The special tokens that the model writes within its turn; those that end it are none."""
    written = [segment.text for segment in fmt.render(example_for(fmt)).segments if segment.supervised]
    return {token for token in fmt.special_tokens if token not in fmt.stops and any(token in text for text in written)}


def _special(piece: str, score: float = _SPECIAL_SCORE) -> tuple[str, float, int]:
    """A user-defined or special piece: only what belongs to plain text is user-defined."""
    if is_ordinary(piece):
        return piece.replace(SPACE, " "), score, int(PieceType.USER_DEFINED)
    return piece, score, int(PieceType.CONTROL)


def _of_sentencepiece(path: Path) -> list[tuple[str, float, int]]:
    proto = sentencepiece_pb.ModelProto()
    proto.ParseFromString(path.read_bytes())
    special = (_TYPE.USER_DEFINED, _TYPE.CONTROL, _TYPE.UNKNOWN)
    return [
        _special(piece.piece, piece.score) if piece.type in special else (piece.piece, piece.score, int(piece.type))
        for piece in proto.pieces
    ]


def _of_tokenizers(path: Path) -> list[tuple[str, float, int]]:
    spec = json.loads(path.read_text(encoding="utf-8"))
    ranks: dict[str, int] = {}
    try:
        for merge in spec["model"]["merges"]:
            left, right = merge.split(" ") if isinstance(merge, str) else merge
            ranks.setdefault(left + right, len(ranks))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"merges of two pieces in {path}", repr(error), _FIX) from error
    vocabulary: dict[str, int] = spec["model"]["vocab"]
    rows: list[tuple[str, float, int]] = []
    for piece in sorted(vocabulary, key=vocabulary.__getitem__):
        is_byte = len(piece) == 6 and piece.startswith("<0x")
        rows.append((piece, -float(ranks.get(piece, len(ranks))), int(PieceType.BYTE if is_byte else PieceType.NORMAL)))
    for token in spec["added_tokens"]:
        if token["id"] < len(rows):
            rows[token["id"]] = _special(token["content"])
    return rows
