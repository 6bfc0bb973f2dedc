"""The sentences claim no more than the numbers do."""

import pytest
from tests.support.fake_run import results

from callwright.report.schema import Comparison, Results, Score, Suite
from callwright.report.sentences import headline, loops, missing, reading, relevance


def scored(first: int, last: int, called: int = 0, total: int = 100) -> Results:
    """Two evaluations of one call category."""
    made = results(("stage2", "stage4"))
    evaluations = {
        stage: {"bfcl": Suite(categories={"multiple": Score(correct=n, total=total, planned=total, called=called)})}
        for stage, n in (("stage2", first), ("stage4", last))
    }
    return made.model_copy(update={"evaluations": evaluations, "comparisons": []})


def with_category(made: Results, name: str) -> Results:
    """The same, with another category in both evaluations."""
    score = Score(correct=1, total=2, planned=2, called=1)
    evaluations = {
        stage: {"bfcl": Suite(categories={**suite.categories, name: score})}
        for stage, suite in made.suite("bfcl").evaluations.items()
    }
    return made.model_copy(update={"evaluations": evaluations})


@pytest.mark.parametrize(
    ("first", "last", "output"),
    [
        (10, 60, "are apart: the model has become better"),
        (60, 10, "are apart: the model has become worse"),
        (50, 55, "overlap"),
    ],
)
def test_a_change_is_claimed_only_where_the_intervals_are_apart(first: int, last: int, output: str) -> None:
    assert f"The 95% intervals {output}." in headline(scored(first, last))


def test_silence_is_named_only_where_the_first_model_is_silent() -> None:
    for called, silent in ((3, True), (90, False)):
        said = relevance(with_category(scored(0, 50, called=called), "irrelevance").suite("bfcl"))
        assert ("hardly ever calls" in said) == silent
        assert "never calls anything is right" in said and "live_relevance" not in said


def test_where_a_tool_fits_silence_is_not_said_to_be_right() -> None:
    said = relevance(with_category(scored(0, 50, called=3), "live_relevance").suite("bfcl"))
    assert said.startswith("In live_relevance a tool fits and any call counts as right")
    assert "never calls" not in said


@pytest.mark.parametrize(
    ("gained", "lost", "p", "word"),
    [(9, 1, 0.02, "better"), (1, 9, 0.02, "worse"), (5, 2, 0.45, "no clear difference")],
)
def test_a_paired_test_is_read_by_its_p_value_first(gained: int, lost: int, p: float, word: str) -> None:
    counts = {"gained": gained, "lost": lost, "both": 0, "neither": 0}
    test = Comparison(suite="bfcl", before="stage2", after="stage4", category="calls", **counts, p_value=p)
    assert reading(test) == word


def test_a_finished_run_misses_nothing() -> None:
    assert missing(results(), []) == []


def test_what_has_to_be_known_of_a_stage_is_told_whether_it_is_done_or_not() -> None:
    made = results()
    done = made.stages[4].model_copy(update={"message": "GRPO never updated: all rewards were equal"})
    skipped = made.stages[2].model_copy(update={"status": "skipped", "message": "the configuration leaves it out"})
    stages = [*made.stages[:2], skipped, made.stages[3], done]
    assert missing(made.model_copy(update={"stages": stages}), []) == [
        "SFT small (stage3) is skipped: the configuration leaves it out",
        "GRPO never updated: all rewards were equal.",
    ]


def test_absent_curves_and_tests_are_missed() -> None:
    bare = results().model_copy(update={"curves": {}, "comparisons": []})
    notes = " ".join(missing(bare, []))
    assert "SFT small (stage3) recorded no curves." in notes
    assert "No paired tests were recorded" in notes


def test_outputs_that_repeated_themselves_are_counted_for_every_model_if_for_any():
    made = scored(0, 50)
    assert loops(made.suite("bfcl")) == ""
    evaluation = made.evaluations["stage2"]["bfcl"]
    looping = evaluation.categories["multiple"].model_copy(update={"loops": 84})
    evaluations = {**made.evaluations, "stage2": {"bfcl": Suite(categories={"multiple": looping})}}
    said = loops(made.model_copy(update={"evaluations": evaluations}).suite("bfcl"))
    first, last = (made.title(key) for key in ("stage2", "stage4"))
    assert said.endswith(f"{first}: 84 of 100; {last}: 0 of 100.")
