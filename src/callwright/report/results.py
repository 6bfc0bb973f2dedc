"""From a run's log and rows to its results: nothing here needs the model, so it can be done again at any time."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from callwright.errors import DataError
from callwright.evaluation.row import CategorySummary, RowCounts, summarize
from callwright.evaluation.settings import EvaluationSettings, SuiteName
from callwright.evaluation.statistics import is_call_category, mcnemar
from callwright.html.numbers import moment
from callwright.report.events import Event, RunCreated, StageFailed, StageProgress, UpdateStep
from callwright.report.run_files import RunConfig, RunFiles
from callwright.report.schema import (
    NO_CALL,
    POOLED,
    SUITES,
    Comparison,
    Cost,
    Results,
    Run,
    Score,
    Stage,
    StageStatus,
    Suite,
)
from callwright.report.stage_list import EVALUATED, STAGES, PipelineStage
from callwright.settings import readable

Summaries = Mapping[int, Mapping[str, CategorySummary]]
"""Of one suite, stage to category to what its rows add up to."""
Planned = Mapping[SuiteName, Mapping[str, int]]
"""Of one stage, suite to category to how many entries are asked."""
OfStage = StageProgress | StageFailed | UpdateStep


def build_results(run: RunFiles) -> Results:
    """What the run has come to so far.

    Raises:
      DataError: The directory holds no run, or its log or rows are damaged.
      ConfigError: Its configuration is damaged.
    """
    events, created = run.events(), run.created()
    if created is None:
        raise DataError(f"a run in {run.path}", "no events.jsonl of one", "name a directory under runs/")
    if not run.config_path.is_file():
        raise DataError(f"a run in {run.path}", "no config.yaml", "give its command again, which writes the file anew")
    config = run.run_config()
    planned = {stage: _planned(created, config.evaluation, stage) for stage in EVALUATED}
    summaries = {suite: _summaries(run, suite, planned) for suite in SUITES}
    if created.suites(EVALUATED[0]) is None and summaries["bfcl"]:
        counts = {name: len(members) for name, members in config.evaluation.bfcl.entries().items()}
        planned = {stage: {"bfcl": counts} for stage in EVALUATED}
    try:
        return _results(run, config, events, created, planned, summaries)
    except ValidationError as error:
        fix = "restore the file, or run it again"
        raise readable(error, where=str(run.log_path), error=DataError, fix=fix) from error


def _results(
    run: RunFiles,
    config: RunConfig,
    events: Sequence[Event],
    created: RunCreated,
    planned: Mapping[int, Planned],
    summaries: Mapping[SuiteName, Summaries],
) -> Results:
    finished = [event.time for event in events if event.event == "run_finished"]
    in_use = run.in_use
    return Results(
        run=Run(
            name=run.path.resolve().name,
            created=created.time,
            finished=finished[-1] if finished else None,
            config_sha256=created.config_sha256,
            seed=config.seed,
            command=created.command,
            note=created.budget.note if created.budget else "",
        ),
        model=created.model,
        versions=created.versions,
        stages=[
            _stage(stage, _events_of(stage.number, events), config, planned.get(stage.number, {}), in_use=in_use)
            for stage in STAGES.values()
        ],
        curves=_curves(events),
        evaluations={
            f"stage{stage}": found
            for stage in EVALUATED
            if (found := dict(_suites(stage, planned[stage], summaries, _events_of(stage, events))))
        },
        comparisons=[test for suite in SUITES for test in _comparisons(suite, summaries[suite])],
    )


def _events_of(stage: int, events: Iterable[Event]) -> list[OfStage]:
    return [event for event in events if isinstance(event, OfStage) and event.stage == stage]


def _stage(
    stage: PipelineStage, events: Sequence[OfStage], config: RunConfig, planned: Planned, *, in_use: bool
) -> Stage:
    progress = [event for event in events if isinstance(event, StageProgress)]
    if stage.kind == "evaluation":
        finished = [event for event in progress if event.event == "evaluation_finished"]
        finished = finished if {event.suite for event in finished} >= planned.keys() else []
    else:
        finished = [event for event in progress if event.event == "stage_finished"]
    suites = tuple(planned)
    turns = [event for event in events if event.event in ("stage_failed", "stage_started", "evaluation_started")]
    failed = turns[-1] if turns and isinstance(turns[-1], StageFailed) else None
    if not events and (why := _left_out(stage, config, planned)):
        return Stage(
            key=f"stage{stage.number}", title=stage.title, kind=stage.kind, status="skipped", message=why, suites=suites
        )
    status: StageStatus = "pending"
    message = ""
    if finished:
        status, message = "done", finished[-1].note
    elif failed is not None:
        status, message = "failed", failed.message
    elif events and in_use and events[-1].event not in ("stage_left", "evaluation_left"):
        status = "running"
    elif events:
        started, last = (turns or events)[-1].time, events[-1].time
        status, message = "stopped", f"started at {moment(started)}, no sign of life since {moment(last)}"
    summary = _summary(finished[-1]) if finished else {}
    if stage.kind == "evaluation" and finished:
        summary["entries"] = sum(map(sum, (categories.values() for categories in planned.values())))
    return Stage(
        key=f"stage{stage.number}",
        title=stage.title,
        kind=stage.kind,
        status=status,
        message=message,
        cost=None if stage.kind == "evaluation" else _cost(events, ("stage_started", "stage_left", "step")),
        suites=suites,
        summary=summary,
    )


def _left_out(stage: PipelineStage, config: RunConfig, planned: Planned) -> str:
    """Why the configuration leaves a stage out; "" where it does not."""
    if config.left_out(stage):
        return f"the configuration leaves it out ({stage.section}.enabled is false)"
    if stage.kind == "evaluation" and not planned:
        return f"the configuration leaves it out (no suite of evaluation has {stage.number} in `after`)"
    return ""


def _summary(finished: StageProgress) -> dict[str, Any]:
    """What a finished stage counted, and where the log says so, what it started from, the files it was trained on, and
    how its prompts were drawn.
    """
    start: dict[str, Any] = {"starts_from": finished.starts_from} if finished.starts_from else {}
    start |= {"data_files": finished.data_files} if finished.data_files else {}
    start |= {"prompt_weights": finished.prompt_weights} if finished.prompt_weights else {}
    return start | {name: value for name, value in (finished.model_extra or {}).items() if name != "done"}


def _cost(events: Iterable[OfStage], kinds: Sequence[str], tokens: int = 0) -> Cost | None:
    """The time between the events of each process added up, the tokens of every step once, and the highest peak.

    Args:
      events: Of one stage.
      kinds: The events that count, the one with which a process began the work first.
      tokens: Tokens of no step.
    """
    seconds, peak, by_step = 0.0, 0, dict[int, int]()
    previous: datetime | None = None
    for event in events:
        if event.event not in kinds:
            continue
        if previous is not None and event.event != kinds[0]:
            seconds += max(0.0, (event.time - previous).total_seconds())  # a clock can be set back
        previous = event.time
        if isinstance(event, StageProgress):
            peak = max(peak, event.peak_memory_bytes)
        elif isinstance(event, UpdateStep):
            by_step[event.step] = event.tokens
    if previous is None:
        return None
    return Cost(seconds=seconds, tokens=tokens + sum(by_step.values()), peak_memory_bytes=peak or None)


def _curves(events: Iterable[Event]) -> dict[str, dict[str, list[tuple[int, float | None]]]]:
    """Metric by update; a step that was done again after a kill counts once."""
    curves: dict[str, dict[str, dict[int, float | None]]] = defaultdict(lambda: defaultdict(dict))
    for event in events:
        if isinstance(event, UpdateStep):
            for name, value in event.metrics.items():
                curves[f"stage{event.stage}"][name][event.step] = value
    return {stage: {name: sorted(c.items()) for name, c in metrics.items()} for stage, metrics in curves.items()}


def _planned(created: RunCreated, settings: EvaluationSettings, stage: int) -> Planned:
    """What the evaluation after a stage asks, as the log says it; where it does not, the categories alone."""
    sample = settings.bfcl.sample
    names = sample if isinstance(sample, dict) else settings.bfcl.categories
    planned = created.suites(stage)
    return {"bfcl": dict.fromkeys(names, 0)} if planned is None else planned


def _summaries(run: RunFiles, suite: SuiteName, planned: Mapping[int, Planned]) -> Summaries:
    found = {
        stage: {name: summarize(run.evaluation(stage, suite), name) for name in suites[suite]}
        for stage, suites in planned.items()
        if suite in suites
    }
    return {stage: summaries for stage, summaries in found.items() if any(one.verdicts for one in summaries.values())}


def _suites(
    stage: int, planned: Planned, summaries: Mapping[SuiteName, Summaries], events: Iterable[OfStage]
) -> Iterator[tuple[SuiteName, Suite]]:
    """The suites that have scored something after a stage."""
    for suite, found in summaries.items():
        if stage in found:
            mine = [event for event in events if not isinstance(event, StageProgress) or event.suite == suite]
            yield suite, _suite(suite, planned[suite], found[stage], mine)


def _suite(
    suite: SuiteName, planned: Mapping[str, int], summaries: Mapping[str, CategorySummary], events: Iterable[OfStage]
) -> Suite:
    by_tool: dict[str, RowCounts] = {}
    confusion: dict[str, Counter[str]] = {}
    if suite == "tools":
        for one in summaries.values():
            for tool, counts in one.by_tool.items():
                by_tool.setdefault(tool, RowCounts()).extend(counts)
            for tool, called in one.confusion.items():
                confusion.setdefault(tool or NO_CALL, Counter()).update(
                    {name or NO_CALL: number for name, number in called.items()}
                )
    tokens = sum(one.tokens for one in summaries.values())
    return Suite(
        categories={name: score_of(one, planned.get(name, 0)) for name, one in summaries.items()},
        by_tool={tool: score_of(by_tool[tool]) for tool in sorted(by_tool)},
        confusion={tool: dict(confusion[tool]) for tool in sorted(confusion)},
        cost=_cost(events, ("evaluation_started", "evaluation_left"), tokens),
    )


def score_of(counts: RowCounts, planned: int = 0) -> Score:
    """The score of some rows, of which so many are planned."""
    return Score(
        correct=sum(counts.verdicts.values()),
        total=len(counts.verdicts),
        planned=max(planned, len(counts.verdicts)),
        called=counts.called,
        loops=counts.loops,
        errors=dict(counts.errors),
    )


def _comparisons(suite: SuiteName, summaries: Summaries) -> Iterator[Comparison]:
    """Each stage against the one before it, and the last against the first."""
    numbers = list(summaries)
    pairs = list(itertools.pairwise(numbers))
    if len(numbers) > 2:
        pairs.append((numbers[0], numbers[-1]))
    for before, after in pairs:
        calls: tuple[dict[str, bool], dict[str, bool]] = ({}, {})
        for name in (name for name in summaries[before] if name in summaries[after]):
            old, new = summaries[before][name].verdicts, summaries[after][name].verdicts
            both = old.keys() & new.keys()
            old, new = ({key: side[key] for key in side if key in both} for side in (old, new))
            if not both:
                continue
            yield Comparison.of(suite, f"stage{before}", f"stage{after}", name, mcnemar(old, new))
            if is_call_category(name):
                calls[0].update(old)
                calls[1].update(new)
        if calls[0]:
            yield Comparison.of(suite, f"stage{before}", f"stage{after}", POOLED, mcnemar(*calls))
