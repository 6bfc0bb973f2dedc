"""An SFT run killed at any moment, again and again, ends with the bits of one that was never stopped.

The run is a process, and SIGKILL gives it no chance to tidy up. A kill falls at a random moment after a random number
of updates, or in the middle of a checkpoint, which is made sure of: when the temporary directory of a checkpoint shows,
the process is stopped, and only if the directory is still there is it killed. Its rows share prefixes, and hold parts
of groups, so a kill falls into the middle of one.
"""

import random
import signal
import time

import pytest
from tests.support.jsonl import read_jsonl
from tests.support.processes import Process

from callwright.training.checkpoints import FILE

UPDATES = 6  # at most, between two kills
PAUSE = 0.0005  # seconds between two looks: a checkpoint is written in a few milliseconds


class Run:
    """A stage directory and the processes that work on it."""

    def __init__(self, model, directory, steps):
        directory.mkdir()
        self.command = ["sft_process", str(model), str(directory), str(steps)]
        self.directory = directory
        self.rows = directory / "rows.jsonl"

    def start(self):
        return Process("tests.support.sft_process:main", self.command, self.directory)

    def updates(self):
        return self.rows.read_bytes().count(b"\n") if self.rows.exists() else 0

    def unfinished_checkpoints(self):
        return list((self.directory / "steps").glob("*tmp*"))

    def kill_after(self, updates, seconds):
        """Kills a new process once it has made so many updates and then worked on for so long."""
        process, before = self.start(), self.updates()
        process.wait_for(lambda: self.updates() >= before + updates, PAUSE)
        time.sleep(seconds)
        self._kill(process)

    def kill_while_saving(self):
        """Kills a new process while it writes a checkpoint."""
        stale = set(self.unfinished_checkpoints())
        process = self.start()

        def saving():
            if not set(self.unfinished_checkpoints()) - stale:
                return False
            process.send_signal(signal.SIGSTOP)
            if set(self.unfinished_checkpoints()) - stale:
                return True
            process.send_signal(signal.SIGCONT)
            return False

        process.wait_for(saving, PAUSE)
        self._kill(process)
        assert set(self.unfinished_checkpoints()) - stale

    def _kill(self, process):
        process.kill()
        assert process.poll() == -signal.SIGKILL, "it was done before it was killed"
        assert not (self.directory / FILE).exists()


@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.slow)])
def test_a_run_killed_again_and_again_ends_with_the_same_bits(shallow_model, tmp_path, kills):
    draw = random.Random(kills)
    steps = (kills + 3) * (UPDATES + 2)  # enough checkpoints for one to be seen while it is written
    whole, broken = (Run(shallow_model.directory, tmp_path / name, steps) for name in ("whole", "broken"))
    undisturbed = whole.start()
    for kill in range(kills):
        if kill % 3 == 1:
            broken.kill_while_saving()
        else:
            broken.kill_after(draw.randrange(UPDATES), draw.uniform(0, 0.1))
    broken.start().finish()
    undisturbed.finish()

    assert (broken.directory / FILE).read_bytes() == (whole.directory / FILE).read_bytes()
    # An update after the last checkpoint is made again after a kill; made again, it is the same.
    wanted = {row["step"]: _what_happened(row) for row in read_jsonl(whole.rows)}
    assert sorted(wanted) == list(range(1, steps + 1))
    rows = read_jsonl(broken.rows)
    assert {row["step"] for row in rows} == wanted.keys()
    for row in rows:
        assert _what_happened(row) == wanted[row["step"]]


def _what_happened(row):
    return {name: value for name, value in row.items() if name != "seconds"}
