"""JSON as formats write and read it: one line, nothing escaped that need not be; strict on the way back.

Strict means: no NaN or infinity (a number beyond a float's range included, because JSON cannot write what it would
become), no key given twice, no control characters in strings. Integers keep every digit.
"""

import json
import math
import re
from collections.abc import Mapping

from callwright.conversation import Json
from callwright.errors import FormatError
from callwright.formats.grammar import WHITESPACE, Unfinished

JSON_WORDS: dict[str, Json] = {"null": None, "true": True, "false": False}
PYTHON_WORDS: dict[str, Json] = {"None": None, "True": True, "False": False}
"""How Python writes the same three values."""


def dumps(value: Json) -> str:
    """One-line JSON as chat templates print it: `", "` and `": "`, nothing escaped that need not be.

    Raises:
      ValueError: The value holds NaN or an infinity, which JSON does not have.
    """
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def needs_no_escape(text: str) -> bool:
    """Whether JSON writes the text as it is, between quotation marks."""
    return dumps(text) == f'"{text}"'


def dumps_at(value: Json, where: str, *, indent: int | None = None, ensure_ascii: bool = False) -> str:
    """JSON for a part of a conversation: `dumps`, unless options of `json.dumps` are given.

    Raises:
      FormatError: JSON has no such value; the message names `where`.
    """
    try:
        if indent is None and not ensure_ascii:
            return dumps(value)
        return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(f"JSON as {where}", reason(error), "use plain, finite JSON values") from error


def read_json(text: str, start: int) -> tuple[Json, int]:
    """The JSON value at `start` and where it ends, read through a growing window.

    The standard decoder counts the lines before an error, which makes many errors in one long text quadratic; a window
    bounds what it counts. An error well inside the window is final, one at its edge may only be the edge.

    Raises:
      Unfinished: The text ends before the value does.
      ValueError: No JSON value stands there.
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
            at_edge = error.pos > len(window) - _LONGEST_TOKEN or _is_open_string(window, error.pos)
            if not at_edge or whole:
                raise (Unfinished if at_edge and _is_cut(window) else ValueError)(error.msg) from None
        else:
            if stop < len(window) or whole:
                return value, start + stop
        size *= 8


_LONGEST_TOKEN = 32
"""More characters than a word, a number's exponent or an escape has that is cut in the middle."""
_COMPLETIONS = (
    *("", '"', '\\"', '0"', '00"', '000"', '0000"', "0"),  # a string, its escapes, a number
    *(word[n:] for word in ("true", "false", "null") for n in range(1, len(word))),
)
"""What completes a token that is cut, whatever the token and wherever the cut."""


def _is_open_string(text: str, position: int) -> bool:
    """Whether the quotation mark at which decoding failed opens a string, which then never ends."""
    return text.startswith('"', position) and text[:position].rstrip(WHITESPACE)[-1:] in ("", "{", "[", ",", ":")


def _is_cut(text: str) -> bool:
    """Whether nothing is wrong with the text but its end: completing its last token moves the error to the end."""
    for completion in _COMPLETIONS:
        try:
            _DECODER.raw_decode(text + completion)
        except json.JSONDecodeError as error:
            if error.pos >= len(text):
                return True
        except (ValueError, RecursionError):  # what the decoder's hooks refuse
            continue
        else:
            return True
    return False


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


def finite_float(digits: str) -> float:
    """The float.

    Raises:
      ValueError: It is beyond the range of a float: no JSON can write the infinity that it would become.
    """
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is beyond the range of a float")
    return value


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""With a fraction or an exponent it is a float."""


def is_bare_value(text: str) -> bool:
    """Whether it is a number or a word of JSON."""
    return text in JSON_WORDS or _NUMBER.fullmatch(text) is not None


def bare_value(text: str) -> Json:
    """The value of a number or a word of JSON.

    Raises:
      ValueError: It is neither, or a number beyond what can be read.
    """
    if text in JSON_WORDS:
        return JSON_WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise ValueError("neither a number nor a word of JSON")
    return finite_float(text) if number[1] or number[2] else int(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=finite_float)


def as_object(value: Json) -> dict[str, Json] | None:
    """The value if it is an object, or the object that a string of JSON holds; None otherwise."""
    if isinstance(value, str):
        try:
            inner, stop = read_json(value, 0)
        except ValueError:
            return None
        value = inner if not value[stop:].strip() else None
    return dict(value) if isinstance(value, Mapping) else None
