"""The stages of the pipeline, one function each; every one continues where it was stopped.

Each function returns whether its stage is done; False means that it was asked to stop and that what it did is on disk.
"""

import ctypes
import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from tensorboardX import SummaryWriter

from callwright.data.source import Source
from callwright.data.tools_file.includes import piece_paths
from callwright.engines.jax import JaxEngine
from callwright.errors import DataError
from callwright.evaluation.answerer import EngineAnswerer
from callwright.evaluation.settings import BASELINE, SuiteName, SuiteSettings, ToolsSuiteSettings
from callwright.evaluation.suites import ask_suite, suite_entries
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.models import lora
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.sources import ModelFiles
from callwright.models.tokenizer import GemmaTokenizer
from callwright.orchestration.config import GrpoStage, PipelineConfig, SftStage
from callwright.orchestration.data_checks import check_data, refuse_other_data
from callwright.orchestration.machine import check_mesh
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.solve_rates import solve_rates
from callwright.orchestration.starting_point import StartingPoint
from callwright.orchestration.watch import PeakMemory, StopRequest
from callwright.progress import Bar, track
from callwright.report.events import StageProgress, UpdateStep
from callwright.report.run_files import RunFiles
from callwright.report.sentences import suite_title
from callwright.report.stage_list import SECTIONS, STAGES
from callwright.storage import sha256_file
from callwright.training.checkpoints import AdapterCard, has_steps, load_adapter, save_adapter
from callwright.training.curriculum import StageBatches
from callwright.training.grpo import Policy, train_grpo
from callwright.training.learning_signal import LearningSignal
from callwright.training.prompt_weights import prompt_weights
from callwright.training.sft import train_sft
from callwright.training.trainer import Record


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the stages of one run share.

    Attributes:
      config: The resolved configuration.
      run: The run's directory, open.
      files: The base model on disk.
      tokenizer: Its tokenizer.
      resume: A finished stage of another run to start from; None otherwise.
      stop: Whether the user asked to stop; it is called between steps.
    """

    config: PipelineConfig
    run: RunDirectory
    files: ModelFiles
    tokenizer: GemmaTokenizer
    resume: Path | None
    stop: StopRequest

    @property
    def fmt(self) -> Format:
        """The format of all stages."""
        return get_format(self.config.format.name, self.config.format.variant)

    @property
    def mesh(self) -> jax.sharding.Mesh:
        """The devices."""
        check_mesh(self.config.mesh)
        return make_mesh(self.config.mesh.fsdp, self.config.mesh.tp)

    def adapter(self, checkpoint: Path) -> lora.Adapter:
        """The adapter of a finished stage, checked against the model and the LoRA shape of this run."""
        return load_adapter(checkpoint, model_sha256=self.files.sha256, lora=self.config.lora)


def check_stage(context: RunContext, training: list[int]) -> bool:
    """Stage 1: the data of training stages is checked, before anything is trained on it.

    Args:
      context: The run's.
      training: The numbers of the training stages; what was checked already is not checked again.
    """
    digests = {stage: context.config.source(stage).digests() for stage in training}
    if context.run.stage_finished(1) and all(_was_checked(context.run, stage, digests[stage]) for stage in training):
        return True
    with _logged(context, "stage", 1) as summary:
        for stage in training:
            counts = _check(context, stage)
            if counts is None:
                return False
            summary[f"stage{stage}"] = counts | ({"data_files": digests[stage]} if digests[stage] else {})
        summary["done"] = True
    context.run.event("stage_finished", stage=1, **summary)
    return True


def _check(context: RunContext, stage: int) -> dict[str, Any] | None:
    """Checks the data of a training stage and prints what was found; None when it was asked to stop.

    Raises:
      DataError: Something of it is wrong.
    """
    found = check_data(context.config, stage, context.fmt, context.stop, tokenizer=context.tokenizer)
    if found is None:
        return None
    found.print(STAGES[stage].title)
    return found.summary()


def _was_checked(run: RunDirectory, stage: int, digests: Mapping[str, str]) -> bool:
    """Whether stage 1 of this run checked the data of a training stage, and its files are the same still."""
    finished = (event.model_extra or {} for event in run.events() if event.event == "stage_finished")
    found = (summary.get(f"stage{stage}") for summary in finished)
    return any(isinstance(counts, dict) and counts.get("data_files", {}) == digests for counts in found)


def evaluate_stage(context: RunContext, stage: int, only: SuiteName | None = None) -> bool:
    """The suites that follow a stage, on the base model (stage 2) or on what a training stage left.

    Args:
      context: The run's.
      stage: Its number.
      only: One of the suites; all when None.

    Raises:
      DataError: The tools file is not the one that the run's evaluations began with.
    """
    follow = [name for name in context.config.evaluation.after(stage) if only in (None, name)]
    left = [name for name in follow if not is_asked(context, stage, name)]
    answerer: EngineAnswerer | None = None
    done = True
    for name in left:
        settings = context.config.evaluation.after(stage)[name]
        entries = suite_entries(settings, stage)
        files = refuse_other_tools(context.run, settings)
        began = {"suite": name} | ({"data_files": files} if files else {})
        with _logged(context, "evaluation", stage, **began) as summary:
            summary |= {"suite": name, "entries": len(entries)}
            answerer = answerer or answerer_after(context, stage)
            done = ask_suite(
                answerer,
                entries,
                settings,
                context.run.evaluation(stage, name),
                title=f"{STAGES[stage].title}: {suite_title(name)}",
                should_stop=context.stop,
            )
            summary["done"] = done
        if not done:
            break
        context.run.event("evaluation_finished", stage=stage, **summary)
    del answerer
    _free_memory()
    return done


def is_asked(context: RunContext, stage: int, name: SuiteName) -> bool:
    """Whether every entry of a suite has its row after a stage, and the log says so."""
    settings = context.config.evaluation.after(stage)[name]
    directory = context.run.evaluation(stage, name)
    return context.run.evaluation_finished(stage, name) and suite_entries(settings, stage).have_rows(directory)


def answerer_after(context: RunContext, stage: int) -> EngineAnswerer:
    """The model after a stage, in the precision of evaluations."""
    config = context.config
    params = parameters(load_model(context.files, context.mesh, config.model.precision))
    if stage > BASELINE:
        params = lora.merge(params, context.adapter(context.run.checkpoint(stage)), config.lora.scale)
    stops = [context.tokenizer.token_id(stop) for stop in context.fmt.stops]
    engine = JaxEngine(params, context.files.config, stop_ids=stops, pad_id=context.tokenizer.pad_id)
    return EngineAnswerer(engine, context.fmt, context.tokenizer)


def refuse_other_tools(run: RunFiles, settings: SuiteSettings) -> dict[str, str]:
    """The sha256 of each tools file whose requests a suite asks, by path; they are the same throughout a run.

    Raises:
      DataError: One is not the file that the run's evaluations began with.
    """
    if not isinstance(settings, ToolsSuiteSettings):
        return {}
    digests = {str(path): sha256_file(path) for path in piece_paths(settings.path)}
    events = (event for event in run.events() if isinstance(event, StageProgress))
    began = [event.data_files for event in events if event.event == "evaluation_started" and event.suite == "tools"]
    for path, sha256 in (began[0] if began else {}).items():
        if digests.get(path, sha256) != sha256:
            raise DataError(
                f"{path} as the evaluations of {run.path} began with it (sha256 {sha256})",
                f"a file that has changed (sha256 {digests[path]})",
                "put the old file back, or give the run another name (--set name=...)",
            )
    return digests


def train_stage(context: RunContext, stage: int, start: StartingPoint) -> bool:
    """Stages 3, 4 and 5: trains an adapter, starting from a finished stage's or a fresh one, and saves it."""
    config, run = context.config, context.run
    settings, source = config.stage(stage), config.source(stage)
    adapter = None if start.checkpoint is None else context.adapter(start.checkpoint)
    digests = source.digests()
    refuse_other_data(run, stage, digests)
    began: dict[str, Any] = {"starts_from": start.name} | ({"data_files": digests} if digests else {})
    if isinstance(settings, GrpoStage):
        began["prompt_weights"] = _prompt_weights(context, stage, start)
    with _logged(context, "stage", stage, **began) as summary:
        if not _was_checked(run, stage, digests):
            counts = _check(context, stage)
            if counts is None:
                return False
            summary["data"] = counts
        base = load_model(context.files, context.mesh, settings.precision)
        model = lora.attach(base, config.lora, context.mesh, config.seed)
        if adapter is not None:
            lora.write_adapter(model, adapter)
        with (
            track(STAGES[stage].title, settings.training.steps, "steps") as bar,
            _recorder(context, stage, bar) as record,
        ):
            if isinstance(settings, SftStage):
                done = _train_sft(context, stage, settings, source, model, record, summary)
            else:
                weights = began["prompt_weights"]
                done = _train_grpo(context, stage, settings, source, base, model, weights, record, summary)
        if done:
            card = AdapterCard(
                model=context.files.name,
                model_sha256=context.files.sha256,
                lora=config.lora,
                format="/".join(filter(None, (config.format.name, config.format.variant))),
                stage=SECTIONS[stage],
                steps=summary["steps"],
            )
            save_adapter(run.checkpoint(stage), lora.read_adapter(model), card)
        summary["done"] = done
        del base, model
    _free_memory()
    if done:
        run.event("stage_finished", stage=stage, **began, **summary)
    return done


