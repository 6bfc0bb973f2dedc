"""Success is a rate with an interval, and no arm is called as good as the reference before the runs show it."""

import pytest
from tests.support.bakeoff_traces import trace

from callwright.bakeoff.verdict.statistics import pair, speed, successes
from callwright.bakeoff.verdict.traces_on_disk import TraceKey


def runs(verdicts, tasks=("movies",)):
    """A trace for each letter and task, which reaches its goal where the letter is a 1."""
    return {
        TraceKey(task, wording, 1): trace("a", task=task, wording=wording, goal=letter == "1")
        for task in tasks
        for wording, letter in enumerate(verdicts)
    }


def test_64_runs_without_a_discordant_one_show_5_points():
    paired = pair(runs("1" * 16, "abcd"), runs("1" * 16, "abcd"))
    assert (paired.runs, paired.decision, paired.runs_needed) == (64, "within 5 points", None)


def test_one_wording_a_task_decides_nothing_and_says_how_many_would():
    paired = pair(runs("1", "abcd"), runs("1", "abcd"))
    assert paired.decision == "INCONCLUSIVE"
    assert paired.runs_needed == 52
    enough = pair(runs("1" * paired.runs_needed), runs("1" * paired.runs_needed))
    assert enough.decision == "within 5 points"


@pytest.mark.parametrize(
    ("reference", "other", "decision"),
    [
        ("1" * 64, "1" * 58 + "0" * 6, "worse"),
        ("0" * 6 + "1" * 58, "1" * 64, "better"),
        ("1" * 64, "1" * 61 + "0" * 3, "INCONCLUSIVE"),
        ("1" * 64, "0" * 2 + "1" * 62, "INCONCLUSIVE"),
    ],
)
def test_the_decision_follows_from_the_discordant_runs(reference, other, decision):
    paired = pair(runs(reference), runs(other))
    assert paired.decision == decision
    assert (paired.runs_needed is None) == (decision != "INCONCLUSIVE")


def test_success_is_counted_by_task_and_pooled_with_intervals():
    rows = successes(runs("1101", ("memory", "movies")))
    assert [(row.task, row.solved, row.runs) for row in rows] == [("memory", 3, 4), ("movies", 3, 4), ("", 6, 8)]
    assert rows[0].low < 0.75 < rows[0].high
    assert rows[2].high - rows[2].low < rows[0].high - rows[0].low
    assert [row.task for row in successes(runs("11"))] == ["movies"]


def test_runs_that_one_arm_lacks_are_not_paired():
    assert pair(runs("1111"), runs("11")).runs == 2
    assert pair(runs("1", ("memory",)), runs("1")) is None


def test_speed_leaves_out_what_nobody_counted():
    traces = list(runs("11").values())
    measured = speed(traces)
    tokens = sum(step.output_tokens for step in traces[0].steps)
    assert measured.seconds_per_step == 0.5
    assert measured.seconds_per_run == 1.5
    assert measured.tokens_per_second == pytest.approx(tokens / 1.5)
    assert speed([]).tokens_per_second is None
