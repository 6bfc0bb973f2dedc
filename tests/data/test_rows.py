"""A row holds sequences whose beginnings are there once, and every prediction sees its own sequence and no other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from callwright.data.rows import BLOCK, Encoded, Tree, by_target, lay_out, shared_length

PAD = 0


@st.composite
def sequences(draw: st.DrawFn, fewest: int = 1) -> list[Encoded]:
    """Sequences of few different tokens, so that beginnings are shared by plan and by chance."""
    common = draw(st.lists(st.integers(1, 3), min_size=1, max_size=80))
    found = []
    for index in range(draw(st.integers(fewest, 5))):
        own = draw(st.lists(st.integers(1, 3), min_size=1, max_size=40))
        ids = [*common[: draw(st.integers(1, len(common)))], *own]
        supervised = draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
        supervised[0], supervised[-1] = False, True
        found.append(Encoded(str(index), np.array(ids, np.int32), np.array(supervised)))
    return found


def grown(members: list[Encoded]) -> Tree:
    """A tree of these members."""
    tree = Tree(members[0])
    for member in members[1:]:
        tree.add(member)
    return tree


@given(sequences(fewest=2))
def test_a_prefix_is_the_longest_beginning_that_may_be_shared(members):
    tree = grown(members)
    first = members[0].ids.tolist()
    assert all(member.ids[: tree.prefix].tolist() == first[: tree.prefix] for member in members)
    assert not any(member.supervised[: tree.prefix].any() for member in members)
    longer = tree.prefix + 1
    assert any(member.ids[:longer].tolist() != first[:longer] or member.supervised[:longer].any() for member in members)


@given(sequences())
def test_a_trees_length_is_its_prefix_once_and_the_rest_of_each_member(members):
    tree = grown(members)
    assert tree.length == tree.prefix + sum(len(member.ids) - tree.prefix for member in members)
    assert tree.length_with(members[0]) == grown([*members, members[0]]).length


@given(st.lists(st.lists(sequences(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_every_prediction_sees_its_own_sequence_in_order_and_nothing_else(rows):
    trees = [[grown(members) for members in row] for row in rows]
    length = max(sum(tree.length for tree in row) for row in trees)
    most = max(member.supervised_tokens for row in rows for members in row for member in members) * 15
    batch = lay_out(trees, length, most, PAD)
    assert batch["tokens"].shape[1] % BLOCK == 0
    for index, row in enumerate(rows):
        part, part_end, place = batch["part"][index], batch["part_end"][index], np.arange(batch["part"].shape[1])
        seen = (place <= place[:, None]) & (part <= part[:, None]) & (part[:, None] < part_end)
        told: dict[int, list[int]] = {}
        for at, label, member in zip(*(batch[name][index] for name in ("at", "label", "member")), strict=True):
            if not member:
                continue
            context = np.flatnonzero(seen[at])
            sequence = [one for members in row for one in members][member - 1]
            told.setdefault(member, []).append(len(context))
            assert batch["tokens"][index][context].tolist() == sequence.ids[: len(context)].tolist()
            assert batch["positions"][index][context].tolist() == list(range(len(context)))
            assert label == sequence.ids[len(context)]
        everyone = [member for members in row for member in members]
        assert told == {n: np.flatnonzero(one.supervised).tolist() for n, one in enumerate(everyone, 1)}
        assert (batch["tokens"][index][part == 0] == PAD).all()
        assert np.count_nonzero(part) == sum(tree.length for tree in trees[index])
        for query, blocks in enumerate(batch["key_blocks"][index]):
            looked_at = blocks[blocks >= 0].tolist()
            needed = seen[query * BLOCK : (query + 1) * BLOCK].any(axis=0).reshape(-1, BLOCK).any(axis=1)
            assert looked_at == np.flatnonzero(needed).tolist()


def test_blocks_of_keys_can_be_agreed_on_beforehand():
    row = [[Tree(Encoded("a", np.ones(200, np.int32), np.arange(200) > 190))]]
    assert lay_out(row, 300, 9, PAD, 5)["key_blocks"].shape == (1, 5, 5)
    assert lay_out(row, 300, 9, PAD)["key_blocks"].shape == (1, 5, 4)


@given(sequences(), sequences())
def test_how_much_two_sequences_share_does_not_depend_on_their_order(ours, theirs):
    assert shared_length(ours[0], theirs[0]) == shared_length(theirs[0], ours[0])


def test_a_value_of_a_sequence_stands_at_each_of_its_supervised_tokens():
    member = np.array([[1, 1, 2, 0], [1, 2, 3, 3]])
    got = by_target(member, [[0.5, 2.0], [1.0, 3.0, 4.0]])
    assert got.tolist() == [[0.5, 0.5, 2.0, 0.0], [1.0, 3.0, 4.0, 4.0]]
    assert got.dtype == np.float32
