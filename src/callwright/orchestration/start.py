"""What comes before the first stage: all that can be refused is, and the run's directory is found, or begun."""

import contextlib
import itertools
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import jax

from callwright.data.own_tools.fitting import check_names
from callwright.data.own_tools.source import load_own_tools
from callwright.errors import ConfigError, WeightsError
from callwright.evaluation.own_tools import check_requests
from callwright.evaluation.settings import SuiteName
from callwright.evaluation.suites import suite_entries
from callwright.formats import get_format
from callwright.formats.base import check_tokenizer
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.orchestration.budget import as_begun, as_given
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.environment import Environment
from callwright.orchestration.provenance import describe_model
from callwright.orchestration.rundir import RunDirectory, changed_keys
from callwright.orchestration.stages import RunContext
from callwright.orchestration.watch import StopRequest
from callwright.progress import Bar, track
from callwright.report.events import RunCreated, ScaledToBudget
from callwright.report.results import build_results
from callwright.report.run_files import find_stage
from callwright.report.schema import Versions
from callwright.report.stage_list import EVALUATED
from callwright.storage import cache_dir, sha256_file
from callwright.training.checkpoints import FILE, load_adapter, read_card


def prepare(config: PipelineConfig, runs: Path, resume: Path | None) -> RunContext:
    """What the stages of a run share. Benchmark and weights are downloaded and converted here, where they are not yet.

    Args:
      config: The configuration as it was given; of a run that is continued, the context has the one it began with.
      runs: Where run directories are.
      resume: Another run, of which a finished stage is started from; see `_checkpoint_of`.

    Raises:
      CallwrightError: Something named is missing, or does not fit the model or the run.
    """
    if resume is not None:
        resume = _checkpoint_of(resume)
        read_card(resume)
    _use_compilation_cache()
    planned_entries(config)
    with contextlib.ExitStack() as shown:
        files = resolve_model(config.model.source, progress=_converting(shown))
    tokenizer = load_tokenizer(files.directory)
    fmt = get_format(config.format.name, config.format.variant)
    check_tokenizer(fmt, tokenizer)
    if (tools := config.evaluation.tools) is not None:
        check_names(load_own_tools(tools.path), tools.path, fmt)
        check_requests(tools, fmt)
    if resume is not None:
        load_adapter(resume, model_sha256=files.sha256, lora=config.lora)
    run = RunDirectory(find_directory(runs, config, _origin(resume), files.sha256))
    return RunContext(as_begun(config, run.created()) or config, run, files, tokenizer, resume, StopRequest())


def reopen(run: RunDirectory, created: RunCreated, config: PipelineConfig) -> RunContext:
    """What the stages of a run share that is there already, for work on what a stage of it left.

    Args:
      run: The run.
      created: The event with which it began.
      config: Its configuration.

    Raises:
      CallwrightError: The weights are not to be had, or are others than those that the run began with.
    """
    _use_compilation_cache()
    with contextlib.ExitStack() as shown:
        files = resolve_model(config.model.source, progress=_converting(shown))
    if files.sha256 != created.model.sha256:
        _refuse_weights(run, created, files.sha256, config, "put the old weights back")
    return RunContext(config, run, files, load_tokenizer(files.directory), None, StopRequest())


def _refuse_weights(run: RunDirectory, created: RunCreated, weights: str, config: PipelineConfig, fix: str) -> NoReturn:
    raise WeightsError(
        f"the weights that {run.path} began with (sha256 {created.model.sha256})",
        f"{weights} from {config.model.source}",
        fix,
    )


def _checkpoint_of(resume: Path) -> Path:
    """The directory of the finished stage that `--resume` names: the stage's own, or that of a run's stage.

    Raises:
      InputError: There is no such run, or no such stage of it is finished.
    """
    if (resume / FILE).is_file() or resume.parent.name == "checkpoints":  # which need not lie in a run
        return resume
    run, stage = find_stage(resume)
    return run.checkpoint(stage)


def _origin(resume: Path | None) -> dict[str, str] | None:
    """What the log says of the stage of another run that a run starts from."""
    return None if resume is None else {"path": str(resume), "sha256": sha256_file(resume / FILE)}


