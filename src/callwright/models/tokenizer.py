"""Gemma's tokenizer, where text can never become a control token.

Every tokenizer library that reads these files turns `<end_of_turn>` into its special id wherever the text says so, the
words of a user included. Here the underlying processor cannot reach a control piece at all: in text the marker becomes
ordinary pieces, and only `encode(..., control=True)` looks for markers and cuts the text around them. Two backends
supply the pieces and the processor, SentencePiece (`tokenizer.model`) and Hugging Face's tokenizers (`tokenizer.json`);
everything else, decoding included, is the same code.

Which pieces are control is decided by the ordinary ones: runs of white space, HTML tags and `[multimodal]` belong to
plain text, and *every other* user-defined or control piece is control, so that markers which a fine-tuned model adds
(`<start_function_call>`) are safe without being known here.

Two departures from the reference keep `decode(encode(text)) == text` for every text: the character `▁`, which
SentencePiece confuses with a space, is encoded in bytes; and decoding writes every special token out. A lone
surrogate, which UTF-8 cannot hold, becomes U+FFFD. Pieces beyond the model's own vocabulary (`<image_soft_token>`) do
not exist here: a text model has no embedding for them.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor
from sentencepiece import sentencepiece_model_pb2 as sentencepiece_pb

from callwright.errors import WeightsError
from callwright.models.gemma3 import read_config
from callwright.models.recognition import beginning, refuse_recognized
from callwright.tokens import CUE

_SPACE = "\u2581"  # ▁, how pieces spell a space
_SURROGATES = re.compile("[\ud800-\udfff]")
_BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")
_MARKER = re.compile("<[^<>]*>")
_ORDINARY = re.compile(
    r"\s+|▁+|\[multimodal\]|</?(?:table|caption|thead|tbody|tfoot|tr|th|td|h[1-6]|blockquote|strong|em|b|i|u|s|sub|sup|"
    r"code|a|html|body|img|span|bbox|ul|li|div|iframe|footer)>"
)
_PIECE = sentencepiece_pb.ModelProto.SentencePiece
_FIX = "take the tokenizer that was published with the weights"


def is_ordinary(piece: str) -> bool:
    """Whether a user-defined piece belongs to plain text, as cues do; the others are control pieces."""
    return (_ORDINARY.fullmatch(piece) or CUE.fullmatch(piece)) is not None


class GemmaTokenizer:
    """A byte-fallback BPE tokenizer whose control pieces only control text can reach; see `tokens.Tokenizer`.

    Args:
      pieces: Every piece, by id.
      control: The ids of the control pieces.
      encode_text: Turns text without `▁` and without surrogates into ids, never into those of `control`.
    """

    def __init__(self, pieces: Sequence[str], control: Sequence[int], encode_text: Callable[[str], list[int]]) -> None:
        self._control = {pieces[id_]: id_ for id_ in control}
        self._control_ids = frozenset(control)
        self._encode_text = encode_text
        # The empty pattern would match everywhere; a vocabulary without odd markers has none to look for.
        odd = sorted((p for p in self._control if not _MARKER.fullmatch(p)), key=len, reverse=True)
        self._candidate = re.compile("|".join([*map(re.escape, odd), _MARKER.pattern]))
        by_piece = {piece: id_ for id_, piece in enumerate(pieces)}
        self._space = [by_piece[f"<0x{byte:02X}>"] for byte in _SPACE.encode()]
        self._bytes = [_piece_bytes(piece) for piece in pieces]
        for id_ in control:
            self._bytes[id_] = pieces[id_].encode()
        self.bos_id, self.pad_id, self.vocab_size = self.token_id("<bos>"), self.token_id("<pad>"), len(pieces)

    def encode(self, text: str, *, control: bool = False) -> list[int]:
        """Token ids of `text`; markers like `<bos>` in it become special tokens only if `control`."""
        if not control:
            return self._plain(text)
        ids: list[int] = []
        done = 0
        for match in self._candidate.finditer(text):
            id_ = self._control.get(match[0])
            if id_ is not None:
                ids += self._plain(text[done : match.start()])
                ids.append(id_)
                done = match.end()
        return ids + self._plain(text[done:])

    def _plain(self, text: str) -> list[int]:
        text = _SURROGATES.sub("\ufffd", text)
        if _SPACE not in text:
            return self._encode_text(text) if text else []
        first, *rest = text.split(_SPACE)
        ids = self._plain(first)
        for part in rest:
            ids += self._space + self._plain(part)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, special tokens written out; bytes that are no UTF-8 and unused ids read as U+FFFD."""
        table, end = self._bytes, len(self._bytes)
        return b"".join([table[id_] if id_ < end else b"\xff" for id_ in ids]).decode(errors="replace")

    def token_id(self, piece: str) -> int:
        """The id of exactly this control piece; raises KeyError if it has none."""
        return self._control[piece]

    def is_special(self, token_id: int) -> bool:
        """Whether the id is a control piece."""
        return token_id in self._control_ids


