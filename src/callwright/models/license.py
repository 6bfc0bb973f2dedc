"""The license of the weights: shown once to each user, and always by `doctor`.

Our own license does not cover weights. Gemma's terms require whoever passes on the weights, or a model derived from
them, to include the terms and this notice; so a conversion keeps a copy of both beside the weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callwright.storage import cache_dir, write_text


@dataclass(frozen=True, slots=True)
class License:
    """The terms of a model's weights.

    Attributes:
      name: A short name, also of the file that records that they were shown.
      notice: The sentences that must be shown and passed on.
      text: The file with the full text; None where only the address in the notice is known.
    """

    name: str
    notice: str
    text: Path | None = None

    def describe(self) -> str:
        """The notice and where the full text is, in a few lines."""
        return f"{self.notice}\nFull text: {self.text}" if self.text else self.notice


def gemma_license(text: Path | None = None) -> License:
    """Gemma's terms of use."""
    return License(
        name="gemma",
        notice=(
            "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms.\n"
            "They hold for these weights and for every model trained from them, and they restrict some uses:\n"
            "ai.google.dev/gemma/prohibited_use_policy."
        ),
        text=text,
    )


def show_once(license: License, printer: Callable[[str], object], cache: Path | None = None) -> bool:
    """Prints the notice unless it was printed to this user before; returns whether it did.

    Args:
      license: The terms.
      printer: Takes the text, e.g. `print`.
      cache: The cache directory; the user's own when None.
    """
    marker = (cache or cache_dir()) / "licenses" / f"{license.name}.shown"
    if marker.exists():
        return False
    printer(license.describe())
    write_text(marker, license.describe() + "\n")
    return True
