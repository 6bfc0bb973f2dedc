"""Packing changes how fast a model learns and nothing else: not what it sees, nor what it is taught."""

import itertools
from collections import Counter

import jax
import numpy as np
import pytest
from flax import nnx
from tests.support.tiny import TINY, tiny_tokenizer
from tests.support.training import (
    ALONE,
    Examples,
    adapted,
    example,
    examples,
    grouped_examples,
    packed,
    randomize,
    settings,
)

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.data.packing import GROUP_PART, LOOK_AHEAD, PackingSettings, encode, group_order, order
from callwright.data.source import Example
from callwright.errors import DataError, RenamedKeyWarning
from callwright.formats import get_format
from callwright.training.losses import sft_loss

SOURCE = examples(13)
SHAPE = settings(batch_size=2, sequence_length=96, supervised_length=24, gradient_accumulation=3)
ONE_ROW = settings(batch_size=1, sequence_length=192, supervised_length=64)
loss = nnx.jit(sft_loss)


def updates(count, source=SOURCE, shape=SHAPE, seed=0):
    return list(itertools.islice(packed(source, shape, seed), count))


def encoded(source=SOURCE):
    return {one.id: encode(one, get_format("xml"), tiny_tokenizer()) for one in source.examples}


@pytest.fixture(scope="module")
def model(tiny_model):
    """A model with an adapter that changes something; read-only."""
    found = adapted(tiny_model)
    randomize(found)
    return found


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
        for supervised, run in itertools.groupby(enumerate(found.supervised), key=lambda pair: pair[1])
        if supervised
    ]
    call = '<tool_call>\n{"name": "f", "args": {"x": 1}}\n</tool_call>'
    assert [run.rstrip("\n") for run in runs] == [f"{call}<end_of_turn>", "it is 2<end_of_turn>"]


def test_the_sequence_ends_with_the_last_supervised_token():
    for one in encoded().values():
        assert one.supervised[-1]
        assert tiny_tokenizer().decode(one.ids).endswith("<end_of_turn>")


def test_bos_opens_every_example_and_occurs_nowhere_else():
    bos = tiny_tokenizer().bos_id
    for _, group in updates(4):
        for row in rows(group):
            np.testing.assert_array_equal(row["tokens"] == bos, (row["positions"] == 0) & (row["part"] > 0))


def test_labels_are_exactly_the_supervised_tokens_of_the_examples_that_are_named():
    wanted = encoded()
    for ids, group in updates(4):
        left = list(ids)
        for row in rows(group):
            for member in range(1, row["member"].max() + 1):
                one = wanted[left.pop(0)]
                assert row["label"][row["member"] == member].tolist() == one.ids[one.supervised].tolist()
            np.testing.assert_array_equal(row["weight"] > 0, row["member"] > 0)
        assert not left, "every example named in an update is in one of its rows"


def test_several_examples_share_a_row():
    assert max(row["member"].max() for _, group in updates(2) for row in rows(group)) >= 2


def test_the_weights_of_an_update_are_equal_and_sum_to_its_number_of_batches():
    for _, group in updates(4):
        weights = np.concatenate([batch["weight"].ravel() for batch in group])
        assert weights.sum() == pytest.approx(SHAPE.gradient_accumulation, rel=1e-5)
        assert len(set(weights[weights > 0].tolist())) == 1


@pytest.mark.parametrize(("weight_by", "exponent"), [("tokens", 1.0), ("root_tokens", 0.5), ("examples", 0.0)])
def test_examples_count_by_their_supervised_tokens_the_root_of_them_or_all_the_same(weight_by, exponent):
    for _, group in updates(4, shape=SHAPE.model_copy(update={"weight_by": weight_by})):
        members = [
            row["weight"][(row["member"] == member) & (row["weight"] > 0)]
            for row in rows(group)
            for member in range(1, row["member"].max() + 1)
        ]
        expected = np.array([len(member) ** exponent for member in members])
        expected *= SHAPE.gradient_accumulation / expected.sum()
        assert [member.sum() for member in members] == pytest.approx(expected.tolist(), rel=1e-5)


