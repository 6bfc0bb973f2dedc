"""From a run's log and rows to its results: nothing here needs the model, so it can be done again at any time."""

import datetime
import importlib.metadata
import itertools
import math
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import callwright
from callwright.errors import DataError
from callwright.evaluation.bfcl import WHEEL_SHA256
from callwright.evaluation.run import Tally, tally
from callwright.evaluation.statistics import is_call_category, mcnemar
from callwright.models.sources import ModelFiles
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.stages import TITLES
from callwright.report.schema import POOLED, Comparison, Cost, Evaluation, Model, Results, Run, Score, Stage, Versions

PACKAGES = (
    "jax", "jaxlib", "flax", "google-tunix", "qwix", "optax", "orbax-checkpoint", "numpy", "gguf", "safetensors",
    "sentencepiece", "scipy",
)  # fmt: skip
KINDS = {1: "format", 2: "evaluation", 3: "sft", 4: "sft", 5: "grpo"}
Event = Mapping[str, Any]


def describe_model(files: ModelFiles) -> dict[str, Any]:
    """The base model, as the log keeps it."""
    parameters = sum(math.prod(shape) for shape in files.config.tensor_shapes().values())
    model = Model(
        spec=files.spec,
        name=files.name,
        sha256=files.sha256,
        licence=files.licence.name,
        parameters=parameters,
    )
    return model.model_dump(mode="json")


def describe_versions() -> dict[str, Any]:
    """Everything installed that could change a number."""
    installed = {name: importlib.metadata.version(name) for name in PACKAGES}
    versions = Versions(
        callwright=callwright.__version__,
        python=sys.version.split()[0],
        platform=f"{platform.system()} {platform.machine()}",
        packages=installed,
        git_commit=_git_commit(),
        bfcl_data_sha256=WHEEL_SHA256,
    )
    return versions.model_dump(mode="json")


def build_results(run: RunDirectory) -> Results:
    """What the run has come to so far.

    Raises:
      DataError: the directory holds no run, or its log or rows are damaged.
      ConfigError: its configuration is damaged.
    """
    events = run.events()
    created = run.began_with()
    if created is None:
        raise DataError(f"a run in {run.path}", "no events.jsonl of one", "name a directory under runs/")
    if not run.config_path.is_file():
        raise DataError(f"a run in {run.path}", "no config.yaml", "give its command again, which writes the file anew")
    config = run.read_config()
    tallies = _tallies(run, config)
    try:
        return _results(run, config, events, created, tallies)
    except (KeyError, TypeError, ArithmeticError, ValidationError) as error:
        first = error.errors(include_input=False)[0] if isinstance(error, ValidationError) else None
        came = (
            f"{'.'.join(map(str, first['loc'][:4]))}: {first['msg']}" if first else f"{type(error).__name__}: {error}"
        )
        raise DataError(f"a run's events in {run.log_path}", came, "restore the file, or run it again") from error


def _results(
    run: RunDirectory,
    config: PipelineConfig,
    events: Sequence[Event],
    created: Event,
    tallies: Mapping[int, Mapping[str, Tally]],
) -> Results:
    finished = [event for event in events if event["event"] == "run_finished"]
    planned = created.get("planned")
    if planned is None and tallies:  # runs of earlier versions do not say
        planned = {name: len(members) for name, members in config.evaluation.entries().items()}
    return Results(
        run=Run(
            name=run.path.resolve().name,
            created=created["time"],
            finished=finished[-1]["time"] if finished else None,
            config_sha256=config.sha256,
            seed=config.seed,
            command=created["command"],
        ),
        model=Model.model_validate(created["model"]),
        versions=Versions.model_validate(created["versions"]),
        stages=[_stage(number, events) for number in TITLES],
        curves=_curves(events),
        evaluations={f"stage{n}": _evaluation(planned or {}, n, found, events) for n, found in tallies.items()},
        comparisons=list(_comparisons(tallies)),
    )


