"""Packing changes how fast a model learns and nothing else: not what it sees, nor what it is taught."""

import itertools

import jax
import numpy as np
import pytest
from flax import nnx
from tests.support.tiny import tiny_tokenizer
from tests.support.training import ALONE, Examples, adapted, example, examples, packed, randomise, settings

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.data.packing import encode, order
from callwright.data.source import Example
from callwright.errors import DataError
from callwright.formats import get_format
from callwright.models.gemma3 import TINY
from callwright.training.losses import sft_loss

SOURCE = examples(13)
SHAPE = settings(batch_size=2, sequence_length=96, supervised_length=24, gradient_accumulation=3)


def updates(count, source=SOURCE, shape=SHAPE, seed=0):
    return list(itertools.islice(packed(source, shape, seed), count))


def encoded(source=SOURCE):
    return {one.id: encode(one, get_format("xml"), tiny_tokenizer()) for one in source.examples}


def rows(group):
    """Every row of an update as a dictionary."""
    return [{name: array[row] for name, array in batch.items()} for batch in group for row in range(len(batch["at"]))]


def test_only_the_assistants_words_and_their_end_marker_are_supervised():
    tool = Tool("f", "Adds.", {"type": "object", "properties": {"x": {"type": "integer"}}})
    messages = (
        Message("system", "be brief"),
        Message("user", "f of 1"),
        Message("assistant", None, tool_calls=(ToolCall("f", {"x": 1}),)),
        Message("tool", 2, name="f"),
        Message("assistant", "it is 2"),
    )
    tokenizer = tiny_tokenizer()
    found = encode(Example("dialogue/0", Conversation(messages, (tool,)), "dialogue"), get_format("xml"), tokenizer)
    runs = [
        tokenizer.decode([found.ids[i] for i, _ in run])
        for trained, run in itertools.groupby(enumerate(found.trained), key=lambda pair: pair[1])
        if trained
    ]
    call = '<tool_call>\n{"name": "f", "args": {"x": 1}}\n</tool_call>'
    assert [run.rstrip("\n") for run in runs] == [f"{call}<end_of_turn>", "it is 2<end_of_turn>"]


def test_the_sequence_ends_with_the_last_supervised_token():
    for one in encoded().values():
        assert one.trained[-1]
        assert tiny_tokenizer().decode(one.ids).endswith("<end_of_turn>")


def test_bos_opens_every_example_and_occurs_nowhere_else():
    bos = tiny_tokenizer().bos_id
    for _, group in updates(4):
        for row in rows(group):
            np.testing.assert_array_equal(row["tokens"] == bos, (row["positions"] == 0) & (row["segments"] > 0))


def test_labels_are_exactly_the_supervised_tokens_each_predicted_from_the_one_before():
    wanted = encoded()
    for ids, group in updates(4):
        left = list(ids)
        for row in rows(group):
            real = row["weight"] > 0
            at, label = row["at"][real], row["label"][real]
            np.testing.assert_array_equal(row["tokens"][at + 1], label)
            np.testing.assert_array_equal(row["segments"][at + 1], row["segments"][at])
            for segment in range(1, row["segments"].max() + 1):
                one = wanted[left.pop(0)]
                place = np.flatnonzero(row["segments"] == segment)
                np.testing.assert_array_equal(row["tokens"][place], one.ids)
                np.testing.assert_array_equal(row["positions"][place], np.arange(len(one.ids)))
                mine = at[row["segments"][at] == segment]
                np.testing.assert_array_equal(mine + 1 - place[0], np.flatnonzero(one.trained))
            assert (row["tokens"][row["segments"] == 0] == tiny_tokenizer().pad_id).all()
        assert not left, "every example named in an update is in one of its rows"


def test_several_examples_share_a_row():
    assert max(row["segments"].max() for _, group in updates(2) for row in rows(group)) >= 2


def test_the_weights_of_an_update_are_equal_and_sum_to_its_number_of_batches():
    for _, group in updates(4):
        weights = np.concatenate([batch["weight"].ravel() for batch in group])
        assert weights.sum() == pytest.approx(SHAPE.gradient_accumulation, rel=1e-5)
        assert len(set(weights[weights > 0].tolist())) == 1


