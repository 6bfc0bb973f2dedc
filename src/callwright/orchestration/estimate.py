"""What the parts of a run cost on this machine, in seconds and in bytes.

Examples and tokens are counted by packing some of the data for real. Times come from counting floating point
operations and measuring, on this machine and now, how fast it multiplies matrices, in float32 and in the precision that
is trained in. Memory is weights, adapter, optimizer and the largest activations.
"""

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp

from callwright.data.packing import ExampleCounts, PackedBatches
from callwright.data.rows import BLOCK
from callwright.data.source import Source
from callwright.evaluation.cost import SuiteCost, measure_suite
from callwright.evaluation.settings import SuiteName, SuiteSettings
from callwright.evaluation.suites import suite_entries
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.models.gemma3 import Gemma3Config
from callwright.models.settings import Precision
from callwright.models.sources import ModelFiles
from callwright.models.tokenizer import GemmaTokenizer
from callwright.orchestration.config import PipelineConfig
from callwright.report.stage_list import SECTIONS
from callwright.training.curriculum import ShortPrompts
from callwright.training.settings import GrpoSettings, SftSettings

OVERHEAD = 1.33
"""What training does beside its matrix products, as a part of the time that these would take in float32."""
EVALUATION_EFFICIENCY = 0.21
"""The share of a matrix product's speed that an evaluation reaches: few rows at a time, and every step reads all
weights."""
SAMPLE_UPDATES = 20
"""Updates whose rows are packed to count their examples and tokens, at most."""
SAMPLE_TOKENS = 200_000
"""Tokens after which no further row is packed for that, which takes seconds; updates may be of any size."""
PROCESS_BYTES = 2e9
"""Of the interpreter, its libraries and XLA: chosen so that the sums fit the peaks measured on CPUs."""
SEEN = 1024
"""Tokens of a long row that a block of 64 looks at in attention, about."""
TRAINING_START_SECONDS, EVALUATION_START_SECONDS = 60, 20
"""Loading and compiling."""
UPDATES = "updates"
"""What is counted in training."""


@dataclass(frozen=True, slots=True)
class Work:
    """A part of a run that takes time: a stage's training, or an evaluation after it.

    Attributes:
      stage: The stage's number.
      unit: What is counted: `UPDATES`, or the entries of a suite, which is then named.
      count: How many there are.
      each: Seconds of one on this machine.
      start: Seconds before the first one.
    """

    stage: int
    unit: str
    count: int
    each: float
    start: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.start + self.count * self.each


@dataclass(frozen=True, slots=True)
class PackedRows:
    """What some updates, or a part of one, hold that was packed for real.

    Attributes:
      share: Of the stage's updates, those that are like them.
      length: Tokens in a row.
      updates: How many were packed.
      counts: Their examples and tokens.
      seen: Tokens that each token meets in attention, padding included.
    """

    share: float
    length: int
    updates: float
    counts: ExampleCounts
    seen: int


def describe_rows(parts: Sequence[PackedRows], steps: int) -> str:
    """What so many updates will use, in words."""
    examples = sum(steps * part.share / part.updates * part.counts.examples for part in parts)
    tokens = sum(steps * part.share / part.updates * part.counts.tokens for part in parts)
    counts = parts[-1].counts
    text = f"about {examples:.0f} examples and {tokens:.0f} tokens used, "
    return text + f"{len(counts.too_long)} of the first {counts.examples} too long,"


