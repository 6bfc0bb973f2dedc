"""What the model solved before a stage is counted by kind, from the rows of finished evaluations alone."""

import json
from types import SimpleNamespace

import pytest
from tests.support.fake_run import CREATED

from callwright.data.synthetic.settings import Mix
from callwright.evaluation.row import EvaluationRow
from callwright.orchestration import stages
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.solve_rates import CATEGORIES, solve_rates
from callwright.orchestration.starting_point import BASE, StartingPoint
from callwright.scoring.categories import CATEGORIES as BFCL
from callwright.storage import write_text
from callwright.training.prompt_weights import FLOOR, prompt_weights


def write_rows(directory, category, solved):
    """Rows of a category, solved or not."""
    rows = [
        EvaluationRow(
            id=f"{category}_{number}",
            category=category,
            question="?",
            expected=(),
            prompt="",
            prompt_ids=(),
            token_ids=(),
            raw="",
            finish_reason="stop",
            calls=(),
            complete=True,
            parse_errors=(),
            valid=valid,
            error_type=None if valid else "irrelevance_error:decoder_success",
            error_detail="",
            seconds=0.1,
        )
        for number, valid in enumerate(solved)
    ]
    write_text(directory / f"{category}.jsonl", "".join(json.dumps(row.as_json()) + "\n" for row in rows))


@pytest.fixture
def run(tmp_path):
    """A run whose model solved some of BFCL and of the tools after stage 4, and less before."""
    run = RunDirectory(tmp_path / "runs" / "mine")
    with run:
        run.event("run_created", **CREATED)
    write_rows(run.evaluation(2), "simple_python", [False] * 4)
    write_rows(run.evaluation(4), "simple_python", [True, False, False, False])
    write_rows(run.evaluation(4), "live_simple", [True] * 4)
    write_rows(run.evaluation(4), "irrelevance", [True, False])
    write_rows(run.evaluation(4), "live_relevance", [False])
    write_rows(run.evaluation(4, "tools"), "single", [True] * 3)
    write_rows(run.evaluation(4, "tools"), "flow", [True, False, False, False, False])
    return run


def finish(run, stage, suite):
    with run:
        run.event("evaluation_finished", stage=stage, suite=suite)


BFCL_RATES = {"simple": 5 / 8, "irrelevance": 1 / 2}
TOOLS_RATES = {"single": 1.0, "flow": 1 / 5}


@pytest.mark.parametrize(
    ("suites", "rates"),
    [((), {}), (("bfcl",), BFCL_RATES), (("tools",), TOOLS_RATES), (("bfcl", "tools"), BFCL_RATES | TOOLS_RATES)],
)
def test_the_suites_that_were_asked_to_their_end_count(run, suites, rates):
    for suite in suites:
        finish(run, 4, suite)
    assert solve_rates(run, StartingPoint("stage4", run.checkpoint(4))) == rates


def test_a_stage_that_starts_from_the_base_model_follows_the_baseline(run):
    finish(run, 4, "bfcl")
    assert solve_rates(run, StartingPoint(BASE)) == {}
    finish(run, 2, "bfcl")
    assert solve_rates(run, StartingPoint(BASE)) == {"simple": 0}


def test_a_stage_of_another_run_has_its_rows_there(run, tmp_path):
    finish(run, 4, "bfcl")
    other = RunDirectory(tmp_path / "runs" / "other")
    assert solve_rates(other, StartingPoint(str(run.checkpoint(4)), run.checkpoint(4))) == BFCL_RATES
    assert solve_rates(other, StartingPoint("elsewhere", tmp_path / "elsewhere")) == {}


def test_kinds_that_are_solved_sometimes_get_the_most_weight(run):
    finish(run, 4, "bfcl")
    finish(run, 4, "tools")
    weights = prompt_weights(solve_rates(run, StartingPoint("stage4", run.checkpoint(4))))
    assert sorted(weights, key=lambda kind: -weights[kind]) == ["irrelevance", "simple", "flow", "single"]
    assert weights["single"] == FLOOR


def test_a_stage_that_goes_on_draws_as_it_began_whatever_the_rows_say_now(run):
    context, start = SimpleNamespace(run=run), StartingPoint("stage4", run.checkpoint(4))
    with run:
        run.event("stage_started", stage=5, prompt_weights={"simple": 0.1})
        run.event("stage_started", stage=5, prompt_weights={"simple": 0.2})
    finish(run, 4, "tools")
    assert stages._prompt_weights(context, 5, start) == prompt_weights(TOOLS_RATES), "nothing was kept of it"
    (run.checkpoint(5) / "steps" / "2").mkdir(parents=True)
    assert stages._prompt_weights(context, 5, start) == {"simple": 0.2}


def test_every_category_belongs_to_one_kind_and_every_kind_is_one_that_examples_have():
    categories = [category for categories in CATEGORIES.values() for category in categories]
    assert sorted([*categories, "live_relevance"]) == sorted(BFCL), "live_relevance is right with any call"
    assert CATEGORIES.keys() == Mix.model_fields.keys() - {"dialogue"}