def test_the_older_name_of_the_weighting_is_read_with_a_note():
    with pytest.warns(RenamedKeyWarning, match="weigh is called weight_by now"):
        read = PackingSettings.model_validate({"weigh": "examples"})
    assert read == PackingSettings(weight_by="examples")


def test_a_packed_row_teaches_what_its_examples_teach_one_by_one(model):
    alone = settings(batch_size=1, sequence_length=ALONE, supervised_length=64)
    one_by_one = {}
    for one in SOURCE.examples:
        (ids, (batch,)) = updates(1, Examples([one]), alone)[0]
        assert ids == [one.id]
        assert (batch["part"] > 0).sum() > TINY.sliding_window
        one_by_one[one.id] = float(loss(model, batch))
    sizes = {name: one.supervised_tokens for name, one in encoded().items()}
    for ids, (batch,) in updates(3, shape=ONE_ROW):
        assert len(ids) > 2
        mean = sum(one_by_one[one] * sizes[one] for one in ids) / sum(sizes[one] for one in ids)
        assert float(loss(model, batch)) == pytest.approx(mean, rel=1e-5)


def test_an_example_sees_nothing_of_the_ones_before_it_in_the_row(model):
    _, (batch,) = updates(1, shape=ONE_ROW)[0]
    last = batch["part"].max()
    assert last > 1
    others = {"tokens": np.where(batch["part"] == last, batch["tokens"], batch["tokens"][:, ::-1])}
    only_last = {"weight": batch["weight"] * (batch["member"] == batch["member"].max())}
    assert float(loss(model, batch | only_last)) == float(loss(model, batch | only_last | others))
    assert float(loss(model, batch)) != float(loss(model, batch | others))


@pytest.mark.parametrize("long", [example(100, 120, 3), example(100, 3, 60)], ids=["tokens", "supervised tokens"])
def test_an_example_that_does_not_fit_is_counted_once_and_never_cut(long):
    source = Examples([*SOURCE.examples[:5], long])
    shape = SHAPE.model_copy(update={"share_prefixes": False})
    batches = packed(source, shape)
    wanted = encoded(source)
    taken = [one for ids, _ in itertools.islice(batches, 6) for one in ids]
    assert long.id not in taken
    assert set(taken) == {one.id for one in source.examples[:5]}
    assert batches.counts.too_long == [long.id]
    lengths = [len(wanted[one].ids) for one in taken]
    assert sum((batch["part"] > 0).sum() for _, group in updates(6, source, shape) for batch in group) == sum(lengths)


def test_a_source_of_which_nothing_fits_is_an_error_and_not_an_endless_search():
    with pytest.raises(DataError, match=r"at most 8 tokens.*13 in examples"):
        updates(1, shape=settings(sequence_length=8))


def test_no_example_is_lost_or_waits_for_long():
    batches = packed(SOURCE, SHAPE)
    taken = Counter(one for ids, _ in itertools.islice(batches, 20) for one in ids)
    assert taken.total() == batches.counts.examples > 5 * len(SOURCE)
    drawn = Counter(SOURCE[index].id for index in itertools.islice(order(len(SOURCE), 0), taken.total()))
    assert max(taken.values()) - min(taken.values()) <= 3
    assert (drawn - taken).total() <= len(SOURCE)


def test_rows_of_one_example_come_in_the_order_of_the_source():
    alone = settings(batch_size=1, sequence_length=ALONE, supervised_length=64)
    taken = [one for ids, _ in updates(40, shape=alone) for one in ids]
    assert taken == [SOURCE[index].id for index in itertools.islice(group_order(SOURCE, 0), 40)]


