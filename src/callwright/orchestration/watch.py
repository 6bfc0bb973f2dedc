"""What a stage costs while it runs, and how it is asked to stop."""

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
    """The largest memory in use between entry and exit, in bytes: of the accelerator if there is one, else resident.

    A process's own peak never falls again, so a stage's peak has to be sampled.
    """

    def __enter__(self) -> "PeakMemory":
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        process = psutil.Process()
        while True:
            self.bytes = max(self.bytes, _in_use(process))
            if self._done.wait(SAMPLE_SECONDS):
                return


def _in_use(process: psutil.Process) -> int:
    if jax.default_backend() == "cpu":
        return int(process.memory_info().rss)
    return sum((device.memory_stats() or {}).get("bytes_in_use", 0) for device in jax.local_devices())


class Interrupt:
    """Turns the first Ctrl-C (or SIGTERM) into a request to stop at the next safe point; the second one aborts."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.requested

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        print("\nStopping after the current step (press Ctrl-C again to abort it) ...", file=sys.stderr, flush=True)

    @contextmanager
    def listening(self) -> Iterator["Interrupt"]:
        """Listens for the signals inside the `with` block; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        old = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
