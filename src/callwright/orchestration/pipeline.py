"""The pipeline: five stages by the seed's numbers, an evaluation after each of the last four, one run directory.

A run that was stopped, by Ctrl-C, by an error or by a kill, goes on when the same command is given again: each stage
knows from the disk what it has done. `--resume` starts a new run from a finished stage of another one.
"""

import contextlib
import errno
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import yaml
from rich.console import Console

from callwright.errors import CallwrightError, ConfigError, DataError, StorageError, WeightsError
from callwright.evaluation.run import read_rows
from callwright.formats import get_format
from callwright.formats.base import check_tokenizer
from callwright.models.licence import show_once
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.orchestration.config import SECTIONS, PipelineConfig, load_config
from callwright.orchestration.plan import Left, describe
from callwright.orchestration.results import build_results, describe_model, describe_versions
from callwright.orchestration.rundir import RunDirectory, changed_keys
from callwright.orchestration.stages import TITLES, Workshop, check_format, evaluate_stage, train_stage
from callwright.orchestration.watch import Interrupt
from callwright.progress import Bar, track
from callwright.report.html import write_report
from callwright.report.table import print_table
from callwright.storage import cache_dir, sha256_file
from callwright.training.checkpoints import FILE, load_adapter, read_card

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
    """Runs the pipeline, or goes on with it.

    Args:
      config_path: The configuration file; all defaults when None.
      stages: Which stages; all enabled ones when None.
      resume: A finished stage of another run to start from, e.g. runs/x/checkpoints/stage3.
      overrides: `key.path=value`, applied to the configuration.
      dry_run: Only say what would be done.
      runs: Where run directories are made.

    Returns:
      The exit code.

    Raises:
      CallwrightError: what the user must mend, or what went wrong; all that was computed is on disk.
    """
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)  # a path is no markup
    config = load_config(config_path, overrides)
    numbers = _stages(config, stages)
    if resume is not None:
        read_card(resume)
    _use_compilation_cache()
    entries = config.evaluation.entries()  # fetches the benchmark, before anything long begins
    with contextlib.ExitStack() as shown:
        files = resolve_model(config.model.source, progress=_converting(shown))
    tokenizer = load_tokenizer(files.directory)
    check_tokenizer(get_format(config.format.name, config.format.variant), tokenizer)
    if resume is not None:
        load_adapter(resume, model_sha256=files.sha256, lora=config.lora)
    began: dict[str, Any] = {
        "config_sha256": config.sha256,
        "resume": None if resume is None else {"path": str(resume), "sha256": sha256_file(resume / FILE)},
    }
    path = _find_run(runs, config, began, files.sha256, new=resume is not None)
    if dry_run:
        shop = Workshop(config, RunDirectory(path), files, tokenizer, resume, Interrupt())
        _check_start(shop, numbers)
        print(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
        if resume is not None:
            print(f"starting from {resume}")
        for line in describe(config, _left(shop, numbers), files, tokenizer):
            print(line)
        return 0
    show_once(files.licence, console.print)
    with RunDirectory(path) as run:
        fresh = run.began_with() is None
        if fresh or not run.config_path.is_file():  # if it was removed, the log's hash says that it was this one
            run.write_config(config)
        if fresh:
            began |= {"command": shlex.join(sys.argv), "model": describe_model(files), "versions": describe_versions()}
            began["planned"] = {name: len(members) for name, members in entries.items()}
            run.event("run_created", **began)
        build_results(run)  # a damaged file is named now, not after the first stage
        run.event("run_started", stages=numbers, command=shlex.join(sys.argv))
        asked = sum(map(len, entries.values()))
        console.print(f"{run.path}: {files.name}, stages {' '.join(map(str, numbers))}, {asked} entries of BFCL")
        console.print(f"  on {jax.device_count()} {jax.default_backend()} device(s); configuration {run.config_path}")
        with Interrupt().listening() as stop:
            shop = Workshop(config, run, files, tokenizer, resume, stop)
            try:
                finished = _run_stages(shop, numbers, console)
            finally:
                _write_results(run)
        if not finished:
            console.print(f"Stopped. Everything is in {run.path}; give the same command again to go on.")
            return STOPPED
        run.event("run_finished", stages=numbers)
        _write_results(run)
        print_table(build_results(run))
        print(f"\nReport: {run.report_path}")
    return 0


def _stages(config: PipelineConfig, stages: Sequence[int] | None) -> list[int]:
    if stages is None:
        return [n for n in TITLES if n not in SECTIONS or config.stage(n).enabled]
    unknown = sorted(set(stages) - TITLES.keys())
    if unknown or not stages:
        came = ", ".join(map(str, unknown)) or "none"
        raise ConfigError("stages from 1 to 5", came, "name stages such as --stages 3 4 5")
    return sorted(set(stages))


def _converting(shown: contextlib.ExitStack) -> Callable[[int, int], None]:
    """A bar for the conversion of weights, which appears only if there is something to convert."""
    bars: list[Bar] = []
    said = 0

    def progress(done: int, total: int) -> None:
        nonlocal said
        if not bars:
            bars.append(shown.enter_context(track("converting the weights", total, "parameters")))
        bars[0].advance(done - said)
        said = done

    return progress


def _use_compilation_cache() -> None:
    """A program compiled once is compiled for every later stage and run; a resumed run starts at once.

    A cache that the user named, in JAX_COMPILATION_CACHE_DIR, is left as she set it up.
    """
    if jax.config.jax_compilation_cache_dir is not None:
        return
    jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)


