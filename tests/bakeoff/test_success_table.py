"""The table has success by task and arm, with intervals, and why tasks ended."""

import io

from tests.support.bakeoff import ToldArm, mock_arm, played, shipped_tasks, words

from callwright.bakeoff.table import print_success


def test_success_is_counted_by_task_and_arm_and_halts_are_named():
    tasks = shipped_tasks()[:2]
    good = [played(mock_arm(), task) for task in tasks]
    bad = [played(ToldArm(words("?")), tasks[0]), played(ToldArm(words("")), tasks[0])]
    output = io.StringIO()
    print_success({"mock": good, "told": bad, "later": []}, [task.name for task in tasks], output)
    lines = output.getvalue().splitlines()
    assert lines[0].split() == ["goal", "reached,", "95%", "interval", "mock", "told", "later"]
    assert lines[1].split() == ["movies", "1/1", "(20.7–100.0)", "0/2", "(0.0–65.8)", "–"]
    assert lines[3].split()[:3] == ["all", "2/2", "(34.2–100.0)"]
    assert lines[4:] == [
        "mock ended by answer_returned 2",
        "told ended by answer_returned 1, no_answer 1",
        "later ended by nothing yet",
    ]
