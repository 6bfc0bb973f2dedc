"""A path names a run, and one of its finished stages."""

from pathlib import Path

import pytest
from tests.support.fake_run import CREATED

from callwright.errors import CheckpointError, DataError
from callwright.report.run_files import find_stage
from callwright.storage import JsonLines

NOW = "2026-03-01T00:00:00+00:00"


@pytest.fixture
def run(tmp_path):
    """A run whose stages 2, 3 and 4 are done, and whose stage 5 is not."""
    path = tmp_path / "runs" / "mine"
    with JsonLines(path / "events.jsonl") as log:
        log.append({"time": NOW, "event": "run_created", **CREATED})
        for event, stage in (("evaluation_finished", 2), ("stage_finished", 3), ("stage_finished", 4)):
            log.append({"time": NOW, "event": event, "stage": stage})
        log.append({"time": NOW, "event": "stage_started", "stage": 5})
    return path


@pytest.mark.parametrize(
    ("below", "stage"),
    [("", 4), ("stage3", 3), ("stage4", 4), ("checkpoints/stage3", 3), ("checkpoints/stage4", 4)],
)
def test_a_run_or_a_stage_of_it_is_found(run, below, stage):
    files, found = find_stage(run / below)
    assert (files.path, found) == (run, stage)
    assert files.checkpoint(found) == run / "checkpoints" / f"stage{stage}"
    assert files.evaluation(found) == run / "evaluations" / f"stage{stage}"


@pytest.mark.parametrize(
    ("inside", "path"), [("", "."), ("", "stage4"), ("checkpoints", "stage4"), ("", "checkpoints/stage4")]
)
def test_it_is_found_from_inside_the_run(run, monkeypatch, inside, path):
    (run / inside).mkdir(exist_ok=True)
    monkeypatch.chdir(run / inside)
    files, stage = find_stage(Path(path))
    assert (files.path.resolve(), stage) == (run, 4)


def test_a_run_that_is_called_like_a_stage_is_a_run(run):
    other = run.parent / "stage3"
    run.rename(other)
    files, stage = find_stage(other)
    assert (files.path, stage) == (other, 4)


@pytest.mark.parametrize("below", ["stage5", "checkpoints/stage5", "stage2", "stage9"])
def test_a_stage_that_is_not_finished_is_refused(run, below):
    with pytest.raises(CheckpointError, match=f"a finished stage {below[-1]} of {run}; got stages 3, 4; name another"):
        find_stage(run / below)


def test_a_run_without_a_finished_stage_is_refused(run):
    log = run / "events.jsonl"
    log.write_text(log.read_text().splitlines(keepends=True)[0])
    with pytest.raises(CheckpointError, match=f"a finished training stage of {run}; got none"):
        find_stage(run)


@pytest.mark.parametrize("below", ["nowhere", "nowhere/stage3", "nowhere/checkpoints/stage3"])
def test_a_path_without_a_run_is_refused(run, below):
    with pytest.raises(DataError, match=r"a run in .*nowhere; got no events.jsonl of one; name a directory"):
        find_stage(run.parent / below)
