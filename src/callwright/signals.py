"""Signals that end a process, so that what a block started is ended with it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Has SIGTERM, and a closed terminal, end the block as Ctrl-C does: servers are stopped, temporary files removed.

    A signal that somebody listens to, or that is ignored as under `nohup`, stays so. Outside of the main thread nothing
    can be listened to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    free = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    previous = {number: signal.signal(number, end) for number in free}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
