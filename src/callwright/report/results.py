"""From a run's log and rows to its results: nothing here needs the model, so it can be done again at any time."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from callwright.errors import DataError
from callwright.evaluation.row import CategorySummary, summarize
from callwright.evaluation.run import EvaluationSettings
from callwright.evaluation.statistics import is_call_category, mcnemar
from callwright.html.numbers import moment
from callwright.report.events import Event, RunCreated, StageFailed, StageProgress, Step
from callwright.report.run_files import RunConfig, RunFiles
from callwright.report.schema import POOLED, Comparison, Cost, Evaluation, Results, Run, Score, Stage, StageStatus
from callwright.report.stage_list import EVALUATED, STAGES, PipelineStage
from callwright.settings import readable

Summaries = Mapping[int, Mapping[str, CategorySummary]]
"""Stage to category to what its rows add up to."""
OfStage = StageProgress | StageFailed | Step


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
    summaries = _summaries(run, config.evaluation)
    try:
        return _results(run, config, events, created, summaries)
    except ValidationError as error:
        fix = "restore the file, or run it again"
        raise readable(error, where=str(run.log_path), error=DataError, fix=fix) from error


def _results(
    run: RunFiles, config: RunConfig, events: Sequence[Event], created: RunCreated, summaries: Summaries
) -> Results:
    finished = [event.time for event in events if event.event == "run_finished"]
    in_use = run.in_use
    planned = created.planned
    if planned is None and summaries:
        planned = {name: len(members) for name, members in config.evaluation.entries().items()}
    return Results(
        run=Run(
            name=run.path.resolve().name,
            created=created.time,
            finished=finished[-1] if finished else None,
            config_sha256=created.config_sha256,
            seed=config.seed,
            command=created.command,
        ),
        model=created.model,
        versions=created.versions,
        stages=[
            _stage(stage, _events_of(stage.number, events), left_out=config.left_out(stage), in_use=in_use)
            for stage in STAGES.values()
        ],
        curves=_curves(events),
        evaluations={
            f"stage{number}": _evaluation(planned or {}, found, _events_of(number, events))
            for number, found in summaries.items()
        },
        comparisons=list(_comparisons(summaries)),
    )


def _events_of(stage: int, events: Iterable[Event]) -> list[OfStage]:
    return [event for event in events if isinstance(event, OfStage) and event.stage == stage]


def _stage(stage: PipelineStage, events: Sequence[OfStage], *, left_out: bool, in_use: bool) -> Stage:
    done = "evaluation_finished" if stage.kind == "evaluation" else "stage_finished"
    finished = [event for event in events if isinstance(event, StageProgress) and event.event == done]
    turns = [event for event in events if event.event in ("stage_failed", "stage_started", "evaluation_started")]
    failed = turns[-1] if turns and isinstance(turns[-1], StageFailed) else None
    if not events and left_out:
        message = f"the configuration leaves it out ({stage.section}.enabled is false)"
        return Stage(key=f"stage{stage.number}", title=stage.title, kind=stage.kind, status="skipped", message=message)
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
    return Stage(
        key=f"stage{stage.number}",
        title=stage.title,
        kind=stage.kind,
        status=status,
        message=message,
        cost=None if stage.kind == "evaluation" else _cost(events, ("stage_started", "stage_left", "step")),
        summary=summary,
    )


def _summary(finished: StageProgress) -> dict[str, Any]:
    """What a finished stage counted, what it started from and the files it was trained on, where the log says so."""
    start: dict[str, Any] = {"starts_from": finished.starts_from} if finished.starts_from else {}
    start |= {"data_files": finished.data_files} if finished.data_files else {}
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
        elif isinstance(event, Step):
            by_step[event.step] = event.tokens
    if previous is None:
        return None
    return Cost(seconds=seconds, tokens=tokens + sum(by_step.values()), peak_memory_bytes=peak or None)


def _curves(events: Iterable[Event]) -> dict[str, dict[str, list[tuple[int, float | None]]]]:
    """Metric by update; a step that was done again after a kill counts once."""
    curves: dict[str, dict[str, dict[int, float | None]]] = defaultdict(lambda: defaultdict(dict))
    for event in events:
        if isinstance(event, Step):
            for name, value in event.metrics.items():
                curves[f"stage{event.stage}"][name][event.step] = value
    return {stage: {name: sorted(c.items()) for name, c in metrics.items()} for stage, metrics in curves.items()}


def _summaries(run: RunFiles, settings: EvaluationSettings) -> Summaries:
    names = settings.sample if isinstance(settings.sample, dict) else settings.categories
    found = {stage: {name: summarize(run.evaluation(stage), name) for name in names} for stage in EVALUATED}
    return {stage: summaries for stage, summaries in found.items() if any(one.verdicts for one in summaries.values())}


def _evaluation(
    planned: Mapping[str, int], summaries: Mapping[str, CategorySummary], events: Iterable[OfStage]
) -> Evaluation:
    scores = {
        name: Score(
            correct=sum(one.verdicts.values()),
            total=len(one.verdicts),
            planned=max(planned.get(name, 0), len(one.verdicts)),
            called=one.called,
            loops=one.loops,
            errors=dict(one.errors),
        )
        for name, one in summaries.items()
    }
    tokens = sum(one.tokens for one in summaries.values())
    return Evaluation(categories=scores, cost=_cost(events, ("evaluation_started", "evaluation_left"), tokens))


def _comparisons(summaries: Summaries) -> Iterator[Comparison]:
    """Each stage against the one before it, and the last against the first."""
    numbers = list(summaries)
    pairs = list(itertools.pairwise(numbers))
    if len(numbers) > 2:
        pairs.append((numbers[0], numbers[-1]))
    for before, after in pairs:
        calls: tuple[dict[str, bool], dict[str, bool]] = ({}, {})
        for name in summaries[before]:
            old, new = summaries[before][name].verdicts, summaries[after][name].verdicts
            both = old.keys() & new.keys()
            old, new = ({key: side[key] for key in side if key in both} for side in (old, new))
            if not both:
                continue
            yield Comparison.of(f"stage{before}", f"stage{after}", name, mcnemar(old, new))
            if is_call_category(name):
                calls[0].update(old)
                calls[1].update(new)
        if calls[0]:
            yield Comparison.of(f"stage{before}", f"stage{after}", POOLED, mcnemar(*calls))
