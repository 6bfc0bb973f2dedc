"""Durations as a user writes them: `25m`, `1h30m`, `90s`."""

import re

from callwright.errors import ConfigError

_UNITS = {"h": 3600, "m": 60, "s": 1}
_PATTERN = re.compile("".join(f"(?:([0-9]{{1,6}}){unit})?" for unit in _UNITS))


def parse_duration(text: object) -> int:
    """The seconds that a text says.

    Raises:
      ConfigError: It is no text, says no units or has them in another order, or says nothing.
    """
    match = _PATTERN.fullmatch(text.strip()) if isinstance(text, str) else None
    seconds = (
        sum(int(count or 0) * unit for count, unit in zip(match.groups(), _UNITS.values(), strict=True)) if match else 0
    )
    if not seconds:
        raise ConfigError("a duration such as 25m, 1h30m or 90s", repr(text), "write it so, or off for none")
    return seconds


def format_duration(seconds: int) -> str:
    """The same duration in as few words as there are: `1h30m` for 90 minutes."""
    parts = []
    for unit, length in _UNITS.items():
        count, seconds = divmod(seconds, length)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)
