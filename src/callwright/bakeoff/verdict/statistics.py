"""What the arms achieve: success with intervals, pairs with the reference, and how fast they were.

A run is one task in one wording with one seed. Success is a rate over wordings and seeds with a Wilson interval, and
arms are compared run by run (McNemar's exact test). That an arm is as good as the reference is shown, not assumed: it
is "within 5 points" where the one-sided 95% bound of Tango's interval allows no larger loss, which 52 runs show where
every one of them ended alike. Where neither is shown, nothing is decided, and how many runs would decide is told, if
the others went as these did.
"""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict

from callwright.bakeoff.trace import Trace
from callwright.bakeoff.trace_files import TraceKey
from callwright.evaluation.statistics import McNemar, mcnemar, paired_interval, sign_test, wilson
from callwright.report.compare import MARGIN, SIGNIFICANT, Paired

Decision = Literal["better", "worse", "within 5 points", "INCONCLUSIVE"]
_ONE_SIDED = 0.9
"""The two-sided interval whose lower end is the one-sided bound at 95%."""


class Success(BaseModel):
    """How many runs reached their goal."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    task: str
    """"" for all tasks together."""
    solved: int
    runs: int
    low: float
    """Of the Wilson interval at 95%, as is `high`."""
    high: float


class PairedSuccess(BaseModel):
    """The same runs in the reference and in another arm."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    runs: int
    """That both finished."""
    gained: int
    """Solved by the other arm alone."""
    lost: int
    """Solved by the reference alone."""
    p_value: float
    """Of McNemar's exact test, two-sided."""
    low: float
    """Of the difference, the arm's rate minus the reference's: Tango's interval at 95%, as is `high`."""
    high: float
    decision: Decision
    runs_needed: int | None
    """How many runs would decide if the others went as these; None where these do."""


class ArmSpeed(BaseModel):
    """How fast an arm was. Loading the model is not counted."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    seconds_per_step: float | None
    """The median; None without steps."""
    seconds_per_run: float | None
    tokens_per_second: float | None
    """Generated, over the time of the steps whose count is known."""


def successes(traces: Mapping[TraceKey, Trace]) -> list[Success]:
    """By task in the order of their names, then of all together where there are several."""
    tasks = sorted({key.task for key in traces})
    rows = [_success(task, [trace for key, trace in traces.items() if key.task == task]) for task in tasks]
    return [*rows, _success("", traces.values())] if len(rows) != 1 else rows


def pair(reference: Mapping[TraceKey, Trace], other: Mapping[TraceKey, Trace]) -> PairedSuccess | None:
    """The runs that both arms finished, compared; None where there are none."""
    keys = [key for key in reference if key in other]
    if not keys:
        return None
    solved = ({str(key): traces[key].halt.goal_reached for key in keys} for traces in (reference, other))
    paired = Paired(mcnemar(*solved))
    test, total = paired.test, paired.total
    decision = _decision(test, total)
    return PairedSuccess(
        runs=total,
        gained=test.gained,
        lost=test.lost,
        p_value=test.p_value,
        low=paired.interval.low,
        high=paired.interval.high,
        decision=decision,
        runs_needed=_runs_needed(test.gained, test.lost, total) if decision == "INCONCLUSIVE" else None,
    )


def _decision(test: McNemar, total: int) -> Decision:
    if test.p_value < SIGNIFICANT:
        return "better" if test.gained > test.lost else "worse"
    within = paired_interval(test.gained, test.lost, total, _ONE_SIDED).low >= -MARGIN
    return "within 5 points" if within else "INCONCLUSIVE"


def _runs_needed(gained: int, lost: int, total: int) -> int:
    """How many runs decide if the others go as these did."""
    runs, decision = total, "INCONCLUSIVE"
    while decision == "INCONCLUSIVE":
        runs += max(1, runs // 50)
        more, fewer = round(gained * runs / total), round(lost * runs / total)
        p_value = sign_test(more, fewer)
        decision = _decision(McNemar(more, fewer, runs - more - fewer, 0, p_value), runs)
    return runs


def speed(traces: Iterable[Trace]) -> ArmSpeed:
    """The speed over all steps of these traces."""
    traces = list(traces)
    steps = [step for trace in traces for step in trace.steps]
    counted = [step for step in steps if step.output_tokens is not None]
    seconds = sum(step.seconds for step in counted)
    return ArmSpeed(
        seconds_per_step=median(step.seconds for step in steps) if steps else None,
        seconds_per_run=median(trace.halt.wall_clock_s for trace in traces) if traces else None,
        tokens_per_second=sum(step.output_tokens or 0 for step in counted) / seconds if seconds > 0 else None,
    )


def _success(task: str, traces: Iterable[Trace]) -> Success:
    verdicts = [trace.halt.goal_reached for trace in traces]
    low, high = wilson(sum(verdicts), len(verdicts))
    return Success(task=task, solved=sum(verdicts), runs=len(verdicts), low=low, high=high)