def _find_run(runs: Path, config: PipelineConfig, began: dict[str, Any], weights: str, *, new: bool) -> Path:
    """The run's directory: the one of this name; for a resumed stage the first that is free, or unfinished and ours."""
    if not new:
        run = RunDirectory(runs / config.name)
        first = run.began_with()
        if first is not None and not _same(first, began):
            _refuse_change(run, config)
        if first is not None and _weights(first) != weights:
            raise WeightsError(
                f"the weights that {run.path} began with (sha256 {_weights(first)})",
                f"{weights} from {config.model.source}",
                "put the old weights back, give the run another name (--set name=...), or remove "
                f"{run.path} to start it again",
            )
        return run.path
    number = 2
    while True:
        run = RunDirectory(runs / f"{config.name}-{number}")
        first = run.began_with()
        if first is None or (_same(first, began) and _weights(first) == weights and not run.finished):
            return run.path
        number += 1


def _same(first: dict[str, Any], began: dict[str, Any]) -> bool:
    return all(first.get(key) == value for key, value in began.items())


def _weights(first: dict[str, Any]) -> str:
    """The hash of the weights that a run began with; others would make it two runs in one."""
    return str(first["model"].get("sha256"))


def _refuse_change(run: RunDirectory, config: PipelineConfig) -> None:
    came = "another one"
    if run.config_path.is_file():
        old, new = (one.model_dump(mode="json") for one in (run.read_config(), config))
        came = f"a change of {', '.join(changed_keys(old, new)) or 'what it was resumed from'}"
    raise ConfigError(
        f"the configuration that {run.path} began with",
        came,
        f"give the run another name (--set name=...), or remove {run.path} to start it again",
    )


def _check_start(shop: Workshop, numbers: Sequence[int]) -> None:
    """What the first training stage goes on from must be there and fit; refused now, not after the stages before it."""
    first = next((number for number in numbers if number in SECTIONS), None)
    before = None if first is None else shop.checkpoint_before(first)
    if before is not None:
        shop.adapter(before)


def _left(shop: Workshop, numbers: Sequence[int]) -> Left:
    """The stages, the first apart, that still have to train or to evaluate."""
    trains = {number: number in SECTIONS and not _trained(shop.run, number) for number in numbers if number > 1}
    return [(number, train) for number, train in trains.items() if train or not _evaluated(shop, number)]


def _run_stages(shop: Workshop, numbers: Sequence[int], console: Console) -> bool:
    run = shop.run
    _check_start(shop, numbers)
    if left := _left(shop, numbers):
        with contextlib.suppress(DataError):  # the stage that reads the data says and logs what is wrong with it
            for line in describe(shop.config, left, shop.files, shop.tokenizer):
                console.print(f"  {line}", soft_wrap=True)
    for number in numbers:
        console.print(f"stage {number}: {TITLES[number]}")
        try:
            if not _run_stage(shop, number, numbers):
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
        _write_results(run)
    return True


def _run_stage(shop: Workshop, number: int, numbers: Sequence[int]) -> bool:
    if number == 1:
        trained = [n for n in numbers if n in SECTIONS]
        return shop.run.stage_finished(1) or check_format(shop, trained)
    if number in SECTIONS and not _trained(shop.run, number) and not train_stage(shop, number):
        return False
    return _evaluated(shop, number) or evaluate_stage(shop, number)


def _trained(run: RunDirectory, stage: int) -> bool:
    """Whether the stage left its adapter and said so; killed between the two, it has nothing left to train."""
    return run.stage_finished(stage) and (run.checkpoint(stage) / FILE).is_file()


def _evaluated(shop: Workshop, stage: int) -> bool:
    """Whether every sampled entry has its row, and the log says so."""
    directory = shop.run.evaluation(stage)
    return shop.run.evaluation_finished(stage) and all(
        {entry.id for entry in members} <= {row["id"] for _, row in read_rows(directory / f"{name}.jsonl")}
        for name, members in shop.config.evaluation.entries().items()
    )


def _write_results(run: RunDirectory) -> None:
    build_results(run).write(run.results_path)
    write_report(run.path)
