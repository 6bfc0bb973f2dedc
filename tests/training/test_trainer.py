"""Training stops before it saves nonsense, resumes to the same bits, and changes nothing but the adapter."""

import itertools
import shutil
from types import SimpleNamespace

import jax
import numpy as np
import optax
import pytest
from flax import nnx
from tests.support.training import LORA, adapted, bits, examples, packed, settings, tree_bits

from callwright.errors import CheckpointError, TrainingError
from callwright.models.load import make_mesh, parameters
from callwright.models.lora import read_adapter
from callwright.models.settings import LoraSettings
from callwright.training.losses import sft_loss
from callwright.training.sft import train_sft
from callwright.training.trainer import LoraTrainer, schedule

SOURCE = examples(13)


def train(files, directory, shape, *, lora=LORA, stop_after=None, poison=None):
    """Runs SFT on a fresh model that resumes from `directory`; rows leave out the clock."""
    model = adapted(files, lora)
    rows = []
    batches = packed(SOURCE, shape)
    if poison:
        batches = _Poisoned(batches, poison)
    done, counts = train_sft(
        model,
        batches,
        shape,
        mesh=make_mesh(),
        directory=directory,
        record=lambda row: rows.append({name: value for name, value in row.items() if name != "seconds"}),
        should_stop=lambda: stop_after is not None and len(rows) >= stop_after,
    )
    return SimpleNamespace(model=model, rows=rows, done=done, counts=counts, bits=bits(read_adapter(model)))


class _Poisoned:
    """Batches of which those of one update (from 1) have their weights changed."""

    def __init__(self, batches, poison):
        self.batches, (self.update, self.change) = batches, poison

    @property
    def counts(self):
        return self.batches.counts

    def __iter__(self):
        for number, (ids, group) in enumerate(self.batches, 1):
            if number == self.update:
                group[-1]["weight"] = self.change(group[-1]["weight"])
            yield ids, group


def saved(directory):
    return sorted(int(path.name) for path in (directory / "steps").iterdir() if path.name.isdigit())


def open_trainer(files, directory, shape, lora=LORA):
    model = adapted(files, lora)
    with make_mesh():
        return LoraTrainer(model, shape, directory, accumulation=shape.gradient_accumulation, record=lambda row: None)


def _updates(shape):
    return itertools.islice(packed(SOURCE, shape), shape.steps)


def optimizer_state(trainer):
    return nnx.to_pure_dict(nnx.state(trainer.optimizer, nnx.optimizer.OptState))