def test_what_was_seen_is_what_was_given():
    batches = packed(SOURCE, SHAPE)
    given = [batch for _, group in itertools.islice(batches, 4) for batch in group]
    assert batches.counts.tokens == sum((batch["part"] > 0).sum() for batch in given)
    assert batches.counts.supervised_tokens == sum((batch["weight"] > 0).sum() for batch in given)


def test_every_epoch_has_its_own_order():
    drawn = list(itertools.islice(order(13, 0), 3 * 13))
    epochs = [drawn[start : start + 13] for start in (0, 13, 26)]
    assert all(sorted(epoch) == list(range(13)) for epoch in epochs)
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


GROUPED = grouped_examples((1, 8, 3, 90))


def test_examples_of_a_group_share_their_beginning_and_others_do_not():
    shape = settings(batch_size=1, sequence_length=256, supervised_length=None)
    wanted = encoded(GROUPED)
    for ids, (batch,) in updates(6, GROUPED, shape):
        tokens = np.count_nonzero(batch["part"])
        groups = Counter(one.split("/")[1] for one in ids)
        assert tokens < sum(len(wanted[one].ids) for one in ids) or max(groups.values()) == 1
    off = shape.model_copy(update={"share_prefixes": False})
    for ids, (batch,) in updates(6, GROUPED, off):
        assert np.count_nonzero(batch["part"]) == sum(len(wanted[one].ids) for one in ids)


def test_little_of_a_row_is_padding():
    shape = settings(batch_size=1, sequence_length=256, supervised_length=None)
    for source in (GROUPED, examples(300)):
        filled = [(batch["part"] > 0).mean() for _, (batch,) in updates(30, source, shape)]
        assert np.mean(filled) > 0.95


def test_rows_of_a_tiny_source_are_full_too():
    shape = settings(batch_size=1, sequence_length=256, supervised_length=None)
    for count in (1, 3):
        filled = [(batch["part"] > 0).mean() for _, (batch,) in updates(5, examples(count), shape)]
        assert min(filled) > 0.8


def test_no_example_of_a_group_waits_for_long():
    shape = settings(batch_size=1, sequence_length=256, supervised_length=None)
    taken, drawn = list[str](), [GROUPED[i].id for i in itertools.islice(group_order(GROUPED, 0), 4 * len(GROUPED))]
    for ids, _ in updates(60, GROUPED, shape):
        taken += ids
        waiting = Counter(drawn[: len(taken)]) - Counter(taken)
        assert waiting.total() <= LOOK_AHEAD
        if len(taken) > 3 * len(GROUPED):
            break
    assert set(taken) == {one.id for one in GROUPED.examples}


def test_groups_are_permuted_and_large_ones_in_parts():
    drawn = list(itertools.islice(group_order(GROUPED, 0), 2 * len(GROUPED)))
    first, second = drawn[: len(GROUPED)], drawn[len(GROUPED) :]
    assert sorted(first) == sorted(second) == list(range(len(GROUPED)))
    assert first != second
    runs = [len(list(run)) for _, run in itertools.groupby(GROUPED.group(index) for index in first)]
    assert max(runs) <= GROUP_PART * 2
    assert len(runs) > len(set(map(GROUPED.group, first)))


def test_the_first_batch_has_the_shape_of_the_widest_row_ahead():
    """A batch of a new shape waits for a compilation."""
    words = " ".join(f"w{n}" for n in range(100))
    wide = Example("wide", Conversation((Message("user", words), Message("assistant", "yes"))), "dialogue")
    source = Examples([*examples(30).examples, wide])
    found = updates(24, source, settings(batch_size=1, sequence_length=320, supervised_length=64))
    widths = [batch["key_blocks"].shape[-1] for _, group in found for batch in group]
    needed = [(batch["key_blocks"] >= 0).sum(axis=-1).max() for _, group in found for batch in group]
    assert "wide" not in found[0][0]
    assert len(set(widths)) == 1
    assert needed[0] < max(needed) <= widths[0]
