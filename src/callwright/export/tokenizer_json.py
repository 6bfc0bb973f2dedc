"""A tokenizer.json from a SentencePiece model, for bases that bring none.

SentencePiece merges the two neighbors whose union has the best score, and a tokenizer.json lists pairs in the order in
which they are merged; so every way to split a piece into two others is a merge, ranked by the piece's score. Pieces
that SentencePiece cuts out of the text before it merges anything (runs of white space, HTML tags) are added tokens of
normalized text.

`DIFFERENCES` says what is known to differ, and none of it touches what a chat template writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sentencepiece import sentencepiece_model_pb2 as sentencepiece_pb

from callwright.models.tokenizer import is_ordinary

DIFFERENCES = (
    "In a user's text <bos>, <eos>, <pad> and <unk> become the special token, as in every tokenizer.json; in training "
    "no text does.",
    "A user's U+2581 is read as a space.",
    "<image_soft_token>, which Gemma's published tokenizer.json adds behind the vocabulary, is text: a text model has "
    "no embedding for it.",
)
"""How a written tokenizer.json differs from the tokenizer that the run trained with, or from the published file."""
ROLES: Mapping[str, str] = {"bos": "<bos>", "eos": "<eos>", "unk": "<unk>", "pad": "<pad>"}
_DROPPED = frozenset({*ROLES.values(), "<start_of_turn>", "<end_of_turn>"})
"""What `skip_special_tokens` removes from text. Other markers stay, since a format may write calls with them."""
_PIECE = sentencepiece_pb.ModelProto.SentencePiece
_SPACE = "\u2581"  # ▁, how pieces spell a space


def tokenizer_json(model: bytes) -> str:
    """A SentencePiece BPE model of Gemma's kind as a tokenizer.json.

    Args:
      model: What tokenizer.model holds; `models.tokenizer` has checked it.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

    proto = sentencepiece_pb.ModelProto.FromString(model)
    ids = {piece.piece: id_ for id_, piece in enumerate(proto.pieces)}
    tokenizer = Tokenizer(
        models.BPE(
            vocab=ids, merges=list(_merges(proto.pieces)), unk_token=ROLES["unk"], byte_fallback=True, fuse_unk=True
        )
    )
    tokenizer.normalizer = normalizers.Replace(" ", _SPACE)
    tokenizer.decoder = decoders.Sequence([decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    bos = ROLES["bos"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, ids[bos])]
    )
    whole = (_PIECE.USER_DEFINED, _PIECE.CONTROL, _PIECE.UNKNOWN)
    added = [
        AddedToken(piece.piece, special=piece.piece in _DROPPED, normalized=is_ordinary(piece.piece))
        for piece in proto.pieces
        if piece.type in whole
    ]
    tokenizer.add_special_tokens([token for token in added if token.special])
    tokenizer.add_tokens([token for token in added if not token.special])
    return str(tokenizer.to_str())


def _merges(pieces: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Every pair of pieces whose union is one, from the first that is merged; of one union the shortest left first."""
    scores = {piece.piece: piece.score for piece in pieces if piece.type == _PIECE.NORMAL}
    for union in sorted(scores, key=scores.__getitem__, reverse=True):
        for cut in range(1, len(union)):
            left, right = union[:cut], union[cut:]
            if left in scores and right in scores:
                yield left, right
