"""What a run will do and roughly how long it will take, before it does it.

Examples and tokens are counted by packing some of the data for real. Times come from counting floating point
operations and measuring, on this machine and now, how fast it multiplies matrices; training reaches about 45% of that
on a CPU, and what is printed is rounded accordingly. Memory is weights, adapter, optimizer and the largest activations.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from callwright.data.packing import ExampleCounts, PackedBatches
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.models.gemma3 import Gemma3Config
from callwright.models.sources import ModelFiles
from callwright.models.tokenizer import GemmaTokenizer
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.data_checks import check_data
from callwright.orchestration.starting_point import StartingPoint
from callwright.progress import duration
from callwright.training.losses import CHUNK
from callwright.training.settings import GrpoSettings, SftSettings

EFFICIENCY = 0.45
"""The share of a matrix product's speed that training and evaluation reach."""
SAMPLE_UPDATES = 20
"""Updates whose rows are packed to count their examples and tokens, at most."""
SAMPLE_TOKENS = 200_000
"""Tokens after which no further row is packed for that, which takes seconds; updates may be of any size."""
PROCESS_BYTES = 2e9
"""Of the interpreter, its libraries and XLA: chosen so that the sums fit the peaks measured on CPUs."""
SEEN = 1024
"""Tokens of a long row that a block of 64 looks at in attention, about."""
PROMPT_TOKENS, ANSWER_TOKENS = 500, 64
"""Of a typical entry of BFCL and its answer."""
TRAINING_START_SECONDS, EVALUATION_START_SECONDS = 60, 20
"""Loading and compiling."""


@dataclass(frozen=True, slots=True)
class RemainingStage:
    """A stage with work left: its number, and what it starts from if that includes training."""

    number: int
    start: StartingPoint | None


@dataclass(frozen=True, slots=True)
class _Size:
    """The model in parameters: those of the layers, and those of the embedding, which is also the output head."""

    body: int
    head: int

    @classmethod
    def of(cls, config: Gemma3Config) -> "_Size":
        attention = 2 * config.d_model * config.head_dim * (config.num_heads + config.num_kv_heads)
        body = config.num_layers * (attention + 3 * config.d_model * config.d_ff)
        return cls(body, config.vocab_size * config.d_model)


def describe_work(
    config: PipelineConfig,
    remaining: Sequence[RemainingStage],
    files: ModelFiles,
    tokenizer: GemmaTokenizer,
    *,
    check: bool = False,
) -> Iterator[str]:
    """The data of each stage, and an estimate of its time and memory on this machine, a line each.

    Args:
      config: The run's configuration.
      remaining: The stages with work left.
      files: The base model on disk.
      tokenizer: Its tokenizer.
      check: Whether the data is checked too, as stage 1 does it.

    Raises:
      DataError: The data of a stage cannot be read, or the check finds something wrong.
    """
    speed = _measure_speed()
    entries = sum(map(len, config.evaluation.entries().values()))
    size = _Size.of(files.config)
    parameters = f"{(size.body + size.head) / 1e6:.0f} M parameters"
    yield f"model {files.name}: {parameters}; matrices multiply at {speed / 1e9:.0f} GFLOP/s here"
    evaluation_flops = entries * 2 * ((PROMPT_TOKENS + ANSWER_TOKENS) * size.body + ANSWER_TOKENS * size.head)
    total = 0.0
    for stage in remaining:
        line, found = [f"stage {stage.number}:"], list[str]()
        if stage.start is not None:
            checked = check_data(config, stage.number, _format(config)) if check else None
            found = checked.lines() if checked else found
            training = config.stage(stage.number).training
            line.append(f"{len(config.source(stage.number))} examples{f' ({checked})' if checked else ''},")
            line.append(f"{training.steps} updates,")
            if isinstance(training, SftSettings):
                sampled = _sampled(config, stage.number, training, tokenizer)
                flops = _sft_flops(training, size, sampled)
                line.append(sampled.describe(training.steps))
            else:
                flops = _grpo_flops(training, size)
            seconds = training.steps * flops / (speed * EFFICIENCY) + TRAINING_START_SECONDS
            total += seconds
            line.append(f"about {duration(seconds)} and {training_memory(training, files.config) / 1e9:.0f} GB;")
        seconds = evaluation_flops / (speed * EFFICIENCY) + EVALUATION_START_SECONDS
        total += seconds
        line.append(f"BFCL on {entries} entries, about {duration(seconds)}")
        if stage.start is not None:
            line[-1] += f"; it starts from {stage.start}"
        yield " ".join(line)
        yield from (f"  {finding}" for finding in found)
    yield f"in all about {duration(total)} (an estimate: within a factor of two)"


