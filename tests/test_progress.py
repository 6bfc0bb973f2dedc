"""Progress is plain lines where nobody watches a terminal, and its estimate is what this process really measured."""

import io
import sys

import pytest

from callwright import progress
from callwright.progress import PLAIN_SECONDS, duration, track


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_without_a_terminal_there_are_plain_lines_on_standard_error(capsys, clock):
    with track("SFT small", 3, "steps") as bar:
        for _ in range(3):
            clock.pass_by(2)
            bar.advance()
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "  SFT small: 3/3 steps, 2.0 s each\n"


def test_plain_lines_come_now_and_then_and_at_the_end(capsys, clock):
    with track("BFCL", 1000, "entries") as bar:
        for _ in range(1000):
            clock.pass_by(0.1)
            bar.advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == int(100 / PLAIN_SECONDS) + 1
    assert lines[0] == "  BFCL: 150/1000 entries, 10.0 entries/s, 85 s left"
    assert lines[-1].startswith("  BFCL: 1000/1000 entries, 10.0 entries/s")
    assert not any("\r" in line or "\x1b" in line for line in lines)


def test_the_estimate_leaves_out_what_was_found_done(capsys, clock):
    with track("SFT full", 100, "steps") as bar:
        bar.advance(80, free=True)
        for _ in range(4):
            clock.pass_by(5)
            bar.advance()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "  SFT full: 83/100 steps, 5.0 s each, 85 s left"


def test_the_estimate_weighs_the_work_and_not_the_units(capsys, clock):
    """Twelve long entries took five minutes; the short rest, as much work again, takes five more."""
    with track("BFCL", 47, "entries", work=2.0) as bar:
        bar.advance(0, work=0, free=True)
        clock.pass_by(300)
        bar.advance(12, work=1.0)
        clock.pass_by(150)
        bar.advance(17, work=0.5)
    assert capsys.readouterr().err.splitlines() == [
        "  BFCL: 12/47 entries, 25.0 s each, 5 min left",
        "  BFCL: 29/47 entries, 15.5 s each, 2 min left",
    ]


def test_nothing_is_estimated_before_something_was_done(capsys, clock):
    with track("BFCL", 100, "entries") as bar:
        clock.pass_by(PLAIN_SECONDS)
        bar.advance(40, free=True)
    assert capsys.readouterr().err == "  BFCL: 40/100 entries\n"


def test_what_was_found_complete_says_so_without_a_rate(capsys, clock):
    with track("BFCL", 40, "entries") as bar:
        bar.advance(40, free=True)
    assert capsys.readouterr().err == "  BFCL: 40/40 entries\n"


def test_a_note_ends_the_line(capsys, clock):
    with track("SFT", 1, "steps") as bar:
        clock.pass_by(1)
        bar.advance(note="loss 0.5")
    assert capsys.readouterr().err == "  SFT: 1/1 steps, 1.0 s each, loss 0.5\n"


def test_a_terminal_gets_a_bar_with_the_same_estimate(monkeypatch, clock):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with track("SFT small", 4, "steps") as bar:
        bar.advance(1, free=True)
        clock.pass_by(3)
        bar.advance(note="loss 0.5")
    err = sys.stderr.getvalue()
    assert "\x1b" in err
    assert "2/4" in err
    assert "3.0 s each, 6 s left, loss 0.5" in " ".join(err.split())


@pytest.mark.parametrize(
    ("seconds", "output"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3600, "60 min"), (5399, "1 h 30 min"), (12000, "3 h 20 min")],
)
def test_durations_are_for_people(seconds, output):
    assert duration(seconds) == output
