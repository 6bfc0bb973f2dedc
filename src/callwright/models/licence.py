"""The terms that the weights come under: shown once to each user, and at hand for `doctor` ever after.

Our own licence says nothing about weights. Gemma's terms ask that whoever passes the weights or a model derived from
them on includes the terms and this notice; so a conversion keeps a copy of both beside the weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callwright.storage import cache_dir, write_text


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of some weights.

    Attributes:
      name: A short name, also of the marker that they were shown.
      notice: The sentences that must be shown and passed on.
      text: Where the full text lies on this machine; None when only the address in the notice is known.
    """

    name: str
    notice: str
    text: Path | None = None

    def describe(self) -> str:
        """The notice and where the full text is, in a few lines."""
        return f"{self.notice}\nFull text: {self.text}" if self.text else self.notice


def gemma_licence(text: Path | None = None) -> Licence:
    """Gemma's terms of use."""
    return Licence(
        name="gemma",
        notice=(
            "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms.\n"
            "They hold for these weights and for every model trained from them, and they restrict some uses:\n"
            "ai.google.dev/gemma/prohibited_use_policy."
        ),
        text=text,
    )


def show_once(licence: Licence, printer: Callable[[str], object], cache: Path | None = None) -> bool:
    """Prints the notice unless this user has seen it, and says whether it did.

    Args:
      licence: The terms.
      printer: Takes the text, e.g. `print`.
      cache: The cache directory; the user's own when None.
    """
    marker = (cache or cache_dir()) / "licences" / f"{licence.name}.shown"
    if marker.exists():
        return False
    printer(licence.describe())
    write_text(marker, licence.describe() + "\n")
    return True
