"""GRPO (Shao et al. 2024, arXiv:2402.03300) on Tunix's trainer, with our own engine for the rollouts.

One step: draw a few prompts, sample a group of completions for each from the merged policy, score them, turn each
group's rewards into advantages (Tunix's estimator), update the adapter once. Three things differ from the paper. There
is one update for each batch of rollouts, so the probability ratio is 1 and clipping never binds: it is left out. The
KL term is Schulman's low-variance estimate against the model that training began with, usually the SFT model, which
costs no second copy of the weights: the reference is the same frozen base with the adapter of the beginning. And a
group whose rewards are all equal has no advantage, so it is counted and left out of the batch's mean instead of
training on KL alone.

Prompts of the kinds that there is most to learn from are drawn more often (`prompt_weights`), and where hardly a group
of the first steps has an advantage, training ends there (`learning_signal`).

Every draw depends on the seed, the step and these weights only, so a run that is resumed between two steps samples what
it would have sampled.
"""

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tunix.rl.algo_core import compute_advantages
from tunix.rl.common import compute_kl_divergence

from callwright.data.packing import order, stream
from callwright.data.rows import BLOCK, Batch, Encoded, Tree, by_target, lay_out
from callwright.data.source import Example, Source
from callwright.engines.base import Generation
from callwright.engines.jax import JaxEngine
from callwright.engines.sampling import SamplingParams
from callwright.errors import TrainingError
from callwright.formats.base import Format
from callwright.models.forward import Params
from callwright.models.gemma3 import Gemma3Config
from callwright.models.lora import merge, read_adapter
from callwright.tokens import Tokenizer, decode_segments, encode_segments
from callwright.training.learning_signal import is_weak, judged_steps
from callwright.training.losses import target_logprobs
from callwright.training.prompt_weights import accept
from callwright.training.rewards import Reward, reward
from callwright.training.settings import GrpoSettings
from callwright.training.trainer import LoraTrainer, Record


@dataclass(frozen=True, slots=True)
class Policy:
    """What rollouts need to know of the model.

    Attributes:
      params: The frozen parameter tree, in the rollouts' precision.
      config: The architecture.
      scale: alpha / rank of the adapter.
      fmt: The format that prompts are written in.
      tokenizer: Its tokenizer.
    """

    params: Params
    config: Gemma3Config
    scale: float
    fmt: Format
    tokenizer: Tokenizer

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end a completion."""
        return tuple(self.tokenizer.token_id(stop) for stop in self.fmt.stops)


def grpo_loss(model: Any, batch: Mapping[str, jax.Array], kl_weight: float) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The group-relative policy loss, token means of completions averaged by the batch's weights.

    Args:
      model: The adapted policy.
      batch: A batch as in SFT, with `advantage` (B, K) and `reference` (B, K), the log-probabilities of the model
        that training began with.
      kl_weight: Weight of the KL term.

    Returns:
      The loss and the means of KL and entropy.
    """
    chosen, entropy = target_logprobs(model, dict(batch))
    ratio = jnp.exp(chosen - jax.lax.stop_gradient(chosen))  # 1, but its gradient is the policy's
    kl = compute_kl_divergence(chosen, batch["reference"], "low_var_kl")
    token_loss = kl_weight * kl - batch["advantage"] * ratio
    weight = batch["weight"]
    means = {"kl": jnp.sum(kl * weight), "entropy": jnp.sum(entropy * weight)}
    return jnp.sum(token_loss * weight), means


