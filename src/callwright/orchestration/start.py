"""What comes before the first stage: all that can be refused is, and the run's directory is found, or begun."""

import contextlib
import itertools
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import jax

from callwright.errors import ConfigError, WeightsError
from callwright.formats import get_format
from callwright.formats.base import check_tokenizer
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.environment import Environment
from callwright.orchestration.provenance import describe_model
from callwright.orchestration.rundir import RunDirectory, changed_keys
from callwright.orchestration.stages import RunContext
from callwright.orchestration.watch import StopRequest
from callwright.progress import Bar, track
from callwright.report.events import RunCreated
from callwright.report.results import build_results
from callwright.report.run_files import find_stage
from callwright.report.schema import Versions
from callwright.storage import cache_dir, sha256_file
from callwright.training.checkpoints import FILE, load_adapter, read_card


def prepare(config: PipelineConfig, runs: Path, resume: Path | None) -> RunContext:
    """What the stages of a run share. Benchmark and weights are downloaded and converted here, where they are not yet.

    Args:
      config: The run's configuration.
      runs: Where run directories are.
      resume: Another run, of which a finished stage is started from; see `_checkpoint_of`.

    Raises:
      CallwrightError: Something named is missing, or does not fit the model or the run.
    """
    if resume is not None:
        resume = _checkpoint_of(resume)
        read_card(resume)
    _use_compilation_cache()
    config.evaluation.entries()
    with contextlib.ExitStack() as shown:
        files = resolve_model(config.model.source, progress=_converting(shown))
    tokenizer = load_tokenizer(files.directory)
    check_tokenizer(get_format(config.format.name, config.format.variant), tokenizer)
    if resume is not None:
        load_adapter(resume, model_sha256=files.sha256, lora=config.lora)
    run = RunDirectory(find_directory(runs, config, _origin(resume), files.sha256))
    return RunContext(config, run, files, tokenizer, resume, StopRequest())


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


def begin(context: RunContext, versions: Versions, environment: Environment) -> None:
    """Writes down what a new run is made from; one that is continued is read, so that damage is found now.

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
            planned={name: len(members) for name, members in config.evaluation.entries().items()},
        )
    build_results(run)


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
      config: The run's configuration, which has its name.
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
            _refuse_change(run, config)
        if created is not None and created.model.sha256 != weights:
            raise WeightsError(
                f"the weights that {run.path} began with (sha256 {created.model.sha256})",
                f"{weights} from {config.model.source}",
                "put the old weights back, give the run another name (--set name=...), or remove "
                f"{run.path} to start it again",
            )
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
    if created.config_sha256 == config.sha256:
        return True
    with contextlib.suppress(ConfigError):  # written by an earlier version, with other names or fewer keys
        return run.config_path.is_file() and run.read_config() == config
    return False


def _refuse_change(run: RunDirectory, config: PipelineConfig) -> None:
    got = "another one"
    if run.config_path.is_file():
        old, new = (one.model_dump(mode="json") for one in (run.read_config(), config))
        got = f"a change of {', '.join(changed_keys(old, new)) or 'what it was resumed from'}"
    raise ConfigError(
        f"the configuration that {run.path} began with",
        got,
        f"give the run another name (--set name=...), or remove {run.path} to start it again",
    )
