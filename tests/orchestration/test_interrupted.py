"""A run that is killed or asked to stop, at any moment and as often as one likes, ends with the same bits."""

import json
import random
import signal
import time

import pytest
from tests.support.runs import adapter_bits, events, finish, outcome, rows, wait_for

from callwright.report.schema import Results

EVENTS = 12  # at most, that a process may log before it is killed


def kill_somewhere(desk, draw):
    """Starts the run and kills it a little after it has got somewhere; gives how far the log was."""
    before = len(events(desk.path))
    process = desk.start()
    further = before + draw.randrange(1, EVENTS)
    wait_for(process, lambda: len(events(desk.path)) >= further)
    time.sleep(draw.uniform(0, 0.5))
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was done before it was killed"


def check_what_a_kill_left(run):
    """Everything that is there can be read."""
    whole = (run / "events.jsonl").read_bytes().split(b"\n")[:-1]
    assert all("event" in json.loads(line) for line in whole)
    for stage in (2, 3, 4, 5):
        rows(run, stage)
    if (run / "results.json").exists():
        assert Results.read(run / "results.json").run.finished is None


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_run_killed_again_and_again_completes_with_the_same_bits(finished, desk, kills):
    draw = random.Random(kills)
    killed = 0
    while killed < kills and not any(event["event"] == "evaluation_left" for event in events(desk.path)[-1:]):
        kill_somewhere(desk, draw)
        check_what_a_kill_left(desk.path)
        killed += 1
    said = desk.run()
    assert "Report: runs/tiny/report.html" in said.out
    assert outcome(desk.path) == outcome(finished.path)
    assert len(events(desk.path, "run_started")) == killed + 1
    assert len(events(desk.path, "run_created")) == 1

    first, second = (Results.read(path / "results.json") for path in (desk.path, finished.path))
    assert first.run.finished
    assert [stage.status for stage in first.stages] == ["done"] * 5
    for stage, curves in second.curves.items():
        for name in curves.keys() - {"seconds"}:
            assert first.curves[stage][name] == curves[name], (stage, name)
    for stage, evaluation in second.evaluations.items():
        assert first.evaluations[stage].categories == evaluation.categories
    assert first.comparisons == second.comparisons


@pytest.mark.parametrize("moment", ["stage_started", "step"])
def test_ctrl_c_stops_cleanly_says_how_to_go_on_and_going_on_ends_with_the_same_bits(finished, desk, moment):
    process = desk.start("--stages", "3")
    wait_for(process, lambda: bool(events(desk.path, moment)))
    process.send_signal(signal.SIGINT)
    said = finish(process, code=130)
    assert "Stopping after the current step" in said.err
    assert said.err.endswith("Stopped. Everything is in runs/tiny; give the same command again to go on.\n")
    assert "Traceback" not in said.err
    assert Results.read(desk.path / "results.json").run.finished is None
    assert not events(desk.path, "run_finished")
    desk.run("--stages", "3")
    assert adapter_bits(desk.path, 3) == adapter_bits(finished.path, 3)
    assert rows(desk.path, 3) == rows(finished.path, 3)
    steps = [event["step"] for event in events(desk.path, "step")]
    assert steps == sorted(set(steps)), "what was saved is not done again"
