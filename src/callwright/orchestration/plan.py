"""What a run will do and roughly what it will take, before it does it.

Examples and tokens are counted by packing the data for real. Times come from counting floating point operations and
measuring, on this machine and now, how fast it multiplies matrices; training reaches about 45% of that on a CPU, and
what is printed is rounded accordingly. Memory is weights, adapter, optimizer and the largest activations.
"""

import itertools
import time
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp

from callwright.data.packing import PackedBatches
from callwright.data.registry import MixedSource, open_source
from callwright.formats import get_format
from callwright.models.gemma3 import Gemma3Config
from callwright.models.sources import ModelFiles
from callwright.models.tokenizer import GemmaTokenizer
from callwright.orchestration.config import PipelineConfig, SftStage
from callwright.progress import duration
from callwright.training.grpo import GrpoSettings
from callwright.training.sft import SftSettings

EFFICIENCY = 0.45
SAMPLE_UPDATES = 20
PROCESS_GIGABYTES = 2
"""Of the interpreter, its libraries and XLA: chosen so that the sums fit the peaks measured on CPUs."""
DECODE_TOKENS = 64
"""Tokens of a typical answer."""


Left = Sequence[tuple[int, bool]]
"""The stages that have something left to do, each with whether that includes training."""


def describe(config: PipelineConfig, left: Left, files: ModelFiles, tokenizer: GemmaTokenizer) -> Iterator[str]:
    """The data of each stage, and an estimate of its time and memory on this machine, a line each.

    Raises:
      DataError: The data of a stage cannot be read.
    """
    form = get_format(config.format.name, config.format.variant)
    speed = _measure_speed()
    entries = sum(map(len, config.evaluation.entries().values()))
    body, head = _parameters(files.config)
    size = f"{(body + head) / 1e6:.0f} M parameters"
    yield f"model {files.name}: {size}; matrices multiply at {speed / 1e9:.0f} GFLOP/s here"
    total = 0.0
    for number, trains in left:
        said = [f"stage {number}:"]
        if trains:
            stage = config.stage(number)
            sources = [open_source(name, options) for name, options in stage.data.items()]
            source = sources[0] if len(sources) == 1 else MixedSource(sources, config.seed)
            training = stage.training
            said.append(f"{len(source)} examples, {training.steps} updates,")
            if isinstance(stage, SftStage) and isinstance(training, SftSettings):
                batches = PackedBatches(source, form, tokenizer, training, config.seed)
                sampled = min(SAMPLE_UPDATES, max(training.steps, 1))
                for _ in itertools.islice(batches, sampled):
                    pass
                share = training.steps / sampled
                said.append(
                    f"about {batches.seen.examples * share:.0f} examples and {batches.seen.tokens * share:.0f} tokens "
                    f"used, {len(batches.seen.too_long)} of the first {batches.seen.examples} too long,"
                )
                flops = _sft_flops(training, body, head)
            elif isinstance(training, GrpoSettings):
                flops = _grpo_flops(training, body, head)
            seconds = training.steps * flops / (speed * EFFICIENCY) + 60
            total += seconds
            said.append(f"about {duration(seconds)} and {_training_memory(training, files.config, body, head):.0f} GB;")
        seconds = entries * (500 * 2 * body + DECODE_TOKENS * 2 * (body + head)) / (speed * EFFICIENCY) + 20
        total += seconds
        said.append(f"BFCL on {entries} entries, about {duration(seconds)}")
        yield " ".join(said)
    yield f"in all about {duration(total)} (an estimate: within a factor of two)"


def _measure_speed() -> float:
    """Floating point operations a second of a float32 matrix product of the model's kind of size."""
    a, b = jnp.ones((1024, 640)), jnp.ones((640, 2048))
    multiply = jax.jit(jnp.dot)
    multiply(a, b).block_until_ready()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < 0.3:
        multiply(a, b).block_until_ready()
        count += 1
    return count * 2 * 1024 * 640 * 2048 / (time.perf_counter() - start)


def _parameters(config: Gemma3Config) -> tuple[int, int]:
    """Parameters of the layers, and of the embedding, which is also the output head."""
    attention = 2 * config.d_model * config.head_dim * (config.num_heads + config.num_kv_heads)
    body = config.num_layers * (attention + 3 * config.d_model * config.d_ff)
    return body, config.vocab_size * config.d_model


def _sft_flops(training: SftSettings, body: int, head: int) -> float:
    """Of one update: forward and activations' gradients (4 for each weight and token), head on supervised positions."""
    rows = training.batch_size * training.gradient_accumulation
    return 4.0 * rows * (training.sequence_length * body + training.supervised_length * head)


def _grpo_flops(training: GrpoSettings, body: int, head: int) -> float:
    """Of one update: rollouts, the reference's forward pass, forward and backward."""
    rows = training.prompts_per_step * training.group_size
    length = training.max_prompt_tokens + training.max_new_tokens
    return 2.0 * rows * (4 * length * body + 4 * training.max_new_tokens * head)


def _training_memory(training: SftSettings | GrpoSettings, config: Gemma3Config, body: int, head: int) -> float:
    """Gigabytes: frozen weights, the head in float32, activations kept for the backward pass, and the logits; for GRPO
    also the merged policy that the rollouts are drawn from, with its head.
    """
    weights = 2 * (body + head) + 4 * head
    if isinstance(training, SftSettings):
        rows, length, targets = training.batch_size, training.sequence_length, training.supervised_length
    else:
        weights *= 2
        rows = training.prompts_per_step * training.group_size
        length, targets = training.max_prompt_tokens + training.max_new_tokens, training.max_new_tokens
    activations = rows * length * config.num_layers * (12 * config.d_model + 8 * config.d_ff) * 2
    attention = rows * length * length * config.num_heads * config.num_layers * 4
    logits = 4 * rows * targets * config.vocab_size * 4
    return (weights + activations + attention + logits) / 1e9 + PROCESS_GIGABYTES
