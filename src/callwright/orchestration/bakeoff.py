"""`callwright bakeoff run`: a trained model, or the base model, through several arms.

All that can be refused is refused before anything is computed. The llama.cpp server of the arms that need one is
started here, on the run's own export, and ended with the bake-off.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import callwright
from callwright.bakeoff.arms import ARMS
from callwright.bakeoff.arms.base import Arm, ArmSetup
from callwright.bakeoff.directory import ArmRecord, BakeoffDirectory, BakeoffRecord
from callwright.bakeoff.run import Attempt, run_arms, unfinished
from callwright.bakeoff.settings import BakeoffSettings, load_bakeoff
from callwright.bakeoff.table import print_success
from callwright.bakeoff.tasks import Task, read_history, tasks_of
from callwright.data.own_tools.fitting import check_length, check_names
from callwright.data.own_tools.source import load_own_tools
from callwright.data.tools_file.declaration import ToolGroup
from callwright.data.tools_file.includes import piece_paths
from callwright.errors import CallwrightError, ConfigError, WorkError, suggest
from callwright.export.gguf import write_gguf
from callwright.export.serve import ServeOptions, find_gguf, find_program, served
from callwright.export.trained import Trained, read_base, read_trained
from callwright.formats.base import Format
from callwright.html.numbers import plural
from callwright.models.tokenizer import load_tokenizer
from callwright.openai import write_tool
from callwright.orchestration.bakeoff_estimate import BakeoffEstimator, answers
from callwright.progress import duration, track
from callwright.report.run_files import RunFiles, split_run
from callwright.settings import validated
from callwright.storage import cache_dir, make_once, sha256_file
from callwright.tokens import Tokenizer
from callwright.training.checkpoints import FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeoffOptions:
    """What the command line says beside the configuration; None is what it does not say.

    Attributes:
      run: The run whose model is compared.
      wordings: How many of each task are asked.
      arms: Which of the configuration's arms are asked.
      history: A chat that precedes every request.
      output: The directory.
      yes: Whether llama.cpp may be built without a question.
    """

    run: Path | None = None
    wordings: int | None = None
    arms: Sequence[str] | None = None
    history: Path | None = None
    output: Path | None = None
    yes: bool = False


def run_bakeoff(config: Path, options: BakeoffOptions) -> int:
    """Runs a bake-off, or goes on with one, and prints success by task and arm.

    Args:
      config: The configuration file.
      options: What the command line says.

    Raises:
      CallwrightError: The input is wrong, a trace cannot be written, or llama.cpp cannot be built.
    """
    settings = _settings(load_bakeoff(config), options)
    history = None if settings.history is None else read_history(settings.history)
    file = load_own_tools(settings.tasks)
    tasks = tasks_of(file, settings.tasks, settings.wordings, context_share=settings.context_share, history=history)
    model = _model(settings, named=options.run is not None)
    tokenizer = load_tokenizer(model.base.directory)
    _check(settings, file, tasks, model.format, tokenizer)
    directory = BakeoffDirectory(options.output or _output(model))
    names = list(dict.fromkeys(task.name for task in tasks))
    with directory.locked(), ExitStack() as running:
        setup = ArmSetup(
            format=model.format,
            tokenizer=tokenizer,
            tasks=tasks,
            model=model,
            thinking=settings.thinking,
            temperature=settings.temperature,
            context=settings.context,
            max_new_tokens=settings.max_new_tokens,
            seconds=settings.step_seconds,
        )
        left = {name: unfinished(directory, name, tasks, settings.seeds) for name in settings.arms}
        gguf = _gguf(settings, model, [name for name, attempts in left.items() if attempts])
        program = None if gguf is None else find_program(None, yes=options.yes, ask=input)
        directory.begin(_record(settings, tasks, model, gguf))
        print(f"{_title(model)} in {directory.path}")
        _print_estimate(settings, _arms(settings, setup), left, model, tokenizer)
        url = None
        if gguf is not None and program is not None:
            url = running.enter_context(_server(gguf, program, settings))
        arms = _arms(settings, replace(setup, server=url))
        with track("bake-off", sum(map(len, left.values())), "tasks") as bar, _one_error():
            work = run_arms(
                arms, lambda arm: left[arm.name], settings, directory, lambda halt: bar.advance(note=halt.arm)
            )
            asyncio.run(work)
    traces = {name: directory.traces(name, names) for name in settings.arms}
    print_success(traces, names)
    return 0


def _settings(settings: BakeoffSettings, options: BakeoffOptions) -> BakeoffSettings:
    """The configuration with what the command line says in its place.

    Raises:
      ConfigError: It names an arm that the configuration does not have, or a value is wrong.
    """
    data = settings.model_dump()
    for name in options.arms or ():
        if name not in settings.arms:
            raise ConfigError("--arms of the configuration", name, suggest(name, settings.arms))
    if options.arms is not None:
        data["arms"] = {name: settings.arms[name] for name in dict.fromkeys(options.arms)}
    for key in ("run", "wordings", "history"):
        if (value := getattr(options, key)) is not None:
            data[key] = value
    if options.run is not None:
        data["gguf"] = None  # which is of the configuration's run
    return validated(BakeoffSettings, data, where="the configuration and the command line")


def _model(settings: BakeoffSettings, *, named: bool) -> Trained:
    """The trained model, or the base model where the configuration's run is not there (yet)."""
    if settings.run is not None:
        if named or split_run(settings.run)[0].created() is not None:
            return read_trained(settings.run)
        print(f"note: there is no run {os.path.relpath(settings.run)}: the base model is compared")
    return read_base(settings.base, settings.format)