def test_a_packed_row_teaches_what_its_examples_teach_one_by_one(tiny_model):
    model = adapted(tiny_model)
    randomise(model)
    loss = nnx.jit(sft_loss)
    packed_shape = settings(batch_size=1, sequence_length=192, supervised_length=64)
    single_shape = settings(batch_size=1, sequence_length=ALONE, supervised_length=64)
    one_by_one = {}
    for ids, (batch,) in updates(len(SOURCE), shape=single_shape):
        (one,) = ids
        assert (batch["segments"] > 0).sum() > TINY.sliding_window
        one_by_one[one] = float(loss(model, batch))
    assert len(one_by_one) == len(SOURCE)
    sizes = {name: one.supervised for name, one in encoded().items()}
    for ids, (batch,) in updates(3, shape=packed_shape):
        assert len(ids) > 2
        mean = sum(one_by_one[one] * sizes[one] for one in ids) / sum(sizes[one] for one in ids)
        assert float(loss(model, batch)) == pytest.approx(mean, rel=1e-5)


def test_an_example_sees_nothing_of_its_neighbours_in_the_row(tiny_model):
    model = adapted(tiny_model)
    randomise(model)

    def first_example_only(batch):
        at_first = np.take_along_axis(batch["segments"], batch["at"], axis=1) == 1
        return batch | {"weight": batch["weight"] * at_first}

    _, (batch,) = updates(1, shape=settings(batch_size=1, sequence_length=192, supervised_length=64))[0]
    other = batch | {"tokens": np.where(batch["segments"] == 1, batch["tokens"], batch["tokens"][:, ::-1])}
    loss = nnx.jit(sft_loss)
    assert float(loss(model, first_example_only(batch))) == float(loss(model, first_example_only(other)))
    assert float(loss(model, batch)) != float(loss(model, other))


@pytest.mark.parametrize("long", [example(100, 120, 3), example(100, 3, 60)], ids=["tokens", "supervised tokens"])
def test_an_example_that_does_not_fit_is_counted_once_and_never_cut(long):
    source = Examples([*SOURCE.examples[:5], long])
    batches = packed(source, SHAPE)
    wanted = encoded(source)
    taken = [one for ids, _ in itertools.islice(batches, 6) for one in ids]
    assert long.id not in taken
    assert set(taken) == {one.id for one in source.examples[:5]}
    assert batches.seen.too_long == [long.id]
    assert len(taken) <= batches.seen.examples <= len(taken) + 1  # one may wait for the next row
    lengths = [len(wanted[one].ids) for one in taken]
    assert sum((batch["segments"] > 0).sum() for _, group in updates(6, source) for batch in group) == sum(lengths)


def test_a_source_of_which_nothing_fits_is_an_error_and_not_an_endless_search():
    with pytest.raises(DataError, match=r"at most 8 tokens.*13 in examples"):
        updates(1, shape=settings(sequence_length=8))


def test_the_stream_never_ends_and_every_epoch_takes_each_example_once_in_its_own_order():
    shape = settings(batch_size=1, sequence_length=ALONE)
    taken = [one for ids, _ in updates(3 * len(SOURCE), shape=shape) for one in ids]
    epochs = [taken[start : start + len(SOURCE)] for start in range(0, 3 * len(SOURCE), len(SOURCE))]
    assert all(sorted(epoch) == sorted(one.id for one in SOURCE.examples) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_same_seed_gives_the_same_batches_and_iterating_again_starts_again():
    batches = packed(SOURCE, SHAPE)
    runs = [list(itertools.islice(batches, 3)), list(itertools.islice(batches, 3)), updates(3)]
    for other in runs[1:]:
        assert [ids for ids, _ in other] == [ids for ids, _ in runs[0]]
        jax.tree.map(np.testing.assert_array_equal, [group for _, group in other], [group for _, group in runs[0]])
    assert [ids for ids, _ in updates(3, seed=1)] != [ids for ids, _ in runs[0]]


def test_the_order_is_the_same_in_every_version():
    assert list(itertools.islice(order(5, 7), 10)) == [2, 0, 4, 1, 3, 3, 0, 2, 1, 4]
