"""JSON as formats write and read it: one line, nothing escaped that need not be; strict on the way back.

Strict means: no NaN or infinity (a number beyond a float's range included, because no JSON can say what it would
become), no key given twice, no control characters in strings. Integers keep every digit.
"""

import json
import math
import re
from collections.abc import Mapping

from callwright.conversation import Json
from callwright.errors import FormatError


def dumps(value: Json) -> str:
    """One-line JSON as chat templates print it: `", "` and `": "`, nothing escaped that need not be.

    Raises:
      ValueError: the value holds NaN or an infinity, which JSON cannot say.
    """
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def dumps_at(value: Json, where: str) -> str:
    """`dumps` for a part of a conversation.

    Raises:
      FormatError: JSON cannot say it; the message names `where`.
    """
    try:
        return dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(f"JSON as {where}", reason(error), "use plain, finite JSON values") from error


def read_json(text: str, start: int) -> tuple[Json, int]:
    """The JSON value at `start` and where it ends, read through a growing window.

    The standard decoder counts the lines before an error, which makes many errors in one long text quadratic; a window
    bounds what it counts. An error well inside the window is final, one at its edge may only be the edge.

    Raises:
      Unfinished: the text ends before the value does.
      ValueError: no JSON value stands there.
    """
    size = 4096
    while True:
        window = text[start : start + size]
        whole = start + size >= len(text)
        try:
            value, stop = _DECODER.raw_decode(window)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        except json.JSONDecodeError as error:
            at_edge = error.msg.startswith("Unterminated string") or error.pos > len(window) - 32
            if not at_edge or whole:
                raise (Unfinished if at_edge and _ends_early(error) else ValueError)(error.msg) from None
        else:
            if stop < len(window) or whole:
                return value, start + stop
        size *= 8


_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_NUMBER_GOES_ON = re.compile(r"\.|[eE][+-]?")


class Unfinished(ValueError):  # noqa: N818 - a finding about a text, not an error of the program or of its user
    """The text ends before the value does."""


def _ends_early(error: json.JSONDecodeError) -> bool:
    """Whether the error is that the text ended, not that something wrong stands in it."""
    rest = error.doc[error.pos :]
    if error.msg.startswith("Unterminated string") or not rest.strip():
        return True
    if error.msg.startswith("Expecting value"):
        return any(word.startswith(rest) for word in _WORDS)
    if error.msg.startswith("Invalid \\"):
        return len(rest) < 6
    return _NUMBER_GOES_ON.fullmatch(rest) is not None


def reason(error: Exception) -> str:
    """Why, in words for a message."""
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is given twice")
    return out


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is beyond the range of a float")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def as_object(value: Json) -> dict[str, Json] | None:
    """The value if it is an object, or the object that a string of JSON holds; None otherwise."""
    if isinstance(value, str):
        try:
            inner, stop = read_json(value, 0)
        except ValueError:
            return None
        value = inner if not value[stop:].strip() else None
    return dict(value) if isinstance(value, Mapping) else None
