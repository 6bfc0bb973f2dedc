"""The pipeline: five stages, an evaluation after each of the last four, one run directory.

A run that was stopped, by Ctrl-C, by an error or by a kill, continues when the same command is given again: the run's
files say what each stage has done. `--resume` starts a new run from a finished stage of another one.
"""

import contextlib
import errno
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
from rich.console import Console

from callwright.errors import CallwrightError, ConfigError, DataError, StorageError
from callwright.evaluation.row import read_rows
from callwright.models.license import show_once
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.orchestration.environment import check_environment, describe_environment
from callwright.orchestration.plan import RemainingStage, describe_work
from callwright.orchestration.provenance import describe_versions
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.stages import RunContext, check_format, evaluate_stage, train_stage
from callwright.orchestration.start import begin, prepare
from callwright.report.command import print_report, write_results
from callwright.report.stage_list import SECTIONS, STAGES
from callwright.training.checkpoints import FILE
from callwright.yaml_files import format_yaml

STOPPED = 130
"""Exit code of a run that was asked to stop; the convention of shells for Ctrl-C."""


def run_pipeline(
    config_path: Path | None,
    *,
    stages: Sequence[int] | None = None,
    resume: Path | None = None,
    overrides: Sequence[str] = (),
    dry_run: bool = False,
    runs: Path = Path("runs"),
) -> int:
    """Runs the pipeline, or continues a run that was stopped.

    Args:
      config_path: The configuration file; all defaults when None.
      stages: Which stages; all enabled ones when None.
      resume: Another run, of which a finished stage is started from; as RUN on the command line names it.
      overrides: `key.path=value`, applied to the configuration.
      dry_run: Only say what would be done.
      runs: Where run directories are made.

    Returns:
      The exit code.

    Raises:
      CallwrightError: The user's input is wrong, or the work failed; all that was computed is on disk.
    """
    config = load_config(config_path, overrides)
    numbers = _stages(config, stages)
    context = prepare(config, runs, resume)
    created = context.run.created()
    versions, environment = describe_versions(), describe_environment()
    if created is not None and _remaining(context, numbers):
        check_environment(context.run.path, created, environment, versions)
    if dry_run:
        _print_plan(context, numbers)
        return 0
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)  # a path is no markup
    show_once(context.files.license, console.print)
    with context.run as run:
        begin(context, versions, environment)
        run.event("run_started", stages=numbers, command=shlex.join(sys.argv))
        entries = sum(map(len, config.evaluation.entries().values()))
        console.print(
            f"{run.path}: {context.files.name}, stages {' '.join(map(str, numbers))}, {entries} entries of BFCL"
        )
        console.print(f"  on {jax.device_count()} {jax.default_backend()} device(s); configuration {run.config_path}")
        with context.stop.listening():
            try:
                finished = _run_stages(context, numbers, console)
            finally:
                write_results(run)
        if not finished:
            console.print(f"Stopped. Everything is in {run.path}; give the same command again to continue.")
            return STOPPED
        run.event("run_finished", stages=numbers)
        print_report(run, write_results(run))
    return 0


def _print_plan(context: RunContext, numbers: Sequence[int]) -> None:
    _check_start(context, numbers)
    print(format_yaml(context.config.model_dump(mode="json")))
    if context.resume is not None:
        print(f"starting from {context.resume}")
    for line in describe_work(context.config, _remaining(context, numbers), context.files, context.tokenizer):
        print(line)


def _stages(config: PipelineConfig, stages: Sequence[int] | None) -> list[int]:
    if stages is None:
        return [n for n in STAGES if n not in SECTIONS or config.stage(n).enabled]
    unknown = sorted(set(stages) - STAGES.keys())
    if unknown or not stages:
        got = ", ".join(map(str, unknown)) or "none"
        raise ConfigError("stages from 1 to 5", got, "name stages such as --stages 3 4 5")
    return sorted(set(stages))


def _check_start(context: RunContext, numbers: Sequence[int]) -> None:
    """What the first training stage starts from must be there and fit; refused now, not after the stages before it."""
    first = next((number for number in numbers if number in SECTIONS), None)
    before = None if first is None else context.checkpoint_before(first)
    if before is not None:
        context.adapter(before)


def _remaining(context: RunContext, numbers: Sequence[int]) -> list[RemainingStage]:
    """The stages, the first apart, that still have to train or to evaluate."""
    trains = {number: number in SECTIONS and not _is_trained(context.run, number) for number in numbers if number > 1}
    return [
        RemainingStage(number, train) for number, train in trains.items() if train or not _is_evaluated(context, number)
    ]


def _run_stages(context: RunContext, numbers: Sequence[int], console: Console) -> bool:
    run = context.run
    _check_start(context, numbers)
    if remaining := _remaining(context, numbers):
        with contextlib.suppress(DataError):  # the stage that reads the data says and logs what is wrong with it
            for line in describe_work(context.config, remaining, context.files, context.tokenizer):
                console.print(f"  {line}", soft_wrap=True)
    for number in numbers:
        console.print(f"stage {number}: {STAGES[number].title}")
        try:
            if not _run_stage(context, number, numbers):
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
        write_results(run)
    return True


def _run_stage(context: RunContext, number: int, numbers: Sequence[int]) -> bool:
    if number == 1:
        training = [n for n in numbers if n in SECTIONS]
        return context.run.stage_finished(1) or check_format(context, training)
    if number in SECTIONS and not _is_trained(context.run, number) and not train_stage(context, number):
        return False
    return _is_evaluated(context, number) or evaluate_stage(context, number)


def _is_trained(run: RunDirectory, stage: int) -> bool:
    """Whether the stage left its adapter and logged it; killed between the two, it has nothing left to train."""
    return run.stage_finished(stage) and (run.checkpoint(stage) / FILE).is_file()


def _is_evaluated(context: RunContext, stage: int) -> bool:
    """Whether every sampled entry has its row, and the log says so."""
    directory = context.run.evaluation(stage)
    return context.run.evaluation_finished(stage) and all(
        {entry.id for entry in members} <= {row.id for row in read_rows(directory / f"{name}.jsonl")}
        for name, members in context.config.evaluation.entries().items()
    )