def _piece_bytes(piece: str) -> bytes:
    byte = _BYTE_PIECE.fullmatch(piece)
    return bytes([int(byte[1], 16)]) if byte else piece.replace(_SPACE, " ").encode()


def from_sentencepiece(model: bytes, where: str = "tokenizer.model") -> GemmaTokenizer:
    """A tokenizer from a serialized SentencePiece model.

    Raises:
      WeightsError: It is not a SentencePiece model, or not of Gemma's kind.
    """
    proto = sentencepiece_pb.ModelProto()
    try:
        proto.ParseFromString(model)
    except Exception as error:  # protobuf's DecodeError has moved between modules from release to release
        raise WeightsError("a SentencePiece model", f"{where}, which is none ({error})", _FIX) from error
    if proto.trainer_spec.model_type != sentencepiece_pb.TrainerSpec.BPE or not proto.trainer_spec.byte_fallback:
        raise WeightsError("a SentencePiece BPE model with byte fallback", f"another kind in {where}", _FIX)
    control = []
    special = (_PIECE.USER_DEFINED, _PIECE.CONTROL, _PIECE.UNKNOWN)
    for id_, piece in enumerate(proto.pieces):
        if piece.type in special and not is_ordinary(piece.piece):
            control.append(id_)
            if piece.type == _PIECE.USER_DEFINED:
                piece.type = _PIECE.CONTROL
    try:
        processor = SentencePieceProcessor(model_proto=proto.SerializeToString())
    except (RuntimeError, ValueError) as error:  # the pieces contradict each other
        raise WeightsError("a SentencePiece model", f"{where}, which is broken ({error})", _FIX) from error
    return _checked(lambda: GemmaTokenizer([p.piece for p in proto.pieces], control, processor.encode), where)


def from_tokenizers(text: str, where: str = "tokenizer.json") -> GemmaTokenizer:
    """A tokenizer from a Hugging Face tokenizer.json.

    Raises:
      WeightsError: It is not a tokenizer.json, or not of Gemma's kind.
    """
    from tokenizers import Tokenizer

    try:
        spec: dict[str, Any] = json.loads(text)
        kind = (spec["model"]["type"], spec["model"]["byte_fallback"])
        vocabulary: Mapping[str, int] = spec["model"]["vocab"]
        added = spec["added_tokens"]
        if kind != ("BPE", True):
            raise WeightsError("a BPE tokenizer with byte fallback", f"{kind} in {where}", _FIX)
        pieces = sorted(vocabulary, key=vocabulary.__getitem__)
        for token in added:
            if token["id"] < len(pieces):
                pieces[token["id"]] = token["content"]  # fine-tuned models rename unused pieces only here
        control = [token["id"] for token in added if token["id"] < len(pieces) and not is_ordinary(token["content"])]
        spec["added_tokens"] = [token for token in added if is_ordinary(token["content"])]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError("a tokenizer.json", f"{where}, which is none ({error!r})", _FIX) from error
    spec["post_processor"] = None  # it would add BOS
    try:
        backend = Tokenizer.from_str(json.dumps(spec))
    except Exception as error:  # the library raises nothing more precise
        raise WeightsError("a tokenizer.json", f"{where}, which is broken ({error})", _FIX) from error
    return _checked(
        lambda: GemmaTokenizer(pieces, control, lambda text: list(backend.encode(text, add_special_tokens=False).ids)),
        where,
    )


