"""The command `callwright run`: mistakes in the configuration and in the options are told before JAX is imported, which
takes seconds.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from callwright.errors import ConfigError
from callwright.orchestration.config import NAME_ONE, OFF, PipelineConfig, load_config
from callwright.orchestration.durations import format_duration, parse_duration
from callwright.report.stage_list import SECTIONS, STAGES

RUNS = Path("runs")
"""Where run directories are made."""


def run(
    config_path: Path | None,
    *,
    stages: Sequence[int] | None = None,
    resume: Path | None = None,
    overrides: Sequence[str] = (),
    budget: str | None = None,
    dry_run: bool = False,
    runs: Path = RUNS,
) -> int:
    """Runs the pipeline, or continues a run that was stopped.

    Args:
      config_path: The configuration file; None is refused.
      stages: Which stages; all enabled ones when None.
      resume: Another run, of which a finished stage is started from; as RUN on the command line names it.
      overrides: `key.path=value`, applied to the configuration.
      budget: In place of the configuration's: a duration such as 25m, or `off`.
      dry_run: Only say what would be done.
      runs: Where run directories are made.

    Returns:
      The exit code.

    Raises:
      CallwrightError: The user's input is wrong, or the work failed; all that was computed is on disk.
      KeyboardInterrupt: The run was aborted; the words say how it continues.
    """
    if budget is not None:
        overrides = [*overrides, f"budget={_checked(budget)}"]
    config = load_config(config_path, overrides)
    numbers = _stages(config, stages)
    if config_path is None:  # wrong options are told first
        raise ConfigError("a configuration", "none", NAME_ONE)
    from callwright.orchestration.pipeline import run_pipeline

    whole = _whole_command(config_path, config.name, stages, resume, overrides, runs)
    try:
        return run_pipeline(config, numbers, resume=resume, dry_run=dry_run, runs=runs, whole=whole)
    except KeyboardInterrupt:
        if dry_run:
            raise
        kept = "what was written before is kept; the run continues when its command is given again"
        raise KeyboardInterrupt(kept) from None


def _checked(budget: str) -> str:
    """What `--budget` says.

    Raises:
      ConfigError: It is neither a duration nor `off`.
    """
    try:
        return OFF if budget == OFF else format_duration(parse_duration(budget))
    except ConfigError as error:
        raise ConfigError(f"{error.expected} after --budget", error.got, error.fix) from error


def _whole_command(
    config: Path, name: str, stages: Sequence[int] | None, resume: Path | None, overrides: Sequence[str], runs: Path
) -> str:
    """The command that runs the same without a budget, under another name: a run keeps what it began with."""
    words = ["callwright", "run", str(config), "--budget", OFF]
    words += [] if stages is None else ["--stages", *map(str, stages)]
    words += [] if resume is None else ["--resume", str(resume)]
    words += [] if runs == RUNS else ["--runs", str(runs)]
    settings = [override for override in overrides if override.partition("=")[0].strip() not in ("budget", "name")]
    return shlex.join([*words, *(word for one in (*settings, f"name={name}-whole") for word in ("--set", one))])


def _stages(config: PipelineConfig, stages: Sequence[int] | None) -> list[int]:
    if stages is None:
        return [n for n in STAGES if n not in SECTIONS or config.stage(n).enabled]
    unknown = sorted(set(stages) - STAGES.keys())
    if unknown or not stages:
        got = ", ".join(map(str, unknown)) or "none"
        fix = f"name some of: {', '.join(f'{n} {STAGES[n].title}' for n in STAGES)}"
        raise ConfigError("stages from 1 to 5 after --stages", got, fix)
    return sorted(set(stages))