def _stage(number: int, events: Iterable[Event]) -> Stage:
    mine = [event for event in events if event.get("stage") == number]
    kind = "evaluation" if number == 2 else "stage"
    finished = [event for event in mine if event["event"] == f"{kind}_finished"]
    ends = [event for event in mine if event["event"] in ("stage_failed", "stage_started", "evaluation_started")]
    status, message = "pending", ""
    if finished:
        status = "done"
    elif ends and ends[-1]["event"] == "stage_failed":
        status, message = "failed", ends[-1]["message"]
    elif mine:
        status = "running"
    hidden = {"time", "event", "stage", "done", "peak_memory_bytes"}
    summary = {key: value for key, value in (finished[-1] if finished else {}).items() if key not in hidden}
    return Stage.model_validate(
        {
            "key": f"stage{number}",
            "title": TITLES[number],
            "kind": KINDS[number],
            "status": status,
            "message": message,
            "cost": _cost(mine, "stage") if number != 2 and mine else None,
            "summary": summary,
        }
    )


def _cost(mine: Iterable[Event], kind: str, tokens: int = 0) -> Cost | None:
    """The time between the events of each process added up, tokens of every step once, and the highest peak."""
    own = {f"{kind}_started", f"{kind}_left"} | ({"step"} if kind == "stage" else set())
    seconds, peak, by_step = 0.0, 0, dict[int, int]()
    previous: datetime.datetime | None = None
    for event in mine:
        if event["event"] not in own:
            continue
        time = datetime.datetime.fromisoformat(event["time"])
        if previous is not None and not event["event"].endswith("_started"):
            seconds += max(0.0, (time - previous).total_seconds())  # a clock can be set back
        previous = time
        peak = max(peak, event.get("peak_memory_bytes", 0))
        if event["event"] == "step":
            by_step[event["step"]] = event.get("tokens", 0)
    if previous is None:
        return None
    return Cost(seconds=seconds, tokens=tokens + sum(by_step.values()), peak_memory_bytes=peak or None)


def _curves(events: Iterable[Event]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Metric by update; a step that was done again after a kill counts once."""
    curves: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for event in events:
        if event["event"] == "step":
            for name, value in event.items():
                if isinstance(value, int | float) and name not in ("step", "stage"):
                    curves[f"stage{event['stage']}"][name][event["step"]] = value
    return {stage: {name: sorted(c.items()) for name, c in metrics.items()} for stage, metrics in curves.items()}


def _tallies(run: RunDirectory, config: PipelineConfig) -> dict[int, dict[str, Tally]]:
    found: dict[int, dict[str, Tally]] = {}
    for number in (2, 3, 4, 5):
        names = config.evaluation.sample if isinstance(config.evaluation.sample, dict) else config.evaluation.categories
        tallies = {name: tally(run.evaluation(number), name) for name in names}
        if any(one.verdicts for one in tallies.values()):
            found[number] = tallies
    return found


def _evaluation(
    planned: Mapping[str, int], number: int, tallies: Mapping[str, Tally], events: Iterable[Event]
) -> Evaluation:
    scores = {
        name: Score(
            correct=sum(one.verdicts.values()),
            total=len(one.verdicts),
            planned=max(planned.get(name, 0), len(one.verdicts)),
            called=one.called,
            errors=dict(one.errors),
        )
        for name, one in tallies.items()
    }
    mine = [event for event in events if event.get("stage") == number]
    tokens = sum(one.tokens for one in tallies.values())
    return Evaluation(categories=scores, cost=_cost(mine, "evaluation", tokens))


def _comparisons(tallies: Mapping[int, Mapping[str, Tally]]) -> Iterable[Comparison]:
    """Each stage against the one before it, and the last against the first."""
    numbers = list(tallies)
    pairs = list(itertools.pairwise(numbers))
    if len(numbers) > 2:
        pairs.append((numbers[0], numbers[-1]))
    for before, after in pairs:
        calls: tuple[dict[str, bool], dict[str, bool]] = ({}, {})
        for name in tallies[before]:
            old, new = tallies[before][name].verdicts, tallies[after][name].verdicts
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


def _git_commit() -> str | None:
    """The commit of the checkout that this code runs from, if it is one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
