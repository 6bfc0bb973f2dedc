"""GRPO starts from the SFT model and measures against it, learns only from groups that differ, and stops in time.

A random model never writes a tool call, so the format of these tests reads one out of a checksum of its words: rewards
vary as they would, and everything else is real. All runs have the same shapes and schedule, so that they share what is
compiled; a shorter run is one that is stopped.
"""

import itertools
import zlib
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tests.support.tiny import tiny_tokenizer
from tests.support.training import LORA, Examples, adapted, bits, randomize, tree_bits

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.data.packing import order
from callwright.data.source import Example
from callwright.engines.base import Generation
from callwright.engines.jax import JaxEngine
from callwright.engines.sampling import SamplingParams
from callwright.errors import DataError, TrainingError
from callwright.formats.base import Parsed
from callwright.formats.xml import XmlFormat
from callwright.models.forward import empty_cache, forward, logits, matrices, output_head
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.lora import merge, read_adapter
from callwright.training import grpo
from callwright.training.grpo import Policy, train_grpo
from callwright.training.rewards import Reward, RewardSettings
from callwright.training.settings import GrpoSettings

RIGHT, WRONG = ToolCall("get", {"city": "Paris"}), ToolCall("get", {"city": "the"})
COUNTS = {"zero_variance_groups", "distinct_completions", "completion_length", "tokens", "too_long"}
REWARDS = {"reward/well_formed", "reward/exact", "reward/unnecessary_call", "reward/partial", "reward"}
LEARNING = {"loss", "grad_norm", "learning_rate", "kl", "entropy"}


ANSWERS = (
    Parsed(None, None, (RIGHT,)),
    Parsed(None, None, (WRONG,)),
    Parsed("the weather"),
    Parsed(None, complete=False),
)


class Checksum(XmlFormat):
    """Reads a right call, a wrong one, words or a broken call out of a checksum; where the tool is `same`, words."""

    def __init__(self, answers=ANSWERS):
        super().__init__()
        self.answers = answers

    def parse(self, raw, *, tools=(), **options):
        if tools[0].name == "same":
            return Parsed("the weather")
        text = "".join(segment.text for segment in raw)
        return self.answers[zlib.crc32(text.encode()) % len(self.answers)]


def asking(index: int, *, fits: bool = True, tool: str = "get", words: int = 3) -> Example:
    asked = Message("user", f"{index}: {'weather ' * words}")
    output = Message("assistant", tool_calls=(RIGHT,)) if fits else Message("assistant", "the city")
    return Example(f"asking/{index}", Conversation((asked, output), (Tool(tool),)), "simple" if fits else "irrelevance")


SOURCE = Examples([asking(index, fits=index % 3 > 0) for index in range(12)])


def settings(**changes) -> GrpoSettings:
    small = {
        "steps": 4,
        "prompts_per_step": 2,
        "group_size": 4,
        "max_prompt_tokens": 120,
        "max_new_tokens": 6,
        "learning_rate": 1e-2,
        "warmup_steps": 0,
        "checkpoint_every": 2,
    }
    return GrpoSettings(**small | changes)


def saved(directory) -> list[int]:
    return sorted(int(path.name) for path in (directory / "steps").glob("*") if path.name.isdigit())


@pytest.fixture(scope="module")
def frozen(shallow_model):
    return parameters(load_model(shallow_model, make_mesh()))


@pytest.fixture(scope="module")
def train(shallow_model, frozen):
    """Runs GRPO from a random adapter, which stands for the SFT model; rows leave out the clock."""

    def run(directory, shape, *, fmt=None, source=SOURCE, stop_after=None, seed=0, weights=None):
        model = adapted(shallow_model)
        start = bits(randomize(model))
        rows = []
        done = train_grpo(
            model,
            source,
            Policy(frozen, shallow_model.config, LORA.scale, fmt or Checksum(), tiny_tokenizer()),
            shape,
            seed=seed,
            mesh=make_mesh(),
            directory=directory,
            record=lambda row: rows.append({name: value for name, value in row.items() if name != "seconds"}),
            weights=weights,
            should_stop=lambda: stop_after is not None and len(rows) >= stop_after,
        )
        return SimpleNamespace(model=model, rows=rows, done=done, start=start, bits=bits(read_adapter(model)))

    return run