@pytest.fixture(scope="module")
def uninterrupted(shallow_model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted")
    return SimpleNamespace(directory=directory, **vars(train(shallow_model, directory, settings())))


def test_every_update_is_recorded_with_its_metrics_and_examples(uninterrupted):
    shape = settings()
    wanted, tokens = zip(
        *((ids, sum((batch["part"] > 0).sum() for batch in group)) for ids, group in _updates(shape)), strict=True
    )
    assert uninterrupted.done
    assert [row["step"] for row in uninterrupted.rows] == [1, 2, 3, 4, 5, 6]
    assert [row["examples"] for row in uninterrupted.rows] == list(wanted)
    assert [row["tokens"] for row in uninterrupted.rows] == list(tokens)
    assert all(row["loss"] > 0 and row["grad_norm"] > 0 for row in uninterrupted.rows)
    assert uninterrupted.counts.examples == sum(map(len, wanted))
    assert uninterrupted.counts.tokens == sum(tokens)


def test_training_lowers_the_loss(shallow_model, tmp_path):
    run = train(shallow_model, tmp_path, settings(steps=30, checkpoint_every=100))
    first, last = (np.mean([row["loss"] for row in rows]) for rows in (run.rows[:5], run.rows[-5:]))
    assert last < first - 1


def test_only_the_adapter_changes(shallow_model, uninterrupted):
    fresh = adapted(shallow_model)
    assert tree_bits(parameters(uninterrupted.model)) == tree_bits(parameters(fresh))
    before = bits(read_adapter(fresh))
    assert not [name for name in before if uninterrupted.bits[name] == before[name]]
    assert {factor.dtype for factor in read_adapter(uninterrupted.model).values()} == {np.dtype("float32")}


@pytest.mark.parametrize("stop_after", [0, 1, 3])
def test_a_stopped_run_goes_on_to_the_bits_of_one_that_was_never_stopped(
    shallow_model, uninterrupted, tmp_path, stop_after
):
    shape = settings(checkpoint_every=4)  # so that stopping, not the interval, makes the checkpoint
    first = train(shallow_model, tmp_path, shape, stop_after=stop_after)
    assert not first.done
    assert len(first.rows) == stop_after
    second = train(shallow_model, tmp_path, shape)
    assert second.done
    assert first.rows + second.rows == uninterrupted.rows
    assert second.bits == uninterrupted.bits
    assert second.counts == uninterrupted.counts


def test_a_finished_run_trains_no_further(shallow_model, uninterrupted):
    again = train(shallow_model, uninterrupted.directory, settings())
    assert again.done
    assert not again.rows
    assert again.bits == uninterrupted.bits


def test_the_schedule_counts_updates_and_not_batches(shallow_model, tmp_path):
    shape = settings(gradient_accumulation=2)
    run = train(shallow_model, tmp_path, shape)
    rates = [row["learning_rate"] for row in run.rows]
    assert rates == pytest.approx([float(schedule(shape)(update)) for update in range(6)])
    assert rates[2] == max(rates) == pytest.approx(shape.learning_rate)
    assert rates[-1] < rates[2] / 2
    state = open_trainer(shallow_model, tmp_path, shape).optimizer.opt_state
    adam, scheduled = state.inner_opt_state[1][0], state.inner_opt_state[1][2]
    assert isinstance(adam, optax.ScaleByAdamState)
    assert isinstance(scheduled, optax.ScaleByScheduleState)
    assert (int(state.gradient_step[...]), int(adam.count[...]), int(scheduled.count[...])) == (6, 6, 6)


def test_accumulated_batches_make_the_update_of_one_big_batch(shallow_model, tmp_path):
    big, small = (settings(steps=1, batch_size=size, gradient_accumulation=4 // size, clip_norm=0.5) for size in (4, 1))
    runs = [train(shallow_model, tmp_path / str(shape.batch_size), shape) for shape in (big, small)]
    assert runs[0].rows[0]["examples"] == runs[1].rows[0]["examples"]
    assert runs[0].rows[0]["loss"] == pytest.approx(runs[1].rows[0]["loss"], rel=1e-5)
    one = open_trainer(shallow_model, tmp_path / "4", big).optimizer.opt_state
    many = open_trainer(shallow_model, tmp_path / "1", small).optimizer.opt_state.inner_opt_state
    # Adam's first moment is the clipped gradient times 0.1; the update itself is nearly its sign.
    wanted, got = (nnx.to_flat_state(nnx.pure(state[1][0].mu)) for state in (one, many))
    for (path, gradient), (_, other) in zip(wanted, got, strict=True):
        np.testing.assert_allclose(other, gradient, rtol=1e-3, atol=1e-5 * np.abs(gradient).max(), err_msg=str(path))


@pytest.mark.parametrize(
    ("accumulation", "change", "what"),
    [
        (1, lambda weight: weight * np.nan, "finite loss at step 3"),
        (2, lambda weight: weight * np.nan, "finite loss at step 3"),
        (1, lambda weight: weight * np.float32(1e37), "finite gradient norm at step 3"),
    ],
    ids=["nan", "nan in one of two batches", "gradient overflows"],
)
def test_a_value_that_is_not_finite_stops_training_before_it_is_saved(
    shallow_model, uninterrupted, tmp_path, accumulation, change, what
):
    shape = settings(checkpoint_every=1, gradient_accumulation=accumulation)
    with pytest.raises(TrainingError, match=what):
        train(shallow_model, tmp_path, shape, poison=(3, change))
    assert max(saved(tmp_path)) == 2
    repaired = train(shallow_model, tmp_path, shape)
    assert [row["step"] for row in repaired.rows] == [3, 4, 5, 6]
    if accumulation == 1:
        assert repaired.bits == uninterrupted.bits


def _files(directory):
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_a_damaged_checkpoint_is_refused_or_gives_the_same_bits(shallow_model, uninterrupted, tmp_path):
    """Every file of a checkpoint cut in half, by turns: never other bits, never another kind of error."""
    wanted = tree_bits(optimizer_state(open_trainer(shallow_model, uninterrupted.directory, settings())))
    steps = uninterrupted.directory / "steps"
    refused = []
    for file in _files(steps / "6"):
        shutil.copytree(steps, tmp_path / "steps")
        damaged = tmp_path / "steps" / file.relative_to(steps)
        damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
        try:
            trainer = open_trainer(shallow_model, tmp_path, settings())
        except CheckpointError:
            refused.append(file)
        else:
            assert trainer.train_steps == 6, file
            assert bits(read_adapter(trainer.model)) == uninterrupted.bits, file
            assert tree_bits(optimizer_state(trainer)) == wanted, file
        shutil.rmtree(tmp_path / "steps")
    assert len(refused) >= 8


@pytest.mark.parametrize("part", ["model_params", "optimizer_state"])
def test_a_checkpoint_without_one_of_its_parts_is_refused(shallow_model, uninterrupted, tmp_path, part):
    shutil.copytree(uninterrupted.directory, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "steps" / "6" / part)
    with pytest.raises(CheckpointError, match="remove that directory"):
        open_trainer(shallow_model, tmp_path, settings())


@pytest.mark.parametrize(
    "lora",
    [LoraSettings(rank=4, alpha=6.0), LoraSettings(rank=2, alpha=6.0, modules=("q_einsum", "kv_einsum"))],
    ids=["rank", "modules"],
)
def test_a_checkpoint_of_another_lora_shape_is_refused(shallow_model, uninterrupted, lora):
    with pytest.raises(CheckpointError, match="checkpoints of this model and LoRA shape"):
        open_trainer(shallow_model, uninterrupted.directory, settings(), lora)


def test_the_loss_that_is_recorded_is_the_mean_over_all_supervised_tokens(shallow_model, uninterrupted):
    _, group = next(_updates(settings()))
    loss = nnx.jit(sft_loss)(adapted(shallow_model), group[0])
    assert uninterrupted.rows[0]["loss"] == pytest.approx(float(jax.device_get(loss)), rel=1e-6)
