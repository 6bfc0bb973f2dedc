"""The largest memory that a stage used, and requests to stop it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import jax
import psutil

SAMPLE_SECONDS = 0.05


class PeakMemory:
    """The largest memory in use inside a `with` block: the accelerator's if there is one, else the resident size.

    It is sampled by a thread, because a process's own peak never falls again and would be that of an earlier stage.

    Attributes:
      bytes: The peak; complete when the block was left.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _sample(self) -> None:
        process = psutil.Process()
        while True:
            self.bytes = max(self.bytes, _memory_in_use(process))
            if self._left.wait(SAMPLE_SECONDS):
                return


def _memory_in_use(process: psutil.Process) -> int:
    if jax.default_backend() == "cpu":
        return int(process.memory_info().rss)
    return sum((device.memory_stats() or {}).get("bytes_in_use", 0) for device in jax.local_devices())


class StopRequest:
    """Whether the user asked to stop: the first Ctrl-C (or SIGTERM) asks for it, the second one aborts."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Whether to stop; asked wherever everything is on disk."""
        return self.requested

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        print("\nStopping after the current step (press Ctrl-C again to abort it) ...", file=sys.stderr, flush=True)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listens for the signals inside the `with` block; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