@pytest.fixture(scope="module")
def uninterrupted(train, tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted")
    return SimpleNamespace(directory=directory, **vars(train(directory, settings())))


def test_every_step_is_recorded_with_every_component_of_the_reward(uninterrupted):
    assert uninterrupted.done
    assert [row["step"] for row in uninterrupted.rows] == [1, 2, 3, 4]
    for row in uninterrupted.rows:
        assert row.keys() >= REWARDS | COUNTS
        assert len(row["examples"]) == 2
        assert row["reward"] == pytest.approx(sum(row[name] for name in REWARDS - {"reward"}), abs=1e-9)
        assert row.keys() >= LEARNING or row["zero_variance_groups"] == 2
    assert sum("kl" in row for row in uninterrupted.rows) >= 3


def test_the_reference_is_the_model_that_training_began_with(uninterrupted):
    first, *others = (row["kl"] for row in uninterrupted.rows if "kl" in row)
    assert first == 0
    assert all(0 < kl < 1 for kl in others)


def test_only_the_adapter_changes(shallow_model, uninterrupted):
    assert tree_bits(parameters(uninterrupted.model)) == tree_bits(parameters(adapted(shallow_model)))
    assert not [name for name, start in uninterrupted.start.items() if uninterrupted.bits[name] == start]


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_run_stopped_between_steps_goes_on_to_the_bits_of_one_that_was_never_stopped(
    train, uninterrupted, tmp_path, stop_after
):
    shape = settings(checkpoint_every=3)  # so that mostly stopping, not the interval, makes the checkpoint
    first = train(tmp_path, shape, stop_after=stop_after)
    assert not first.done
    second = train(tmp_path, shape)
    assert second.done
    assert first.rows + second.rows == uninterrupted.rows
    assert second.bits == uninterrupted.bits


def test_a_finished_stage_trains_no_further(train, uninterrupted):
    again = train(uninterrupted.directory, settings())
    assert again.done
    assert not again.rows
    assert again.bits == uninterrupted.bits


def test_another_seed_draws_other_completions(train, uninterrupted, tmp_path):
    other = train(tmp_path, settings(), seed=1, stop_after=1)
    assert other.rows[0]["reward"] != uninterrupted.rows[0]["reward"]
    assert other.rows[0]["examples"] != uninterrupted.rows[0]["examples"]


def test_steps_in_which_all_completions_earn_the_same_change_no_weights(train, tmp_path):
    run = train(tmp_path, settings(), source=Examples([asking(n, tool="same") for n in range(8)]))
    assert run.done
    assert run.bits == run.start
    assert [row["zero_variance_groups"] for row in run.rows] == [2, 2, 2, 2]
    assert not [row for row in run.rows if row.keys() & LEARNING]


@pytest.fixture(scope="module")
def with_idle_steps(train, tmp_path_factory):
    """A run whose second and last step teach nothing, and of whose third only one group does."""
    drawn = list(itertools.islice(order(8, 0), 8))
    idle = {drawn[place] for place in (2, 3, 5, 6, 7)}
    source = Examples([asking(index, tool="same" if index in idle else "get") for index in range(8)])
    whole = train(tmp_path_factory.mktemp("idle"), settings(checkpoint_every=50), source=source)
    return SimpleNamespace(source=source, **vars(whole))


def test_groups_without_variance_are_counted(with_idle_steps):
    assert [row["zero_variance_groups"] for row in with_idle_steps.rows] == [0, 2, 1, 2]
    assert ["loss" in row for row in with_idle_steps.rows] == [True, False, True, False]


@pytest.mark.parametrize("stop_after", [2, 3])
def test_a_stage_stopped_near_a_step_that_taught_nothing_resumes_to_the_same_bits(
    train, with_idle_steps, tmp_path, stop_after
):
    """Nothing is saved for such a step, so it may be drawn again; what follows must not move."""
    shape = settings(checkpoint_every=50)
    first = train(tmp_path, shape, source=with_idle_steps.source, stop_after=stop_after)
    second = train(tmp_path, shape, source=with_idle_steps.source)
    assert second.done
    assert second.bits == with_idle_steps.bits
    by_step = {row["step"]: row for row in first.rows + second.rows}
    assert list(by_step.values()) == with_idle_steps.rows


@pytest.fixture(scope="module")
def ended_early(train, tmp_path_factory):
    """A run of which one group of the first four steps teaches something."""
    first = next(order(8, 0))
    source = Examples([asking(index, tool="get" if index == first else "same") for index in range(8)])
    shape = settings(steps=6, checkpoint_every=50)
    return SimpleNamespace(
        source=source, shape=shape, **vars(train(tmp_path_factory.mktemp("early"), shape, source=source))
    )


def test_a_stage_with_too_little_to_learn_from_is_done_after_its_first_steps_and_keeps_its_adapter(ended_early):
    assert ended_early.done
    assert [row["zero_variance_groups"] for row in ended_early.rows] == [1, 2, 2, 2]
    assert ended_early.bits != ended_early.start


@pytest.mark.parametrize("stop_after", [1, 4])
def test_a_stage_that_ends_early_does_so_after_a_stop_too(train, ended_early, tmp_path, stop_after):
    first = train(tmp_path, ended_early.shape, source=ended_early.source, stop_after=stop_after)
    assert first.done == (stop_after == 4)
    second = train(tmp_path, ended_early.shape, source=ended_early.source)
    assert second.done
    assert second.bits == ended_early.bits
    assert max(row["step"] for row in first.rows + second.rows) == 4


def test_a_stage_that_is_not_judged_takes_all_its_steps(train, ended_early, tmp_path):
    shape = settings(steps=6, checkpoint_every=50, min_signal=0)
    assert len(train(tmp_path, shape, source=ended_early.source).rows) == 6


WEIGHTS = {"simple": 0.05, "irrelevance": 0.3}


@pytest.fixture(scope="module")
def weighted(train, tmp_path_factory):
    return train(tmp_path_factory.mktemp("weighted"), settings(), weights=WEIGHTS)


def test_prompts_of_a_kind_with_a_larger_weight_come_more_often(uninterrupted, weighted):
    shares = [
        [int(name.partition("/")[2]) % 3 == 0 for row in run.rows for name in row["examples"]]
        for run in (uninterrupted, weighted)
    ]
    assert [len(share) for share in shares] == [8, 8]
    assert sum(shares[0]) < 4 <= sum(shares[1])


def test_weighted_prompts_are_the_same_ones_after_a_stop(train, weighted, tmp_path):
    first = train(tmp_path, settings(), weights=WEIGHTS, stop_after=1)
    second = train(tmp_path, settings(), weights=WEIGHTS)
    assert first.rows + second.rows == weighted.rows
    assert second.bits == weighted.bits


def groups(*earned: tuple[float, ...]) -> list[grpo._Group]:
    """Groups whose completions have these rewards, and different lengths."""
    prompt = tiny_tokenizer().encode("weather in Paris")
    completions = [Generation((70, 71, 72, 73)[: 1 + n % 4], "stop", 9) for n in range(max(map(len, earned)))]
    return [
        grpo._Group(asking(n), prompt, completions[: len(totals)], [Reward({"exact": total}) for total in totals])
        for n, totals in enumerate(earned)
    ]


@pytest.fixture(scope="module")
def policy(shallow_model, frozen):
    return Policy(frozen, shallow_model.config, LORA.scale, Checksum(), tiny_tokenizer())


def by_completion(batch, name):
    """The values of each row's completions, a list for each."""
    return [
        [row[member == number].tolist() for number in range(1, member.max() + 1)]
        for row, member in zip(batch[name], batch["member"], strict=True)
    ]


def test_advantages_are_rewards_in_standard_deviations_from_the_groups_mean(policy):
    rewards = [(0.0, 1.0, 1.0, 2.0), (-1.0, -1.0, 0.5, 0.1)]
    batch = grpo._batch(groups(*rewards), policy, settings())
    wanted = [(np.array(group) - np.mean(group)) / np.std(group, ddof=1) for group in rewards]
    found = by_completion(batch, "advantage")
    assert all(len(set(values)) == 1 for row in found for values in row)
    np.testing.assert_allclose([[values[0] for values in row] for row in found], wanted, rtol=1e-5)


def test_a_group_that_does_not_vary_has_no_weight_and_the_others_all_of_it(policy):
    batch = grpo._batch(groups((1.1, 1.1, 1.1, 1.1), (0.0, 1.0, 0.0, 1.1)), policy, settings())
    assert not batch["weight"][0].any()
    sums = [sum(values) for values in by_completion(batch, "weight")[1]]
    np.testing.assert_allclose(sums, [1 / 4] * 4, rtol=1e-6)  # whatever their lengths
    alone = grpo._batch(groups((0.0, 1.0, 0.0, 1.1)), policy, settings(prompts_per_step=1))
    for name in ("tokens", "at", "label", "weight", "advantage"):
        np.testing.assert_array_equal(batch[name][1:], alone[name])


def test_completions_share_their_prompt_and_the_stop_token_is_learned(policy):
    group = groups((0.0, 1.0, 0.0))[0]
    batch = grpo._batch([group], policy, settings(group_size=3))
    outputs = [[*completion.token_ids, completion.stop_id] for completion in group.completions]
    assert by_completion(batch, "label") == [outputs]
    assert [at[0] for at in by_completion(batch, "at")[0]] == [len(group.prompt) - 1] * 3
    assert np.count_nonzero(batch["part"]) == len(group.prompt) + sum(map(len, outputs))


def test_the_references_log_probabilities_are_those_of_the_merged_sft_model(shallow_model, frozen, policy):
    """Tunix's module with the SFT adapter put back says what the merged weights say, while another one is trained."""
    model = adapted(shallow_model)
    sft = {name: np.asarray(factor) for name, factor in randomize(model, seed=1).items()}
    reference = jax.tree.map(jnp.copy, nnx.state(model, nnx.LoRAParam))
    supervised = bits(randomize(model, seed=2))
    batch = grpo._batch(groups((0.0, 1.0, 0.0, 1.0)), policy, settings(prompts_per_step=1))
    got = np.asarray(grpo._logprobs(model, reference, batch))
    assert bits(read_adapter(model)) == supervised

    merged, config = merge(frozen, sft, LORA.scale), shallow_model.config
    (group,) = groups((0.0, 1.0, 0.0, 1.0))
    found = [got[batch["member"] == number] for number in range(1, 5)]
    for completion, logprobs in zip(group.completions, found, strict=True):
        output = [*completion.token_ids, completion.stop_id]
        ids = np.array([[*group.prompt, *output]], np.int32)
        cache = empty_cache(config, 1, ids.shape[1], np.float32)
        hidden, _ = forward(matrices(merged), config, ids, np.int32(0), np.zeros(1, np.int32), cache)
        scores = np.asarray(nnx.log_softmax(logits(output_head(merged), hidden)))[0]
        wanted = scores[np.arange(len(group.prompt), ids.shape[1]) - 1, output]
        np.testing.assert_allclose(logprobs, wanted, atol=2e-4)


def test_the_samples_of_a_group_differ_at_temperature_one(shallow_model, frozen, uninterrupted):
    assert all(row["distinct_completions"] > 1 for row in uninterrupted.rows)
    engine = JaxEngine(frozen, shallow_model.config, stop_ids=[9], pad_id=0)
    prompts = [tiny_tokenizer().encode("weather in Paris")] * 8
    warm, cold = (
        {
            g.token_ids
            for g in engine.generate(prompts, max_new_tokens=6, sampling=SamplingParams(temperature=t, seed=3))
        }
        for t in (1.0, 0.0)
    )
    assert len(warm) == 8
    assert len(cold) == 1


def test_calling_where_no_tool_fits_is_penalised(train, tmp_path):
    always = Checksum(answers=(Parsed(None, None, (RIGHT,)), Parsed("the city")))
    source = Examples([asking(n, fits=False) for n in range(4)])
    run = train(tmp_path, settings(), fmt=always, source=source, stop_after=2)
    for row in run.rows:
        silent = row["reward/exact"]  # the share of completions that did not call
        assert row["reward/unnecessary_call"] == pytest.approx(silent - 1)
    assert 0 < run.rows[0]["reward/exact"] < 1


def test_partial_credit_is_annealed_over_the_stage(train, tmp_path):
    nearly = Checksum(answers=(Parsed(None, None, (WRONG,)),))
    run = train(tmp_path, settings(), fmt=nearly, source=Examples([asking(n) for n in range(4)]))
    first = RewardSettings().partial / 2  # the name of name and city
    assert [row["reward/partial"] for row in run.rows] == pytest.approx([first * left for left in (1, 0.75, 0.5, 0.25)])


def test_training_stops_when_it_is_too_far_from_the_sft_model(train, tmp_path):
    with pytest.raises(TrainingError, match=r"KL divergence .* at most 1e-06; got .* at step 2; .*learning_rate"):
        train(tmp_path, settings(max_kl=1e-6))


def test_a_stage_that_went_beyond_a_limit_stops_there_again_and_is_never_finished_by_repeating_it(train, tmp_path):
    for _ in range(3):
        with pytest.raises(TrainingError, match="at step 2"):
            train(tmp_path, settings(max_kl=1e-6, checkpoint_every=1))
    assert saved(tmp_path) == [1]


def test_training_stops_when_the_policy_no_longer_explores(train, tmp_path):
    with pytest.raises(TrainingError, match=r"entropy of at least 50; got .* at step 1: .*temperature"):
        train(tmp_path, settings(min_entropy=50))


def test_a_value_that_is_not_finite_stops_training_before_it_is_saved(train, tmp_path):
    endless = settings(checkpoint_every=1, reward=RewardSettings().model_copy(update={"exact": float("inf")}))
    with pytest.raises(TrainingError, match="a finite loss at step 1"), np.errstate(invalid="ignore"):
        train(tmp_path, endless)
    assert saved(tmp_path) == []


def test_prompts_that_are_too_long_are_passed_over_and_counted(train, tmp_path):
    source = Examples([asking(0), asking(1, words=90), asking(2), asking(3, words=90)])
    run = train(tmp_path, settings(), source=source, stop_after=2)
    assert {name for row in run.rows for name in row["examples"]} == {"asking/0", "asking/2"}
    assert run.rows[-1]["too_long"] == 2
    with pytest.raises(DataError, match="120 prompt tokens; got 1 in examples, all longer"):
        train(tmp_path / "none", settings(), source=Examples([asking(1, words=90)]))
