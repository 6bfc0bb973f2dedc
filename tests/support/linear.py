"""Whether reading takes time in proportion to what is read, on a fast machine and on a slow one."""

import time
import timeit
from collections.abc import Callable

PART = 8
LIMIT = 20
"""What PART times the text may take, in units of its own time: it is PART if linear, and PART squared if quadratic."""


def seconds(read: Callable[[str], object], text: str, tries: int) -> float:
    """The least of some tries: this process's time, without the collector, which goes through all that is alive."""
    return min(timeit.repeat(lambda: read(text), number=1, repeat=tries, timer=time.process_time))


def is_linear(read: Callable[[str], object], text: Callable[[int], str], length: int) -> bool:
    """Whether ``read(text(length))`` takes about eight times as long as an eighth of the text.

    If time grew with the square of the length, it would take 64 times as long; the limit is 20. Where that seems to be
    so it is looked at again, and longer, since other work on the machine only ever adds time.
    """
    whole, part = text(length), text(length // PART)
    return any(seconds(read, whole, tries) < LIMIT * seconds(read, part, tries) for tries in (1, 3, 9))
