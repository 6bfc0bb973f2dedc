"""Results follow from the log and the rows: work done twice counts once, and time between processes is nobody's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callwright.errors import DataError
from callwright.evaluation.run import EvaluationSettings
from callwright.orchestration import results
from callwright.orchestration.config import load_config
from callwright.orchestration.results import build_results
from callwright.orchestration.rundir import RunDirectory
from callwright.storage import JsonLines

CONFIG = ["evaluation.sample={simple_python: 2}", "name=run"]
BEGAN = {
    "config_sha256": load_config(None, CONFIG).sha256,
    "resume": None,
    "command": "callwright run",
    "model": {"spec": "m", "name": "m", "sha256": "cd", "licence": "gemma", "parameters": 1},
    "versions": {"callwright": "0", "python": "3", "platform": "x"},
}
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def built(tmp_path):
    """Makes a run of events that happened at these seconds, and gives its results."""

    def build(*log, **began):
        run = RunDirectory(tmp_path / "run")
        with run:
            run.write_config(load_config(None, CONFIG))
        with JsonLines(run.path / "events.jsonl") as file:
            file.append({"time": START.isoformat(), "event": "run_created", **BEGAN, **began})
            for second, event, fields in log:
                file.append({"time": (START + timedelta(seconds=second)).isoformat(), "event": event, **fields})
        return build_results(run)

    return build


def step(number, loss, tokens=10, stage=3):
    return {"stage": stage, "step": number, "loss": loss, "tokens": tokens, "examples": ["a"]}


def write_row(directory):
    row = {"id": "simple_python_0", "valid": False, "calls": [], "error_type": "x", "prompt_ids": [1], "token_ids": [2]}
    with JsonLines(directory / "run" / "evaluations" / "stage2" / "simple_python.jsonl") as file:
        file.append({"schema_version": 1, "category": "simple_python", "seconds": 1.0, **row})


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a run in .*; got no events.jsonl of one; name a directory under runs/"):
        build_results(RunDirectory(tmp_path))


def test_a_run_without_its_configuration_is_refused_by_that_files_name(built, tmp_path):
    built()
    (tmp_path / "run" / "config.yaml").unlink()
    with pytest.raises(DataError, match=r"a run in .*; got no config.yaml; give its command again"):
        build_results(RunDirectory(tmp_path / "run"))


@pytest.mark.parametrize(
    ("began", "came"),
    [
        ({"model": {"name": "m"}}, "spec: Field required"),
        ({"versions": {"callwright": 1}}, "callwright: Input should be a valid string"),
        ({"planned": {"simple_python": "2"}}, "TypeError: "),
    ],
)
def test_a_log_that_cannot_be_counted_is_one_line(built, tmp_path, began, came):
    write_row(tmp_path)
    with pytest.raises(DataError, match=rf"a run's events in .*events\.jsonl; got {came}.*; restore the file"):
        built(**began)


def test_a_step_that_is_out_of_bounds_is_one_line(built):
    with pytest.raises(DataError, match=r"a run's events in .*events\.jsonl; got tokens: Input should be greater"):
        built((1, "step", step(1, 0.5, tokens=-4)))


def test_a_clock_that_was_set_back_costs_nothing(built):
    come = built((50, "stage_started", {"stage": 3}), (10, "step", step(1, 1.0)), (14, "step", step(2, 1.0)))
    assert come.stages[2].cost.seconds == 4


def test_a_run_has_its_directorys_name_wherever_one_stands(built, tmp_path, monkeypatch):
    built()
    monkeypatch.chdir(tmp_path / "run")
    assert build_results(RunDirectory(Path("."))).run.name == "run"


def test_what_was_planned_is_read_from_the_log_without_the_benchmark(built, tmp_path, monkeypatch):
    write_row(tmp_path)
    monkeypatch.setattr(EvaluationSettings, "entries", lambda self: pytest.fail("it asked the benchmark"))
    come = built(planned={"simple_python": 2})
    score = come.evaluations["stage2"].categories["simple_python"]
    assert (score.total, score.planned) == (1, 2)


def test_a_stage_is_pending_running_failed_and_done_as_the_log_says(built):
    come = built(
        (1, "stage_started", {"stage": 1}),
        (2, "stage_finished", {"stage": 1}),
        (3, "stage_started", {"stage": 3}),
        (4, "stage_failed", {"stage": 3, "message": "full"}),
        (5, "stage_started", {"stage": 4}),
    )
    assert [(s.status, s.message) for s in come.stages] == [
        ("done", ""),
        ("pending", ""),
        ("failed", "full"),
        ("running", ""),
        ("pending", ""),
    ]
    assert come.run.finished is None


def test_a_stage_that_failed_and_was_given_again_is_no_longer_failed(built):
    log = [(1, "stage_started", {"stage": 3}), (2, "stage_failed", {"stage": 3, "message": "full"})]
    log += [(9, "stage_started", {"stage": 3}), (10, "step", step(1, 1.0))]
    assert built(*log).stages[2].status == "running"


def test_a_step_done_again_after_a_kill_counts_once_in_curves_and_tokens(built):
    log = [(1, "stage_started", {"stage": 3}), *((n + 1, "step", step(n, 5.0 - n)) for n in (1, 2, 3))]
    log += [(50, "stage_started", {"stage": 3}), *((n + 50, "step", step(n, 5.0 - n)) for n in (3, 4))]
    log += [(60, "stage_left", {"stage": 3, "peak_memory_bytes": 7}), (60, "stage_finished", {"stage": 3})]
    come = built(*log)
    assert come.curves["stage3"]["loss"] == [(1, 4.0), (2, 3.0), (3, 2.0), (4, 1.0)]
    assert come.stages[2].cost.tokens == 40


def test_time_between_two_processes_counts_for_nobody(built):
    come = built(
        (10, "stage_started", {"stage": 3}),
        (14, "step", step(1, 1.0)),
        (1000, "stage_started", {"stage": 3}),
        (1003, "step", step(2, 1.0)),
        (1004, "stage_left", {"stage": 3, "peak_memory_bytes": 5}),
        (1004, "stage_finished", {"stage": 3}),
        (1005, "evaluation_started", {"stage": 3}),
        (1025, "evaluation_left", {"stage": 3, "peak_memory_bytes": 9}),
    )
    cost = come.stages[2].cost
    assert cost.seconds == pytest.approx(4 + 4)
    assert cost.peak_memory_bytes == 5, "the evaluation's peak is its own"


def test_an_unfinished_evaluation_says_how_much_was_planned(built, tmp_path):
    write_row(tmp_path)
    come = built((1, "evaluation_started", {"stage": 2}))
    score = come.evaluations["stage2"].categories["simple_python"]
    assert (score.correct, score.total, score.planned) == (0, 1, 2)
    assert come.comparisons == []


def test_only_entries_that_both_stages_scored_are_compared(built, tmp_path):
    for stage, ids in (("stage2", (0, 1)), ("stage3", (1,))):
        with JsonLines(tmp_path / "run" / "evaluations" / stage / "simple_python.jsonl") as file:
            for number in ids:
                row = {"id": f"simple_python_{number}", "valid": stage == "stage3", "calls": [], "error_type": "x"}
                file.append({**row, "prompt_ids": [1], "token_ids": [2], "seconds": 1.0})
    come = built()
    assert {c.category: (c.gained, c.lost, c.both, c.neither) for c in come.comparisons} == {
        "simple_python": (1, 0, 0, 0),
        "calls": (1, 0, 0, 0),
    }


def test_versions_name_every_package_that_could_change_a_number():
    versions = results.describe_versions()
    assert set(results.PACKAGES) == versions["packages"].keys()
    assert all(versions["packages"].values())
