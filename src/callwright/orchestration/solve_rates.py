"""How often the model solved each kind of request before a stage: by the rows of the evaluation before it."""

from collections import Counter
from collections.abc import Mapping
from typing import get_args

from callwright.evaluation.row import read_rows
from callwright.evaluation.settings import SuiteName
from callwright.orchestration.starting_point import BASE, StartingPoint
from callwright.report.run_files import RunFiles, split_run
from callwright.report.stage_list import STAGES

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "simple": ("simple_python", "live_simple"),
    "multiple": ("multiple", "live_multiple"),
    "parallel": ("parallel", "live_parallel"),
    "parallel_multiple": ("parallel_multiple", "live_parallel_multiple"),
    "irrelevance": ("irrelevance", "live_irrelevance"),
}
"""Kinds of synthetic examples, which conversations of the user's have too, and the categories of BFCL that ask for the
same. The suite `tools` has the kinds of its source."""


def solve_rates(run: RunFiles, start: StartingPoint) -> dict[str, float]:
    """The share of entries that were solved, by kind; without those of a suite that was not asked to its end.

    Args:
      run: The run.
      start: What its stage starts from, in this run or another one.

    Raises:
      DataError: The log, or a line of the rows, is damaged.
    """
    if start.checkpoint is not None:
        before, stage = split_run(start.checkpoint)
    else:
        before, stage = run, next(number for number, each in STAGES.items() if each.title == BASE)
    if stage is None:
        return {}
    kind_of = {category: kind for kind, categories in CATEGORIES.items() for category in categories}
    solved, total = Counter[str](), Counter[str]()
    for suite in get_args(SuiteName):
        if not before.evaluation_finished(stage, suite):
            continue
        for path in sorted(before.evaluation(stage, suite).glob("*.jsonl")):
            kind = kind_of.get(path.stem) if suite == "bfcl" else path.stem
            for row in read_rows(path) if kind else ():
                total[str(kind)] += 1
                solved[str(kind)] += row.valid
    return {kind: solved[kind] / count for kind, count in total.items()}
