"""The stages of the pipeline, one function each; every one goes on where it was stopped.

Each function returns whether its stage is done; False means that it was asked to stop and that what it did is on disk.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from tensorboardX import SummaryWriter

from callwright.data.packing import PackedBatches
from callwright.data.registry import MixedSource, open_source
from callwright.data.source import Source
from callwright.data.validation import check_round_trip
from callwright.engines.jax import JaxEngine
from callwright.errors import CheckpointError, ConfigError
from callwright.evaluation.run import evaluate
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.models import lora
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.sources import ModelFiles
from callwright.models.tokenizer import GemmaTokenizer
from callwright.orchestration.config import SECTIONS, PipelineConfig, SftStage
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.watch import Interrupt, PeakMemory
from callwright.progress import track
from callwright.training.checkpoints import FILE, AdapterCard, load_adapter, save_adapter
from callwright.training.grpo import Policy, train_grpo
from callwright.training.sft import train_sft

TITLES = {1: "format", 2: "base model", 3: "SFT small", 4: "SFT full", 5: "GRPO"}


@dataclass(slots=True)
class Workshop:
    """What the stages of one run share.

    Attributes:
      config: The resolved configuration.
      run: The run's directory, open.
      files: The base model on disk.
      tokenizer: Its tokenizer.
      resume: A finished stage of another run to start from; None otherwise.
      stop: Asked between steps.
    """

    config: PipelineConfig
    run: RunDirectory
    files: ModelFiles
    tokenizer: GemmaTokenizer
    resume: Path | None
    stop: Interrupt

    @property
    def form(self) -> Format:
        """The format of all stages."""
        return get_format(self.config.format.name, self.config.format.variant)

    @property
    def mesh(self) -> jax.sharding.Mesh:
        """The devices."""
        wanted = self.config.mesh.fsdp * self.config.mesh.tp
        if wanted > jax.device_count():
            raise ConfigError(f"{wanted} devices for the mesh", f"{jax.device_count()}", "set mesh.fsdp and mesh.tp")
        return make_mesh(self.config.mesh.fsdp, self.config.mesh.tp)

    def source(self, stage: int) -> Source:
        """The examples of a training stage."""
        sources = [open_source(name, options) for name, options in self.config.stage(stage).data.items()]
        return sources[0] if len(sources) == 1 else MixedSource(sources, self.config.seed)

    def checkpoint_before(self, stage: int) -> Path | None:
        """The finished stage that `stage` goes on from; None when it starts from the base model.

        Raises:
          CheckpointError: there should be one, and there is none.
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


def check_format(shop: Workshop, trained: list[int]) -> bool:
    """Stage 1: everything the training stages will say reads back as what was meant."""
    form, run = shop.form, shop.run
    with _measured(shop, "stage", 1) as summary:
        for stage in trained:
            source = shop.source(stage)
            with track(f"{TITLES[stage]}: reading back", len(source), "examples") as bar:
                for index in range(len(source)):
                    if shop.stop():
                        return False
                    check_round_trip(source[index], form)
                    bar.advance()
            summary[f"stage{stage}"] = {"examples": len(source), "read_back": len(source)}
        summary["done"] = True
    run.event("stage_finished", stage=1, **summary)
    return True


def evaluate_stage(shop: Workshop, stage: int) -> bool:
    """BFCL on the base model (stage 2) or on what a training stage left."""
    config, run = shop.config, shop.run
    entries = config.evaluation.entries()
    total = sum(map(len, entries.values()))
    with _measured(shop, "evaluation", stage) as summary:
        model = load_model(shop.files, shop.mesh, config.model.precision)
        params = parameters(model)
        if stage > 2:
            params = lora.merge(params, shop.adapter(run.checkpoint(stage)), config.lora.scale)
        stops = [shop.tokenizer.token_id(stop) for stop in shop.form.stops]
        engine = JaxEngine(params, shop.files.config, stop_ids=stops, pad_id=shop.tokenizer.pad_id)
        with track(f"{TITLES[stage]}: BFCL", total, "entries", work=1.0) as bar:
            found = [True]

            def advance(count: int, share: float) -> None:
                bar.advance(count, work=share, free=found.pop() if found else False)

            summary["done"] = evaluate(
                engine,
                entries,
                shop.form,
                shop.tokenizer,
                config.evaluation,
                run.evaluation(stage),
                advance=advance,
                should_stop=shop.stop,
            )
        del model, params, engine
    _free()
    if summary["done"]:
        run.event("evaluation_finished", stage=stage, entries=total, **summary)
    return bool(summary["done"])


