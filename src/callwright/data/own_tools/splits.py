"""What is held out: a fifth of all phrasings and of all values, which training never sees and an evaluation asks with.

What is held out follows from digests of the texts and the values themselves, so it is the same in every process, for
every seed, and for the tools before and after others were added to a file. Enums and booleans are never held out: the
schema names them all.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from callwright.data.rng import Rng
from callwright.data.tools_file.pools import listed_type
from callwright.data.tools_file.slots import Phrasing
from callwright.data.tools_file.values import Value, ValueType

SHARE = 5
"""One of so many is held out."""
_LEAST = 5  # a pool with fewer different values is on both sides
_DRAWS = 100  # to find out whether a range has values on both sides


def on_side(texts: Sequence[str], held_out: bool) -> tuple[str, ...]:
    """The texts that are held out, or those that are not, in their order.

    Of two or more different ones a fifth is held out, at least one; of a single one nothing is.
    """
    different = set(texts)
    count = max(1, round(len(different) / SHARE)) if len(different) > 1 else 0
    chosen = set(sorted(different, key=_digest)[:count])
    return tuple(text for text in texts if (text in chosen) == held_out)


def phrasings_on_side(phrasings: Sequence[Phrasing], held_out: bool) -> tuple[Phrasing, ...]:
    """The same of phrasings."""
    texts = set(on_side([phrasing.source for phrasing in phrasings], held_out))
    return tuple(phrasing for phrasing in phrasings if phrasing.source in texts)


@lru_cache(maxsize=4096)
def type_on_side(value_type: ValueType, held_out: bool) -> ValueType:
    """The type with those of its values that are held out, or those that are not.

    It is the type as it is for enums, booleans and pools of fewer than five different values.
    """
    if value_type.of_parts is not None:
        return value_type.of_parts([type_on_side(part, held_out) for part in value_type.parts])
    if value_type.closed:
        return value_type
    if value_type.listed:
        if len(set(value_type.listed)) < _LEAST:
            return value_type
        part = listed_type(on_side(value_type.listed, held_out))
        return replace(value_type, draw=part.draw, listed=part.listed)
    rng = Rng("sides")
    drawn = {json.dumps(value_type.draw(rng).json) for _ in range(_DRAWS)}
    if len(drawn) < _LEAST or len(set(map(_is_held_out, drawn))) == 1:
        return value_type

    def draw(rng: Rng) -> Value:
        while True:  # both sides have values, and most of them are of the one that most is drawn from
            value = value_type.draw(rng)
            if _is_held_out(json.dumps(value.json)) == held_out:
                return value

    return replace(value_type, draw=draw)


def draw_value(value_type: ValueType, rng: Rng, held_out: bool) -> Value:
    """A value of one side."""
    return type_on_side(value_type, held_out).draw(rng)


def _is_held_out(written: str) -> bool:
    return _digest(written) % SHARE == 0


@lru_cache(maxsize=65536)
def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
