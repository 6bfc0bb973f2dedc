"""The verdict on the calls that a model made for an entry."""

import reprlib
from dataclasses import dataclass
from typing import Any

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 120
_brief.maxlist = _brief.maxtuple = _brief.maxdict = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether calls answer an entry.

    Attributes:
      valid: Whether they do.
      error_type: The official package's name for the first thing that is wrong, such as `value_error:string`; None if
        the calls are valid.
      detail: The same in a sentence; "" if the calls are valid.
    """

    valid: bool
    error_type: str | None = None
    detail: str = ""


VALID = Verdict(True)


def wrong(error_type: str, detail: str) -> Verdict:
    """The verdict on calls that are not valid."""
    return Verdict(False, error_type, detail)


def show(value: Any) -> str:
    """The value for a sentence, cut short, because model output may hold very large ones."""
    try:
        return _brief.repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        return f"a huge {type(value).__name__}"