def train_stage(shop: Workshop, stage: int) -> bool:
    """Stages 3, 4 and 5: trains the adapter from the stage before and leaves a new one."""
    config, run = shop.config, shop.run
    settings = config.stage(stage)
    source = shop.source(stage)
    before = shop.checkpoint_before(stage)
    start = shop.adapter(before) if before is not None else None
    mesh, form = shop.mesh, shop.form
    steps = settings.training.steps
    with _measured(shop, "stage", stage) as summary:
        base = load_model(shop.files, mesh, settings.precision)
        model = lora.attach(base, config.lora, mesh, config.seed)
        if start is not None:
            lora.write_adapter(model, start)
        with track(TITLES[stage], steps, "steps") as bar, _recorder(shop, stage, bar) as record:
            if isinstance(settings, SftStage):
                batches = PackedBatches(source, form, shop.tokenizer, settings.training, config.seed)
                done, seen = train_sft(
                    model,
                    batches,
                    settings.training,
                    mesh=mesh,
                    directory=run.checkpoint(stage),
                    record=record,
                    should_stop=shop.stop,
                )
                summary |= {"examples": seen.examples, "tokens": seen.tokens, "supervised_tokens": seen.supervised}
                summary["too_long"] = len(seen.too_long)
            else:
                frozen = base if settings.precision == config.model.precision else None
                frozen = frozen or load_model(shop.files, mesh, config.model.precision)
                policy = Policy(parameters(frozen), shop.files.config, config.lora.scale, form, shop.tokenizer)
                done = train_grpo(
                    model,
                    source,
                    policy,
                    settings.training,
                    seed=config.seed,
                    mesh=mesh,
                    directory=run.checkpoint(stage),
                    record=record,
                    should_stop=shop.stop,
                )
        if done:
            card = AdapterCard(
                model=shop.files.name,
                model_sha256=shop.files.sha256,
                lora=config.lora,
                format="/".join(filter(None, (config.format.name, config.format.variant))),
                stage=SECTIONS[stage],
                steps=steps,
            )
            save_adapter(run.checkpoint(stage), lora.read_adapter(model), card)
        summary |= {"done": done, "steps": steps}
        del base, model
    _free()
    if done:
        run.event("stage_finished", stage=stage, **summary)
    return done


@contextmanager
def _recorder(shop: Workshop, stage: int, bar: Any) -> Iterator[Any]:
    """A function that puts an update's metrics into the log, the progress bar and TensorBoard."""
    board = SummaryWriter(str(shop.run.path / "tensorboard" / f"stage{stage}")) if shop.config.tensorboard else None

    done = 0

    def record(row: dict[str, Any]) -> None:
        nonlocal done
        if not done:  # the steps of an earlier process are done, but say nothing about the rate
            bar.advance(row["step"] - 1, free=True)
        done = row["step"]
        shop.run.event("step", stage=stage, **row)
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
def _measured(shop: Workshop, kind: str, stage: int) -> Iterator[dict[str, Any]]:
    """Logs the start, and puts the peak memory into the summary that the stage fills."""
    shop.run.event(f"{kind}_started", stage=stage)
    summary: dict[str, Any] = {}
    peak = PeakMemory()
    try:
        with peak:
            yield summary
    finally:  # only now is it sure that a sample was taken
        summary["peak_memory_bytes"] = peak.bytes
        shop.run.event(f"{kind}_left", stage=stage, **summary)


def _free() -> None:
    """Lets go of a stage's arrays and compiled programs before the next one needs the room."""
    jax.clear_caches()
    gc.collect()
