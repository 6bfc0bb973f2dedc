"""The place where two texts or two lists of tokens part, with what stands around it in both."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_BEFORE, _AFTER = 80, 120
"""Characters shown."""
_TOKENS_BEFORE, _TOKENS_AFTER = 8, 12


class Excerpt(BaseModel):
    """What one arm has around the place where two part."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    unit: Literal["byte", "token"]
    place: int = Field(ge=0)
    """The first one that differs, counted from 0."""
    before: str
    """What stands before the place, the same in both arms; tokens are ids with spaces between them."""
    after: str
    """What stands there; "" where nothing follows."""
    length: int = Field(ge=0)
    """Of the whole, in units."""


Excerpts = tuple[Excerpt, Excerpt]
"""Of the reference, and of the other arm."""


def first_difference(one: Sequence[object], other: Sequence[object]) -> int:
    """The first place where two sequences differ; the length of the shorter where it begins the other."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))


def text_excerpts(expected: str, seen: str) -> Excerpts:
    """Where two texts part, to the byte of their UTF-8."""
    start = first_difference(expected, seen)
    before = expected[max(0, start - _BEFORE) : start]
    place = len(_utf8(expected[:start]))

    def excerpt(text: str) -> Excerpt:
        after = text[start : start + _AFTER]
        return Excerpt(unit="byte", place=place, before=plain(before), after=plain(after), length=len(_utf8(text)))

    return excerpt(expected), excerpt(seen)


def token_excerpts(expected: Sequence[int], seen: Sequence[int]) -> Excerpts:
    """Where two lists of token ids part."""
    place = first_difference(expected, seen)
    before = _spaced(expected[max(0, place - _TOKENS_BEFORE) : place])

    def excerpt(ids: Sequence[int]) -> Excerpt:
        after = _spaced(ids[place : place + _TOKENS_AFTER])
        return Excerpt(unit="token", place=place, before=before, after=after, length=len(ids))

    return excerpt(expected), excerpt(seen)


def plain(text: str) -> str:
    """The text with halves of surrogate pairs as JSON escapes them, so that it can be written."""
    return text.encode("utf-8", "backslashreplace").decode()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spaced(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids))