def _train_sft(
    context: RunContext,
    stage: int,
    settings: SftStage,
    source: Source,
    model: Any,
    record: Record,
    summary: dict[str, Any],
) -> bool:
    """Trains the model's adapter, and puts what it was trained on into the summary."""
    done, seen = train_sft(
        model,
        StageBatches(source, context.fmt, context.tokenizer, settings.training, context.config.seed),
        settings.training,
        mesh=context.mesh,
        directory=context.run.checkpoint(stage),
        record=record,
        should_stop=context.stop,
    )
    summary |= {
        "steps": settings.training.steps,
        "examples": seen.examples,
        "tokens": seen.tokens,
        "supervised_tokens": seen.supervised_tokens,
        "too_long": len(seen.too_long),
    }
    return done


def _train_grpo(
    context: RunContext,
    stage: int,
    settings: GrpoStage,
    source: Source,
    base: Any,
    model: Any,
    weights: Mapping[str, float],
    record: Record,
    summary: dict[str, Any],
) -> bool:
    """Trains the model's adapter, and puts how much there was to learn from into the summary; rollouts are drawn in the
    precision of evaluations.
    """
    if weights:
        listed = ", ".join(f"{kind} {weights[kind]:.2f}" for kind in sorted(weights, key=lambda kind: -weights[kind]))
        _say(stage, f"prompts are drawn by what the model solved before: {listed}")
    config = context.config
    same = settings.precision == config.model.precision
    frozen = base if same else load_model(context.files, context.mesh, config.model.precision)
    done = train_grpo(
        model,
        source,
        Policy(parameters(frozen), context.files.config, config.lora.scale, context.fmt, context.tokenizer),
        settings.training,
        seed=config.seed,
        mesh=context.mesh,
        directory=context.run.checkpoint(stage),
        record=record,
        weights=weights,
        should_stop=context.stop,
    )
    steps = {
        event.step: event.metrics
        for event in context.run.events()
        if isinstance(event, UpdateStep) and event.stage == stage
    }
    signal = LearningSignal.of(list(steps.values()), settings.training)
    _say(stage, str(signal))
    summary |= {
        "steps": signal.steps if done else settings.training.steps,
        "updates": signal.updates,
        "steps_without_update": signal.steps - signal.updates,
        "groups": signal.groups,
        "zero_variance_groups": signal.groups - signal.varied,
        "note": signal.note,
    }
    return done


