"""The stages of the pipeline, one function each; every one continues where it was stopped.

Each function returns whether its stage is done; False means that it was asked to stop and that what it did is on disk.
"""

import gc
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from tensorboardX import SummaryWriter

from callwright.data.contamination import Benchmark, Contamination
from callwright.data.packing import PackedBatches
from callwright.data.source import Source
from callwright.data.validation import check_round_trip
from callwright.engines.jax import JaxEngine
from callwright.errors import CheckpointError, ConfigError
from callwright.evaluation.answerer import EngineAnswerer
from callwright.evaluation.bfcl import load_category
from callwright.evaluation.run import evaluate
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.models import lora
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.sources import ModelFiles
from callwright.models.tokenizer import GemmaTokenizer
from callwright.orchestration.config import GrpoStage, PipelineConfig, SftStage
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.watch import PeakMemory, StopRequest
from callwright.progress import Bar, track
from callwright.report.stage_list import SECTIONS, STAGES
from callwright.training.checkpoints import FILE, AdapterCard, load_adapter, save_adapter
from callwright.training.grpo import Policy, train_grpo
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
        wanted = self.config.mesh.fsdp * self.config.mesh.tp
        if wanted > jax.device_count():
            raise ConfigError(f"{wanted} devices for the mesh", f"{jax.device_count()}", "set mesh.fsdp and mesh.tp")
        return make_mesh(self.config.mesh.fsdp, self.config.mesh.tp)

    def checkpoint_before(self, stage: int) -> Path | None:
        """The finished stage that `stage` starts from; None when it starts from the base model.

        Raises:
          CheckpointError: There should be one, and there is none.
        """
        for earlier in range(stage - 1, 2, -1):
            if (self.run.checkpoint(earlier) / FILE).is_file():
                return self.run.checkpoint(earlier)
        if self.resume is None and stage > 3:
            raise CheckpointError(
                f"a finished stage before stage {stage} in {self.run.path}",
                "none",
                f"add {stage - 1} to --stages, or name one with --resume",
            )
        return self.resume

    def adapter(self, checkpoint: Path) -> lora.Adapter:
        """The adapter of a finished stage, checked against the model and the LoRA shape of this run."""
        return load_adapter(checkpoint, model_sha256=self.files.sha256, lora=self.config.lora)


def check_format(context: RunContext, training: list[int]) -> bool:
    """Stage 1: every example of the training stages is rendered and parsed back, and must be the same.

    Args:
      context: The run's.
      training: The numbers of the training stages.
    """
    fmt, run = context.fmt, context.run
    with _logged(context, "stage", 1) as summary:
        for stage in training:
            source, warnings = context.config.source(stage), Counter[str]()
            with track(f"{STAGES[stage].title}: reading back", len(source), "examples") as bar:
                for index in range(len(source)):
                    if context.stop():
                        return False
                    found = check_round_trip(source[index], fmt)
                    warnings.update({re.sub(r"\[\d+\]", "[...]", warning) for warning in found})
                    bar.advance()
            for warning, count in warnings.most_common():
                print(f"  {STAGES[stage].title}: in {count} examples {warning}", file=sys.stderr, flush=True)
            counts = check_contamination(context, stage)
            if counts is None:
                return False
            summary[f"stage{stage}"] = {"examples": len(source), "read_back": len(source), **counts}
            if warnings:
                summary[f"stage{stage}"]["warnings"] = dict(warnings)
        summary["done"] = True
    run.event("stage_finished", stage=1, **summary)
    return True


def check_contamination(context: RunContext, stage: int) -> dict[str, int] | None:
    """Compares the examples of a training stage with all entries of the categories that the run evaluates.

    Returns:
      How many examples share a signature, a query, or both with one entry; None when it was asked to stop.

    Raises:
      DataError: Some are copies of entries, and the stage refuses these.
    """
    config, title = context.config, STAGES[stage].title
    sources, found = config.checked_sources(stage), Contamination()
    if not sources:
        return {}
    benchmark = Benchmark(entry for name in config.evaluation.entries() for entry in load_category(name))
    with track(f"{title}: comparing with BFCL", sum(map(len, sources)), "examples") as bar:
        for source in sources:
            for index in range(len(source)):
                if context.stop():
                    return None
                found.add(benchmark.overlap(source[index]))
                bar.advance()
    if config.stage(stage).decontaminate == "refuse":
        found.refuse_copies(SECTIONS[stage])
    if found.queries or found.signatures:
        print(f"  {title}: {found}", file=sys.stderr, flush=True)
    return {"copied": len(found.copies), "shared_queries": found.queries, "shared_signatures": found.signatures}


