"""A stage's cost is its own, and the first Ctrl-C asks while the second one insists."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from callwright.orchestration import watch
from callwright.orchestration.stages import _logged
from callwright.orchestration.watch import SAMPLE_SECONDS, PeakMemory, StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop_and_the_second_one_aborts(capsys, number):
    before = signal.getsignal(number)
    stop = StopRequest()
    with stop.listening():
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        assert "Stopping after the current step (press Ctrl-C again to abort it)" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_signals_are_left_alone_in_other_threads():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def listen():
        stop = StopRequest()
        with stop.listening():
            seen.extend([stop(), signal.getsignal(signal.SIGINT)])

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [False, before]


def test_a_stage_that_is_over_at_once_has_a_peak_all_the_same(monkeypatch):
    monkeypatch.setattr(watch, "_memory_in_use", lambda process: time.sleep(0.2) or 7)
    logged = []
    context = SimpleNamespace(run=SimpleNamespace(event=lambda name, **fields: logged.append((name, fields))))
    with _logged(context, "stage", 1):
        pass
    assert logged[-1] == ("stage_left", {"stage": 1, "peak_memory_bytes": 7})


def test_peak_memory_is_that_of_the_block_and_falls_again_after_it():
    def peak(megabytes):
        with PeakMemory() as peak:
            block = np.ones(megabytes << 17)  # eight bytes each
            threading.Event().wait(4 * SAMPLE_SECONDS)
            assert block.all()
        return peak.bytes

    small, large, after = peak(1), peak(400), peak(1)
    assert large - small > 300e6
    assert large - after > 300e6
