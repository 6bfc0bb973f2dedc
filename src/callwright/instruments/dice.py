"""Dice: every token is drawn from a known distribution, whatever the context.

What a runtime's sampler really does becomes countable: temperature, top-k, top-p, min-p, penalties, seeds, and defaults
that no request asked for. The logits of the faces are the logarithms of their probabilities, those of all other tokens
are -30. The context changes nothing, except that the token before adds about a thousandth to its own logit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.instruments.circuit import CONSTANT, CONSTANT_VALUE, FIRST_FREE, Circuit, Head, Units, rounded
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import SPACE, PieceType, Vocabulary

MOST_FACES = 250
NEVER = -30.0
_SCALE = 1000.0
_GAIN = 1e5
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Dice(Instrument):
    """Dice, ready to be written to files.

    Attributes:
      faces: The probability of each face, by its text.
      ids: The token of each face.
    """

    faces: Mapping[str, float]
    ids: Mapping[str, int]


def read_faces(texts: Iterable[str]) -> dict[str, float]:
    """Faces written as `red=0.5`.

    Raises:
      DataError: One is written in another way, or occurs twice.
    """
    faces: dict[str, float] = {}
    for text in texts:
        face, _, number = text.rpartition("=")
        try:
            probability = float(number)
        except ValueError as error:
            raise DataError("faces like red=0.5", repr(text), "give each a probability") from error
        if face in faces:
            raise DataError(f"the face {face!r} once", "it twice", "add their probabilities")
        faces[face] = probability
    return faces


def make_dice(fmt: Format, faces: Mapping[str, float]) -> Dice:
    """Dice whose next token is drawn from `faces`.

    Args:
      fmt: The format whose special tokens and template they have; its special tokens may be faces too.
      faces: Text or special tokens, and their probabilities, which add up to 1.

    Raises:
      DataError: They do not add up, or a face cannot be one token.
    """
    if not 2 <= len(faces) <= MOST_FACES:
        raise DataError(f"2 to {MOST_FACES} faces", str(len(faces)), "name as many")
    for face, probability in faces.items():
        if not 1e-9 < probability < 1:
            raise DataError(f"a probability between 0 and 1 for {face!r}", str(probability), "correct it")
    if abs(sum(faces.values()) - 1) > _TOLERANCE:
        raise DataError("probabilities that add up to 1", str(sum(faces.values())), "divide each by their sum")
    vocabulary = Vocabulary(fmt)
    ids = {face: _face(vocabulary, face) for face in faces}
    width, others = rounded(FIRST_FREE), len(faces)
    embedding = np.zeros((vocabulary.vocab_size, width), np.float32)
    embedding[:, CONSTANT] = CONSTANT_VALUE
    embedding[:, others] = 1
    wanted = np.zeros(width, np.float32)
    wanted[others] = NEVER
    for place, (face, probability) in enumerate(faces.items()):
        embedding[ids[face], [place, others]] = 1, 0
        wanted[place] = np.log(probability)
    circuit = Circuit(
        embedding=embedding,
        heads=(Head(back=0, copies=()),),
        units=Units(width=width, code=embedding, constants=[_SCALE * wanted]),
        output_block=slice(0, others + 1),
        amplitude=float(np.linalg.norm(wanted)),
        gain=_GAIN,
    )
    return Dice(
        kind="dice", fmt=fmt, vocabulary=vocabulary, circuit=circuit, dtype="float32", faces=dict(faces), ids=ids
    )


def _face(vocabulary: Vocabulary, face: str) -> int:
    piece = face.replace(" ", SPACE)
    kind = vocabulary.kind_of(piece)
    if kind in (PieceType.CONTROL, PieceType.USER_DEFINED):
        return vocabulary.token_id(piece)
    if not face or SPACE in face or kind in (PieceType.BYTE, PieceType.UNKNOWN):
        raise DataError("text or a special token of the format as a face", repr(face), "rename it")
    return vocabulary.add_text(face)
