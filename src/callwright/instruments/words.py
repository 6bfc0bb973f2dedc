"""Words for an instrument's vocabulary: what comes often in prompts, so that these have fewer tokens."""

import re
from collections import Counter
from collections.abc import Iterable

MOST = 600
_PART = re.compile(r"[A-Za-z_]{3,}|[\"',:{}() ]{3,}", re.ASCII)
"""Runs of letters, and of the punctuation of JSON: no digits, no line ends and nothing that markers begin with."""


def common_words(texts: Iterable[str], most: int = MOST) -> list[str]:
    """The parts of the texts that save the most tokens, at most so many; none that comes once."""
    counts = Counter(part for text in texts for part in _PART.findall(text))
    saved = {part: (len(part) - 1) * times for part, times in counts.items() if times > 1}
    return sorted(sorted(saved), key=lambda part: -saved[part])[:most]