def _checked(build: Callable[[], GemmaTokenizer], where: str) -> GemmaTokenizer:
    try:
        return build()
    except KeyError as error:
        raise WeightsError("Gemma's <bos>, <pad> and byte pieces", f"no {error} in {where}", _FIX) from error
    except UnicodeError as error:
        raise WeightsError("pieces that UTF-8 can hold", f"{error} in {where}", _FIX) from error


def build_sentencepiece(pieces: Sequence[str], scores: Sequence[float], kinds: Sequence[int]) -> bytes:
    """A SentencePiece model in Gemma's shape from a GGUF's three lists.

    The GGUF spells spaces in user-defined pieces as spaces and marks every marker as control; the model that it was
    made from has `▁`, and user-defined markers except for the three that SentencePiece itself knows by role.

    Args:
      pieces: `tokenizer.ggml.tokens`.
      scores: `tokenizer.ggml.scores`.
      kinds: `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte.
    """
    proto = sentencepiece_pb.ModelProto()
    for text, score, kind in zip(pieces, scores, kinds, strict=True):
        piece = proto.pieces.add()
        piece.piece = text.replace(" ", _SPACE) if kind == _PIECE.USER_DEFINED else text
        piece.score = score
        piece.type = _PIECE.USER_DEFINED if kind == _PIECE.CONTROL else kind
        if text in ("<pad>", "<eos>", "<bos>"):
            piece.type = _PIECE.CONTROL
        elif text == "<unk>":
            piece.type = _PIECE.UNKNOWN
    trainer = proto.trainer_spec
    trainer.model_type = sentencepiece_pb.TrainerSpec.BPE
    trainer.byte_fallback = True
    trainer.vocab_size = len(pieces)
    roles = {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>", "unk": "<unk>"}
    for role, text in roles.items():
        setattr(trainer, f"{role}_id", pieces.index(text))
        setattr(trainer, f"{role}_piece", text)
    normalizer = proto.normalizer_spec
    normalizer.name = "identity"
    normalizer.add_dummy_prefix = False
    normalizer.remove_extra_whitespaces = False
    normalizer.escape_whitespaces = True
    return bytes(proto.SerializeToString())


def load_tokenizer(directory: Path) -> GemmaTokenizer:
    """The tokenizer of a model directory: its tokenizer.model, else its tokenizer.json.

    Raises:
      WeightsError: Neither is there, it cannot be read, or it has more ids than the model has embeddings.
    """
    model, spec = directory / "tokenizer.model", directory / "tokenizer.json"
    try:
        if model.is_file():
            tokenizer = from_sentencepiece(model.read_bytes(), str(model))
        elif spec.is_file():
            tokenizer = from_tokenizers(spec.read_text(encoding="utf-8"), str(spec))
        else:
            raise WeightsError("tokenizer.model or tokenizer.json", f"neither in {directory}", _FIX)
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"a readable tokenizer in {directory}", str(error), _FIX) from error
    except WeightsError as error:
        refuse_recognized(error.expected, [beginning(path) for path in (model, spec) if path.is_file()][:1])
        raise
    rows = read_config(directory / "config.json").vocab_size
    if tokenizer.vocab_size > rows:
        raise WeightsError(
            f"at most {rows} ids, one for each embedding", f"{tokenizer.vocab_size} in {directory}", _FIX
        )
    return tokenizer
