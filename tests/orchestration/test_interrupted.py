"""A run that is killed or asked to stop, at any moment and as often as one likes, ends with the same bits."""

import json
import random
import shutil
import signal
import time

import pytest
from tests.support.runs import EVALUATED, TRAINED, adapter_bits, events, outcome, rows

from callwright.report.schema import Results
from callwright.training.checkpoints import FILE


def kill_somewhere(desk, draw, most, stages):
    """Starts the run and kills it a little after it has logged at most so many events."""
    further = len(events(desk.path)) + draw.randrange(1, most)
    process = desk.start("--stages", *map(str, stages))
    process.wait_for(lambda: len(events(desk.path)) >= further)
    time.sleep(draw.uniform(0, 0.5))
    process.kill()
    assert process.poll() == -signal.SIGKILL, "it was done before it was killed"


def check_what_a_kill_left(run):
    """Everything that is there can be read."""
    whole = (run / "events.jsonl").read_bytes().split(b"\n")[:-1]
    assert all("event" in json.loads(line) for line in whole)
    for stage in (2, 3, 4, 5):
        rows(run, stage)
    if (run / "results.json").exists():
        Results.read(run / "results.json")


@pytest.mark.parametrize(
    ("kills", "most", "stages"),
    [(2, 8, (2, 3)), pytest.param(12, 8, (1, 2, 3, 4, 5), marks=pytest.mark.slow)],
    ids=["2", "12"],
)
def test_a_run_killed_again_and_again_completes_with_the_same_bits(finished, desk, kills, most, stages):
    draw = random.Random(kills)
    killed = 0
    while killed < kills and not (desk.path / "checkpoints" / f"stage{stages[-1]}" / FILE).exists():
        kill_somewhere(desk, draw, most, stages)
        check_what_a_kill_left(desk.path)
        killed += 1
    assert killed >= 2
    said = desk.run("--stages", *map(str, stages))
    assert "Report: runs/tiny/report.html" in said.out
    assert outcome(desk.path, stages) == outcome(finished.path, stages)
    assert len(events(desk.path, "run_started")) == killed + 1
    assert len(events(desk.path, "run_created")) == 1

    first, second = (Results.read(path / "results.json") for path in (desk.path, finished.path))
    assert first.run.finished
    for stage in stages:
        assert first.stages[stage - 1].status == "done"
        key = f"stage{stage}"
        for name in second.curves.get(key, {}).keys() - {"seconds"}:
            assert first.curves[key][name] == second.curves[key][name], (stage, name)
        if stage in EVALUATED:
            assert first.evaluations[key].keys() == second.evaluations[key].keys() == {"bfcl", "tools"}
            for name, suite in second.evaluations[key].items():
                assert first.evaluations[key][name].model_copy(update={"cost": suite.cost}) == suite
    if set(TRAINED) <= set(stages):
        assert first.comparisons == second.comparisons


def test_ctrl_c_stops_cleanly_says_how_to_go_on_and_going_on_ends_with_the_same_bits(finished, desk):
    process = desk.start("--stages", "3")
    process.wait_for(lambda: bool(events(desk.path, "step")))
    process.send_signal(signal.SIGINT)
    said = process.finish(code=130)
    assert "Stopping after the current step" in said.err
    assert said.err.endswith("Stopped. Everything is in runs/tiny; give the same command again to continue.\n")
    assert "Traceback" not in said.err
    assert Results.read(desk.path / "results.json").run.finished is None
    assert not events(desk.path, "run_finished")
    desk.run("--stages", "3")
    assert adapter_bits(desk.path, 3) == adapter_bits(finished.path, 3)
    assert rows(desk.path, 3) == rows(finished.path, 3)
    steps = [event["step"] for event in events(desk.path, "step")]
    assert steps == [1, 2, 3, 4, 5], "what was saved is not done again"


@pytest.mark.parametrize("lost", ["stage_finished", "evaluation_finished"])
def test_a_kill_between_a_result_and_its_event_is_made_good(finished, inside, tmp_path, lost):
    """The log ends where the kill came, and all that it lacks is done."""
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished.path, run)
    shutil.copy(finished.directory / "c.yaml", tmp_path)
    log = (run / "events.jsonl").read_text().splitlines(keepends=True)
    last = next(i for i, line in enumerate(log) if json.loads(line)["event"] == lost and json.loads(line)["stage"] == 3)
    (run / "events.jsonl").write_text("".join(log[:last]))
    code, _, _ = inside(tmp_path, "run", "c.yaml", "--stages", "3")
    assert code == 0
    assert Results.read(run / "results.json").stages[2].status == "done"
    assert events(run, lost)[-1].get("too_long") == (2 if lost == "stage_finished" else None)
    assert adapter_bits(run, 3) == adapter_bits(finished.path, 3)
    assert rows(run, 3) == rows(finished.path, 3)
    assert len(events(run, "step")) == 5


def test_a_kill_while_rows_of_either_suite_are_written_ends_with_the_same_rows(finished, inside, tmp_path):
    """Files are cut at any byte, as a kill leaves them, and the log lacks what comes after."""
    run, draw = tmp_path / "runs" / "tiny", random.Random(1)
    shutil.copytree(finished.path, run)
    shutil.copy(finished.directory / "c.yaml", tmp_path)
    log = [event for event in events(run) if (event["event"], event.get("stage")) != ("evaluation_finished", 4)]
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in log))
    for path in sorted((run / "evaluations" / "stage4").rglob("*.jsonl")):
        data = path.read_bytes()
        path.write_bytes(data[: draw.randrange(len(data))])
    kept = rows(run, 4)
    assert len(kept) < len(rows(finished.path, 4)), "something is missing"
    code, _, _ = inside(tmp_path, "run", "c.yaml", "--stages", "4")
    assert code == 0
    assert rows(run, 4) == rows(finished.path, 4)
    asked = [event["suite"] for event in events(run, "evaluation_finished") if event["stage"] == 4]
    assert asked == ["bfcl", "tools"]


def test_another_tools_file_than_the_one_that_was_asked_is_refused(finished, inside, tmp_path):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished.path, run)
    log = (run / "events.jsonl").read_text().splitlines(keepends=True)
    last = next(i for i, line in enumerate(log) if '"evaluation_started","stage":5,"suite":"tools"' in line)
    old = json.loads(log[last])["data_files"]
    (path,) = old
    (run / "events.jsonl").write_text("".join(log[:last]).replace(old[path], "0" * 64))
    shutil.copy(finished.directory / "c.yaml", tmp_path)
    code, _, err = inside(tmp_path, "run", "c.yaml", "--stages", "5")
    assert code == 2
    assert f"expected {path} as the evaluations of runs/tiny began with it (sha256 {'0' * 64}); got a file that" in err
    assert rows(run, 5) == rows(finished.path, 5)


@pytest.mark.parametrize(("dry", "continues"), [((), True), (("--dry-run",), False)])
def test_a_run_that_is_aborted_is_said_to_continue(desk, inside, monkeypatch, dry, continues):
    def abort(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("callwright.orchestration.pipeline.run_pipeline", abort)
    code, _, err = inside(desk.directory, "run", "c.yaml", *dry)
    assert code == 130
    assert err.startswith("callwright: aborted; what was written before is kept")
    assert ("the run continues when its command is given again" in err) == continues