def begin(
    context: RunContext, versions: Versions, environment: Environment, budget: ScaledToBudget | None = None
) -> None:
    """Writes down what a new run is made from; one that is continued is read, so that damage is found now.

    Args:
      context: The run's.
      versions: What is installed.
      environment: Where it computes.
      budget: What a new run's budget made of its configuration.

    Raises:
      InputError: The run's files are damaged.
      StorageError: They cannot be written.
    """
    config, run = context.config, context.run
    fresh = run.created() is None
    if fresh or not run.config_path.is_file():  # if it was removed, the log's hash says that it was this one
        run.write_config(config)
    if fresh:
        run.event(
            "run_created",
            config_sha256=config.sha256,
            resume=_origin(context.resume),
            command=shlex.join(sys.argv),
            model=describe_model(context.files).model_dump(),
            versions=versions.model_dump(),
            environment=environment.model_dump(),
            evaluations=planned_entries(config),
            **({} if budget is None else {"budget": budget.model_dump(mode="json")}),
        )
    build_results(run)


def planned_entries(config: PipelineConfig) -> dict[str, dict[SuiteName, dict[str, int]]]:
    """How many entries the suites ask, by stage, suite and category.

    Raises:
      CallwrightError: The benchmark cannot be had, or the tools file is wrong.
    """
    return {
        f"stage{stage}": {
            name: {category: len(ids) for category, ids in suite_entries(settings, stage).ids.items()}
            for name, settings in config.evaluation.after(stage).items()
        }
        for stage in EVALUATED
    }


def _converting(shown: contextlib.ExitStack) -> Callable[[int, int], None]:
    """A bar for the conversion of weights, which appears only if there is something to convert."""
    bars: list[Bar] = []
    output = 0

    def progress(done: int, total: int) -> None:
        nonlocal output
        if not bars:
            bars.append(shown.enter_context(track("converting the weights", total, "parameters")))
        bars[0].advance(done - output)
        output = done

    return progress


def _use_compilation_cache() -> None:
    """Keeps compiled programs in the cache, for later stages and runs.

    A cache that the user named, in JAX_COMPILATION_CACHE_DIR, is used as it is.
    """
    if jax.config.jax_compilation_cache_dir is not None:
        return
    jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)


def find_directory(runs: Path, config: PipelineConfig, origin: dict[str, str] | None, weights: str) -> Path:
    """The run's directory, new or to be continued.

    Args:
      runs: Where run directories are.
      config: The configuration as it was given, which has the run's name.
      origin: Path and sha256 of the stage of another run that it starts from. It then gets a new directory, numbered
        from 2 where the name is taken, unless a run that started so is unfinished.
      weights: The sha256 of the base model.

    Raises:
      ConfigError: The run of that name began with another configuration.
      WeightsError: It began with other weights.
    """
    if origin is None:
        run = RunDirectory(runs / config.name)
        created = run.created()
        if created is not None and not _began_so(run, created, config, origin):
            _refuse_change(run, created, config)
        if created is not None and created.model.sha256 != weights:
            fix = "put the old weights back, give the run another name (--set name=...), or remove "
            _refuse_weights(run, created, weights, config, f"{fix}{run.path} to start it again")
        return run.path
    free: list[Path] = []
    for number in itertools.count(1):
        run = RunDirectory(runs / (config.name if number == 1 else f"{config.name}-{number}"))
        created = run.created()
        if created is None:
            free.append(run.path)
            if number > 1:
                break
        elif _began_so(run, created, config, origin) and created.model.sha256 == weights and not run.finished:
            return run.path
    return free[0]


def _began_so(run: RunDirectory, created: RunCreated, config: PipelineConfig, origin: dict[str, str] | None) -> bool:
    """Whether the run began with this configuration, and from this stage."""
    if (created.resume or {}).get("sha256") != (origin or {}).get("sha256"):
        return False
    begun = as_begun(config, created)
    if begun is None:
        return False
    if created.config_sha256 == begun.sha256:
        return True
    with contextlib.suppress(ConfigError):  # written by an earlier version, with other names or fewer keys
        return run.config_path.is_file() and run.read_config() == begun
    return False


def _refuse_change(run: RunDirectory, created: RunCreated, config: PipelineConfig) -> None:
    got = "another one"
    if run.config_path.is_file():
        old, new = (one.model_dump(mode="json") for one in (as_given(run.read_config(), created), config))
        got = f"a change of {', '.join(changed_keys(old, new)) or 'what it was resumed from'}"
    raise ConfigError(
        f"the configuration that {run.path} began with",
        got,
        f"give the run another name (--set name=...), or remove {run.path} to start it again",
    )
