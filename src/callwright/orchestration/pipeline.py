"""The pipeline: five stages, an evaluation after each of the last four, one run directory.

A run that was stopped, by Ctrl-C, by an error or by a kill, continues when the same command is given again: the run's
files say what each stage has done. `--resume` starts a new run from a finished stage of another one.
"""

import contextlib
import dataclasses
import errno
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
from rich.console import Console

from callwright.errors import CallwrightError, DataError, StorageError
from callwright.models.license import show_once
from callwright.orchestration.budget import scale_new_run
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.data_checks import check_data, refuse_other_data
from callwright.orchestration.environment import check_environment, describe_environment
from callwright.orchestration.estimate import Estimator, training_memory
from callwright.orchestration.machine import check_machine
from callwright.orchestration.plan import RemainingStage, describe_suites, describe_work
from callwright.orchestration.provenance import describe_versions
from callwright.orchestration.stages import (
    RunContext,
    check_stage,
    evaluate_stage,
    is_asked,
    refuse_other_tools,
    train_stage,
)
from callwright.orchestration.start import begin, prepare
from callwright.orchestration.starting_point import StartingPoint, is_trained, starting_points
from callwright.report.command import print_report, write_results
from callwright.report.stage_list import SECTIONS, STAGES
from callwright.training.checkpoints import has_steps
from callwright.yaml_files import format_yaml

STOPPED = 130
"""Exit code of a run that was asked to stop; the convention of shells for Ctrl-C."""
Starts = Mapping[int, StartingPoint]
"""What each training stage that a command will train starts from."""


def run_pipeline(
    config: PipelineConfig, numbers: Sequence[int], *, resume: Path | None, dry_run: bool, runs: Path, whole: str
) -> int:
    """Runs the pipeline, or continues a run that was stopped.

    Args:
      config: The configuration as it was given.
      numbers: The stages to run, in their order.
      resume: Another run, of which a finished stage is started from; as RUN on the command line names it.
      dry_run: Only say what would be done.
      runs: Where run directories are made.
      whole: The command that runs the same without a budget.

    Returns:
      The exit code.

    Raises:
      CallwrightError: The user's input is wrong, or the work failed; all that was computed is on disk.
    """
    context = prepare(config, runs, resume)
    starts = _check_starts(context, numbers)
    created = context.run.created()
    versions, environment = describe_versions(), describe_environment()
    if created is not None and _remaining(context, numbers, starts):
        check_environment(context.run.path, created, environment, versions)
    estimator = Estimator(context.files, context.tokenizer)
    scaling = None
    if created is None and (scaling := scale_new_run(config, numbers, estimator, resumes=resume is not None)):
        context = dataclasses.replace(context, config=scaling.config)
    budget = [] if scaling is None else [scaling.describe(whole)]
    if dry_run:
        _print_plan(context, numbers, starts, estimator, budget)
    _check_work(context, numbers, starts)
    if dry_run:
        return 0
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)  # a path is no markup
    show_once(context.files.license, console.print)
    with context.run as run:
        begin(context, versions, environment, scaling.record if scaling else None)
        run.event("run_started", stages=numbers, command=shlex.join(sys.argv))
        asked = describe_suites(context.config)
        console.print(f"{run.path}: {context.files.name}, stages {' '.join(map(str, numbers))}, {asked}")
        console.print(f"  on {jax.device_count()} {jax.default_backend()} device(s); configuration {run.config_path}")
        for line in budget:
            console.print(f"  {line}", soft_wrap=True)
        with context.stop.listening():
            try:
                finished = _run_stages(context, numbers, starts, estimator, console)
            finally:
                write_results(run)
        if not finished:
            console.print(f"Stopped. Everything is in {run.path}; give the same command again to continue.")
            return STOPPED
        run.event("run_finished", stages=numbers)
        print_report(run, write_results(run))
    return 0


def _check_work(context: RunContext, numbers: Sequence[int], starts: Starts) -> None:
    """Refuses what the stages would refuse at their start, before there is a directory for them."""
    config = context.config
    memory = {number: training_memory(config.stage(number).training, context.files.config) for number in starts}
    check_machine(config, memory)
    for number in starts if 1 not in numbers else _to_check(config, numbers, starts):
        config.sources(number)