def train_grpo(
    model: Any,
    source: Source,
    policy: Policy,
    settings: GrpoSettings,
    *,
    seed: int,
    mesh: jax.sharding.Mesh,
    directory: Path,
    record: Record,
    weights: Mapping[str, float] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains the model's adapter from where it is (usually the SFT model), which is also the reference.

    Args:
      model: The adapted model.
      source: The prompts, and the calls that are right.
      policy: What rollouts need to know of the model.
      settings: The stage's.
      seed: Of the order of prompts and of all draws.
      mesh: The devices.
      directory: The stage's checkpoint directory.
      record: Called with the metrics of every step.
      weights: How often the kinds of prompts are drawn, relative to each other; all alike without it.
      should_stop: Asked before every step.

    Returns:
      Whether it is done: all steps were taken, or those after which there was too little to learn from.

    Raises:
      TrainingError: A value was not finite, the entropy collapsed, or the KL went beyond its limit.
    """
    reference = jax.tree.map(jnp.copy, nnx.state(model, nnx.LoRAParam))  # before a checkpoint replaces the adapter
    too_long: list[str] = []
    row: dict[str, Any] = {}
    started, weak = 0.0, False

    def record_update(update: Mapping[str, Any]) -> None:
        """Called before the update can reach a checkpoint, so a step beyond a limit never does."""
        metrics = {name: value for name, value in update.items() if name not in ("step", "seconds")}
        record(row | metrics | {"seconds": round(time.perf_counter() - started, 3)})
        _check(row | metrics, settings)

    with mesh:
        trainer = LoraTrainer(model, settings, directory, accumulation=1, record=record_update)
        trainer.with_loss_fn(lambda model, batch: grpo_loss(model, batch, settings.kl_weight), has_aux=True)
        trainer.with_gen_model_input_fn(lambda batch: {"batch": batch})
        trainer.is_managed_externally = True  # `train` is called once for each update
        done, varied = (int(trainer.restored.get(name, 0)) for name in ("global_step", "varied_groups"))
        prompts = _prompts(source, policy, settings, seed, weights or {}, too_long)
        groups = zip(*[prompts] * settings.prompts_per_step, strict=False)
        for step, group in enumerate(itertools.islice(groups, settings.steps)):
            if step < done:
                continue
            weak = step >= judged_steps(settings) and is_weak(varied, settings)
            if weak or should_stop():
                break
            started = time.perf_counter()
            rollouts = _roll_out(model, group, policy, settings, seed=seed, step=step)
            row = _summary(rollouts) | {"step": step + 1, "too_long": len(too_long)}
            done = step + 1
            if done <= judged_steps(settings):
                varied += sum(rollout.varied for rollout in rollouts)
            if any(rollout.varied for rollout in rollouts):
                batch = _batch(rollouts, policy, settings)
                batch["reference"] = np.asarray(_logprobs(model, reference, batch))
                trainer.metadata = {"global_step": done, "varied_groups": varied}
                trainer.train([batch])
            else:
                record_update({})
        trainer.close()
    return weak or done >= settings.steps


@dataclass(frozen=True, slots=True)
class _Group:
    """The completions of one prompt, and what they earned."""

    example: Example
    prompt: Sequence[int]
    completions: Sequence[Generation]
    rewards: Sequence[Reward]

    @property
    def varied(self) -> bool:
        """Whether the group has anything to learn from."""
        return len({reward.total for reward in self.rewards}) > 1


def _prompts(
    source: Source, policy: Policy, settings: GrpoSettings, seed: int, weights: Mapping[str, float], too_long: list[str]
) -> Iterator[tuple[Example, list[int]]]:
    def prepare(example: Example) -> tuple[Example, list[int]] | None:
        prompt = example.render(policy.fmt, -1, add_generation_prompt=True)
        ids, _ = encode_segments(policy.tokenizer, prompt.segments)
        return (example, ids) if len(ids) <= settings.max_prompt_tokens else None

    limits = f"{settings.max_prompt_tokens} prompt tokens"
    accepted = accept(weights, seed)
    for _, _, prompt in stream(source, order(len(source), seed), prepare, too_long, limits):
        if accepted(prompt[0].kind):
            yield prompt


def _roll_out(
    model: Any,
    prompts: Sequence[tuple[Example, list[int]]],
    policy: Policy,
    settings: GrpoSettings,
    *,
    seed: int,
    step: int,
) -> list[_Group]:
    """Samples and scores a group for each prompt, with the policy as it is now."""
    merged = merge(policy.params, read_adapter(model), policy.scale)
    engine = JaxEngine(merged, policy.config, stop_ids=policy.stop_ids, pad_id=policy.tokenizer.pad_id)
    draw = int(np.random.SeedSequence((seed, step)).generate_state(1)[0])
    size = settings.group_size
    completions = engine.generate(
        [ids for _, ids in prompts for _ in range(size)],
        max_new_tokens=settings.max_new_tokens,
        sampling=SamplingParams(temperature=settings.temperature, seed=draw),
    )
    groups = []
    for index, (example, ids) in enumerate(prompts):
        mine = completions[index * size : (index + 1) * size]
        rewards = [_reward(completion, example, policy, settings, step) for completion in mine]
        groups.append(_Group(example, ids, mine, rewards))
    return groups


def _reward(completion: Generation, example: Example, policy: Policy, settings: GrpoSettings, step: int) -> Reward:
    parsed = policy.fmt.parse(
        decode_segments(policy.tokenizer, completion.token_ids),
        tools=example.conversation.tools,
        finish_reason=completion.finish_reason,
        generation_prompt=example.generation_prompt(policy.fmt, -1),
    )
    return reward(parsed, example.expected_calls, settings.reward, step / settings.steps)


def _summary(groups: Sequence[_Group]) -> dict[str, Any]:
    """Means over the step's completions: every component, and how much there was to learn from."""
    rewards = [reward for group in groups for reward in group.rewards]
    row: dict[str, Any] = {
        f"reward/{name}": statistics.fmean(reward.components[name] for reward in rewards)
        for name in rewards[0].components
    }
    lengths = [len(completion.token_ids) for group in groups for completion in group.completions]
    return row | {
        "reward": statistics.fmean(reward.total for reward in rewards),
        "zero_variance_groups": sum(not group.varied for group in groups),
        "distinct_completions": statistics.fmean(len({c.token_ids for c in g.completions}) for g in groups),
        "completion_length": statistics.fmean(lengths),
        "tokens": sum(lengths),
        "examples": [group.example.id for group in groups],
    }


def _batch(groups: Sequence[_Group], policy: Policy, settings: GrpoSettings) -> Batch:
    """A row for each prompt, which its completions share; completions of a group that does not vary have no weight.

    All batches have the shape of the largest, so that one is compiled.
    """
    rows = [[_tree(group)] for group in groups]
    most = settings.group_size * settings.max_new_tokens
    length = settings.max_prompt_tokens + most
    batch = lay_out(rows, length, most, policy.tokenizer.pad_id, key_blocks=-(-length // BLOCK))
    totals = np.array([reward.total for group in groups for reward in group.rewards])
    advantages = compute_advantages(totals, settings.group_size).reshape(len(groups), -1)
    batch["advantage"] = by_target(batch["member"], np.asarray(advantages).tolist())
    learning = sum(group.varied for group in groups) * settings.group_size
    weights = [
        [1 / (learning * member.supervised_tokens) if group.varied else 0.0 for member in tree.members]
        for group, (tree,) in zip(groups, rows, strict=True)
    ]
    batch["weight"] = by_target(batch["member"], weights)
    return batch


def _tree(group: _Group) -> Tree:
    """The group's completions, stop tokens included, after their prompt."""
    tree: Tree | None = None
    for completion in group.completions:
        output = [*completion.token_ids, *([] if completion.stop_id is None else [completion.stop_id])]
        supervised = np.arange(len(group.prompt) + len(output)) >= len(group.prompt)
        sequence = Encoded(group.example.id, np.array([*group.prompt, *output], np.int32), supervised)
        if tree is None:
            tree = Tree(sequence)
        else:
            tree.add(sequence)
    assert tree is not None  # noqa: S101  (a group has at least two completions)
    return tree


@nnx.jit
def _logprobs(model: Any, adapter: nnx.State, batch: Batch) -> jax.Array:
    """Log-probabilities (B, K) of a batch's labels under the model's frozen weights with this adapter.

    The model's own adapter is neither used nor changed.
    """
    graph, _, frozen = nnx.split(model, nnx.LoRAParam, ...)
    return target_logprobs(nnx.merge(graph, adapter, frozen), batch)[0]


def _check(row: Mapping[str, Any], settings: GrpoSettings) -> None:
    """Ends training at a step after which more training would make the model worse.

    Raises:
      TrainingError: The divergence is beyond its limit, or the entropy below its own.
    """
    if "kl" not in row:
        return
    if not math.isfinite(row["kl"]) or row["kl"] > settings.max_kl:
        raise TrainingError(
            f"a KL divergence from the model it began with of at most {settings.max_kl:g}",
            f"{row['kl']:.3g} at step {row['step']}",
            "lower learning_rate or raise kl_weight; what it began with is untouched",
        )
    if row["entropy"] < settings.min_entropy:
        raise TrainingError(
            f"a mean entropy of at least {settings.min_entropy:g}",
            f"{row['entropy']:.3g} at step {row['step']}: the policy no longer explores",
            "raise temperature or train SFT for fewer steps",
        )
