"""The instrument of the tests of linear time: it must tell a line from a square where a second says nothing."""

import pytest
from tests.support import linear


@pytest.mark.parametrize(("power", "output"), [(1, True), (2, False)])
def test_a_slow_reader_is_linear_or_it_is_not(monkeypatch, power, output):
    clock = 0.0

    def read(text):
        nonlocal clock
        clock += (len(text) / 100) ** power

    monkeypatch.setattr(linear.time, "process_time", lambda: clock)
    assert linear.is_linear(read, "ab".__mul__, 400) is output
