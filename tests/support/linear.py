"""Whether reading takes time in proportion to what is read, on a fast machine and on a slow one."""

import time
import timeit
from collections.abc import Callable

PART = 8


def seconds(read: Callable[[str], object], text: str, *, tries: int = 1) -> float:
    """The least of some tries: this process's time, without the collector, which goes through all that is alive."""
    return min(timeit.repeat(lambda: read(text), number=1, repeat=tries, timer=time.process_time))


def is_linear(read: Callable[[str], object], text: Callable[[int], str], length: int) -> bool:
    """Whether ``read(text(length))`` takes less than a second.

    Where a machine is too slow for that, whether it takes about eight times as long as an eighth of the text. If time
    grew with the square of the length, it would take 64 times as long; the limit is 20.
    """
    whole = text(length)
    if seconds(read, whole) < 1:
        return True
    return seconds(read, whole, tries=3) < 2.5 * PART * seconds(read, text(length // PART), tries=3)