def _check(
    settings: BakeoffSettings, file: ToolGroup, tasks: Sequence[Task], fmt: Format, tokenizer: Tokenizer
) -> None:
    """Refuses tasks that the format cannot write, or whose tools do not fit."""
    check_names(file, settings.tasks, fmt)
    check_length(file, settings.tasks, fmt, tokenizer, settings.context, "context")
    for task in tasks:
        fmt.render(task.conversation, add_generation_prompt=True, thinking=settings.thinking)


def _output(model: Trained) -> Path:
    if model.adapter is None:
        return Path("bakeoffs") / model.base.name
    return model.run / "bakeoffs" / f"stage{model.stage}"


def _title(model: Trained) -> str:
    name = model.base.name if model.adapter is None else f"{model.run}/stage{model.stage}"
    return f"bake-off of {name} ({model.format.id})"


def _gguf(settings: BakeoffSettings, model: Trained, asked: Sequence[str]) -> Path | None:
    """The file of the server that the arms need; None where no arm that is still asked needs one.

    Raises:
      DataError: The run was not exported.
      ConfigError: It was exported several times.
    """
    if not any(_needs_server(settings, name) for name in asked):
        return None
    if settings.gguf is not None:
        return find_gguf(settings.gguf)
    if model.adapter is not None:
        return find_gguf(model.run / f"stage{model.stage}")

    def write(scratch: Path) -> Path:
        path = scratch / "model.gguf"
        write_gguf(model, path, "f16")
        return path

    name = f"{model.base.name}-{model.base.sha256[:16]}-{model.format.id.replace('/', '-')}-f16.gguf"
    return make_once(base_ggufs() / name, write)


def base_ggufs() -> Path:
    """Where the GGUFs of base models are kept."""
    return cache_dir() / "bakeoff"


def _needs_server(settings: BakeoffSettings, name: str) -> bool:
    return ARMS[settings.kind(name)].needs_server and getattr(settings.arm(name), "url", None) is None


@contextmanager
def _server(gguf: Path, program: Path, settings: BakeoffSettings) -> Iterator[str | None]:
    """The address of a llama.cpp server; None where it does not become ready, which the traces of its arms then say."""
    slots = max(getattr(settings.arm(name), "slots", 1) for name in settings.arms if _needs_server(settings, name))
    with ExitStack() as stack:
        try:
            serving = ServeOptions(port=0, context=settings.context, slots=slots)
            url = stack.enter_context(served(gguf, program, serving)).url
        except WorkError as error:
            print(f"note: no llama.cpp server: {error}")
            url = None
        yield url


def _arms(settings: BakeoffSettings, setup: ArmSetup) -> list[Arm]:
    return [ARMS[settings.kind(name)](name, settings.arm(name), setup) for name in settings.arms]


def _record(settings: BakeoffSettings, tasks: Sequence[Task], model: Trained, gguf: Path | None) -> BakeoffRecord:
    trained = model.adapter is not None
    return BakeoffRecord(
        callwright=callwright.__version__,
        model=model.base.name,
        model_sha256=model.base.sha256,
        run=f"{model.run.name}/stage{model.stage}" if trained else None,
        adapter_sha256=sha256_file(RunFiles(model.run).checkpoint(model.stage) / FILE) if trained else None,
        gguf_sha256=None if gguf is None else sha256_file(gguf),
        format=model.format.id,
        chat_template_sha256=hashlib.sha256(model.format.chat_template().encode()).hexdigest(),
        tasks_file=os.path.relpath(settings.tasks),
        tasks_sha256={path.name: sha256_file(path) for path in piece_paths(settings.tasks)},
        tasks=tuple(dict.fromkeys(task.name for task in tasks)),
        history_sha256=None if settings.history is None else sha256_file(settings.history),
        tools=tuple(map(write_tool, tasks[0].conversation.tools)),
        arms={
            name: ArmRecord(kind=settings.kind(name), options=settings.arm(name).model_dump(mode="json"))
            for name in settings.arms
        },
        **{key: getattr(settings, key) for key in _SAME},
    )


_SAME = (
    "wordings",
    "context_share",
    "seeds",
    "temperature",
    "thinking",
    "context",
    "max_new_tokens",
    "max_steps",
    "step_seconds",
    "task_seconds",
)
"""What a record has as the settings have it."""


def _print_estimate(
    settings: BakeoffSettings,
    arms: Sequence[Arm],
    left: dict[str, list[Attempt]],
    model: Trained,
    tokenizer: Tokenizer,
) -> None:
    """What is to be done, and about how long that takes here."""
    estimator, total = None, 0.0
    for arm in arms:
        attempts = left[arm.name]
        text = f"  {arm.name}: {plural(len(attempts), 'task')}, about {answers(attempts)} answers"
        if attempts and (arm.needs_weights or arm.needs_server):
            estimator = estimator or BakeoffEstimator(settings.tasks, model.format, tokenizer, model.base.config)
            seconds = estimator.seconds(arm, attempts)
            text += "" if seconds is None else f", about {duration(seconds)} here"
            total += seconds or 0.0
        print(text)
    if total:
        print(f"  about {duration(total)} in all; --wordings 1 is the short run")


@contextmanager
def _one_error() -> Iterator[None]:
    """The first of several errors at once, if it is one of ours."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, CallwrightError | KeyboardInterrupt):
            raise error from group
        raise