class Estimator:
    """The work of one configuration on this machine; its numbers of steps and entries may change in between.

    The speed is measured, and the data and the suites of a stage are looked at, when they are needed first, and once.

    Attributes:
      files: The base model on disk.
      tokenizer: Its tokenizer.
    """

    def __init__(self, files: ModelFiles, tokenizer: GemmaTokenizer) -> None:
        self.files = files
        self.tokenizer = tokenizer
        self._packed: dict[int, list[PackedRows]] = {}
        self._entry_flops: dict[tuple[int, SuiteName], float] = {}

    @cached_property
    def speed(self) -> float:
        """Floating point operations a second of this machine."""
        return measure_speed()

    @cached_property
    def bfloat16_speed(self) -> float:
        """The same where both matrices are bfloat16: some machines have instructions for that."""
        return measure_speed("bfloat16")

    @property
    def parameters(self) -> int:
        """Of the model."""
        size = _Size.of(self.files.config)
        return size.body + size.head

    def training(self, config: PipelineConfig, number: int) -> Work:
        """The training of a stage.

        Raises:
          DataError: Its data cannot be read.
        """
        stage, size = config.stage(number), _Size.of(self.files.config)
        training = stage.training
        if isinstance(training, SftSettings):
            flops = sum(part.share * _sft_flops(training, size, part) for part in self.packed(config, number))
        else:
            flops = _grpo_flops(training, size)
        products = self.bfloat16_speed if stage.precision == "bfloat16" else self.speed
        each = flops / products + OVERHEAD * flops / self.speed
        return Work(number, UPDATES, training.steps, each, TRAINING_START_SECONDS)

    def evaluations(self, config: PipelineConfig, number: int) -> list[Work]:
        """The evaluations after a stage, one for each suite that follows it.

        Raises:
          FormatError: The format cannot say a prompt.
        """
        works = []
        for name, settings in config.evaluation.after(number).items():
            count = len(suite_entries(settings, number))
            if (number, name) not in self._entry_flops:
                self._entry_flops[number, name] = self._measure_suite(settings, number, _format(config)) / max(count, 1)
            each = self._entry_flops[number, name] / (self.speed * EVALUATION_EFFICIENCY)
            works.append(Work(number, name, count, each, EVALUATION_START_SECONDS))
        return works

    def stage(self, config: PipelineConfig, number: int) -> list[Work]:
        """All of a stage, from 2: its training, if it trains, and the evaluations after it.

        Raises:
          DataError: As `training`.
        """
        training = [self.training(config, number)] if number in SECTIONS else []
        return training + self.evaluations(config, number)

    def packed(self, config: PipelineConfig, number: int) -> list[PackedRows]:
        """What the first updates of each part of an SFT stage hold; the last part has whole prompts.

        Raises:
          DataError: The data of the stage cannot be read.
        """
        if number not in self._packed:
            self._packed[number] = self._pack(config, number)
        return self._packed[number]

    def _pack(self, config: PipelineConfig, number: int) -> list[PackedRows]:
        training, source = config.stage(number).training, config.source(number)
        assert isinstance(training, SftSettings)  # noqa: S101  (GRPO packs nothing)
        first = training.short_prompts
        if first is None:
            return [self._pack_part(config, source, training, 1.0)]
        short = training.model_copy(update={"sequence_length": first.sequence_length})
        return [
            self._pack_part(config, ShortPrompts(source), short, first.share),
            self._pack_part(config, source, training, 1 - first.share),
        ]

    def _pack_part(self, config: PipelineConfig, source: Source, training: SftSettings, share: float) -> PackedRows:
        by_row = training.model_copy(update={"batch_size": 1, "gradient_accumulation": 1})
        batches = PackedBatches(source, _format(config), self.tokenizer, by_row, config.seed)
        update, seen = training.batch_size * training.gradient_accumulation, 0  # in rows
        for packed, (_, (batch,)) in enumerate(batches, 1):
            seen = max(seen, batch["key_blocks"].shape[-1] * BLOCK)
            if packed >= min(SAMPLE_UPDATES, max(training.steps, 1)) * update or batches.counts.tokens >= SAMPLE_TOKENS:
                break
        return PackedRows(share, training.sequence_length, packed / update, batches.counts, seen)

    def _measure_suite(self, settings: SuiteSettings, number: int, fmt: Format) -> float:
        """Floating point operations of all entries of a suite."""
        cost = measure_suite(suite_entries(settings, number), settings, number, fmt, self.tokenizer)
        return _evaluation_flops(cost, _Size.of(self.files.config))


def _format(config: PipelineConfig) -> Format:
    return get_format(config.format.name, config.format.variant)


def measure_speed(precision: Precision = "float32") -> float:
    """Floating point operations a second of a matrix product whose size is typical of the model, added up in float32.

    Args:
      precision: Of both matrices.
    """
    a, b = jnp.ones((1024, 640), precision), jnp.ones((640, 2048), precision)
    multiply = jax.jit(functools.partial(jnp.dot, preferred_element_type=jnp.float32))
    multiply(a, b).block_until_ready()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < 0.3:
        multiply(a, b).block_until_ready()
        count += 1
    return count * 2 * 1024 * 640 * 2048 / (time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class _Size:
    """The model in numbers.

    Attributes:
      body: Parameters of the layers.
      head: Those of the embedding, which is also the output head.
      queries: Width of the queries of all layers together.
    """

    body: int
    head: int
    queries: int

    @classmethod
    def of(cls, config: Gemma3Config) -> "_Size":
        attention = 2 * config.d_model * config.head_dim * (config.num_heads + config.num_kv_heads)
        body = config.num_layers * (attention + 3 * config.d_model * config.d_ff)
        queries = config.num_layers * config.num_heads * config.head_dim
        return cls(body, config.vocab_size * config.d_model, queries)


def _sft_flops(training: SftSettings, size: _Size, packed: PackedRows) -> float:
    """Of one update: 4 for each weight and token (forward, activations' gradients), the head on supervised tokens, and
    12 for each part of a query and token that it meets (two products, and four for their gradients).
    """
    tokens = training.batch_size * training.gradient_accumulation * packed.length
    attention = 12.0 * tokens * packed.seen * size.queries
    return 4.0 * (tokens * size.body + packed.counts.supervised_tokens / packed.updates * size.head) + attention


def _grpo_flops(training: GrpoSettings, size: _Size) -> float:
    """Of one update: rollouts, the reference's forward pass, forward and backward; each prompt is computed once."""
    answers = training.group_size * training.max_new_tokens
    tokens = training.max_prompt_tokens + answers
    return 2.0 * training.prompts_per_step * 4 * (tokens * size.body + answers * size.head)


def _evaluation_flops(cost: SuiteCost, size: _Size) -> float:
    """Of all answers: 2 for each weight and token, the head on generated tokens."""
    tokens = cost.prompt_tokens + cost.answer_tokens
    return 2.0 * cost.answers * (tokens * size.body + cost.answer_tokens * size.head)


def training_memory(training: SftSettings | GrpoSettings, config: Gemma3Config) -> float:
    """Estimated bytes: frozen weights and the activations kept for the backward pass; for GRPO also the merged policy
    that the rollouts are drawn from, in float32, with its head.
    """
    size = _Size.of(config)
    weights = 2 * (size.body + size.head)
    if isinstance(training, SftSettings):
        rows, length = training.batch_size, training.sequence_length
    else:
        weights += 4 * (size.body + 2 * size.head)
        rows = training.prompts_per_step
        length = training.max_prompt_tokens + training.group_size * training.max_new_tokens
    activations = rows * length * config.num_layers * (12 * config.d_model + 8 * config.d_ff) * 2
    attention = rows * length * min(length, SEEN) * config.num_heads * config.num_layers * 4
    return weights + activations + attention + PROCESS_BYTES
