"""The contract of results.json: what is written is read back, and what is wrong is refused in one line."""

import json
import math
from pathlib import Path

import pytest
from tests.support.fake_run import results

from callwright.errors import DataError
from callwright.evaluation.statistics import wilson
from callwright.report.schema import Results, Score, Suite


def written(directory: Path) -> tuple[Path, dict]:
    path = directory / "results.json"
    results().write(path)
    return path, json.loads(path.read_text())


def test_results_survive_the_file(tmp_path: Path) -> None:
    path, _ = written(tmp_path)
    assert Results.read(path) == results()


def test_other_readers_find_the_accuracy_and_its_interval(tmp_path: Path) -> None:
    _, data = written(tmp_path)
    score = data["evaluations"]["stage4"]["bfcl"]["categories"]["multiple"]
    assert score["accuracy"] == score["correct"] / score["total"]
    assert (score["low"], score["high"]) == (wilson(score["correct"], 40).low, wilson(score["correct"], 40).high)
    assert data["evaluations"]["stage4"]["bfcl"]["pooled"]["total"] == 180


def test_a_stored_accuracy_cannot_disagree_with_the_counts(tmp_path: Path) -> None:
    path, data = written(tmp_path)
    data["evaluations"]["stage4"]["bfcl"]["categories"]["multiple"]["accuracy"] = 1.0
    path.write_text(json.dumps(data))
    assert Results.read(path) == results()


def test_the_pool_leaves_irrelevance_out() -> None:
    score = Score(correct=1, total=2, planned=4, called=2)
    silent = Score(correct=9, total=9, planned=9, called=0)
    pool = Suite(categories={"simple_python": score, "parallel": score, "irrelevance": silent}).pooled
    assert (pool.correct, pool.total, pool.planned, pool.called) == (2, 4, 8, 4)


def test_a_value_that_was_not_finite_becomes_null(tmp_path: Path) -> None:
    made = results()
    curves = {"stage3": {"loss": [(1, 2.0), (2, math.nan), (3, math.inf)]}}
    path = tmp_path / "results.json"
    Results.model_validate(made.model_dump() | {"curves": curves}).write(path)
    assert "NaN" not in path.read_text()
    assert Results.read(path).curves["stage3"]["loss"] == [(1, 2.0), (2, None), (3, None)]


def test_the_order_of_stages_is_the_order_of_the_run() -> None:
    made = results()
    shuffled = dict(reversed(made.evaluations.items()))
    assert made.model_copy(update={"evaluations": shuffled}).suite("bfcl").evaluated == [
        "stage2",
        "stage3",
        "stage4",
        "stage5",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 3}, "schema_version 2"),
        ({"surprise": 1}, "a known key in the results in"),
        ({"evaluations": {"../../etc": {"categories": {}}}}, "evaluations"),
        ({"evaluations": {"stage2": {"categories": {"../x": {}}}}}, "evaluations.stage2"),
        ({"comparisons": 7}, ": a list; got 7"),
    ],
)
def test_a_file_that_breaks_the_contract_is_refused_and_named(tmp_path: Path, change: dict, message: str) -> None:
    path, data = written(tmp_path)
    path.write_text(json.dumps(data | change))
    with pytest.raises(DataError) as refusal:
        Results.read(path)
    assert message in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff"])
def test_a_missing_or_broken_file_is_the_users_to_mend(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"results\.json"):
        Results.read(path)


@pytest.mark.parametrize("counts", [(3, 2, 2, 0), (1, 3, 2, 0), (0, 2, 2, 3)])
def test_counts_that_do_not_add_up_are_refused(counts: tuple[int, int, int, int]) -> None:
    correct, total, planned, called = counts
    with pytest.raises(ValueError, match="needs correct <= total"):
        Score(correct=correct, total=total, planned=planned, called=called)