def _prompt_weights(context: RunContext, stage: int, start: StartingPoint) -> dict[str, float]:
    """How often the kinds of prompts are drawn: by what the model solved before the stage; once it has a checkpoint, as
    the log says that it began.
    """
    if has_steps(context.run.checkpoint(stage)):
        events = (event for event in context.run.events() if isinstance(event, StageProgress) and event.stage == stage)
        began = [event.prompt_weights for event in events if event.prompt_weights is not None]
        return began[-1] if began else {}
    return prompt_weights(solve_rates(context.run, start))


def _say(stage: int, text: str) -> None:
    print(f"  {STAGES[stage].title}: {text}", file=sys.stderr, flush=True)


@contextmanager
def _recorder(context: RunContext, stage: int, bar: Bar) -> Iterator[Record]:
    """A function that puts an update's metrics into the log, the progress bar and TensorBoard."""
    directory = context.run.path / "tensorboard" / f"stage{stage}"
    board = SummaryWriter(str(directory)) if context.config.tensorboard else None
    first = True

    def record(row: dict[str, Any]) -> None:
        nonlocal first
        if first:  # the updates of an earlier process are done, but say nothing about the rate
            bar.advance(row["step"] - 1, free=True)
            first = False
        context.run.event("step", stage=stage, **row)
        bar.advance(note=", ".join(f"{name} {row[name]:.3g}" for name in ("loss", "reward", "kl") if name in row))
        for name, value in row.items():
            if board is not None and isinstance(value, int | float) and name != "step":
                board.add_scalar(name, value, row["step"])

    try:
        yield record
    finally:
        if board is not None:
            board.close()


@contextmanager
def _logged(context: RunContext, kind: str, stage: int, **began: Any) -> Iterator[dict[str, Any]]:
    """Logs that a stage or its evaluation begins and ends, with peak memory and the summary that the block fills."""
    context.run.event(f"{kind}_started", stage=stage, **began)
    summary: dict[str, Any] = {}
    peak = PeakMemory()
    try:
        with peak:
            yield summary
    finally:  # only now is it sure that a sample was taken
        summary["peak_memory_bytes"] = peak.bytes
        context.run.event(f"{kind}_left", stage=stage, **summary)


def _free_memory() -> None:
    """Frees a stage's arrays and compiled programs before the next one needs the memory."""
    jax.clear_caches()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc keeps what is freed, in pieces too small for the arrays of the next stage
        trim(0)
