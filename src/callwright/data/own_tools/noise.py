"""What speech recognition does to what a user says: fillers, and words that were heard as others.

Values stay as they are, so that an argument still stands in its request word for word.
"""

import re
from collections.abc import Iterable

from callwright.data.rng import Rng
from callwright.data.tools_file.conversations import Noise

_MISHEARD = 0.7  # the chance of each word that can be misheard
_I = re.compile(r"I\b")


def spoken(text: str, values: Iterable[str], noise: Noise, rng: Rng) -> str:
    """The text as speech recognition writes it, in the share of cases that is declared; else the text itself.

    Args:
      text: What the user says.
      values: The texts in it that stay as they are.
      noise: What may be changed, and how often.
      rng: Makes the choices.
    """
    if not noise.speech or not rng.chance(noise.speech):
        return text
    kept = sorted({re.escape(value) for value in values if value}, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(kept)})", text, flags=re.IGNORECASE) if kept else [text]
    heard = [piece if number % 2 else _misheard(piece, noise, rng) for number, piece in enumerate(pieces)]
    if heard == pieces or rng.chance(0.5):
        _fill(heard, noise, rng)
    return "".join(heard)


def _misheard(text: str, noise: Noise, rng: Rng) -> str:
    for word, alternatives in noise.misheard.items():

        def replaced(found: re.Match[str], alternatives: tuple[str, ...] = alternatives) -> str:
            if not rng.chance(_MISHEARD):
                return found[0]
            other = rng.pick(alternatives)
            return other[:1].upper() + other[1:] if found[0][:1].isupper() else other

        text = re.sub(rf"\b{re.escape(word)}\b", replaced, text, flags=re.IGNORECASE)
    return text


def _fill(pieces: list[str], noise: Noise, rng: Rng) -> None:
    """Puts a filler before the text or between two words that are no values."""
    places = [
        (number, space.end()) for number in range(0, len(pieces), 2) for space in re.finditer(" ", pieces[number])
    ]
    filler = rng.pick(noise.fillers)
    if places and rng.chance(0.6):
        number, at = rng.pick(places)
        pieces[number] = f"{pieces[number][:at]}{filler} {pieces[number][at:]}"
        return
    first = pieces[0]
    if not _I.match(first):
        first = first[:1].lower() + first[1:]
    pieces[0] = f"{filler[:1].upper()}{filler[1:]} {first}"