def _print_plan(
    context: RunContext, numbers: Sequence[int], starts: Starts, estimator: Estimator, budget: Sequence[str]
) -> None:
    print(format_yaml(context.config.model_dump(mode="json")))
    if context.resume is not None:
        print(f"starting from {context.resume}")
    print(*(f"{line}\n" for line in budget), sep="", end="")
    for line in describe_work(context.config, _remaining(context, numbers, starts), estimator, check=True):
        print(line)
    for stage in _to_check(context.config, numbers, starts) if 1 in numbers else ():
        if stage in starts:
            continue
        if check := check_data(context.config, stage, context.fmt, tokenizer=context.tokenizer):
            print(f"stage 1: {check.summary()['examples']} examples of {SECTIONS[stage]} ({check})")
            print(*(f"  {finding}\n" for finding in check.lines()), sep="", end="")


def _check_starts(context: RunContext, numbers: Sequence[int]) -> Starts:
    """What the training stages start from. What this command does not train must be there and fit, and one that was
    stopped goes on with the data that it began with, as evaluations do: refused before anything is written.
    """
    starts = starting_points(context.config, context.run, context.resume, numbers)
    for start in starts.values():
        if start.checkpoint is not None and start.name not in {f"stage{number}" for number in starts}:
            context.adapter(start.checkpoint)
    for number in starts:
        if has_steps(context.run.checkpoint(number)):
            refuse_other_data(context.run, number, context.config.source(number).digests())
    for number in numbers:
        for name, settings in context.config.evaluation.after(number).items():
            if not is_asked(context, number, name):
                refuse_other_tools(context.run, settings)
    return starts


def _remaining(context: RunContext, numbers: Sequence[int], starts: Starts) -> list[RemainingStage]:
    """The stages, the first apart, that still have to train or to evaluate."""
    return [
        RemainingStage(number, starts.get(number))
        for number in numbers
        if number > 1 and (number in starts or not _is_evaluated(context, number))
    ]


def _run_stages(
    context: RunContext, numbers: Sequence[int], starts: Starts, estimator: Estimator, console: Console
) -> bool:
    run = context.run
    if remaining := _remaining(context, numbers, starts):
        with contextlib.suppress(DataError):  # the stage that reads the data says and logs what is wrong with it
            for line in describe_work(context.config, remaining, estimator):
                console.print(f"  {line}", soft_wrap=True)
    for number in numbers:
        console.print(f"stage {number}: {STAGES[number].title}")
        try:
            if not _run_stage(context, number, numbers, starts):
                return False
        except CallwrightError as error:
            run.event("stage_failed", stage=number, message=str(error))
            raise
        except (OSError, ValueError) as error:  # checkpoints report a full disk as a ValueError with the system's words
            reason = next((line for line in str(error).splitlines() if os.strerror(errno.ENOSPC) in line), None)
            if reason is None and not isinstance(error, OSError):
                raise
            run.event("stage_failed", stage=number, message=reason or str(error))
            raise StorageError(
                f"to write in {run.path}", reason or str(error), "free some space and give the same command again"
            ) from error
        results = write_results(run)
        if note := results.stages[number - 1].message:
            console.print(f"  {note}", soft_wrap=True)
    return True


def _run_stage(context: RunContext, number: int, numbers: Sequence[int], starts: Starts) -> bool:
    if number == 1:
        return check_stage(context, _to_check(context.config, numbers, starts))
    if number in starts and not is_trained(context.run, number) and not train_stage(context, number, starts[number]):
        return False
    return evaluate_stage(context, number)


def _to_check(config: PipelineConfig, numbers: Sequence[int], starts: Starts) -> list[int]:
    """The training stages whose data stage 1 checks: those that this command trains, or if it names none, all that are
    enabled.
    """
    if any(number in SECTIONS for number in numbers):
        return list(starts)
    return [number for number in SECTIONS if config.stage(number).enabled]


def _is_evaluated(context: RunContext, stage: int) -> bool:
    """Whether every suite that follows the stage was asked all that it asks."""
    return all(is_asked(context, stage, name) for name in context.config.evaluation.after(stage))
