"""Numbers and times as people write them."""

from datetime import UTC, datetime


def percent(share: float | None) -> str:
    """A share in percent with one decimal."""
    return "–" if share is None else f"{100 * share:.1f}%"


def interval(low: float, high: float) -> str:
    """Both ends of an interval, in percent without the sign."""
    return f"{100 * low:.1f}–{100 * high:.1f}"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def moment(time: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def size(count: int | None) -> str:
    """Bytes in MB or GB (powers of ten)."""
    if count is None:
        return "–"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def p_value(p: float) -> str:
    """A p-value with as many digits as mean something."""
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_value_is(p: float) -> str:
    """The same as it follows the letter p in a sentence: `= 0.04`, `< 0.001`."""
    return p_value(p) if p < 0.001 else f"= {p_value(p)}"


def value(number: float | None) -> str:
    """A measured value in three significant digits."""
    return "not finite" if number is None else f"{number:.3g}"


def count(number: int) -> str:
    """A whole number with separators."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