@dataclass(frozen=True, slots=True)
class _Sampled:
    """What some updates, or a part of one, hold that was packed for real."""

    updates: float
    counts: ExampleCounts

    def describe(self, steps: int) -> str:
        """What so many updates will use, in words."""
        counts, share = self.counts, steps / self.updates
        return (
            f"about {counts.examples * share:.0f} examples and {counts.tokens * share:.0f} tokens used, "
            f"{len(counts.too_long)} of the first {counts.examples} too long,"
        )


def _sampled(config: PipelineConfig, number: int, training: SftSettings, tokenizer: GemmaTokenizer) -> _Sampled:
    by_row = training.model_copy(update={"batch_size": 1, "gradient_accumulation": 1})
    batches = PackedBatches(config.source(number), _format(config), tokenizer, by_row, config.seed)
    update = training.batch_size * training.gradient_accumulation  # in rows
    for packed, _ in enumerate(batches, 1):
        if packed >= min(SAMPLE_UPDATES, max(training.steps, 1)) * update or batches.counts.tokens >= SAMPLE_TOKENS:
            break
    return _Sampled(packed / update, batches.counts)


def _format(config: PipelineConfig) -> Format:
    return get_format(config.format.name, config.format.variant)


def _measure_speed() -> float:
    """Floating point operations a second of a float32 matrix product of a size that is typical of the model."""
    a, b = jnp.ones((1024, 640)), jnp.ones((640, 2048))
    multiply = jax.jit(jnp.dot)
    multiply(a, b).block_until_ready()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < 0.3:
        multiply(a, b).block_until_ready()
        count += 1
    return count * 2 * 1024 * 640 * 2048 / (time.perf_counter() - start)


def _sft_flops(training: SftSettings, size: _Size, sampled: _Sampled) -> float:
    """Of one update: 4 for each weight and token (forward, activations' gradients), the head on supervised tokens."""
    tokens = training.batch_size * training.gradient_accumulation * training.sequence_length
    return 4.0 * (tokens * size.body + sampled.counts.supervised_tokens / sampled.updates * size.head)


def _grpo_flops(training: GrpoSettings, size: _Size) -> float:
    """Of one update: rollouts, the reference's forward pass, forward and backward; each prompt is computed once."""
    answers = training.group_size * training.max_new_tokens
    tokens = training.max_prompt_tokens + answers
    return 2.0 * training.prompts_per_step * 4 * (tokens * size.body + answers * size.head)


def training_memory(training: SftSettings | GrpoSettings, config: Gemma3Config) -> float:
    """Estimated bytes: frozen weights, the head in float32, activations kept for the backward pass, and the logits; for
    GRPO also the merged policy that the rollouts are drawn from, with its head.
    """
    size = _Size.of(config)
    weights = 2 * (size.body + size.head) + 4 * size.head
    if isinstance(training, SftSettings):
        rows, length = training.batch_size, training.sequence_length
    else:
        weights *= 2
        rows = training.prompts_per_step
        length = training.max_prompt_tokens + training.group_size * training.max_new_tokens
    activations = rows * length * config.num_layers * (12 * config.d_model + 8 * config.d_ff) * 2
    attention = rows * length * min(length, SEEN) * config.num_heads * config.num_layers * 4
    logits = 4 * CHUNK * config.vocab_size * 4
    return weights + activations + attention + logits + PROCESS_BYTES
