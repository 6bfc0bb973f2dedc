"""Results follow from the log and the rows: work done twice counts once, and time between processes is nobody's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.fake_run import CREATED

from callwright.errors import DataError
from callwright.evaluation.row import EvaluationRow, RowCall, RowStep
from callwright.evaluation.settings import BfclSettings
from callwright.orchestration.config import load_config
from callwright.orchestration.rundir import RunDirectory
from callwright.report.results import build_results
from callwright.report.run_files import RunFiles
from callwright.report.sentences import missing
from callwright.storage import JsonLines

CONFIG = ["evaluation.sample={simple_python: 2}", "name=run"]
SAME_CONFIG = {"config_sha256": load_config(None, CONFIG).sha256}
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def built(tmp_path):
    """Makes a run of events that happened at these seconds, and gives its results."""

    def build(*log, **began):
        run = RunDirectory(tmp_path / "run")
        with run:
            run.write_config(load_config(None, CONFIG))
        with JsonLines(run.path / "events.jsonl") as file:
            file.append({"time": START.isoformat(), "event": "run_created", **CREATED | SAME_CONFIG | began})
            for second, event, fields in log:
                file.append({"time": (START + timedelta(seconds=second)).isoformat(), "event": event, **fields})
        return build_results(run)

    return build


def step(number, loss, tokens=10, stage=3):
    return {"stage": stage, "step": number, "loss": loss, "tokens": tokens, "examples": ["a"]}


def row(number, *, valid=False):
    return EvaluationRow(
        id=f"simple_python_{number}",
        category="simple_python",
        question="",
        expected=(),
        prompt="",
        prompt_ids=(1,),
        token_ids=(2,),
        raw="",
        finish_reason="stop",
        calls=(),
        complete=True,
        parse_errors=(),
        valid=valid,
        error_type=None if valid else "x",
        error_detail="",
        seconds=1.0,
    )


def write_rows(directory, *rows, stage="stage2"):
    with JsonLines(directory / "run" / "evaluations" / stage / "simple_python.jsonl") as file:
        file.append(*(one.as_json() for one in rows))


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a run in .*; got no events.jsonl of one; name a directory under runs/"):
        build_results(RunFiles(tmp_path))


def test_a_run_without_its_configuration_is_refused_by_that_files_name(built, tmp_path):
    built()
    (tmp_path / "run" / "config.yaml").unlink()
    with pytest.raises(DataError, match=r"a run in .*; got no config.yaml; give its command again"):
        build_results(RunFiles(tmp_path / "run"))


@pytest.mark.parametrize(
    ("began", "where", "got"),
    [
        ({"model": {"name": "m"}}, "model.spec", "nothing"),
        ({"versions": {"callwright": 1}}, "versions.callwright", "1"),
        ({"planned": {"simple_python": "2"}}, "planned.simple_python", "'2'"),
    ],
)
def test_a_log_that_cannot_be_counted_is_one_line(built, tmp_path, began, where, got):
    write_rows(tmp_path, row(0))
    with pytest.raises(DataError, match=rf"{where} in line 1 of .*events\.jsonl.*; got {got}; correct the line"):
        built(**began)


def test_a_step_that_is_out_of_bounds_is_one_line(built):
    with pytest.raises(DataError, match=r"tokens in line 2 of .*events\.jsonl.*; got -4; correct the line"):
        built((1, "step", step(1, 0.5, tokens=-4)))


def test_a_clock_that_was_set_back_costs_nothing(built):
    results = built((50, "stage_started", {"stage": 3}), (10, "step", step(1, 1.0)), (14, "step", step(2, 1.0)))
    assert results.stages[2].cost.seconds == 4


def test_a_run_has_its_directorys_name_wherever_one_stands(built, tmp_path, monkeypatch):
    built()
    monkeypatch.chdir(tmp_path / "run")
    assert build_results(RunFiles(Path("."))).run.name == "run"


def test_what_was_planned_is_read_from_the_log_without_the_benchmark(built, tmp_path, monkeypatch):
    write_rows(tmp_path, row(0))
    monkeypatch.setattr(BfclSettings, "entries", lambda self: pytest.fail("it asked the benchmark"))
    results = built(planned={"simple_python": 2})
    score = results.evaluations["stage2"]["bfcl"].categories["simple_python"]
    assert (score.total, score.planned) == (1, 2)


def test_a_stage_is_pending_stopped_failed_and_done_as_the_log_says(built):
    results = built(
        (1, "stage_started", {"stage": 1}),
        (2, "stage_finished", {"stage": 1}),
        (3, "stage_started", {"stage": 3}),
        (4, "stage_failed", {"stage": 3, "message": "full"}),
        (5, "stage_started", {"stage": 4}),
        (125, "step", step(1, 1.0, stage=4)),
    )
    assert [(s.status, s.message) for s in results.stages] == [
        ("done", ""),
        ("pending", ""),
        ("failed", "full"),
        ("stopped", "started at 2026-03-01 00:00 UTC, no sign of life since 2026-03-01 00:02 UTC"),
        ("pending", ""),
    ]
    assert results.run.finished is None


def test_a_stage_that_failed_and_was_given_again_is_no_longer_failed(built):
    log = [(1, "stage_started", {"stage": 3}), (2, "stage_failed", {"stage": 3, "message": "full"})]
    log += [(9, "stage_started", {"stage": 3}), (10, "step", step(1, 1.0))]
    assert built(*log).stages[2].status == "stopped"


def test_a_stage_runs_only_while_a_process_holds_the_runs_lock_and_has_not_left_the_stage(built, tmp_path):
    log = [(1, "stage_started", {"stage": 3}), (10, "step", step(1, 1.0))]
    assert built(*log).stages[2].status == "stopped"
    with RunDirectory(tmp_path / "run") as run:
        assert build_results(RunFiles(run.path)).stages[2].status == "running"
        run.event("stage_left", stage=3)
        assert build_results(RunFiles(run.path)).stages[2].status == "stopped"
    assert build_results(RunFiles(run.path)).stages[2].status == "stopped"


def test_a_step_done_again_after_a_kill_counts_once_in_curves_and_tokens(built):
    log = [(1, "stage_started", {"stage": 3}), *((n + 1, "step", step(n, 5.0 - n)) for n in (1, 2, 3))]
    log += [(50, "stage_started", {"stage": 3}), *((n + 50, "step", step(n, 5.0 - n)) for n in (3, 4))]
    log += [(60, "stage_left", {"stage": 3, "peak_memory_bytes": 7}), (60, "stage_finished", {"stage": 3})]
    results = built(*log)
    assert results.curves["stage3"]["loss"] == [(1, 4.0), (2, 3.0), (3, 2.0), (4, 1.0)]
    assert results.stages[2].cost.tokens == 40


def test_time_between_two_processes_counts_for_nobody(built):
    results = built(
        (10, "stage_started", {"stage": 3}),
        (14, "step", step(1, 1.0)),
        (1000, "stage_started", {"stage": 3}),
        (1003, "step", step(2, 1.0)),
        (1004, "stage_left", {"stage": 3, "peak_memory_bytes": 5}),
        (1004, "stage_finished", {"stage": 3}),
        (1005, "evaluation_started", {"stage": 3}),
        (1025, "evaluation_left", {"stage": 3, "peak_memory_bytes": 9}),
    )
    cost = results.stages[2].cost
    assert cost.seconds == pytest.approx(4 + 4)
    assert cost.peak_memory_bytes == 5, "the evaluation's peak is its own"


def test_an_unfinished_evaluation_says_how_much_was_planned(built, tmp_path):
    write_rows(tmp_path, row(0))
    results = built((1, "evaluation_started", {"stage": 2}))
    score = results.evaluations["stage2"]["bfcl"].categories["simple_python"]
    assert (score.correct, score.total, score.planned) == (0, 1, 2)
    assert results.comparisons == []


def test_only_entries_that_both_stages_scored_are_compared(built, tmp_path):
    write_rows(tmp_path, row(0), row(1))
    write_rows(tmp_path, row(1, valid=True), stage="stage3")
    results = built()
    assert {c.category: (c.gained, c.lost, c.both, c.neither) for c in results.comparisons} == {
        "simple_python": (1, 0, 0, 0),
        "calls": (1, 0, 0, 0),
    }


TOOLS = {"stage3": {"tools": {"single": 2, "no_tool": 1, "several": 1, "flow": 1}}}


def request(name, expected, calls, *, valid=False, tool="", steps=()):
    kind = name.rpartition("_")[0]
    made = {"category": kind, "id": name, "expected": expected, "calls": calls, "tool": tool, "steps": steps}
    return row(0, valid=valid).model_copy(update=made)


def called(*names):
    return tuple(RowCall(name=name, arguments={}) for name in names)


def write_requests(directory, *requests, stage="stage3"):
    for one in requests:
        with JsonLines(directory / "run" / "evaluations" / stage / "tools" / f"{one.category}.jsonl") as file:
            file.append(one.as_json())


def test_requests_are_counted_by_kind_by_tool_and_by_what_was_called_instead(built, tmp_path):
    write_requests(
        tmp_path,
        request("single_0", called("a"), called("b"), tool="a"),
        request("single_1", called("a"), (), tool="a"),
        request("no_tool_0", (), called("a", "b")),
        request("several_0", called("b", "b"), called("b", "b"), tool="b", valid=True),
        request("flow_0", called("a"), called("a"), steps=(RowStep(raw="", calls=called("a")),)),
    )
    results = built(evaluations=TOOLS)
    suite = results.evaluations["stage3"]["tools"]
    assert {name: (score.correct, score.total) for name, score in suite.categories.items()} == {
        "single": (0, 2),
        "no_tool": (0, 1),
        "several": (1, 1),
        "flow": (0, 1),
    }
    assert {name: (score.correct, score.total, score.called) for name, score in suite.by_tool.items()} == {
        "a": (0, 2, 1),
        "b": (1, 1, 1),
    }
    assert suite.confusion == {"a": {"b": 1, "none": 1}, "none": {"a": 1, "b": 1}}
    assert (suite.pooled.correct, suite.pooled.total) == (1, 3), "of the kinds that ask for calls alone"
    assert results.evaluations.keys() == {"stage3"}


def test_each_suite_has_its_own_paired_tests_and_its_own_cost(built, tmp_path):
    stages = ("stage2", "stage3")
    for stage, valid in zip(stages, (False, True), strict=True):
        write_rows(tmp_path, row(0, valid=not valid), stage=stage)
        write_requests(tmp_path, request("single_0", called("a"), called("a"), tool="a", valid=valid), stage=stage)
    log = [(10, "evaluation_started", {"suite": "bfcl"}), (14, "evaluation_left", {"suite": "bfcl"})]
    log += [(14, "evaluation_started", {"suite": "tools"}), (16, "evaluation_left", {"suite": "tools"})]
    planned = {stage: {"bfcl": {"simple_python": 1}, "tools": {"single": 1}} for stage in stages}
    results = built(*((at, event, {"stage": 3, **more}) for at, event, more in log), evaluations=planned)
    assert [(c.suite, c.category, c.gained, c.lost) for c in results.comparisons] == [
        ("tools", "single", 1, 0),
        ("tools", "calls", 1, 0),
        ("bfcl", "simple_python", 0, 1),
        ("bfcl", "calls", 0, 1),
    ]
    costs = {name: suite.cost.seconds for name, suite in results.evaluations["stage3"].items()}
    assert costs == {"bfcl": 4, "tools": 2}
    assert results.evaluation_cost("stage3").seconds == 6


def test_a_stage_is_evaluated_when_every_suite_that_follows_it_is(built):
    planned = {"stage2": {"bfcl": {"simple_python": 1}, "tools": {"single": 3}}}
    log = [(1, "evaluation_started", {"stage": 2, "suite": "bfcl"})]
    log += [(2, "evaluation_finished", {"stage": 2, "suite": "bfcl", "entries": 1, "done": True})]
    assert built(*log, evaluations=planned).stages[1].status == "stopped"


def test_a_stage_that_no_suite_follows_is_left_out_or_has_no_evaluation_to_miss(built):
    results = built((1, "stage_finished", {"stage": 3}), evaluations={"stage2": {}, "stage3": {}})
    assert results.stages[1].status == "skipped"
    assert results.stages[1].message == "the configuration leaves it out (no suite of evaluation has 2 in `after`)"
    assert results.stages[2].suites == ()
    assert not [note for note in missing(results, []) if "has no evaluation" in note]