def _was_compared(run: RunDirectory, stage: int) -> bool:
    """Whether stage 1 of this run compared the examples of a training stage with the benchmark."""
    finished = (event for event in run.events() if event.event == "stage_finished")
    return any(f"stage{stage}" in (event.model_extra or {}) for event in finished)


def evaluate_stage(context: RunContext, stage: int) -> bool:
    """BFCL on the base model (stage 2) or on what a training stage left."""
    config, run = context.config, context.run
    entries = config.evaluation.entries()
    total = sum(map(len, entries.values()))
    with _logged(context, "evaluation", stage) as summary:
        model = load_model(context.files, context.mesh, config.model.precision)
        params = parameters(model)
        if stage > 2:
            params = lora.merge(params, context.adapter(run.checkpoint(stage)), config.lora.scale)
        stops = [context.tokenizer.token_id(stop) for stop in context.fmt.stops]
        engine = JaxEngine(params, context.files.config, stop_ids=stops, pad_id=context.tokenizer.pad_id)
        with track(f"{STAGES[stage].title}: BFCL", total, "entries", work=1.0) as bar:
            first = True

            def advance(count: int, share: float) -> None:
                nonlocal first
                bar.advance(count, work=share, free=first)  # what was found done comes first
                first = False

            summary["done"] = evaluate(
                EngineAnswerer(engine, context.fmt, context.tokenizer),
                entries,
                config.evaluation,
                run.evaluation(stage),
                advance=advance,
                should_stop=context.stop,
            )
        del model, params, engine
    _free_memory()
    if summary["done"]:
        run.event("evaluation_finished", stage=stage, entries=total, **summary)
    return bool(summary["done"])


def train_stage(context: RunContext, stage: int) -> bool:
    """Stages 3, 4 and 5: trains an adapter, starting from the one of the stage before, and saves it."""
    config, run = context.config, context.run
    settings, source = config.stage(stage), config.source(stage)
    steps = settings.training.steps
    before = context.checkpoint_before(stage)
    start = None if before is None else context.adapter(before)
    with _logged(context, "stage", stage) as summary:
        if not _was_compared(run, stage):
            counts = check_contamination(context, stage)
            if counts is None:
                return False
            summary |= counts
        base = load_model(context.files, context.mesh, settings.precision)
        model = lora.attach(base, config.lora, context.mesh, config.seed)
        if start is not None:
            lora.write_adapter(model, start)
        with track(STAGES[stage].title, steps, "steps") as bar, _recorder(context, stage, bar) as record:
            if isinstance(settings, SftStage):
                done = _train_sft(context, stage, settings, source, model, record, summary)
            else:
                done = _train_grpo(context, stage, settings, source, base, model, record)
        if done:
            card = AdapterCard(
                model=context.files.name,
                model_sha256=context.files.sha256,
                lora=config.lora,
                format="/".join(filter(None, (config.format.name, config.format.variant))),
                stage=SECTIONS[stage],
                steps=steps,
            )
            save_adapter(run.checkpoint(stage), lora.read_adapter(model), card)
        summary |= {"done": done, "steps": steps}
        del base, model
    _free_memory()
    if done:
        run.event("stage_finished", stage=stage, **summary)
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
        PackedBatches(source, context.fmt, context.tokenizer, settings.training, context.config.seed),
        settings.training,
        mesh=context.mesh,
        directory=context.run.checkpoint(stage),
        record=record,
        should_stop=context.stop,
    )
    summary |= {
        "examples": seen.examples,
        "tokens": seen.tokens,
        "supervised_tokens": seen.supervised_tokens,
        "too_long": len(seen.too_long),
    }
    return done


def _train_grpo(
    context: RunContext, stage: int, settings: GrpoStage, source: Source, base: Any, model: Any, record: Record
) -> bool:
    """Trains the model's adapter; rollouts are drawn in the precision of evaluations."""
    config = context.config
    same = settings.precision == config.model.precision
    frozen = base if same else load_model(context.files, context.mesh, config.model.precision)
    return train_grpo(
        model,
        source,
        Policy(parameters(frozen), context.files.config, config.lora.scale, context.fmt, context.tokenizer),
        settings.training,
        seed=config.seed,
        mesh=context.mesh,
        directory=context.run.checkpoint(stage),
        record=record,
        should_stop=context.stop,
    )


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
def _logged(context: RunContext, kind: str, stage: int) -> Iterator[dict[str, Any]]:
    """Logs that a stage or its evaluation begins and ends, with peak memory and the summary that the block fills."""
    context.run.event(f"{kind}_started", stage=stage)
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
