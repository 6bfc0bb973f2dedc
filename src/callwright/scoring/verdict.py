"""What the checker says of an answer."""

import reprlib
from dataclasses import dataclass
from typing import Any

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 120
_brief.maxlist = _brief.maxtuple = _brief.maxdict = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right.

    Attributes:
      valid: Whether it is.
      error_type: The official package's word for the first thing that is wrong, such as `value_error:string`; None if
        the answer is right.
      detail: One sentence for a person, empty if the answer is right.
    """

    valid: bool
    error_type: str | None = None
    detail: str = ""


VALID = Verdict(True)


def wrong(error_type: str, detail: str) -> Verdict:
    """The verdict on an answer that is not right."""
    return Verdict(False, error_type, detail)


def show(value: Any) -> str:
    """A value for a sentence: cut short, because a model may say very large ones."""
    try:
        return _brief.repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        return f"a huge {type(value).__name__}"
